/**
 * What the engines execute, in the terms in which Linux announces it to programs.
 *
 * Linux: arch/arm64/include/uapi/asm/hwcap.h, arch/arm64/kernel/cpufeature.c.
 */
const HWCAP_FP = 1 << 0;
const HWCAP_ASIMD = 1 << 1;
const HWCAP_AES = 1 << 3;
const HWCAP_PMULL = 1 << 4;
const HWCAP_SHA1 = 1 << 5;
const HWCAP_SHA2 = 1 << 6;
const HWCAP_CRC32 = 1 << 7;
const HWCAP_ATOMICS = 1 << 8;
const HWCAP_FPHP = 1 << 9;
const HWCAP_ASIMDHP = 1 << 10;
const HWCAP_ASIMDRDM = 1 << 12;
const HWCAP_JSCVT = 1 << 13;
const HWCAP_FCMA = 1 << 14;
const HWCAP_LRCPC = 1 << 15;
const HWCAP_SHA3 = 1 << 17;
const HWCAP_SM3 = 1 << 18;
const HWCAP_SM4 = 1 << 19;
const HWCAP_ASIMDDP = 1 << 20;
const HWCAP_SHA512 = 1 << 21;
const HWCAP_ASIMDFHM = 1 << 23;
const HWCAP_ILRCPC = 1 << 26;
const HWCAP_FLAGM = 1 << 27;
const HWCAP_SB = 1 << 29;
const HWCAP2_FLAGM2 = 1 << 7;
const HWCAP2_FRINT = 1 << 8;

/**
 * AT_HWCAP: instructions that both engines execute. Left out: CPUID (ID registers are undefined at EL0), EVTSTRM, DCPOP (hidden), SVE,
 * PACA and PACG (the instructions of the hint space run as NOPs), USCAT, DIT, SSBS.
 * Linux: arch/arm64/include/uapi/asm/hwcap.h.
 */
export const EXECUTED_HWCAP =
  HWCAP_FP | HWCAP_ASIMD | HWCAP_AES | HWCAP_PMULL | HWCAP_SHA1 | HWCAP_SHA2 | HWCAP_CRC32 | HWCAP_ATOMICS | HWCAP_FPHP | HWCAP_ASIMDHP |
  HWCAP_ASIMDRDM | HWCAP_JSCVT | HWCAP_FCMA | HWCAP_LRCPC | HWCAP_SHA3 | HWCAP_SM3 | HWCAP_SM4 | HWCAP_ASIMDDP | HWCAP_SHA512 | HWCAP_ASIMDFHM |
  HWCAP_ILRCPC | HWCAP_FLAGM | HWCAP_SB;

/** AT_HWCAP2. Left out: RNG (hidden), BTI (branch targets are not guarded), DCPODP, and all that is younger than Armv8.5. */
export const EXECUTED_HWCAP2 = HWCAP2_FLAGM2 | HWCAP2_FRINT;
