/** struct timespec. */
import { expect } from "chai";
import type { Va } from "../../../emulator/arch/addr.js";
import { CStruct } from "../../../kernel-model/kernel/c-struct.js";
import type { Kernel } from "../../../kernel-model/kernel/kernel.js";
import { encodeTimespec, encodeTimeval, nanosecondsOf, readTimespec, readTimeval, timespecOf } from "../../../kernel-model/syscalls/timespec.js";

const kernelWith = (first: bigint, second: bigint): Kernel =>
  ({ user: { struct: (at: Va) => (at === 0 ? undefined : new CStruct(16).setU64(0, first).setU64(8, second)) } }) as unknown as Kernel;
const AT = 8 as Va;

describe("struct timespec", () => {
  it("of nanoseconds and back", () => {
    expect(timespecOf(3_000_000_007)).to.deep.equal({ seconds: 3, nanoseconds: 7 });
    expect(nanosecondsOf({ seconds: 3, nanoseconds: 7 })).to.equal(3_000_000_007);
    expect(nanosecondsOf({ seconds: 2 ** 40, nanoseconds: 0 })).to.equal(Infinity);
    expect([...new Uint32Array(encodeTimespec({ seconds: 1, nanoseconds: 2 }).buffer)]).to.deep.equal([1, 0, 2, 0]);
    expect([...new Uint32Array(encodeTimeval({ seconds: 1, nanoseconds: 2999 }).buffer)]).to.deep.equal([1, 0, 2, 0]);
  });

  it("endless times are cut as Linux cuts them", () => {
    expect(timespecOf(Infinity)).to.deep.equal({ seconds: 9223372036, nanoseconds: 854775807 });
  });

  it("is checked when it is read", () => {
    expect(readTimespec(kernelWith(1n, 999_999_999n), AT)).to.deep.equal({ seconds: 1, nanoseconds: 999_999_999 });
    for (const [seconds, nanoseconds] of [[1n, 1_000_000_000n], [1n, 2n ** 64n - 1n], [2n ** 64n - 1n, 0n]] as const) expect(readTimespec(kernelWith(seconds, nanoseconds), AT)).to.equal(-22);
    expect(readTimespec(kernelWith(1n, 1n), 0 as Va)).to.equal(-14);
    expect(readTimeval(kernelWith(1n, 999_999n), AT)).to.deep.equal({ seconds: 1, nanoseconds: 999_999_000 });
    expect(readTimeval(kernelWith(1n, 1_000_000n), AT)).to.equal(-22);
  });
});
