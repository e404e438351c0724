/** The recording device: ioctl numbers and structures of golden/kmod/gt_ioctl.h, read back through a program's memory. */
import { expect } from "chai";
import type { Va } from "../../../emulator/arch/addr.js";
import { GtDevice } from "../../../kernel-model/fs/gt-device.js";
import type { UserMemory } from "../../../kernel-model/fs/vfs.js";
import type { MmStruct } from "../../../kernel-model/mm/mm-struct.js";
import { MmHarness } from "../../support/mm-harness.js";

const P = 4096;
const PMD = 2 ** 21;
const BASE = 0x4000_0000;
const PID = 100;
const [ESRCH, EFAULT, EINVAL, ENOTTY] = [-3, -14, -22, -25];

/* include/uapi/asm-generic/ioctl.h: direction << 30 | size << 16 | type << 8 | number; 1 write, 2 read. */
const ioc = (direction: number, number: number, size: number): number => ((direction << 30) | (size << 16) | (0x67 << 8) | number) >>> 0;
const GT_DUMP = ioc(3, 1, 4 * 8);
const GT_START = ioc(1, 2, 2 * 8);
const GT_STOP = ioc(0, 3, 0);
const GT_READ = ioc(3, 4, (4 + 12) * 8);

/* enum of gt_log.counts */
const COUNTS = ["TRY_FOLD", "TRY_UNFOLD", "FOLD", "UNFOLD", "SET_PTES", "CLEAR_FULL", "GET_AND_CLEAR_FULL", "WRPROTECT", "SET_ACCESS_FLAGS", "TEST_CLEAR_YOUNG", "CLEAR_YOUNG_DIRTY", "UNFOLD_PARTIAL"];

/** User memory: one buffer at address 0. */
class Memory implements UserMemory {
  readonly view = new DataView(new ArrayBuffer(2 ** 20));

  read(from: Va, length: number): Uint8Array | number {
    return from + length > 2 ** 20 ? EFAULT : new Uint8Array(this.view.buffer, from, length);
  }

  write(to: Va, bytes: Uint8Array): number {
    if (to + bytes.length > 2 ** 20) return EFAULT;
    new Uint8Array(this.view.buffer, to, bytes.length).set(bytes);
    return 0;
  }

  words(at: number, ...values: number[]): void {
    values.forEach((value, i) => this.view.setBigUint64(at + i * 8, BigInt(value), true));
  }
}

interface Entry {
  readonly pte: bigint;
  readonly pmd: bigint;
  readonly flags: number;
  /** order, idx, mapcount, pmapcount, refcount */
  readonly ints: readonly number[];
}

class Bench {
  readonly h = new MmHarness();
  readonly mm: MmStruct = this.h.newMm();
  readonly user = new Memory();
  readonly device = new GtDevice({ currentPid: () => PID, mmOf: (pid) => (pid === PID ? this.mm : undefined) });

  constructor() {
    this.h.sys.observer = this.device;
    this.h.sys.thp.set("enabled", "never");
  }

  ioctl(command: number, at = 0): number {
    return this.device.ioctl(command, at as Va, this.user);
  }

  start(lo: number, hi: number): void {
    this.user.words(0, lo, hi);
    expect(this.ioctl(GT_START)).to.equal(0);
  }

  /** struct gt_log: its head, counters that are not 0, and events as [type, addr, a, pid]. */
  log(max = 1000): { n: number; lost: number; counts: Record<string, number>; events: (number | bigint)[][] } {
    this.user.words(0, 0x1000, max, 99, 99);
    expect(this.ioctl(GT_READ)).to.equal(0);
    const { view } = this.user;
    const word = (at: number): number => Number(view.getBigUint64(at, true));
    const counts = COUNTS.flatMap((name, i) => (word(32 + i * 8) === 0 ? [] : [[name, word(32 + i * 8)]]));
    const events = Array.from({ length: word(16) }, (_, i) => {
      const at = 0x1000 + i * 24;
      return [view.getUint32(at + 16, true), word(at), view.getBigUint64(at + 8, true), view.getUint32(at + 20, true)];
    });
    return { n: word(16), lost: word(24), counts: Object.fromEntries(counts) as Record<string, number>, events };
  }

  dump(start: number, npages: number, pid = PID): Entry[] {
    this.user.words(0, pid, start, npages, 0x1000);
    expect(this.ioctl(GT_DUMP)).to.equal(0);
    const { view } = this.user;
    return Array.from({ length: npages }, (_, i) => {
      const at = 0x1000 + i * 48;
      return { pte: view.getBigUint64(at, true), pmd: view.getBigUint64(at + 8, true), flags: Number(view.getBigUint64(at + 16, true)), ints: [0, 1, 2, 3, 4].map((n) => view.getInt32(at + 24 + n * 4, true)) };
    });
  }
}

describe("gt device: log", () => {
  it("tells of a fault as three events: abort with its ESR, entry with its flags, return with its result", () => {
    const b = new Bench();
    b.h.anon(b.mm, BASE, P);
    b.start(BASE, BASE + P);
    b.h.touch(b.mm, BASE + 8, "write");
    // ESR_EL1 0x9200004x; FAULT_FLAG_WRITE | ALLOW_RETRY | KILLABLE | USER | INTERRUPTIBLE | VMA_LOCK
    const { events, n, lost } = b.log();
    expect(events.map(([type, address, , pid]) => [type, address, pid])).to.deep.equal([[1, BASE + 8, PID], [2, BASE + 8, PID], [3, BASE + 8, PID]]);
    expect([(events[0]![2] as bigint) & ~3n, events[1]![2], events[2]![2]]).to.deep.equal([0x92000044n, 0x1255n, 0n]);
    expect([n, lost]).to.deep.equal([3, 0]);
    b.h.close();
  });

  it("hears only the window, only between start and stop, and forgets at the next start", () => {
    const b = new Bench();
    b.h.anon(b.mm, BASE, 8 * P);
    b.h.touch(b.mm, BASE, "write");
    expect(b.log().n, "before the start").to.equal(0);
    b.start(BASE + 2 * P, BASE + 3 * P);
    for (const page of [1, 2, 3]) b.h.touch(b.mm, BASE + page * P, "write");
    expect(b.log().events.map(([, address]) => address)).to.deep.equal([BASE + 2 * P, BASE + 2 * P, BASE + 2 * P]);
    expect(b.log(2).events, "no more than the buffer takes").to.have.length(2);
    expect(b.ioctl(GT_STOP)).to.equal(0);
    b.h.touch(b.mm, BASE + 4 * P, "write");
    expect(b.log().n, "the log outlives the stop").to.equal(3);
    b.start(BASE, BASE + 8 * P);
    expect(b.log().n).to.equal(0);
    b.h.close();
  });

  it("counts calls of the contpte layer, and folds by the value that is painted", () => {
    const b = new Bench();
    b.h.sys.thp.set("hugepages-64kB/enabled", "always");
    b.h.anon(b.mm, BASE, 16 * P);
    b.start(BASE, BASE + 16 * P);
    b.device.contpteCall(b.mm, "setPtes", BASE as Va);
    b.device.contpteCall(b.mm, "clearFlushYoung", BASE as Va);
    b.device.contpteCall(b.mm, "unfoldPartial", (BASE + 17 * P) as Va);
    b.device.contpteConvert(b.mm, BASE as Va, 1n << 52n);
    b.device.contpteConvert(b.mm, (BASE + P) as Va, 0x123n);
    const { counts, events } = b.log();
    expect(counts, "clearFlushYoung has no counter, the last call lies outside").to.deep.equal({ FOLD: 1, UNFOLD: 1, SET_PTES: 1 });
    expect(events).to.deep.equal([[4, BASE, 1n << 52n, PID], [4, BASE + P, 0x123n, PID]]);
    b.h.close();
  });
});

describe("gt device: dump", () => {
  /* GTF_* */
  const [ANON, EXCL, SWAPBACKED, SPECIAL, UPTODATE] = [1, 2, 32, 128, 256];

  it("holes, the zero page, and pages with their folio", () => {
    const b = new Bench();
    b.h.anon(b.mm, BASE, 4 * P);
    expect(b.dump(BASE, 1)[0], "no table").to.deep.equal({ pte: 0n, pmd: 0n, flags: 0, ints: [-1, 0, 0, 0, 0] });
    b.h.touch(b.mm, BASE, "read");
    b.h.touch(b.mm, BASE + P, "write");
    const [zero, page, none] = b.dump(BASE, 3) as [Entry, Entry, Entry];
    expect([zero.pte, page.pte, none.pte]).to.deep.equal([b.h.pte(b.mm, BASE), b.h.pte(b.mm, BASE + P), 0n]);
    expect(zero.pmd).to.equal(b.h.pmd(b.mm, BASE));
    expect(zero.flags & (SPECIAL | ANON)).to.equal(SPECIAL);
    expect(zero.ints.slice(0, 4), "no map counts of the zero page").to.deep.equal([0, 0, 0, 0]);
    expect(page.flags & (ANON | EXCL | SWAPBACKED | UPTODATE | SPECIAL)).to.equal(ANON | EXCL | SWAPBACKED | UPTODATE);
    expect(page.ints.slice(0, 4)).to.deep.equal([0, 0, 1, 1]);
    expect(none).to.deep.include({ flags: 0, ints: [-1, 0, 0, 0, 0] });
    b.h.close();
  });

  it("a large folio after fork: order, index, counts of folio and page", () => {
    const b = new Bench();
    b.h.sys.thp.set("hugepages-64kB/enabled", "always");
    b.h.anon(b.mm, BASE, 16 * P);
    b.h.touch(b.mm, BASE, "write");
    const child = b.h.fork(b.mm);
    b.h.touch(child, BASE + 5 * P, "write");
    const entries = b.dump(BASE, 16);
    entries.forEach(({ pte, flags, ints }, i) => {
      expect(pte, "raw, with PTE_CONT").to.equal(b.h.pte(b.mm, BASE + i * P));
      expect([...ints.slice(0, 4), flags & EXCL], `page ${i}`).to.deep.equal([4, i, 31, i === 5 ? 1 : 2, 0]);
    });
    b.h.close();
  });

  it("pages of a block have no level-3 entry", () => {
    const b = new Bench();
    b.h.sys.thp.set("enabled", "always");
    b.h.anon(b.mm, BASE, PMD);
    b.h.touch(b.mm, BASE, "write");
    const [entry] = b.dump(BASE + 7 * P, 1) as [Entry];
    expect([entry.pte, entry.pmd]).to.deep.equal([0n, b.h.pmd(b.mm, BASE)]);
    expect(entry.ints.slice(0, 4)).to.deep.equal([9, 7, 1, 0]);
    expect(entry.flags & (ANON | EXCL)).to.equal(ANON | EXCL);
    b.h.close();
  });
});

describe("gt device: errors", () => {
  it("unknown commands, processes and addresses", () => {
    const b = new Bench();
    expect([b.ioctl(0x5401), b.ioctl(GT_STOP + 2)]).to.deep.equal([ENOTTY, ENOTTY]);
    for (const command of [GT_DUMP, GT_START, GT_READ]) expect(b.ioctl(command, 2 ** 20 - 8), command.toString(16)).to.equal(EFAULT);
    b.user.words(0, 55, BASE, 1, 0x1000);
    expect(b.ioctl(GT_DUMP)).to.equal(ESRCH);
    b.user.words(0, PID, BASE, 65537, 0x1000);
    expect(b.ioctl(GT_DUMP)).to.equal(EINVAL);
    b.user.words(0, PID, BASE, 1, 2 ** 21);
    expect(b.ioctl(GT_DUMP)).to.equal(EFAULT);
    b.h.close();
  });

  it("commands arrive as unsigned or signed 32-bit numbers", () => {
    const b = new Bench();
    b.user.words(0, PID, BASE, 0, 0x1000);
    expect([b.ioctl(GT_DUMP), b.ioctl(GT_DUMP | 0)]).to.deep.equal([0, 0]);
    b.h.close();
  });
});
