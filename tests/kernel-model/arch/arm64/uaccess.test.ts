/**
 * Copies to and from user memory, with their faults and where they stop.
 */
import { expect } from "chai";
import type { Pa, Pfn, Va } from "../../../../emulator/arch/addr.js";
import type { UserAccess } from "../../../../kernel-model/arch/arm64/uaccess.js";
import type { MmStruct } from "../../../../kernel-model/mm/mm-struct.js";
import { MmHarness } from "../../../support/mm-harness.js";

const P = 4096;
const BASE = 0x5000000000;
const EFAULT = 14;
const at = (offset: number): Va => (BASE + offset) as Va;
const ascii = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));

/** `pages` pages of writable memory, and the kernel's view of it. */
function machine(pages: number, written: Pfn[] = []): { h: MmHarness; mm: MmStruct; user: UserAccess } {
  const h = new MmHarness({ frameWritten: (page) => void written.push(page) });
  const mm = h.newMm();
  h.anon(mm, BASE, pages * P);
  h.clear();
  return { h, mm, user: h.userAccess(mm) };
}

describe("UserAccess", () => {
  it("copies across pages and faults once in each, as the kernel", () => {
    const { h, user } = machine(4);
    const bytes = Uint8Array.from({ length: 2 * P }, (_, i) => i * 7);
    expect(user.copyToUser(at(P / 2), bytes)).to.equal(0);
    expect(h.faults.map(({ address, esr, flags }) => [address - BASE, esr, flags])).to.deep.equal([
      [P / 2, 0x96000044, 0x215],
      [P, 0x96000047, 0x215],
      [2 * P, 0x96000047, 0x215],
    ]);
    const back = new Uint8Array(2 * P);
    expect(user.copyFromUser(back, at(P / 2))).to.equal(0);
    expect(back).to.deep.equal(bytes);
    expect(h.faults).to.have.length(3);
    h.close();
  });

  it("reads fresh memory as zeros, through the zero page", () => {
    const { h, mm, user } = machine(1);
    const into = Uint8Array.of(1, 2, 3);
    expect(user.copyFromUser(into, at(100))).to.equal(0);
    expect([...into]).to.deep.equal([0, 0, 0]);
    expect(h.faults.map(({ esr, flags }) => [esr, flags])).to.deep.equal([[0x96000004, 0x214]]);
    expect(h.frame(mm, BASE)).to.equal(h.sys.zeroPfn);
    h.close();
  });

  it("says how much could not be copied", () => {
    const { h, user } = machine(2);
    expect(user.copyToUser(at(P), new Uint8Array(P + 10))).to.equal(10);
    expect(user.copyFromUser(new Uint8Array(3 * P), at(0))).to.equal(P);
    expect(user.clearUser(at(2 * P - 4), 20)).to.equal(16);
    expect(user.copyToUser(at(2 * P), new Uint8Array(5))).to.equal(5);
    h.close();
  });

  it("refuses addresses outside the user half without a fault", () => {
    const { h, user } = machine(1);
    expect(user.copyToUser((2 ** 48 - 4) as Va, new Uint8Array(8))).to.equal(8);
    expect(user.accessOk((2 ** 48 - 8) as Va, 8)).to.equal(true);
    expect(h.aborts).to.equal(0);
    h.close();
  });

  it("looks a page up without a fault, an access or a permission check", () => {
    const { h, mm, user } = machine(2);
    expect(user.lookup(at(0)), "not there yet").to.equal(-1);
    user.copyToUser(at(0), ascii("abcd"));
    h.clear();
    const { pgtable } = h.sys;
    const ptep = pgtable.pteOffset(pgtable.rawGet(pgtable.pmdOffset(mm, at(0)) as Pa), at(0));
    h.sys.memory.write64(ptep, h.sys.memory.read64(ptep) & ~0x400n);
    expect(user.lookup(at(3))).to.equal(h.frame(mm, BASE) * P + 3);
    expect([user.lookup(at(P)), user.lookup((BASE + 2 ** 32) as Va)]).to.deep.equal([-1, -1]);
    expect(h.sys.memory.read64(ptep) & 0x400n, "access flag").to.equal(0n);
    expect(h.faults).to.deep.equal([]);
    h.close();
  });

  it("does not write through a read-only area", () => {
    const { h, mm, user } = machine(1);
    h.anon(mm, BASE, P, 1);
    expect(user.putUser32(at(0), 1)).to.equal(false);
    expect(user.getUser32(at(0))).to.equal(0);
    h.close();
  });

  it("gets and puts values, also across pages", () => {
    const { h, user } = machine(2);
    expect(user.putUser64(at(P - 3), 0x1122334455667788n)).to.equal(true);
    expect(user.getUser64(at(P - 3))).to.equal(0x1122334455667788n);
    expect(user.getUser8(at(P))).to.equal(0x55);
    expect(user.getUser16(at(P - 1))).to.equal(0x5566);
    expect(user.putUser8(at(0), 0x1ff)).to.equal(true);
    expect(user.putUser16(at(1), 0xabcd)).to.equal(true);
    expect(user.getUser32(at(0))).to.equal(0x00abcdff);
    expect(user.getUser32(at(2 * P - 2))).to.equal(undefined);
    h.close();
  });

  it("clears memory", () => {
    const { h, user } = machine(2);
    user.copyToUser(at(0), new Uint8Array(2 * P).fill(9));
    expect(user.clearUser(at(10), P)).to.equal(0);
    const into = new Uint8Array(2 * P);
    user.copyFromUser(into, at(0));
    expect([into[9], into[10], into[P + 9], into[P + 10]]).to.deep.equal([9, 0, 0, 9]);
    h.close();
  });

  it("tells the engine of each frame that it wrote", () => {
    const written: Pfn[] = [];
    const { h, mm, user } = machine(2, written);
    user.faultInWriteable(at(0), 2 * P);
    written.length = 0;
    user.copyToUser(at(P - 1), new Uint8Array(2));
    expect(written).to.deep.equal([h.frame(mm, BASE), h.frame(mm, BASE + P)]);
    h.close();
  });

  it("faults pages in without reading or writing them", () => {
    const { h, user } = machine(3);
    expect(user.faultInReadable(at(0), 3 * P)).to.equal(0);
    expect(user.faultInWriteable(at(2 * P), 2 * P)).to.equal(P);
    expect(h.faults.map(({ flags }) => flags & 1)).to.deep.equal([0, 0, 0, 1]);
    h.close();
  });

  describe("strncpy_from_user", () => {
    it("ends at the zero or at the count", () => {
      const { h, user } = machine(1);
      user.copyToUser(at(0), ascii("hello\0world"));
      expect(user.strncpyFromUser(at(0), 100)).to.deep.equal(ascii("hello"));
      expect(user.strncpyFromUser(at(6), 3)).to.deep.equal(ascii("wor"));
      expect(user.strncpyFromUser(at(5), 3)).to.deep.equal(new Uint8Array(0));
      h.close();
    });

    it("crosses pages", () => {
      const { h, user } = machine(2);
      user.copyToUser(at(P - 2), ascii("abcd\0"));
      expect(user.strncpyFromUser(at(P - 2), 100)).to.deep.equal(ascii("abcd"));
      h.close();
    });

    it("fails where memory ends before the string does", () => {
      const { h, user } = machine(1);
      user.copyToUser(at(P - 3), ascii("abc"));
      expect(user.strncpyFromUser(at(P - 3), 100)).to.equal(-EFAULT);
      expect(user.strncpyFromUser(at(4 * P), 8)).to.equal(-EFAULT);
      h.close();
    });

    it("touches the page behind the string when the last word reaches into it", () => {
      const { h, user } = machine(2);
      user.copyToUser(at(P - 3), ascii("ab\0"));
      h.clear();
      expect(user.strncpyFromUser(at(P - 3), 100)).to.deep.equal(ascii("ab"));
      expect(h.faults.map(({ address }) => address - BASE)).to.deep.equal([P]);
      h.close();
    });

    it("does not care if there is no page behind it", () => {
      const { h, user } = machine(1);
      user.copyToUser(at(P - 3), ascii("ab\0"));
      expect(user.strncpyFromUser(at(P - 3), 100)).to.deep.equal(ascii("ab"));
      h.close();
    });
  });
});
