/** The bound on what pipes and sockets hold. */
import { expect } from "chai";
import { BufferBudget, bufferBudgetOf } from "../../../kernel-model/fs/buffer-budget.js";
import { CHECK, runSourceInMachine } from "../../support/namespace.js";

describe("budget of buffers", () => {
  it("is taken up to its limit and given back", () => {
    const budget = new BufferBudget(10);
    expect([budget.charge(6), budget.charge(5), budget.inUse]).to.deep.equal([true, false, 6]);
    budget.release(2);
    expect([budget.charge(5), budget.charge(2), budget.inUse]).to.deep.equal([true, false, 9]);
    expect(bufferBudgetOf(4000).charge(1001)).to.equal(false);
  });

  it("a program that fills pipes and sockets without end gets errors, not the host's memory", () => {
    const { stdout } = runSourceInMachine(
      "buffer-budget",
      `${CHECK}static char big[200000]; static int fds(int *p, const char *how) { return how[0] == 'p' ? pipe2(p, O_NONBLOCK) : socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, p); }
int main(void) { for (char **how = (char *[]){"pipe", "socket", 0}; *how; how++) { int p[2], e = 0; long sum = 0; for (int i = 0; i < 400 && !e; i++) { if (fds(p, *how)) break; if (**how == 'p') fcntl(p[1], F_SETPIPE_SZ, 1 << 20); for (;;) { long r = write(p[1], big, sizeof big); if (r < 0) { if (errno != EAGAIN) e = errno; break; } sum += r; } } printf("%s %s %ld MiB\\n", *how, strerrorname_np(e), sum >> 20); for (int i = 3; i < 900; i++) close(i); }
  /* Sockets that travel in sockets that travel in sockets. */
  int chain = -1, n = 0; for (;; n++) { int s[2]; if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s)) break; if (chain >= 0) { union { char c[CMSG_SPACE(4)]; struct cmsghdr h; } u = {0}; struct iovec v = {"x", 1}; struct msghdr m = {0, 0, &v, 1, u.c, sizeof u.c}; u.h.cmsg_len = CMSG_LEN(4); u.h.cmsg_level = SOL_SOCKET; u.h.cmsg_type = SCM_RIGHTS; memcpy(CMSG_DATA(&u.h), &chain, 4); if (sendmsg(s[0], &m, 0) < 0) break; close(chain); } close(s[0]); chain = s[1]; }
  printf("%d %s\\n", n > 1000, strerrorname_np(errno)); return 0; }`,
      { config: { memory: 64 * 2 ** 20 } },
    );
    expect(stdout).to.equal("pipe ENOMEM 15 MiB\nsocket ENOBUFS 15 MiB\n1 ENOBUFS\n");
  });
});
