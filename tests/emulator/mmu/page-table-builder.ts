/**
 * Page tables for tests: maps addresses to descriptors given in full, allocating tables on the way. It computes indexes with bigint
 * shifts of its own, so that a mistake of the walker's arithmetic cannot hide behind the same mistake here.
 */
import type { Asid, Pa } from "../../../emulator/arch/addr.js";
import { granule } from "../../../emulator/arch/granule.js";
import type { GranuleName, Level } from "../../../emulator/arch/granule.js";
import { PhysicalMemory } from "../../../emulator/memory/physical-memory.js";
import type { TranslationRegime } from "../../../emulator/mmu/walk.js";

const PAGE_BITS: Readonly<Record<GranuleName, number>> = { "4k": 12, "16k": 14, "64k": 16 };

export class PageTables {
  readonly memory: PhysicalMemory;
  readonly root: number;
  private next: number;
  private readonly pageBits: number;
  private readonly startLevel: number;

  constructor(
    readonly granuleName: GranuleName = "4k",
    readonly vaBits = 48,
    bytes = 64 * 2 ** 20,
    memory?: PhysicalMemory,
    root = 0x40000,
  ) {
    this.memory = memory ?? new PhysicalMemory(bytes);
    this.pageBits = PAGE_BITS[granuleName];
    this.startLevel = 4 - Math.ceil((vaBits - this.pageBits) / (this.pageBits - 3));
    this.root = root;
    this.next = root + 2 ** this.pageBits;
  }

  get pageSize(): number {
    return 2 ** this.pageBits;
  }

  /** log2 of the bytes that a descriptor of this level maps. */
  shift(level: Level): number {
    return this.pageBits + (this.pageBits - 3) * (3 - level);
  }

  /** Address of the descriptor of `level` for `va`; missing tables above it are made with `tableBits` besides valid and table. */
  slot(va: number, level: Level, tableBits = 0n): number {
    let table = this.root;
    for (let at = this.startLevel; ; at++) {
      const width = at === this.startLevel ? this.vaBits - this.shift(at as Level) : this.pageBits - 3;
      const index = Number((BigInt(va) >> BigInt(this.shift(at as Level))) & ((1n << BigInt(width)) - 1n));
      const place = table + index * 8;
      if (at === level) return place;
      let descriptor = this.memory.read64(place as Pa);
      if (descriptor === 0n) {
        descriptor = BigInt(this.next) | 3n | tableBits;
        this.next += this.pageSize;
        this.memory.write64(place as Pa, descriptor);
      }
      table = Number(descriptor & 0xffff_ffff_f000n);
    }
  }

  /** Write `descriptor` at `level` for `va` and return its address. */
  map(va: number, level: Level, descriptor: bigint, tableBits = 0n): number {
    const place = this.slot(va, level, tableBits);
    this.memory.write64(place as Pa, descriptor);
    return place;
  }

  read(place: number): bigint {
    return this.memory.read64(place as Pa);
  }

  regime(options: { asid?: number; ha?: boolean; hd?: boolean; oaBits?: number } = {}): TranslationRegime {
    const { asid = 1, ha = true, hd = ha, oaBits = 48 } = options;
    return { granule: granule(this.granuleName, this.vaBits), ttbr0: this.root as Pa, asid: asid as Asid, ha, hd, oaBits };
  }
}
