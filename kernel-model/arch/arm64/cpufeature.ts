/**
 * MRS of identification registers at EL0: traps as undefined, and the kernel answers with what it announces in AT_HWCAP.
 *
 * Linux: arch/arm64/kernel/cpufeature.c try_emulate_mrs(), emulate_sys_reg(), is_emulated(), arm64_ftr_bits tables (visible fields;
 * hidden ones read as their safe values), arm64_elf_hwcaps.
 */

/** One visible field: register (CRm, Op2), shift, and the hwcap bits that raise its value, strongest first. */
interface Field {
  readonly shift: number;
  /** [hwcap bit, field value]. */
  readonly values: readonly (readonly [number, number])[];
}

const bit = (n: number): number => 2 ** n;

/** ID_AA64ISAR0_EL1. */
const ISAR0: readonly Field[] = [
  { shift: 4, values: [[bit(4), 2], [bit(3), 1]] }, // AES: PMULL, AES
  { shift: 8, values: [[bit(5), 1]] }, // SHA1
  { shift: 12, values: [[bit(21), 2], [bit(6), 1]] }, // SHA2: SHA512, SHA2
  { shift: 16, values: [[bit(7), 1]] }, // CRC32
  { shift: 20, values: [[bit(8), 2]] }, // Atomic
  { shift: 28, values: [[bit(12), 1]] }, // RDM
  { shift: 32, values: [[bit(17), 1]] }, // SHA3
  { shift: 36, values: [[bit(18), 1]] }, // SM3
  { shift: 40, values: [[bit(19), 1]] }, // SM4
  { shift: 44, values: [[bit(20), 1]] }, // DP
  { shift: 48, values: [[bit(23), 1]] }, // FHM
  { shift: 52, values: [[bit(27), 1]] }, // TS: FLAGM
];

/** ID_AA64ISAR1_EL1. */
const ISAR1: readonly Field[] = [
  { shift: 0, values: [[bit(16), 1]] }, // DPB
  { shift: 12, values: [[bit(13), 1]] }, // JSCVT
  { shift: 16, values: [[bit(14), 1]] }, // FCMA
  { shift: 20, values: [[bit(26), 2], [bit(15), 1]] }, // LRCPC: ILRCPC, LRCPC
  { shift: 36, values: [[bit(29), 1]] }, // SB
];

/** ID_AA64PFR0_EL1: FP and AdvSIMD are 1 with half precision, 0 with single and double alone, 15 for none. */
function pfr0(hwcap: number): bigint {
  const fp = (hwcap & bit(0)) === 0 ? 15n : (hwcap & bit(9)) !== 0 ? 1n : 0n;
  const simd = (hwcap & bit(1)) === 0 ? 15n : (hwcap & bit(10)) !== 0 ? 1n : 0n;
  const dit = (hwcap & bit(24)) !== 0 ? 1n : 0n;
  // EL1 and EL0 are hidden; their safe value is AArch64 only.
  return 0x11n | (fp << 16n) | (simd << 20n) | (dit << 48n);
}

function build(fields: readonly Field[], hwcap: number): bigint {
  let value = 0n;
  for (const { shift, values } of fields) {
    const found = values.find(([cap]) => (hwcap & cap) !== 0);
    if (found !== undefined) value |= BigInt(found[1]) << BigInt(shift);
  }
  return value;
}

/** MPIDR_EL1 as user space sees it: bit 31 is RES1, the affinity is not shown. */
const SYS_MPIDR_SAFE_VAL = 1n << 31n;

export interface EmulatedMrs {
  /** Destination register, 31 = XZR. */
  readonly rt: number;
  readonly value: bigint;
}

/**
 * The result of `word` if it is an MRS of a register that Linux emulates, else undefined (the instruction stays undefined).
 * Identification registers other than those below hold no field that Linux shows: they read as zero.
 */
export function emulateMrs(word: number, hwcap: number, midr: number): EmulatedMrs | undefined {
  // MRS: 1101 0101 0011 o0 op1 CRn CRm op2 Rt, with Op0 = 3, Op1 = 0, CRn = 0.
  if ((word & 0xfffff000) >>> 0 !== 0xd5380000) return undefined;
  const crm = (word >>> 8) & 15;
  const op2 = (word >>> 5) & 7;
  const rt = word & 31;
  if (crm === 0) {
    if (op2 === 0) return { rt, value: BigInt(midr) };
    if (op2 === 5) return { rt, value: SYS_MPIDR_SAFE_VAL };
    if (op2 === 6) return { rt, value: 0n };
    return undefined;
  }
  if (crm < 2 || crm > 7) return undefined;
  if (crm === 4 && op2 === 0) return { rt, value: pfr0(hwcap) };
  if (crm === 6 && op2 === 0) return { rt, value: build(ISAR0, hwcap) };
  if (crm === 6 && op2 === 1) return { rt, value: build(ISAR1, hwcap) };
  return { rt, value: 0n };
}
