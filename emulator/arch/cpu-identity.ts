/**
 * What a CPU says of itself: MIDR_EL1, and the instruction set that Linux 6.12 announces for it in AT_HWCAP.
 *
 * Programs choose code by both (glibc picks its memcpy by MIDR), so they belong to the CPU that is modelled, not to the engine. What the
 * engine cannot execute is left out when the two are combined.
 * Arm: DDI 0487 D24.2 MIDR_EL1. Linux: arch/arm64/include/asm/cputype.h, arch/arm64/include/uapi/asm/hwcap.h.
 */
export interface CpuIdentity {
  readonly midr: number;
  /** AT_HWCAP of a 6.12 kernel on this CPU. */
  readonly hwcap: number;
}

/** The kernel's own: WFE wakes by the event stream; MRS of identification registers is emulated. */
export const HWCAP_EVTSTRM = 1 << 2;
export const HWCAP_CPUID = 1 << 11;

/** FP ASIMD EVTSTRM AES PMULL SHA1 SHA2 CRC32 CPUID: recorded on a Cortex-A72. */
const ARMV8_0 = 0x8ff;
/** Adds ATOMICS FPHP ASIMDHP ASIMDRDM LRCPC DCPOP ASIMDDP: recorded on a Neoverse N1. */
const ARMV8_2 = 0x119fff;
/** SSBS (Cortex-A76 and later, Linux from ID_AA64PFR1_EL1). */
const SSBS = 1 << 28;
/** Armv8.4 and v8.5 as Neoverse V1 and V2, N2 have them: JSCVT FCMA SHA3 SM3 SM4 SHA512 ASIMDFHM DIT USCAT ILRCPC FLAGM SB, without SVE. */
const ARMV8_4 = ARMV8_2 | SSBS | (1 << 13) | (1 << 14) | (1 << 23) | (1 << 24) | (1 << 25) | (1 << 26) | (1 << 27) | (1 << 29);

/** implementer << 24 | variant << 20 | 15 << 16 | part << 4 | revision. */
function midr(implementer: number, part: number, variant: number, revision: number): number {
  return ((implementer << 24) | (variant << 20) | (15 << 16) | (part << 4) | revision) >>> 0;
}

const ARM = 0x41;
const APPLE = 0x61;

/** By preset name. Part numbers: arch/arm64/include/asm/cputype.h; revisions: those that QEMU gives, else r0p0. */
export const CPU_IDENTITIES: Readonly<Record<string, CpuIdentity>> = {
  "cortex-a35": { midr: midr(ARM, 0xd04, 0, 1), hwcap: ARMV8_0 },
  "cortex-a53": { midr: midr(ARM, 0xd03, 0, 4), hwcap: ARMV8_0 },
  "cortex-a55": { midr: midr(ARM, 0xd05, 2, 0), hwcap: ARMV8_2 },
  "cortex-a57": { midr: midr(ARM, 0xd07, 1, 0), hwcap: ARMV8_0 },
  "cortex-a72": { midr: midr(ARM, 0xd08, 0, 3), hwcap: ARMV8_0 },
  "cortex-a76": { midr: midr(ARM, 0xd0b, 4, 1), hwcap: ARMV8_2 | SSBS },
  "cortex-a78": { midr: midr(ARM, 0xd41, 0, 0), hwcap: ARMV8_2 | SSBS },
  "cortex-a710": { midr: midr(ARM, 0xd47, 0, 0), hwcap: ARMV8_4 },
  "cortex-a725": { midr: midr(ARM, 0xd87, 0, 0), hwcap: ARMV8_4 },
  "cortex-x1": { midr: midr(ARM, 0xd44, 0, 0), hwcap: ARMV8_2 | SSBS },
  "cortex-x2": { midr: midr(ARM, 0xd48, 0, 0), hwcap: ARMV8_4 },
  "cortex-x4": { midr: midr(ARM, 0xd82, 0, 0), hwcap: ARMV8_4 },
  "neoverse-n1": { midr: midr(ARM, 0xd0c, 4, 1), hwcap: ARMV8_2 },
  "neoverse-n2": { midr: midr(ARM, 0xd49, 0, 3), hwcap: ARMV8_4 },
  "neoverse-v1": { midr: midr(ARM, 0xd40, 1, 2), hwcap: ARMV8_4 },
  "neoverse-v2": { midr: midr(ARM, 0xd4f, 0, 0), hwcap: ARMV8_4 },
  "m1-firestorm": { midr: midr(APPLE, 0x023, 1, 1), hwcap: ARMV8_4 },
  "qemu-n1": { midr: midr(ARM, 0xd0c, 4, 1), hwcap: ARMV8_2 },
  "qemu-a72": { midr: midr(ARM, 0xd08, 0, 3), hwcap: ARMV8_0 },
};

/** A user's own preset, and QEMU's `max`: the reset value of QEMU's MIDR for it, and everything of Armv8.4. */
const OTHER: CpuIdentity = { midr: midr(0, 0x051, 0, 0), hwcap: ARMV8_4 };

/** The identity of a preset. A core without an entry is taken for an Armv8.4 CPU of no known maker. */
export function cpuIdentity(core: string): CpuIdentity {
  return (Object.hasOwn(CPU_IDENTITIES, core) ? CPU_IDENTITIES[core] : undefined) ?? OTHER;
}
