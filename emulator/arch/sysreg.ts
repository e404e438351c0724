/**
 * The system registers that a table walk depends on: TCR_EL1, MAIR_EL1, TTBR0_EL1.
 *
 * Arm: DDI 0487 D24.2 (TCR_EL1, MAIR_EL1, TTBR0_EL1).
 * Linux: arch/arm64/include/asm/pgtable-hwdef.h (TCR_*), arch/arm64/mm/proc.S (__cpu_setup), asm/sysreg.h (MAIR_ATTR_*).
 */
import type { Asid, Pa } from "./addr.js";
import { NotModelled } from "./errors.js";
import type { GranuleName } from "./granule.js";

/** Bits 5:0: the TTBR0 region is 2^(64 - T0SZ) bytes. */
export const TCR_T0SZ_SHIFT = 0n;
/** Bit 7: walks through TTBR0 are disabled and fault. */
export const TCR_EPD0 = 1n << 7n;
/** Bits 9:8 and 11:10: inner and outer cacheability of walks; 1 = write-back, write-allocate. */
export const TCR_IRGN0_SHIFT = 8n;
export const TCR_ORGN0_SHIFT = 10n;
/** Bits 13:12: shareability of walks; 3 = inner. */
export const TCR_SH0_SHIFT = 12n;
/** Bits 15:14: granule of TTBR0. */
export const TCR_TG0_SHIFT = 14n;
export const TCR_T1SZ_SHIFT = 16n;
/** Bit 22: the current ASID is TTBR1_EL1's, not TTBR0_EL1's. */
export const TCR_A1 = 1n << 22n;
/** Bit 23: walks through TTBR1 are disabled and fault. */
export const TCR_EPD1 = 1n << 23n;
export const TCR_IRGN1_SHIFT = 24n;
export const TCR_ORGN1_SHIFT = 26n;
export const TCR_SH1_SHIFT = 28n;
/** Bits 31:30: granule of TTBR1, coded differently from TG0. */
export const TCR_TG1_SHIFT = 30n;
/** Bits 34:32: size of the output address. */
export const TCR_IPS_SHIFT = 32n;
/** Bit 36: 16-bit ASIDs. */
export const TCR_AS = 1n << 36n;
/** Bits 37 and 38: the top byte of an address in the TTBR0 and TTBR1 half is ignored. */
export const TCR_TBI0 = 1n << 37n;
export const TCR_TBI1 = 1n << 38n;
/** Bit 39: hardware sets the access flag. */
export const TCR_HA = 1n << 39n;
/** Bit 40: hardware manages dirty state; needs HA. */
export const TCR_HD = 1n << 40n;
/** Bits 41 and 42: hierarchical permissions are off in the TTBR0 and TTBR1 half. */
export const TCR_HPD0 = 1n << 41n;
export const TCR_HPD1 = 1n << 42n;
/** Bits 55 and 56: EL0 access to the half always faults (FEAT_E0PD). */
export const TCR_E0PD0 = 1n << 55n;
export const TCR_E0PD1 = 1n << 56n;
/** Bit 59: 52-bit addresses with 4K and 16K granules (FEAT_LPA2). */
export const TCR_DS = 1n << 59n;

const TG0: Readonly<Record<GranuleName, bigint>> = { "4k": 0n, "64k": 1n, "16k": 2n };
const TG1: Readonly<Record<GranuleName, bigint>> = { "16k": 1n, "4k": 2n, "64k": 3n };
/** Output address bits by IPS value. */
const IPS_BITS = [32, 36, 40, 42, 44, 48, 52] as const;
export type OaBits = (typeof IPS_BITS)[number];

/** MAIR_EL1 attribute bytes. */
export const MAIR_DEVICE_nGnRnE = 0x00n;
export const MAIR_DEVICE_nGnRE = 0x04n;
export const MAIR_NORMAL_NC = 0x44n;
export const MAIR_NORMAL_TAGGED = 0xf0n;
export const MAIR_NORMAL = 0xffn;

/**
 * MAIR_EL1 with the attribute bytes at the indexes 0 to 4 that Linux gives them: Normal, Normal Tagged, Normal Non-cacheable,
 * Device nGnRnE, Device nGnRE. Without MTE the tagged index holds Normal as well.
 */
export const MAIR_LINUX = MAIR_NORMAL | (MAIR_NORMAL << 8n) | (MAIR_NORMAL_NC << 16n) | (MAIR_DEVICE_nGnRnE << 24n) | (MAIR_DEVICE_nGnRE << 32n);

/** What a walk through TTBR0 reads from TCR_EL1. */
export interface Tcr {
  readonly granule: GranuleName;
  readonly vaBits: number;
  readonly oaBits: OaBits;
  readonly ha: boolean;
  readonly hd: boolean;
  readonly asid16: boolean;
}

/**
 * TCR_EL1 as Linux programs it for this granule: walks write-back and inner shareable, top byte ignored at EL0, ASID in TTBR1
 * (A1), the same geometry for both halves.
 */
export function encodeTcr(tcr: Tcr): bigint {
  const size = BigInt(64 - tcr.vaBits);
  const cached = (1n << TCR_IRGN0_SHIFT) | (1n << TCR_ORGN0_SHIFT) | (3n << TCR_SH0_SHIFT);
  const cached1 = (1n << TCR_IRGN1_SHIFT) | (1n << TCR_ORGN1_SHIFT) | (3n << TCR_SH1_SHIFT);
  return (
    (size << TCR_T0SZ_SHIFT) |
    (size << TCR_T1SZ_SHIFT) |
    (TG0[tcr.granule] << TCR_TG0_SHIFT) |
    (TG1[tcr.granule] << TCR_TG1_SHIFT) |
    cached |
    cached1 |
    (BigInt(IPS_BITS.indexOf(tcr.oaBits)) << TCR_IPS_SHIFT) |
    TCR_A1 |
    TCR_TBI0 |
    (tcr.asid16 ? TCR_AS : 0n) |
    (tcr.ha ? TCR_HA : 0n) |
    (tcr.hd ? TCR_HD : 0n)
  );
}

/** The facts of a TCR_EL1 value that govern TTBR0. Throws NotModelled for DS = 1, EPD0 = 1, HPD0 = 1 and reserved codes. */
export function decodeTcr(value: bigint): Tcr {
  if ((value & TCR_DS) !== 0n) throw new NotModelled("decodeTcr: TCR_EL1.DS = 1, 52-bit addresses with 4K and 16K granules");
  if ((value & TCR_EPD0) !== 0n) throw new NotModelled("decodeTcr: TCR_EL1.EPD0 = 1, walks through TTBR0 are disabled");
  if ((value & TCR_HPD0) !== 0n) throw new NotModelled("decodeTcr: TCR_EL1.HPD0 = 1, hierarchical permissions are disabled");
  const tg0 = (value >> TCR_TG0_SHIFT) & 3n;
  const granule = tg0 === 0n ? "4k" : tg0 === 1n ? "64k" : tg0 === 2n ? "16k" : undefined;
  if (granule === undefined) throw new NotModelled("decodeTcr: TCR_EL1.TG0 = 3 is reserved");
  const oaBits = IPS_BITS[Number((value >> TCR_IPS_SHIFT) & 7n)];
  if (oaBits === undefined) throw new NotModelled("decodeTcr: TCR_EL1.IPS = 7 is not one of the sizes up to 52 bits");
  const ha = (value & TCR_HA) !== 0n;
  return {
    granule,
    vaBits: 64 - Number((value >> TCR_T0SZ_SHIFT) & 0x3fn),
    oaBits,
    ha,
    hd: ha && (value & TCR_HD) !== 0n,
    asid16: (value & TCR_AS) !== 0n,
  };
}

/** TTBR0_EL1: ASID in bits 63:48, table address in 47:1. */
export function encodeTtbr0(table: Pa, asid: Asid): bigint {
  return (BigInt(asid) << 48n) | BigInt(table);
}

/** Table address and ASID of a TTBR0_EL1 value; bit 0 (CnP) is dropped. */
export function decodeTtbr0(value: bigint): { readonly table: Pa; readonly asid: Asid } {
  return { table: Number(value & 0xffff_ffff_fffen) as Pa, asid: Number(value >> 48n) as Asid };
}
