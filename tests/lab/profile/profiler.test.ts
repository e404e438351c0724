/**
 * Whole runs under the profiler: nothing changes but the time, every miss and fault is put down to somebody, and in programs of a few
 * instructions to the right one.
 */
import { expect } from "chai";
import { joinAreas, Profiler, type AreaProfile, type Counts, type PcProfile, type Profile } from "../../../lab/profile/profiler.js";
import { compileAssembly, compileC, guestProgram } from "../../support/guest.js";
import { labRun } from "../../support/lab-run.js";

const sum = (items: readonly Counts[], key: keyof Counts): number => items.reduce((total, item) => total + item[key], 0);
const total = (causes: Readonly<Record<string, number>>): number => Object.values(causes).reduce((a, b) => a + b, 0);

async function profiled(path: string, args: readonly string[] = [], config: Parameters<typeof labRun>[2] = {}): Promise<{ profile: Profile; result: Awaited<ReturnType<typeof labRun>>["result"] }> {
  const profiler = new Profiler();
  const { result } = await labRun(path, args, config, [profiler]);
  return { profile: profiler.profile(), result };
}

/** Counts of the instruction at a label's function. */
function at(profile: Profile, name: string, offset = 0): PcProfile | undefined {
  return profile.pcs.find(({ place }) => {
    const location = profile.code.locate(place);
    return location.function === name && location.offset === offset;
  });
}

/** Maps 100 pages with brk-like mmap, writes one word of each ("fill"), reads them all twice in turn ("again"), unmaps. */
const LOOPS = `
.globl _start
.type fill, %function
.type again, %function
_start: mov x0, #0
  movz x1, #0x4000
  movk x1, #6, lsl #16
  mov x2, #3
  mov x3, #0x22
  mov x4, #-1
  mov x5, #0
  mov x8, #222
  svc #0
  mov x19, x0
  bl fill
  bl again
  bl again
  mov x0, #0
  mov x8, #93
  svc #0
fill: mov x1, x19
  mov x2, #100
1: str x2, [x1]
  add x1, x1, #4096
  subs x2, x2, #1
  b.ne 1b
  ret
.size fill, .-fill
again: mov x1, x19
  mov x2, #100
1: ldr x3, [x1]
  add x1, x1, #4096
  subs x2, x2, #1
  b.ne 1b
  ret
.size again, .-again
`;

describe("Profiler", () => {
  it("changes nothing but the time", async () => {
    const { result: plain } = await labRun(guestProgram("forkwrite"));
    const { result } = await profiled(guestProgram("forkwrite"));
    const timeless = ({ execution, ...rest }: typeof plain): unknown => ({ ...rest, execution: { ...execution, seconds: 0 } });
    expect(timeless(result)).to.deep.equal(timeless(plain));
  });

  for (const [program, args, config] of [
    ["gups", [], {}],
    ["forkwrite", [], { cores: ["cortex-a53"] }],
    ["mallocchurn", [], { cores: ["cortex-a76", "neoverse-n1"], thp: { enabled: "never", sizes: { 65536: "always" } } }],
    ["btree", [], { cores: ["cortex-a72"], thp: { enabled: "always", sizes: {} } }],
  ] as const) {
    it(`${program}: every list adds up to the statistics of the run`, async () => {
      const { profile, result } = await profiled(guestProgram(program), args, config);
      const tlb = result.tlb[profile.core]!;
      expect(profile.core).to.equal(result.config.core[0]);
      for (const key of ["l1i", "l1d"] as const) {
        for (const list of [profile.pcs, profile.areas, profile.entries as unknown as Counts[]]) expect(sum(list, key), key).to.equal(tlb[key].misses);
        expect(total(profile.causes[key])).to.equal(tlb[key].misses);
      }
      for (const list of [profile.pcs, profile.areas]) {
        expect(sum(list, "walkCycles")).to.equal(tlb.walkCycles);
        expect(sum(list, "l2")).to.equal(tlb.l2.accesses === 0 ? tlb.l1i.misses + tlb.l1d.misses : tlb.l2.misses);
      }
      if (profile.causes.l2 !== undefined) expect(total(profile.causes.l2)).to.equal(tlb.l2.misses);
      expect(profile.pcs.reduce((n, pc) => n + total(pc.causes), 0)).to.equal(tlb.l1i.misses + tlb.l1d.misses);
      const served = Object.values(result.faults.byKind).reduce((a, b) => a + b, 0);
      expect(sum(profile.pcs, "faults")).to.equal(served);
      expect(sum(profile.areas, "faults")).to.equal(served);
      expect(profile.pcs.filter(({ place }) => place.pc === 0 && place.module.name !== "[kernel]")).to.deep.equal([]);
    });
  }

  it("puts misses and faults down to the instruction that made the access", async () => {
    const { profile } = await profiled(compileAssembly("loops", LOOPS), [], { cores: ["neoverse-n1"] });
    const fill = at(profile, "fill", 8)!;
    expect(fill).to.include({ l1d: 100, l1i: 0, l2: 100, faults: 100 });
    expect(fill.causes).to.deep.equal({ cold: 100, capacity: 0, conflict: 0, invalidated: 0 });
    // 48 entries, 100 pages in turn: LRU keeps none of them for the next round. The L2 holds all.
    const again = at(profile, "again", 8)!;
    expect(again).to.include({ l1d: 200, l1i: 0, l2: 0, faults: 0, walkCycles: 0 });
    expect(again.causes).to.deep.equal({ cold: 0, capacity: 200, conflict: 0, invalidated: 0 });
    const location = profile.code.locate(again.place);
    expect(location.instruction).to.equal(0xf9400023);
    expect(location.module).to.match(/loops-/);
  });

  it("16 pages of a contiguous run are one miss", async () => {
    const thp = { enabled: "never", sizes: { 65536: "always" } } as const;
    const { profile } = await profiled(compileAssembly("loops", LOOPS), [], { thp });
    expect(profile.entries.find(({ kind }) => kind === "contiguous")).to.include({ bytes: 65536 });
    expect(at(profile, "again", 8)?.l1d ?? 0, "at most 7 runs and the odd pages fit the 48 entries").to.equal(0);
    const apart = await profiled(compileAssembly("loops", LOOPS), [], { thp, contpte: false });
    expect(apart.profile.entries.map(({ kind }) => kind)).to.not.include("contiguous");
    expect(at(apart.profile, "again", 8)!.l1d).to.equal(200);
  });

  it("a system call that touches user memory is charged with the faults it causes", async () => {
    // read() of the program's own first bytes into fresh memory; openat is not needed, /proc/self/exe is.
    const source = `
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
int main(void) {
  char *p = mmap(0, 1 << 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  int fd = open("/proc/self/exe", O_RDONLY);
  return read(fd, p, 1 << 16) == (1 << 16) ? 0 : 1;
}`;
    const { profile, result } = await profiled(compileC("readfresh", source));
    expect(result.exit).to.deep.equal({ code: 0 });
    const reader = profile.pcs.filter(({ place }) => /read/.test(profile.code.locate(place).function)).sort((a, b) => b.faults - a.faults)[0]!;
    expect(reader.faults).to.equal(16);
    expect(profile.code.locate(reader.place).instruction, "svc #0").to.equal(0xd4000001);
    expect(reader.l1d).to.equal(0);
  });

  it("faults of exec are the kernel's", async () => {
    const { profile } = await profiled(guestProgram("hello"));
    const kernel = profile.pcs.find(({ place }) => place.module.name === "[kernel]")!;
    expect(kernel.faults).to.be.greaterThan(0);
    expect(profile.code.locate(kernel.place).function).to.equal("[kernel]");
  });

  it("names areas as /proc/PID/maps does", async () => {
    const { profile } = await profiled(guestProgram("mallocchurn"));
    const names = profile.areas.map(({ name }) => name);
    expect(names).to.include.members(["[heap]", "[stack]"]);
    const text = profile.areas.find(({ permissions }) => permissions === "r-xp")!;
    expect(text.name).to.match(/mallocchurn$/);
    expect(text.l1i).to.be.greaterThan(0);
  });
});

describe("joinAreas", () => {
  const area = (start: number, end: number, name: string, faults = 1, permissions = "rw-p"): AreaProfile => ({ start, end, name, permissions, l1i: 0, l1d: 1, l2: 0, walkCycles: 2, faults });

  it("pieces that touch or overlap, with the same name and permissions, are one", () => {
    expect(joinAreas([area(8192, 12288, ""), area(0, 8192, "", 5), area(4096, 8192, "")])).to.deep.equal([{ ...area(0, 12288, "", 7), l1d: 3, walkCycles: 6 }]);
  });

  it("others stay apart", () => {
    const apart = [area(0, 4096, ""), area(4096, 8192, "[heap]"), area(8192, 12288, "[heap]", 1, "r--p"), area(16384, 20480, "[heap]")];
    expect(joinAreas(apart)).to.deep.equal(apart);
  });
});
