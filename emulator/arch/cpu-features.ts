/**
 * Architectural features of a CPU that change what the kernel does or what the guest sees.
 *
 * Arm: ID_AA64MMFR1_EL1.HAFDBS, ID_AA64ISAR0_EL1.TLB, ID_AA64MMFR2_EL1.{TTL,BBM}, ID_AA64MMFR0_EL1.ASIDBits.
 */
export interface CpuFeatures {
  /** FEAT_HAFDBS, access flag part: hardware sets AF. */
  readonly hardwareAf: boolean;
  /** FEAT_HAFDBS, dirty part: hardware clears AP[2] where DBM is set. Implies hardwareAf. */
  readonly hardwareDirty: boolean;
  /** FEAT_TLBIRANGE: RVAE1IS and relatives exist. */
  readonly tlbiRange: boolean;
  /** FEAT_TTL: TLBI by address may carry a level hint. */
  readonly ttl: boolean;
  /** FEAT_BBM level: 0, 1 or 2. */
  readonly bbm: 0 | 1 | 2;
  /** ASID width: 8 or 16. */
  readonly asidBits: 8 | 16;
  /** FEAT_LPA2 with 4K and 16K granules (TCR.DS = 1). Not used by the presets; a TLBI range then starts at 64K alignment. */
  readonly lpa2: boolean;
}
