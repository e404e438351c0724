/**
 * The hardware oracle: a second opinion on translations, by Unicorn's own Arm MMU.
 *
 * It is QEMU's MMU, written by other people from the same architecture: `AT S1E0R` and `AT S1E0W` executed at EL1 against TTBR0, TCR and
 * MAIR, PAR_EL1 read back. It must agree with walk() on output address, memory type and permission, and on kind and level of a fault.
 * Where QEMU 5.0 is known to differ from the architecture the difference itself is predicted and compared; see `OracleLimit`.
 *
 * Arm: DDI 0487 D24.2 (PAR_EL1), C5.4 (AT S1E0R, AT S1E0W).
 */
import { type Asid, type Pa, type Va, alignDown, hex } from "../arch/addr.js";
import { DESC_AF, DESC_AP1, DESC_AP2, DESC_APTABLE0, DESC_APTABLE1 } from "../arch/descriptor.js";
import { type FaultKind, FSC_ACCESS_FLAG, FSC_ADDRESS_SIZE, FSC_PERMISSION, FSC_TRANSLATION } from "../arch/esr.js";
import type { Level } from "../arch/granule.js";
import { decodeTtbr0 } from "../arch/sysreg.js";
import { type Access, ACCESS_READ, ACCESS_WRITE } from "../engine/engine.js";
import { loadAddon, type NativeOracle } from "../engine/unicorn.js";
import type { PhysicalMemory } from "../memory/physical-memory.js";
import { newWalkResult, type TranslationRegime, walk, type WalkResult } from "../mmu/walk.js";
import { mairAttribute } from "./memory-attributes.js";
import type { TableRegime, TableRegisters } from "./table-memory.js";

/** What a translation came to, by the walker or by the oracle. */
export type Translation =
  | { readonly ok: true; /** Output address of the 4 KiB page. */ readonly page: number; /** MAIR attribute byte. */ readonly attribute: number; readonly shareability: number }
  | { readonly ok: false; readonly kind: FaultKind; readonly level: Level };

/** One address, read and written at EL0. */
export interface TranslationPair {
  readonly read: Translation;
  readonly write: Translation;
}

/**
 * Where Unicorn 2.1.4 (QEMU 5.0) departs from the architecture.
 * `unmapped-reads-zero`: a table outside of memory reads as zeros, so an external abort becomes a translation fault of the same level.
 * `reserved-as-block`: bits 1:0 = 01 where no block may stand are taken for a block.
 * `block-low-bits`: RES0 address bits of a block are ORed into the address.
 * `no-address-size`: there are no address size faults; not judged.
 */
export type OracleLimit = "unmapped-reads-zero" | "reserved-as-block" | "block-low-bits" | "no-address-size";

export interface Disagreement {
  readonly va: Va;
  readonly access: "read" | "write";
  readonly walker: Translation;
  readonly oracle: Translation;
}

export interface Comparison {
  /** Translations compared: two per address. */
  readonly compared: number;
  readonly disagreements: readonly Disagreement[];
  /** Translations in which a known limit of the oracle played a part. */
  readonly limits: Readonly<Partial<Record<OracleLimit, number>>>;
}

/** Most addresses per call of the addon. */
const BATCH = 4096;
const HEADER = 3;

/** Decode PAR_EL1. Throws for a fault code that QEMU's walker does not make. */
function decodePar(par: bigint): Translation {
  if ((par & 1n) === 0n) {
    return { ok: true, page: Number(par & 0xffff_ffff_f000n), attribute: Number(par >> 56n), shareability: Number((par >> 7n) & 3n) };
  }
  const status = Number((par >> 1n) & 0x3fn);
  const level = (status & 3) as Level;
  switch (status - level) {
    case FSC_TRANSLATION:
      return { ok: false, kind: "translation", level };
    case FSC_ACCESS_FLAG:
      return { ok: false, kind: "access-flag", level };
    case FSC_PERMISSION:
      return { ok: false, kind: "permission", level };
    case FSC_ADDRESS_SIZE:
      return { ok: false, kind: "address-size", level };
    default:
      throw new RangeError(`decodePar: fault status ${hex(status)} in PAR_EL1 ${hex(par)}`);
  }
}

export class HardwareOracle {
  private readonly native: NativeOracle;
  private words = new BigUint64Array(HEADER + 3 * 64);

  /** An oracle that reads tables in this memory. Throws ConfigError if the addon is missing. */
  constructor(memory: PhysicalMemory) {
    this.native = new (loadAddon().NativeOracle)();
    this.native.map(0, memory.memory.buffer, 0, memory.bytes);
  }

  /** Translate each address for a read and a write at EL0. */
  translate(registers: TableRegisters, addresses: readonly Va[]): TranslationPair[] {
    const pairs: TranslationPair[] = [];
    for (let done = 0; done < addresses.length; done += BATCH) {
      const batch = addresses.slice(done, done + BATCH);
      const needed = HEADER + 3 * batch.length;
      if (this.words.length < needed) this.words = new BigUint64Array(needed);
      const { words } = this;
      words[0] = registers.ttbr0;
      words[1] = registers.tcr;
      words[2] = registers.mair;
      batch.forEach((va, i) => {
        words[HEADER + i] = BigInt(va);
      });
      this.native.translate(words.buffer, batch.length);
      const results = HEADER + batch.length;
      for (let i = 0; i < batch.length; i++) pairs.push({ read: decodePar(words[results + 2 * i]!), write: decodePar(words[results + 2 * i + 1]!) });
    }
    return pairs;
  }
}

/** The walker's regime for these tables without hardware updates, which the oracle does not make either. */
function walkRegime(regime: TableRegime): TranslationRegime {
  const asid: Asid = decodeTtbr0(regime.registers.ttbr0).asid;
  return { granule: regime.granule, ttbr0: regime.root, asid, ha: false, hd: false, oaBits: regime.oaBits };
}

function outcome(result: WalkResult, mair: bigint): Translation {
  if (result.fault !== "none") return { ok: false, kind: result.fault, level: result.level };
  return { ok: true, page: alignDown(result.pa, 4096), attribute: mairAttribute(mair, (result.lo >>> 2) & 7), shareability: (result.lo >>> 8) & 3 };
}

/** What QEMU makes of a descriptor that it takes for a block. `forbids`: APTable bits of the tables above. */
function asBlock(descriptor: bigint, level: Level, va: Va, write: boolean, forbids: bigint, { granule, mair }: TableRegime): Translation {
  const size = granule.levels[level]!.size;
  const base = descriptor & 0xffff_ffff_f000n & ~(BigInt(granule.pageSize) - 1n);
  if ((descriptor & DESC_AF) === 0n) return { ok: false, kind: "access-flag", level };
  const user = (descriptor & DESC_AP1) !== 0n && (forbids & DESC_APTABLE0) === 0n;
  const readOnly = (descriptor & DESC_AP2) !== 0n || (forbids & DESC_APTABLE1) !== 0n;
  if (!user || (write && readOnly)) return { ok: false, kind: "permission", level };
  return {
    ok: true,
    page: Number((base | BigInt(va % size)) & 0xffff_ffff_f000n),
    attribute: mairAttribute(mair, Number((descriptor >> 2n) & 7n)),
    shareability: Number((descriptor >> 8n) & 3n),
  };
}

/** What the oracle should answer where the walker found `expected`, and the limit that makes the two differ. Undefined: cannot be said. */
function predict(expected: Translation, result: WalkResult, memory: PhysicalMemory, va: Va, write: boolean, regime: TableRegime): { readonly answer: Translation; readonly limit: OracleLimit | undefined } | undefined {
  if (!expected.ok && expected.kind === "address-size") return undefined;
  if (!expected.ok && expected.kind === "external-abort") return { answer: { ok: false, kind: "translation", level: expected.level }, limit: "unmapped-reads-zero" };
  if (!result.fetched || result.level === 3) return { answer: expected, limit: undefined };
  const descriptor = memory.read64((result.descriptorIndex * 8) as Pa);
  if ((descriptor & 3n) !== 1n) return { answer: expected, limit: undefined };
  const geometry = regime.granule.levels[result.level]!;
  if (geometry.leaf) {
    const low = Number(descriptor & (BigInt(geometry.size) - 1n) & ~(BigInt(regime.granule.pageSize) - 1n));
    if (!expected.ok || low === 0) return { answer: expected, limit: undefined };
    return { answer: { ...expected, page: Number(BigInt(expected.page) | BigInt(low)) }, limit: "block-low-bits" };
  }
  return { answer: asBlock(descriptor, result.level, va, write, BigInt(result.tableForbids[result.level]! >>> 0) << 32n, regime), limit: "reserved-as-block" };
}

function same(a: Translation, b: Translation): boolean {
  if (a.ok && b.ok) return a.page === b.page && a.attribute === b.attribute && a.shareability === b.shareability;
  return !a.ok && !b.ok && a.kind === b.kind && a.level === b.level;
}

/** Compare walk() with the oracle for reads and writes of each address. The tables of `regime` lie in `memory`, the oracle's. */
export function compareWithOracle(oracle: HardwareOracle, memory: PhysicalMemory, regime: TableRegime, addresses: readonly Va[]): Comparison {
  const answers = oracle.translate(regime.registers, addresses);
  const walker = walkRegime(regime);
  const result = newWalkResult();
  const disagreements: Disagreement[] = [];
  const limits: Partial<Record<OracleLimit, number>> = {};
  const compare = (va: Va, access: Access, answer: Translation): void => {
    const write = access === ACCESS_WRITE;
    const expected = outcome(walk(memory, walker, va, access, { sideEffects: false, into: result }), regime.mair);
    const prediction = predict(expected, result, memory, va, write, regime);
    const limit = prediction === undefined ? "no-address-size" : prediction.limit;
    if (limit !== undefined) limits[limit] = (limits[limit] ?? 0) + 1;
    if (prediction !== undefined && !same(prediction.answer, answer)) disagreements.push({ va, access: write ? "write" : "read", walker: expected, oracle: answer });
  };
  addresses.forEach((va, i) => {
    compare(va, ACCESS_READ, answers[i]!.read);
    compare(va, ACCESS_WRITE, answers[i]!.write);
  });
  return { compared: 2 * addresses.length, disagreements, limits };
}

/** A translation in words: `0x40000000, attribute 0xff, SH 3` or `permission fault, level 3`. */
export function translationText(translation: Translation): string {
  return translation.ok ? `${hex(translation.page)}, attribute ${hex(translation.attribute)}, SH ${translation.shareability}` : `${translation.kind} fault, level ${translation.level}`;
}
