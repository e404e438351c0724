/**
 * A program under study, fault by fault: what the page shows of it after each step, as plain data.
 *
 * The same machine as the command line's, on an engine that the caller brings.
 */
import type { Va } from "../emulator/arch/addr.js";
import { ConfigError } from "../emulator/arch/errors.js";
import type { GranuleName } from "../emulator/arch/granule.js";
import { corePreset } from "../emulator/mmu/cores.js";
import type { MmuStats } from "../emulator/mmu/mmu.js";
import type { Tlb } from "../emulator/mmu/tlb.js";
import { pmdLeaf, pmdNone, pteCont, pteHwDirty, ptePresent, pteSwDirty, pteWrite, pteYoung } from "../kernel-model/arch/arm64/pte.js";
import { utf8String } from "../kernel-model/kernel/byte-string.js";
import { signalName } from "../kernel-model/kernel/signal-numbers.js";
import type { Outcome } from "../kernel-model/kernel/outcome.js";
import type { MmStruct } from "../kernel-model/mm/mm-struct.js";
import type { FaultKind } from "../kernel-model/mm/observer.js";
import { DEFAULT_CONFIG, type RunConfig } from "../lab/config.js";
import type { EngineFactory } from "../lab/wasm-on-memory.js";
import { createMachine, type Machine } from "../lab/machine.js";
import { mappedBytes, type MappedBytes } from "../lab/observers/mapping-scan.js";
import { coverageOf, type AreaCoverage } from "../lab/report/html/coverage.js";
import { ElfSymbols } from "../lab/symbols/elf-symbols.js";

/** What the user chooses. */
export interface Choices {
  readonly pageSize: GranuleName;
  /** Bytes of the folios that anonymous memory may use beside single pages; 0: none. */
  readonly folioBytes: number;
  readonly contpte: boolean;
  readonly core: string;
  /** Bytes of guest RAM. */
  readonly memory: number;
}

export interface SessionProgram {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly args: readonly string[];
}

export interface ServedFault {
  /** The faults are numbered from 1. */
  readonly number: number;
  readonly address: number;
  readonly kind: FaultKind;
  /** log2 of the pages of the folio that is mapped there now. */
  readonly order: number;
  readonly pc: number;
  /** Function of the program at `pc`; empty where it has no symbol. */
  readonly function: string;
}

/** One entry of a level-3 table. */
export interface PageCell {
  /** The raw descriptor, in hexadecimal. */
  readonly pte: string;
  readonly present: boolean;
  readonly cont: boolean;
  readonly young: boolean;
  readonly dirty: boolean;
  readonly writable: boolean;
  /** Frame, and the folio that it belongs to: head frame and order. -1: not present. */
  readonly frame: number;
  readonly folio: number;
  readonly folioOrder: number;
}

/** A stretch of entries around the last fault. */
export interface PageWindow {
  readonly start: number;
  readonly pageSize: number;
  /** A block of level 2 maps all of it. */
  readonly block: boolean;
  readonly cells: readonly PageCell[];
}

export interface CachedEntry {
  readonly start: number;
  readonly end: number;
  readonly dirty: boolean;
}

export interface TlbPicture {
  readonly name: string;
  readonly capacity: number;
  readonly entries: readonly CachedEntry[];
}

export interface Snapshot {
  readonly ended: string | undefined;
  readonly output: string;
  readonly instructions: number;
  readonly loads: number;
  readonly stores: number;
  readonly faults: number;
  readonly lastFault: ServedFault | undefined;
  readonly faultsByKind: Readonly<Record<string, number>>;
  readonly areas: readonly AreaCoverage[];
  readonly window: PageWindow | undefined;
  readonly mapped: MappedBytes;
  readonly contpte: { readonly fold: number; readonly unfold: number; readonly setPtesBlocks: number };
  readonly tlbs: readonly TlbPicture[];
  readonly stats: MmuStats;
}

/** Entries of a table that are shown at once. */
const WINDOW_PAGES = 512;
/** Between two looks at whether somebody wants to stop. */
const SLICE = 5_000_000;
/** Characters of output that are kept. */
const MOST_OUTPUT = 20_000;

function configOf(choices: Choices): RunConfig {
  return {
    ...DEFAULT_CONFIG,
    engine: "wasm",
    pageSize: choices.pageSize,
    contpte: choices.contpte,
    cores: [choices.core],
    memory: choices.memory,
    thp: { enabled: "never", sizes: choices.folioBytes === 0 ? {} : { [choices.folioBytes]: "always" } },
  };
}

function endText(outcome: Outcome): string | undefined {
  switch (outcome.kind) {
    case "exit":
      return `exit status ${outcome.code}`;
    case "signal":
      return `killed by ${signalName(outcome.signo)}${outcome.report === undefined ? "" : `: ${outcome.report.reason}`}`;
    case "deadlock":
      return "all tasks wait for each other";
    default:
      return undefined;
  }
}

export class Session {
  private readonly machine: Machine;
  private readonly symbols: ElfSymbols;
  private mm: MmStruct | undefined;
  private last: ServedFault | undefined;
  private served = 0;
  private wanted = 0;
  private ended: string | undefined;
  private text = "";
  /** The last snapshot that had an address space. */
  private final: Pick<Snapshot, "areas" | "window" | "mapped"> = { areas: [], window: undefined, mapped: { page: 0, contiguous: 0, block: 0 } };

  /** Loads the program; nothing of it has run afterwards. Throws ConfigError if it cannot be started. */
  constructor(choices: Choices, program: SessionProgram, createEngine: EngineFactory) {
    const decoder = new TextDecoder();
    const write = (bytes: Uint8Array): void => {
      this.text = (this.text + decoder.decode(bytes, { stream: true })).slice(-MOST_OUTPUT);
    };
    this.symbols = ElfSymbols.read(program.bytes);
    this.machine = createMachine({
      config: configOf(choices),
      cores: [corePreset(choices.core)],
      createEngine,
      streams: { stdout: write, stderr: write, stdin: () => undefined },
      rootType: "initramfs",
      view: {
        cwd: "/tmp",
        files: [
          {
            path: "/bin/program",
            mode: 0o755,
            contents: {
              size: program.bytes.length,
              read: (offset, into) => {
                into.set(program.bytes.subarray(offset, offset + into.length));
              },
            },
          },
        ],
      },
      mounts: [],
      observers: [
        {
          faultServed: (mm, address, kind, order) => {
            this.note(mm, address, kind, order);
          },
          mmExit: (mm) => {
            this.look(mm);
          },
        },
      ],
    });
    const failed = this.machine.kernel.spawn("/bin/program", [program.name, ...program.args].map(utf8String), []);
    if (typeof failed === "object") {
      this.machine.shutdown();
      throw new ConfigError(`${program.name}: ${failed.reason}`);
    }
  }

  private note(mm: MmStruct, address: Va, kind: FaultKind, order: number): void {
    const pc = Number(this.machine.engine.registers.pc);
    this.mm = mm;
    this.last = { number: ++this.served, address, kind, order, pc, function: this.symbols.at(pc)?.name ?? "" };
    // What is served before the program runs is its loading; it cannot be stopped at.
    if (this.served >= this.wanted) this.machine.engine.requestStop();
  }

  /** Runs until `faults` more page faults have been served, or for `instructions`, or to the end. */
  step(faults: number, instructions: number): Snapshot {
    const { kernel, engine } = this.machine;
    this.wanted = this.served + faults;
    const end = engine.counters.instructions + instructions;
    while (this.ended === undefined && this.served < this.wanted && engine.counters.instructions < end) {
      this.ended = endText(kernel.run({ instructions: Math.min(SLICE, end - engine.counters.instructions) }));
    }
    return this.snapshot();
  }

  private look(mm: MmStruct): void {
    this.final = { areas: coverageOf(mm), window: this.last === undefined ? undefined : this.windowAt(mm, this.last.address), mapped: mappedBytes(mm) };
  }

  /** The table entries around an address: as many as fit, aligned to their number. */
  private windowAt(mm: MmStruct, address: number): PageWindow {
    const { granule, pgtable, pages } = mm.sys;
    const bytes = WINDOW_PAGES * granule.pageSize;
    const start = address - (address % bytes);
    const pmdp = pgtable.pmdOffset(mm, start as Va);
    const pmd = pmdp === -1 ? 0n : pgtable.rawGet(pmdp);
    const absent: PageCell = { pte: "0", present: false, cont: false, young: false, dirty: false, writable: false, frame: -1, folio: -1, folioOrder: 0 };
    if (pmdNone(pmd) || pmdLeaf(pmd)) return { start, pageSize: granule.pageSize, block: pmdLeaf(pmd), cells: Array.from({ length: WINDOW_PAGES }, () => absent) };
    const cells: PageCell[] = [];
    for (let page = 0; page < WINDOW_PAGES; page++) {
      const pte = pgtable.rawGet(pgtable.pteOffset(pmd, (start + page * granule.pageSize) as Va));
      if (!ptePresent(pte)) {
        cells.push({ ...absent, pte: pte.toString(16) });
        continue;
      }
      const frame = pgtable.ptePfn(pte);
      const folio = pages.head(frame);
      cells.push({
        pte: pte.toString(16),
        present: true,
        cont: pteCont(pte),
        young: pteYoung(pte),
        dirty: pteHwDirty(pte) || pteSwDirty(pte),
        writable: pteWrite(pte),
        frame,
        folio,
        folioOrder: pages.folioOrder(folio),
      });
    }
    return { start, pageSize: granule.pageSize, block: false, cells };
  }

  snapshot(): Snapshot {
    const { engine, sys, mmus, faults } = this.machine;
    const { instructions, loads, stores } = engine.counters;
    const [mmu] = mmus;
    if (mmu === undefined) throw new ConfigError("a session needs a core");
    if (this.ended === undefined && this.mm !== undefined) this.look(this.mm);
    const { fold, unfold, setPtesBlocks } = sys.pgtable.counters;
    const picture = (name: string, tlb: Tlb): TlbPicture => ({
      name,
      capacity: tlb.entries,
      entries: [...tlb].filter(({ table }) => !table).map(({ start, end, dirty }) => ({ start, end, dirty })),
    });
    return {
      ended: this.ended,
      output: this.text,
      instructions,
      loads,
      stores,
      faults: this.served,
      lastFault: this.last,
      faultsByKind: { ...faults.byKind },
      ...this.final,
      contpte: { fold, unfold, setPtesBlocks },
      tlbs: [picture("L1 instruction", mmu.l1i), picture("L1 data", mmu.l1d), ...mmu.l2d.map((tlb) => picture("L2", tlb))],
      stats: mmu.stats({ instructions, loads, stores }),
    };
  }

  /** Ends the program and gives everything back; returns the frames that were lost, 0 unless the model leaks. */
  close(): number {
    return this.machine.shutdown();
  }
}
