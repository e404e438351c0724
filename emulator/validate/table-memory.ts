/**
 * Page tables as a validator reads them: memory that may have holes, with the registers that say where the tables begin.
 */
import type { Pa } from "../arch/addr.js";
import { alignDown, isAligned } from "../arch/addr.js";
import { ConfigError, NotModelled } from "../arch/errors.js";
import { type Granule, granule } from "../arch/granule.js";
import { decodeTcr, decodeTtbr0 } from "../arch/sysreg.js";
import type { PhysicalMemory } from "../memory/physical-memory.js";

export interface TableMemory {
  /** `entries` descriptors from `at` on (8-byte aligned); undefined if any of them is not there. Not to be changed. */
  table(at: Pa, entries: number): BigUint64Array | undefined;
}

/** The registers of a dump, as they were. */
export interface TableRegisters {
  readonly ttbr0: bigint;
  readonly tcr: bigint;
  readonly mair: bigint;
}

/** What the registers mean. */
export interface TableRegime {
  readonly registers: TableRegisters;
  readonly granule: Granule;
  /** Table of the start level, aligned as the hardware takes it. */
  readonly root: Pa;
  readonly oaBits: number;
  readonly ha: boolean;
  readonly hd: boolean;
  readonly mair: bigint;
}

/** Interpret TTBR0, TCR and MAIR. Throws ConfigError, in one line, for what is not a usable TTBR0 regime of 4-level VMSAv8-64. */
export function tableRegime(registers: TableRegisters): TableRegime {
  let tcr;
  try {
    tcr = decodeTcr(registers.tcr);
  } catch (error) {
    if (error instanceof NotModelled) throw new ConfigError(`tcr 0x${registers.tcr.toString(16)}: ${error.message.replace(/^decodeTcr: /, "")}`);
    throw error;
  }
  if (tcr.vaBits < 25 || tcr.vaBits > 48) throw new ConfigError(`tcr 0x${registers.tcr.toString(16)}: T0SZ gives ${tcr.vaBits} address bits, 25 to 48 are possible`);
  const geometry = granule(tcr.granule, tcr.vaBits);
  return { registers, granule: geometry, root: alignDown(decodeTtbr0(registers.ttbr0).table, rootBytes(geometry)), oaBits: tcr.oaBits, ha: tcr.ha, hd: tcr.hd, mair: registers.mair };
}

/** Bytes to which the table of the start level is aligned: its size, and at least 64. Arm: D24.2 TTBR0_EL1.BADDR. */
export function rootBytes(geometry: Granule): number {
  return Math.max(64, geometry.levels[geometry.startLevel]!.entries * 8);
}

/** True if TTBR0 holds an address that the hardware takes as it is. */
export function isRootAligned({ registers, root }: TableRegime): boolean {
  return decodeTtbr0(registers.ttbr0).table === root;
}

/** Guest RAM; nothing lies outside. */
export class RamTables implements TableMemory {
  private readonly memory: PhysicalMemory;

  constructor(memory: PhysicalMemory) {
    this.memory = memory;
  }

  table(at: Pa, entries: number): BigUint64Array | undefined {
    if (!isAligned(at, 8) || at + entries * 8 > this.memory.bytes) return undefined;
    return this.memory.u64.subarray(at / 8, at / 8 + entries);
  }
}

/** Words on which the map of a sparse memory is cut. */
const CHUNK_WORDS = 512;

/** Single descriptors at any address; what was not put there reads as 0, and nothing lies outside. */
export class SparseTables implements TableMemory {
  private readonly chunks = new Map<number, BigUint64Array>();

  /** Put a descriptor at `at`. False if another one is there. */
  put(at: Pa, value: bigint): boolean {
    const word = at / 8;
    const number = Math.floor(word / CHUNK_WORDS);
    let chunk = this.chunks.get(number);
    if (chunk === undefined) {
      chunk = new BigUint64Array(CHUNK_WORDS);
      this.chunks.set(number, chunk);
    }
    const index = word - number * CHUNK_WORDS;
    const before = chunk[index]!;
    chunk[index] = value;
    return before === 0n || before === value;
  }

  table(at: Pa, entries: number): BigUint64Array {
    const words = new BigUint64Array(entries);
    const first = at / 8;
    for (let done = 0; done < entries; ) {
      const number = Math.floor((first + done) / CHUNK_WORDS);
      const inside = first + done - number * CHUNK_WORDS;
      const length = Math.min(CHUNK_WORDS - inside, entries - done);
      const chunk = this.chunks.get(number);
      if (chunk !== undefined) words.set(chunk.subarray(inside, inside + length), done);
      done += length;
    }
    return words;
  }
}
