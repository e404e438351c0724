/**
 * Random page tables of every granule and start level, mostly well formed, for the comparison of walkers: each is a handful of tables in
 * which a few entries are set, and the addresses worth asking for.
 */
import { expect } from "chai";
import type { Asid, Pa, Va } from "../../emulator/arch/addr.js";
import { granule, type GranuleName, type Level } from "../../emulator/arch/granule.js";
import { encodeTcr } from "../../emulator/arch/sysreg.js";
import { PhysicalMemory } from "../../emulator/memory/physical-memory.js";
import { compareWithOracle, type Comparison, HardwareOracle, translationText } from "../../emulator/validate/oracle.js";
import type { TableRegime } from "../../emulator/validate/table-memory.js";
import { seededRandom } from "./seed.js";

const PAGE_BITS: Readonly<Record<GranuleName, number>> = { "4k": 12, "16k": 14, "64k": 16 };
/** Tables that fit the memory of a generator, by granule. */
const NR_TABLES = 14;

export interface RandomTable {
  readonly regime: TableRegime;
  readonly addresses: readonly Va[];
}

type Random = (bound: number) => number;

export class RandomTables {
  readonly memory: PhysicalMemory;
  private readonly name: GranuleName;
  private readonly random: Random;
  private readonly used: number[] = [];

  constructor(name: GranuleName, random: Random) {
    this.name = name;
    this.random = random;
    this.memory = new PhysicalMemory(2 ** Math.max(20, Math.ceil(Math.log2((NR_TABLES + 2) * 2 ** PAGE_BITS[name]))));
  }

  private chance(percent: number): boolean {
    return this.random(100) < percent;
  }

  private bits(n: number): bigint {
    return n <= 32 ? BigInt(this.random(2 ** n)) : (BigInt(this.random(2 ** (n - 32))) << 32n) | BigInt(this.random(2 ** 32));
  }

  private write(at: number, value: bigint): void {
    this.used.push(at / 8);
    this.memory.write64(at as Pa, value);
  }

  /** Attribute bits of a leaf: mostly those of an ordinary page, sometimes anything. */
  private leafAttributes(): bigint {
    if (this.chance(10)) return (this.bits(12) | (this.bits(14) << 50n)) & ~3n;
    let value = (1n << 10n) | (3n << 8n) | (1n << 6n) | (this.bits(3) << 2n) | (this.bits(1) << 7n) | (this.bits(1) << 11n) | (this.bits(4) << 51n) | (this.bits(4) << 55n);
    if (this.chance(15)) value &= ~(1n << 10n);
    if (this.chance(15)) value &= ~(1n << 6n);
    return value;
  }

  /** The next table; what the one before wrote is cleared. */
  next(): RandomTable {
    const { memory, name, random } = this;
    for (const word of this.used.splice(0)) memory.u64[word] = 0n;
    const vaBits = 25 + random(24);
    const geometry = granule(name, vaBits);
    const { pageSize, startLevel } = geometry;
    const pageBits = PAGE_BITS[name];
    const rootEntries = geometry.levels[startLevel]!.entries;
    const align = Math.max(64, rootEntries * 8);
    const root = random(pageSize / align) * align;
    const addresses = new Set<number>();
    let free = 1;

    const fill = (level: Level, at: number, va: number): void => {
      const { entries, size, leaf } = geometry.levels[level]!;
      const count = 1 + random(5);
      for (let i = 0; i < count; i++) {
        const index = this.chance(20) ? entries - 1 : random(entries);
        const first = va + index * size;
        addresses.add(first + random(Math.min(size, 2 ** 31)));
        addresses.add(first + size - 1);
        const kind = random(100);
        if (level < 3 && (kind < 60 || (!leaf && kind < 95))) {
          // A table: most lie in memory, at times outside, at times one that was used before.
          const below = this.chance(4) ? memory.bytes / pageSize + random(4) : this.chance(4) ? random(free) : free < NR_TABLES ? free++ : random(free);
          const forbids = this.chance(25) ? this.bits(5) << 59n : 0n;
          const ignored = this.chance(10) ? (this.bits(6) << 2n) | (this.bits(8) << 51n) : 0n;
          const fresh = below === free - 1;
          this.write(at + index * 8, BigInt(below * pageSize) | 3n | forbids | ignored);
          if (fresh) fill((level + 1) as Level, below * pageSize, first);
          continue;
        }
        let value = this.leafAttributes();
        const oa = (this.bits(48 - pageBits) << BigInt(pageBits)) & ~(this.chance(10) ? 0n : BigInt(size) - 1n);
        value |= oa & 0xffff_ffff_f000n;
        if (name === "64k" && this.chance(3)) value |= this.bits(4) << 12n;
        const type = random(100);
        value |= type < 85 ? (level === 3 ? 3n : 1n) : type < 92 ? 0n : level === 3 ? 1n : 3n;
        if ((value & 3n) === 3n && level < 3) value = (value & ~0xffff_ffff_f000n) | BigInt(random(NR_TABLES) * pageSize);
        this.write(at + index * 8, value);
        for (let n = 0; n < 2; n++) addresses.add(first + random(Math.min(size, 2 ** 31)));
      }
      addresses.add(va + random(entries) * size);
    };
    fill(startLevel, root, 0);
    addresses.add(2 ** vaBits - 1);
    addresses.add(2 ** vaBits + random(2 ** 20));
    const oaBits = 48;
    const tcr = encodeTcr({ granule: name, vaBits, oaBits, ha: false, hd: false, asid16: true });
    const mair = (this.bits(32) << 32n) | this.bits(32);
    const asid = 5 as Asid;
    return {
      regime: { registers: { ttbr0: (BigInt(asid) << 48n) | BigInt(root), tcr, mair }, granule: geometry, root: root as Pa, oaBits, ha: false, hd: false, mair },
      addresses: [...addresses].filter((va) => va < 2 ** 48) as Va[],
    };
  }
}

/** What a comparison says when it is not in agreement. */
function failures({ disagreements }: Comparison): string[] {
  return disagreements.map(({ va, access, walker, oracle }) => `${access} of 0x${va.toString(16)}: walker ${translationText(walker)}; oracle ${translationText(oracle)}`);
}

/** Compare `count` random tables; returns how many translations were compared and how often each limit was met. */
export function compareRandomTables(name: GranuleName, count: number, salt: number): { compared: number; limits: Record<string, number> } {
  const tables = new RandomTables(name, seededRandom(salt));
  const oracle = new HardwareOracle(tables.memory);
  let compared = 0;
  const limits: Record<string, number> = {};
  for (let i = 0; i < count; i++) {
    const { regime, addresses } = tables.next();
    const comparison = compareWithOracle(oracle, tables.memory, regime, addresses);
    expect(failures(comparison), `table ${i} of ${name}, ${regime.granule.vaBits} address bits`).to.deep.equal([]);
    compared += comparison.compared;
    for (const [limit, n] of Object.entries(comparison.limits)) limits[limit] = (limits[limit] ?? 0) + n;
  }
  return { compared, limits };
}
