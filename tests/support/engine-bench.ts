/**
 * A guest on an engine without a kernel: code and data pages by hand, misses answered from a table.
 */
import type { Pa, Pfn, Va } from "../../emulator/arch/addr.js";
import type { Engine, Exit } from "../../emulator/engine/engine.js";
import { PhysicalMemory } from "../../emulator/memory/physical-memory.js";
import { assemble } from "./assembly.js";

export const R = 1;
export const W = 2;
export const X = 4;
/** The page has a dirty state of its own. */
export const OWN_DIRTY = 8;

export interface Miss {
  readonly va: number;
  readonly access: number;
  readonly pc: number;
}

export interface Touch {
  readonly page: number;
  readonly access: number;
}

export interface TraceRecord extends Touch {
  /** Number of the held page that comes in or leaves; 0: none does. */
  readonly held: number;
}

/** Access of a record that stands for no touch. */
export const LEAVE = 3;

/** A trace record from its two words. */
export function decodeRecord(low: number, high: number): TraceRecord {
  return { page: low + ((high >>> 2) & 0xff) * 2 ** 32, access: high & 3, held: high >>> 10 };
}

/** Makes the engine under test over this RAM. */
export type MakeEngine<E extends Engine> = (memory: PhysicalMemory) => E;

export class EngineBench<E extends Engine> {
  readonly memory: PhysicalMemory;
  readonly engine: E;
  readonly pageSize: number;
  /** Misses answered from the table since the last `go`. */
  misses: Miss[] = [];
  /** Trace records since the bench was made, and those of touches. */
  records: TraceRecord[] = [];
  trace: Touch[] = [];
  /** Orders that the translation of a page comes with; set before the first miss. */
  orders: (page: number) => { readonly data: number; readonly code: number } = () => ({ data: 0, code: 0 });
  private readonly table = new Map<number, { readonly pa: number; readonly perms: number }>();
  private nextFrame = 1;

  /** `behind`: bytes that the engine keeps for itself behind RAM. */
  constructor(make: MakeEngine<E>, options: { readonly pageSize?: number; readonly bytes?: number; readonly behind?: number } = {}) {
    this.pageSize = options.pageSize ?? 4096;
    this.memory = new PhysicalMemory(options.bytes ?? 64 * 2 ** 20, options.behind);
    this.engine = make(this.memory);
    this.changeSink();
  }

  /** Another trace sink, which goes on with the same lists. */
  changeSink(): void {
    this.engine.setTraceSink((words, count) => {
      for (let index = 0; index < count; index++) {
        const record = decodeRecord(words[2 * index]!, words[2 * index + 1]!);
        this.records.push(record);
        if (record.access !== LEAVE) this.trace.push({ page: record.page, access: record.access });
      }
    });
  }

  /** Physical address of a page not used before. */
  frame(): number {
    return this.pageSize * this.nextFrame++;
  }

  /** Translate `va` to `pa` when the guest asks for it. Returns `pa`. */
  map(va: number, pa: number, perms: number): number {
    this.table.set(va / this.pageSize, { pa, perms });
    return pa;
  }

  /** `pages` fresh zeroed pages at `va`, on consecutive frames. Returns the first physical address. */
  data(va: number, pages = 1, perms = R | W): number {
    const first = this.frame();
    this.map(va, first, perms);
    for (let page = 1; page < pages; page++) this.map(va + page * this.pageSize, this.frame(), perms);
    return first;
  }

  /** Physical address that `va` is translated to. */
  physical(va: number): number {
    return this.table.get(va / this.pageSize)!.pa;
  }

  unmap(va: number): void {
    this.table.delete(va / this.pageSize);
    this.engine.invalidatePage(va as Va);
  }

  /** Assemble `source` to fresh pages at `va`, and set the PC there. Returns the physical address. */
  code(va: number, source: string, perms = R | X): number {
    const bytes = assemble(source);
    const pa = this.data(va, Math.max(1, Math.ceil(bytes.length / this.pageSize)), perms);
    this.memory.u8.set(bytes, pa);
    this.engine.registers.pc = BigInt(va);
    return pa;
  }

  /** Answer one miss from the table; false if it has no answer. */
  answer(exit: Exit): boolean {
    if (exit.reason !== "translation-miss") return false;
    const entry = this.table.get(Math.floor(exit.va / this.pageSize));
    const needed = [X, R, W][exit.access]!;
    if (entry === undefined || (entry.perms & needed) === 0) return false;
    this.misses.push({ va: exit.va, access: exit.access, pc: Number(this.engine.registers.pc) });
    const page = (exit.va - (exit.va % this.pageSize)) as Va;
    this.engine.installTranslation(page, entry.pa as Pa, entry.perms, this.orders(page / this.pageSize));
    return true;
  }

  /** Run until an exit that the table cannot answer. */
  go(budget = Infinity): Exit {
    this.misses = [];
    const end = this.engine.counters.instructions + budget;
    for (;;) {
      const exit = this.engine.run(end - this.engine.counters.instructions);
      if (!this.answer(exit)) return exit;
    }
  }

  /** Set X registers by number. */
  set(values: Readonly<Record<number, number | bigint>>): void {
    for (const [index, value] of Object.entries(values)) this.engine.registers.setX(Number(index), BigInt(value));
  }

  x(index: number): number {
    return Number(this.engine.registers.x(index));
  }

  discard(pa: number): void {
    this.engine.discardCode(Math.floor(pa / this.pageSize) as Pfn);
  }
}
