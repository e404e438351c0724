/* What a policy may say, and which folios mbind() moves. */
import { expect } from "chai";
import type { Va } from "../../../emulator/arch/addr.js";
import { checkPolicy, doMbind } from "../../../kernel-model/mm/mempolicy.js";
import { MmHarness } from "../../support/mm-harness.js";

const [EPERM, EIO, EFAULT, EINVAL] = [-1, -5, -14, -22];
const [DEFAULT, PREFERRED, BIND, INTERLEAVE, LOCAL] = [0, 1, 2, 3, 4];
const [STRICT, MOVE, MOVE_ALL] = [1, 2, 4];
const P = 4096;
const BASE = 0x5000000000;

const none = { node0: false, anyNode: false };
const zero = { node0: true, anyNode: true };
const absent = { node0: false, anyNode: true };

describe("memory policies", () => {
  it("each mode wants nodes or none", () => {
    const answers = [DEFAULT, PREFERRED, BIND, INTERLEAVE, LOCAL].map((mode) => [none, zero, absent].map((nodes) => checkPolicy({ mode, ...nodes })));
    expect(answers).to.deep.equal([
      [0, EINVAL, EINVAL],
      [0, 0, EINVAL],
      [EINVAL, 0, EINVAL],
      [EINVAL, 0, EINVAL],
      [0, EINVAL, EINVAL],
    ]);
    expect(checkPolicy({ mode: 7, ...none })).to.equal(EINVAL);
    expect(checkPolicy({ mode: BIND | (3 << 14), ...zero }), "static and relative").to.equal(EINVAL);
    expect(checkPolicy({ mode: INTERLEAVE | (1 << 13), ...zero }), "balancing goes with bind").to.equal(EINVAL);
  });

  it("mbind moves what is on no node of the policy, and only what is not shared unless all shall move", () => {
    const h = new MmHarness();
    const mm = h.newMm();
    h.anon(mm, BASE, 2 * P);
    for (let i = 0; i < 2; i++) h.writeByte(mm, BASE + i * P, 7);
    const frame = (): number => h.frame(mm, BASE);
    const bind = (policy: typeof none, mode: number, flags: number, root = true): number => doMbind(mm, BASE as Va, 2 * P, { mode, ...policy }, flags, root);
    const first = frame();
    expect([bind(none, LOCAL, 0), bind(zero, BIND, MOVE), frame()]).to.deep.equal([0, 0, first]);
    expect(bind(none, LOCAL, MOVE)).to.equal(0);
    const second = frame();
    expect(second).to.not.equal(first);
    const child = h.fork(mm);
    expect([bind(none, LOCAL, MOVE | STRICT), frame()]).to.deep.equal([0, second]);
    expect(bind(none, LOCAL, MOVE_ALL, false)).to.equal(EPERM);
    expect([bind(none, LOCAL, MOVE_ALL), frame() === second]).to.deep.equal([0, false]);
    h.sys.pages.refcount[frame()]!++;
    expect([bind(none, LOCAL, MOVE_ALL), bind(none, LOCAL, MOVE_ALL | STRICT)]).to.deep.equal([0, EIO]);
    h.sys.pages.refcount[frame()]!--;
    expect([h.readByte(mm, BASE), h.readByte(child, BASE + P)]).to.deep.equal([7, 7]);
    h.check();
    h.close();
  });

  it("refuses holes, odd addresses and unknown flags", () => {
    const h = new MmHarness();
    const mm = h.newMm();
    h.anon(mm, BASE, P);
    const bind = (at: number, length: number, flags = 0): number => doMbind(mm, at as Va, length, { mode: DEFAULT, ...none }, flags, true);
    expect([bind(BASE, 2 * P), bind(BASE + 8, P), bind(BASE, P, 8), bind(BASE, 0), bind(BASE, 1)]).to.deep.equal([EFAULT, EINVAL, EINVAL, 0, 0]);
    h.close();
  });
});
