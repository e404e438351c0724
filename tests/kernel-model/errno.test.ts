/** Error numbers. */
import { expect } from "chai";
import * as errno from "../../kernel-model/errno.js";

describe("error numbers", () => {
  it("are those of the arm64 ABI", () => {
    const { EPERM, ENOENT, EINTR, EBADF, EAGAIN, ENOMEM, EACCES, EFAULT, EEXIST, EINVAL, EMFILE, ENOTTY, ESPIPE, EPIPE, ERANGE } = errno;
    expect([EPERM, ENOENT, EINTR, EBADF, EAGAIN, ENOMEM, EACCES, EFAULT, EEXIST, EINVAL, EMFILE, ENOTTY, ESPIPE, EPIPE, ERANGE]).to.deep.equal([
      1, 2, 4, 9, 11, 12, 13, 14, 17, 22, 24, 25, 29, 32, 34,
    ]);
    const { ENAMETOOLONG, ENOSYS, ENOTEMPTY, ELOOP, EOVERFLOW, EOPNOTSUPP, ETIMEDOUT, ECONNREFUSED } = errno;
    expect([ENAMETOOLONG, ENOSYS, ENOTEMPTY, ELOOP, EOVERFLOW, EOPNOTSUPP, ETIMEDOUT, ECONNREFUSED]).to.deep.equal([36, 38, 39, 40, 75, 95, 110, 111]);
    expect(errno.EWOULDBLOCK).to.equal(11);
  });

  it("have names", () => {
    expect(errno.errnoName(22)).to.equal("EINVAL");
    expect(errno.errnoName(1000)).to.equal("1000");
  });

  it("results from -4095 to -1 are errors", () => {
    expect([-4096, -4095, -1, 0, 1].map(errno.isErr)).to.deep.equal([false, true, true, false, false]);
  });
});
