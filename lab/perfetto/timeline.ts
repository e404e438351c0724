/**
 * A run as a time line for Perfetto: page faults as slices, and counters of faults, TLB misses, memory and mappings over virtual time.
 *
 * Virtual time is the guest's: one instruction takes one nanosecond, the kernel takes none. A fault's slice is the instruction that
 * faulted, or for a fault inside a system call the one behind its SVC; what the kernel serves at the same instant stands side by side.
 */
import type { Order, Va } from "../../emulator/arch/addr.js";
import { ModelBug } from "../../emulator/arch/errors.js";
import type { MmStruct } from "../../kernel-model/mm/mm-struct.js";
import type { FaultKind, MmObserver } from "../../kernel-model/mm/observer.js";
import { FAULT_FLAG_WRITE, VM_FAULT_MAJOR, type Vma } from "../../kernel-model/mm/vma.js";
import type { Analysis } from "../analysis.js";
import { formatSize } from "../config.js";
import type { Machine } from "../machine.js";
import { mappedBytes, MAPPING_KINDS } from "../observers/mapping-scan.js";
import { TrackEvents, type CounterUnit } from "./track-events.js";

/** Nanoseconds between samples where faults come thick, and where nothing happens. */
const SAMPLE_AT_FAULTS = 20_000;
const SAMPLE_AT_REST = 1_000_000;
/** Reading the page tables takes the host some nanoseconds per page: so much virtual time passes for each before they are read again. */
const SCAN_PER_PAGE = 200;

interface Counter {
  readonly name: string;
  readonly unit: CounterUnit;
  /** Heading under which it stands, if any. */
  readonly group: string | undefined;
  /** Place among its siblings. */
  readonly rank: number;
  readonly read: () => number;
  /** Undefined as long as it is 0: what never happens has no track. */
  track: number | undefined;
  last: number;
}

interface FaultTrack {
  readonly id: number;
  readonly process: number;
  /** Name of the process as the trace has it. */
  comm: string;
  /** End of its last slice. */
  free: number;
}

interface Served {
  readonly kind: FaultKind;
  readonly order: Order;
}

export class Timeline implements Analysis {
  readonly sampleEvery = SAMPLE_AT_REST;
  readonly observer: Partial<MmObserver>;
  private readonly events = new TrackEvents();
  private readonly counters: Counter[] = [];
  private readonly groups = new Map<string, number>();
  /** Tracks of page faults, by process. */
  private readonly faultTracks = new Map<number, FaultTrack>();
  private machine: Machine | undefined;
  private served: Served | undefined;
  private sampled = -Infinity;
  private scanned = -Infinity;
  private mapped = { page: 0, contiguous: 0, block: 0 };

  constructor() {
    this.observer = {
      faultServed: (_mm, _address, kind, order) => {
        this.served = { kind, order };
      },
      faultExit: (mm, vma, address, flags, result) => {
        this.faulted(mm, vma, address, flags, result);
      },
      mmExit: () => {
        this.finish(this.of());
      },
    };
  }

  attach(machine: Machine): void {
    this.machine = machine;
    const { sys, faults, mmus, cpu } = machine;
    const { pageSize } = sys.granule;
    const add = (name: string, unit: CounterUnit, group: string | undefined, read: () => number): void => {
      this.counters.push({ name, unit, group, rank: this.counters.length, read, track: undefined, last: 0 });
    };
    add("page faults", "count", undefined, () => Object.values(faults.byKind).reduce((a, b) => a + b, 0));
    for (const mmu of mmus) {
      const group = `TLB ${mmu.core.name}`;
      const stats = (): ReturnType<typeof mmu.stats> => mmu.stats({ instructions: 0, loads: 0, stores: 0 });
      add("L1D misses", "count", group, () => stats().l1d.misses);
      add("L1I misses", "count", group, () => stats().l1i.misses);
      add("walks", "count", group, () => stats().walks);
    }
    add("TLBI instructions", "count", undefined, () => Object.values(cpu.tlbiCounts).reduce((a, b) => a + b, 0));
    add("anonymous", "bytes", "resident", () => sys.vmstat.get("nr_anon_pages") * pageSize);
    add("file", "bytes", "resident", () => sys.vmstat.get("nr_mapped") * pageSize);
    for (const kind of MAPPING_KINDS) add(kind === "page" ? "pages" : kind === "block" ? "blocks" : "contiguous runs", "bytes", "mapped by", () => this.mapped[kind]);
    for (const order of sys.thp.orders) {
      const bytes = pageSize * 2 ** order;
      add(formatSize(bytes), "bytes", "anonymous folios", () => sys.thp.stat(order, "nr_anon") * bytes);
    }
  }

  private of(): Machine {
    if (this.machine === undefined) throw new ModelBug("Timeline: not attached to a machine");
    return this.machine;
  }

  private faulted(mm: MmStruct, _vma: Vma, address: Va, flags: number, result: number): void {
    const { kernel } = this.of();
    const { served } = this;
    this.served = undefined;
    const now = kernel.clock.elapsed;
    if (served !== undefined) {
      const pages = 2 ** served.order;
      const track = this.faultTrack();
      const start = Math.max(now, track.free);
      track.free = start + 1;
      this.events.slice(track.id, start, start + 1, `${served.kind} order ${served.order}`, {
        address: { address },
        access: (flags & FAULT_FLAG_WRITE) !== 0 ? "write" : "read",
        bytes: pages * mm.sys.granule.pageSize,
        ...((result & VM_FAULT_MAJOR) !== 0 ? { major: 1 } : {}),
      });
    }
    if (now - this.sampled >= SAMPLE_AT_FAULTS) this.sampleAt(now);
  }

  /** The track of the running process. */
  private faultTrack(): FaultTrack {
    const { kernel } = this.of();
    const task = kernel.current;
    const pid = task?.group.tgid ?? 0;
    let track = this.faultTracks.get(pid);
    if (track === undefined) {
      const process = this.events.processTrack(pid);
      track = { id: this.events.track("page faults", process), process, comm: "", free: 0 };
      this.faultTracks.set(pid, track);
    }
    const comm = task?.comm ?? "";
    if (comm !== track.comm) this.events.nameProcess(track.process, pid, (track.comm = comm));
    return track;
  }

  sample(machine: Machine): void {
    this.sampleAt(machine.kernel.clock.elapsed);
  }

  finish(machine: Machine): void {
    this.scanned = -Infinity;
    this.sampleAt(machine.kernel.clock.elapsed);
  }

  private sampleAt(now: number): void {
    this.sampled = now;
    this.scan(now);
    for (const counter of this.counters) {
      const value = counter.read();
      if (value === counter.last) continue;
      counter.last = value;
      this.events.counter(this.trackOf(counter), now, value);
    }
  }

  private trackOf(counter: Counter): number {
    if (counter.track !== undefined) return counter.track;
    const { name, unit, group, rank } = counter;
    let parent: number | undefined;
    if (group !== undefined) {
      parent = this.groups.get(group) ?? this.events.track(group, undefined, rank);
      this.groups.set(group, parent);
    }
    counter.track = this.events.counterTrack(name, unit, parent, rank);
    this.events.counter(counter.track, 0, 0);
    return counter.track;
  }

  private scan(now: number): void {
    const { kernel, sys } = this.of();
    const residentPages = sys.vmstat.get("nr_anon_pages") + sys.vmstat.get("nr_mapped");
    if (now - this.scanned < residentPages * SCAN_PER_PAGE) return;
    this.scanned = now;
    const sums = { page: 0, contiguous: 0, block: 0 };
    for (const mm of new Set([...kernel.tasks.values()].map((task) => task.mm))) {
      if (mm === undefined) continue;
      const bytes = mappedBytes(mm);
      for (const kind of MAPPING_KINDS) sums[kind] += bytes[kind];
    }
    this.mapped = sums;
  }

  /** The file. */
  bytes(): Uint8Array {
    return this.events.bytes();
  }
}
