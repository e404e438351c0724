/**
 * Who misses and who faults: TLB misses, walk cycles and page faults by program counter, area, kind of entry and cause.
 *
 * Every miss of the first core's TLBs is put down to the instruction that made the access, and every fault to the instruction that was
 * interrupted: the one that aborted, or the SVC whose system call touched user memory.
 */
import type { Va } from "../../emulator/arch/addr.js";
import { ModelBug } from "../../emulator/arch/errors.js";
import { ACCESS_FETCH } from "../../emulator/engine/engine.js";
import { AttributedMmu, type EntryKind, type Miss } from "../../emulator/mmu/attributed-mmu.js";
import { MISS_CAUSES, type MissCause } from "../../emulator/mmu/miss-causes.js";
import type { TlbListener } from "../../emulator/mmu/tlb-listener.js";
import { vmaName } from "../../kernel-model/fs/procfs/maps.js";
import type { MmStruct } from "../../kernel-model/mm/mm-struct.js";
import type { MmObserver } from "../../kernel-model/mm/observer.js";
import { VM_EXEC, VM_MAYSHARE, VM_READ, VM_WRITE, type Vma } from "../../kernel-model/mm/vma.js";
import type { Analysis, AnalysisParts } from "../analysis.js";
import type { Machine } from "../machine.js";
import { CodeMap, type CodePlace } from "./code-map.js";

/** Misses of each level, what they cost, faults. */
export interface Counts {
  l1i: number;
  l1d: number;
  /** L1 misses that missed the L2 too (or there is none), so that the tables were walked. */
  l2: number;
  /** Estimate, walks that only marked a page dirty included. */
  walkCycles: number;
  faults: number;
}

export type CauseCounts = Record<MissCause, number>;

export interface PcProfile extends Counts {
  readonly place: CodePlace;
  /** First-level misses by cause. */
  readonly causes: CauseCounts;
}

export interface AreaProfile extends Counts {
  start: number;
  end: number;
  /** rwxp, as in /proc/PID/maps. */
  readonly permissions: string;
  /** Path, [heap], [stack], ...; empty for anonymous areas without a name. */
  name: string;
}

export interface EntryProfile {
  readonly kind: EntryKind;
  /** What one such entry covers. */
  readonly bytes: number;
  l1i: number;
  l1d: number;
  l2: number;
}

export interface Profile {
  /** The core whose TLBs these are. */
  readonly core: string;
  /** Misses by structure and cause. `l2`: undefined for a core without one. */
  readonly causes: { readonly l1i: CauseCounts; readonly l1d: CauseCounts; readonly l2: CauseCounts | undefined };
  readonly entries: readonly EntryProfile[];
  /** Every PC that missed or faulted, in no order. */
  readonly pcs: readonly PcProfile[];
  readonly areas: readonly AreaProfile[];
  readonly code: CodeMap;
}

const newCounts = (): Counts => ({ l1i: 0, l1d: 0, l2: 0, walkCycles: 0, faults: 0 });
export const newCauses = (): CauseCounts => Object.fromEntries(MISS_CAUSES.map((cause) => [cause, 0])) as CauseCounts;

/** An abort taken from EL1: the kernel touches user memory for a system call. Arm: ESR_EL1.EC. */
const EC_DATA_ABORT_SAME_EL = 0x25;
const INSTRUCTION_BYTES = 4;

interface Abort {
  readonly far: Va;
  readonly pc: number;
}

export class Profiler implements Analysis {
  readonly needsPcs = true;
  readonly observer: Partial<MmObserver>;
  private readonly code = new CodeMap();
  private readonly pcs = new Map<string, PcProfile>();
  /** By address space and PC, in front of the map by place. */
  private readonly fast = new Map<number, Map<number, PcProfile>>();
  private readonly areas = new Map<Vma, AreaProfile>();
  private readonly entries = new Map<string, EntryProfile>();
  private readonly causes = { l1i: newCauses(), l1d: newCauses(), l2: newCauses() };
  private abort: Abort | undefined;
  private machine: Machine | undefined;
  private pageSize = 0;

  constructor() {
    this.observer = {
      abort: (_mm, far, esr) => {
        const pc = Number(this.of().cpu.registers.pc);
        this.abort = { far, pc: esr >>> 26 === EC_DATA_ABORT_SAME_EL ? pc - INSTRUCTION_BYTES : pc };
      },
      faultServed: (mm, address) => {
        this.faulted(mm, address);
      },
    };
  }

  around({ mmus, granule, engine }: AnalysisParts): TlbListener {
    const [mmu] = mmus;
    if (mmu === undefined) throw new ModelBug("Profiler: a machine without a TLB model");
    this.pageSize = granule.pageSize;
    return new AttributedMmu({
      mmu,
      granule,
      pcs: () => engine.tracePcs,
      missed: (miss) => {
        this.missed(miss);
      },
      marked: (page, pc, walkCycles) => {
        const mm = this.of().kernel.currentMm();
        this.pcProfile(mm, pc).walkCycles += walkCycles;
        const area = this.areaProfile(mm, page * this.pageSize);
        if (area !== undefined) area.walkCycles += walkCycles;
      },
    });
  }

  attach(machine: Machine): void {
    this.machine = machine;
  }

  private of(): Machine {
    if (this.machine === undefined) throw new ModelBug("Profiler: not attached to a machine");
    return this.machine;
  }

  private missed(miss: Miss): void {
    const mm = this.of().kernel.currentMm();
    const side = miss.access === ACCESS_FETCH ? "l1i" : "l1d";
    const pc = this.pcProfile(mm, miss.pc);
    this.causes[side][miss.cause]++;
    pc.causes[miss.cause]++;
    const entry = this.entryProfile(miss.kind, miss.order);
    entry[side]++;
    count(pc, side, miss);
    const area = this.areaProfile(mm, miss.page * this.pageSize);
    if (area !== undefined) count(area, side, miss);
    if (!miss.walked) return;
    entry.l2++;
    if (miss.l2Cause !== undefined) this.causes.l2[miss.l2Cause]++;
  }

  private faulted(mm: MmStruct, address: Va): void {
    const { abort, pageSize } = this;
    // Faults that no abort has raised: a system call populates an area, or looks pages up.
    const aborted = abort !== undefined && Math.floor(abort.far / pageSize) === Math.floor(address / pageSize);
    const { kernel, cpu } = this.of();
    // An address space that does not run yet: exec builds it.
    const pc = kernel.current?.mm !== mm ? 0 : aborted ? abort.pc : Number(cpu.registers.pc) - INSTRUCTION_BYTES;
    this.abort = undefined;
    this.pcProfile(mm, pc).faults++;
    const area = this.areaProfile(mm, address);
    if (area !== undefined) area.faults++;
  }

  private pcProfile(mm: MmStruct, pc: number): PcProfile {
    let ofMm = this.fast.get(mm.id);
    if (ofMm === undefined) this.fast.set(mm.id, (ofMm = new Map<number, PcProfile>()));
    let profile = ofMm.get(pc);
    if (profile !== undefined) return profile;
    const place = this.code.place(mm, pc);
    profile = this.pcs.get(place.key);
    if (profile === undefined) this.pcs.set(place.key, (profile = { place, causes: newCauses(), ...newCounts() }));
    ofMm.set(pc, profile);
    return profile;
  }

  private areaProfile(mm: MmStruct, address: number): AreaProfile | undefined {
    const vma = mm.vmas.lookup(address);
    if (vma === undefined) return undefined;
    let area = this.areas.get(vma);
    if (area === undefined) {
      area = { start: vma.start, end: vma.end, permissions: mapsPermissions(vma), name: "", ...newCounts() };
      this.areas.set(vma, area);
    }
    // The first faults of a stack come before the kernel knows it for one.
    if (area.name === "") area.name = vmaName(vma);
    // Areas grow, shrink and are cut: the profile is of all addresses that the area has had.
    if (vma.start < area.start) area.start = vma.start;
    if (vma.end > area.end) area.end = vma.end;
    return area;
  }

  private entryProfile(kind: EntryKind, order: number): EntryProfile {
    const key = `${kind}/${order}`;
    let entry = this.entries.get(key);
    if (entry === undefined) this.entries.set(key, (entry = { kind, bytes: this.pageSize * 2 ** order, l1i: 0, l1d: 0, l2: 0 }));
    return entry;
  }

  /** What was collected. */
  profile(): Profile {
    const [core] = this.of().cores;
    return {
      core: core!.name,
      causes: { ...this.causes, l2: core!.l2.length === 0 ? undefined : this.causes.l2 },
      entries: [...this.entries.values()].sort((a, b) => a.bytes - b.bytes || a.kind.localeCompare(b.kind)),
      pcs: [...this.pcs.values()],
      areas: joinAreas([...this.areas.values()]),
      code: this.code,
    };
  }
}

function count(into: Counts, side: "l1i" | "l1d", miss: Miss): void {
  into[side]++;
  if (miss.walked) into.l2++;
  into.walkCycles += miss.walkCycles;
}

/** rwx and p or s, as in /proc/PID/maps. */
export function mapsPermissions({ flags }: Vma): string {
  return `${flags & VM_READ ? "r" : "-"}${flags & VM_WRITE ? "w" : "-"}${flags & VM_EXEC ? "x" : "-"}${flags & VM_MAYSHARE ? "s" : "p"}`;
}

/** Pieces of what a reader takes for one area: same name and permissions, ranges that touch. Also the same area of a process and its children. */
export function joinAreas(areas: readonly AreaProfile[]): AreaProfile[] {
  const joined: AreaProfile[] = [];
  for (const area of [...areas].sort((a, b) => a.start - b.start || a.end - b.end)) {
    const known = joined.findLast((other) => other.name === area.name && other.permissions === area.permissions && area.start <= other.end);
    if (known === undefined) {
      joined.push({ ...area });
      continue;
    }
    known.end = Math.max(known.end, area.end);
    for (const key of ["l1i", "l1d", "l2", "walkCycles", "faults"] as const) known[key] += area[key];
  }
  return joined;
}
