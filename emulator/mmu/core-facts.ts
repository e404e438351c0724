/**
 * What is known of the TLBs of real cores, each fact with its basis and source. `cores.ts` makes presets of these rows.
 *
 * A row is composed from earlier rows by spread; a fact that no source states carries the basis "assumed" and says so.
 */
import type { CpuFeatures } from "../arch/cpu-features.js";
import type { GranuleName } from "../arch/granule.js";
import type { TlbSpec } from "./tlb.js";
import type { WalkCacheReach } from "./walk-cache.js";

/**
 * How a fact is known: read in the named document; measured by the named author; read in a third party's summary; inferred from a
 * fact about this or a related core; remembered, not looked up; assumed because no source states it; given by the user of a preset of their own.
 */
export const BASES = ["read", "measured", "second-hand", "inferred", "memory", "assumed", "given"] as const;
export type Basis = (typeof BASES)[number];

export interface Fact<T> {
  readonly value: T;
  readonly basis: Basis;
  readonly source: string;
}

export type Facts<T> = { readonly [K in keyof T]: Fact<T[K]> };

/** An L2 structure and the misses it serves. */
export interface L2Spec extends TlbSpec {
  readonly serves: "both" | "instruction" | "data";
}

export interface WalkCacheSpec {
  /** A RAM of its own, or entries of the (first) L2 structure; entries, ways and policy then are that structure's. */
  readonly store: "own" | "l2";
  readonly entries: number;
  readonly ways: number | "full";
  readonly reach: WalkCacheReach;
  readonly policy: TlbSpec["policy"];
}

/** Cycles, indicative only. */
export interface Latencies {
  /** What an L2 TLB hit adds to an L1 hit. */
  readonly l2Hit: number;
  /** A descriptor fetch that no data cache of the walker answers (walker-facts.ts). */
  readonly descriptorFetch: number;
}

/** Behaviour of the hierarchy as a whole. */
export interface Behaviour {
  readonly granules: readonly GranuleName[];
  /** Any TLB maintenance empties the L1 TLBs. */
  readonly maintenanceFlushesL1: boolean;
  /** No ASID tags: a change of ASID empties everything. */
  readonly flushOnAsidChange: boolean;
}

export interface CoreFacts {
  readonly title: string;
  /** The row's geometry is read or measured; false shows as "unverified" wherever the preset is shown. */
  readonly verified: boolean;
  readonly features: Facts<CpuFeatures>;
  readonly behaviour: Facts<Behaviour>;
  readonly l1i: Facts<TlbSpec>;
  readonly l1d: Facts<TlbSpec>;
  readonly l2: readonly Facts<L2Spec>[];
  readonly walkCache: Facts<WalkCacheSpec> | undefined;
  readonly latencies: Facts<Latencies>;
}

export const K = 1024;
export const M = 1024 * K;
const G = 1024 * M;

const fact =
  (basis: Basis) =>
  <const T>(value: T, source: string): Fact<T> => ({ value, basis, source });
export const read = fact("read");
export const measured = fact("measured");
export const secondHand = fact("second-hand");
export const inferred = fact("inferred");
export const memory = fact("memory");
export const assumed = fact("assumed");

const TRM_A35 = "Arm 100236, A6.2 TLB organization";
const TRM_A53 = "Arm DDI 0500, 5.1 and 5.2";
const TRM_A57 = "Arm DDI 0488, read through pytorch/cpuinfo src/arm/tlb.c";
const TRM_A72 = "Arm 100095, 5.2";
const TRM_A76 = "Arm 100798, A5.2 and table A6-31";
const HPS = "Intel 814346 (Agilex 5 HPS TRM), 3.5.3.4.1 and 3.6.3.4.1";
export const QEMU_ID = "ID registers of the core's TRM as in QEMU target/arm/tcg/cpu64.c";
const CC_N1 = "chipsandcheese.com, deep-diving-neoverse-n1";
const CC_A72 = "chipsandcheese.com, arms-cortex-a72-aarch64-for-the-masses";
const CC_A53 = "chipsandcheese.com, arms-cortex-a53-tiny-but-important";
const CC_N2 = "chipsandcheese.com, arms-neoverse-n2-cortex-a710-for-servers";
const CC_V2 = "chipsandcheese.com, arms-neoverse-v2-in-awss-graviton-4; Hot Chips 2023 slides";
const NO_POLICY = "no TRM read states the replacement policy of a TLB";
const NO_FETCH = "estimate: no figure for a walk's memory access was found; about 100 ns at the core's usual clock";
const NO_WALK_CACHE = "no source names a walk cache; as Cortex-A76, whose L2 TLB keeps intermediate addresses";

/** Facts that hold for a structure unless its row knows better. */
const STRUCTURE = {
  contiguous: inferred("whole" as const, "the sizes of contiguous runs stand in the list of entry sizes; no TRM says it in words"),
  splinter: read("largest" as const, `${TRM_A76}: the TLB breaks pages down into smaller ones when an L1 TLB requires it`),
  coalescedPages: assumed(1, "no source names aggregation without the contiguous bit"),
  policy: assumed("lru" as const, NO_POLICY),
};

const unified = { serves: read("both" as const, "the TRMs call the L2 or main TLB unified") };

const BEHAVIOUR: Facts<Behaviour> = {
  granules: read(["4k", "16k", "64k"], `${QEMU_ID}: ID_AA64MMFR0_EL1.TGran4, TGran16, TGran64`),
  maintenanceFlushesL1: assumed(false, "no source says that maintenance empties the L1 TLBs"),
  flushOnAsidChange: read(false, "the TRMs name ASID tags"),
};

const NO_16K = read(["4k", "64k"] as const, `${QEMU_ID}: ID_AA64MMFR0_EL1.TGran16 = 0`);

/** Armv8.0: nothing of Armv8.1 or later. */
const ARMV8_0: Facts<CpuFeatures> = {
  hardwareAf: read(false, `${QEMU_ID}: ID_AA64MMFR1_EL1.HAFDBS = 0`),
  hardwareDirty: read(false, `${QEMU_ID}: ID_AA64MMFR1_EL1.HAFDBS = 0`),
  tlbiRange: read(false, `${QEMU_ID}: ID_AA64ISAR0_EL1.TLB = 0`),
  ttl: read(false, `${QEMU_ID}: no ID_AA64MMFR2_EL1`),
  bbm: read(0, `${QEMU_ID}: no ID_AA64MMFR2_EL1`),
  asidBits: read(16, `${QEMU_ID}: ID_AA64MMFR0_EL1.ASIDBits = 2`),
  lpa2: read(false, `${QEMU_ID}: ID_AA64MMFR0_EL1.TGran4 is not 1`),
};

/** Armv8.2 cores: hardware access flag and dirty state, none of the Armv8.4 TLB features. */
const ARMV8_2: Facts<CpuFeatures> = {
  ...ARMV8_0,
  hardwareAf: read(true, `${QEMU_ID}: ID_AA64MMFR1_EL1.HAFDBS = 2`),
  hardwareDirty: read(true, `${QEMU_ID}: ID_AA64MMFR1_EL1.HAFDBS = 2`),
  ttl: read(false, `${QEMU_ID}: ID_AA64MMFR2_EL1.TTL = 0`),
  bbm: read(0, `${QEMU_ID}: ID_AA64MMFR2_EL1.BBM = 0`),
};

/** Armv9 cores: range invalidation, level hints, break-before-make level 2. */
const ARMV9: Facts<CpuFeatures> = {
  ...ARMV8_2,
  tlbiRange: read(true, `${QEMU_ID}: ID_AA64ISAR0_EL1.TLB = 2`),
  ttl: read(true, `${QEMU_ID}: ID_AA64MMFR2_EL1.TTL = 1`),
  bbm: read(2, `${QEMU_ID}: ID_AA64MMFR2_EL1.BBM = 2`),
};

const ARMV9_INFERRED: Facts<CpuFeatures> = {
  ...ARMV9,
  tlbiRange: inferred(true, "Armv9-A core; as Cortex-A710 and Neoverse N2"),
  ttl: inferred(true, "Armv9-A core; as Cortex-A710 and Neoverse N2"),
  bbm: inferred(2, "as Cortex-A710 and Neoverse N2"),
};

const LATENCIES: Facts<Latencies> = {
  l2Hit: measured(5, CC_N1),
  descriptorFetch: assumed(300, NO_FETCH),
};

const A76_L1I_SIZES = read([4 * K, 16 * K, 64 * K, 2 * M, 32 * M] as const, TRM_A76);
const A76_L1D_SIZES = read([4 * K, 16 * K, 64 * K, 2 * M, 512 * M] as const, TRM_A76);
const A76_L2_SIZES = read([4 * K, 16 * K, 64 * K, 2 * M, 32 * M, 512 * M, 1 * G] as const, TRM_A76);

const CORTEX_A53: CoreFacts = {
  title: "Cortex-A53",
  verified: true,
  features: ARMV8_0,
  behaviour: {
    ...BEHAVIOUR,
    granules: read(["4k", "64k"], `${TRM_A53}: a translation granule of 4KB or 64KB`),
    maintenanceFlushesL1: read(true, "Intel 683222 (Stratix 10 HPS TRM), 3.5.3.1: main TLB maintenance flushes both micro TLBs"),
  },
  l1i: {
    ...STRUCTURE,
    entries: read(10, TRM_A53),
    ways: read("full", TRM_A53),
    pageSizes: inferred([4 * K, 64 * K], "the granule's page; the micro TLB was measured not to hold larger ones (tlb_test notes on Juno)"),
    contiguous: inferred("ignored", "as blocks: the micro TLB holds single pages"),
    splinter: measured("page", "tlb_test notes on Juno: the micro TLB does not hold huge pages"),
  },
  l1d: {
    ...STRUCTURE,
    entries: read(10, TRM_A53),
    ways: read("full", TRM_A53),
    pageSizes: inferred([4 * K, 64 * K], "the granule's page; the micro TLB was measured not to hold larger ones (tlb_test notes on Juno)"),
    contiguous: inferred("ignored", "as blocks: the micro TLB holds single pages"),
    splinter: measured("page", "tlb_test notes on Juno: the micro TLB does not hold huge pages"),
  },
  l2: [
    {
      ...STRUCTURE,
      ...unified,
      entries: read(512, TRM_A53),
      ways: read(4, TRM_A53),
      pageSizes: read([4 * K, 64 * K, 2 * M, 512 * M], `${TRM_A53}: all VMSAv8 block sizes except 1GB, which is split into 512MB`),
    },
  ],
  walkCache: {
    store: read("own", TRM_A53),
    entries: read(64, TRM_A53),
    ways: read(4, TRM_A53),
    reach: read("last-table", `${TRM_A35} on the same RAM: the result of stage 1 up to but not including the last level`),
    policy: assumed("lru", NO_POLICY),
  },
  latencies: { l2Hit: measured(2, CC_A53), descriptorFetch: assumed(180, NO_FETCH) },
};

const CORTEX_A35: CoreFacts = {
  ...CORTEX_A53,
  title: "Cortex-A35",
  behaviour: {
    ...CORTEX_A53.behaviour,
    granules: BEHAVIOUR.granules,
    maintenanceFlushesL1: read(true, TRM_A35),
  },
  l1i: { ...CORTEX_A53.l1i, entries: read(10, TRM_A35), ways: inferred("full", "as Cortex-A53"), pageSizes: inferred([4 * K, 16 * K, 64 * K], "as Cortex-A53, with the 16K granule") },
  l1d: { ...CORTEX_A53.l1d, entries: read(10, TRM_A35), ways: inferred("full", "as Cortex-A53"), pageSizes: inferred([4 * K, 16 * K, 64 * K], "as Cortex-A53, with the 16K granule") },
  l2: [
    {
      ...STRUCTURE,
      ...unified,
      entries: read(512, TRM_A35),
      ways: read(2, TRM_A35),
      pageSizes: read([4 * K, 16 * K, 64 * K, 2 * M, 32 * M, 512 * M], `${TRM_A35}: all VMSAv8 block sizes except 1GB, which is split into 512MB`),
    },
  ],
  walkCache: { ...CORTEX_A53.walkCache!, store: read("own", TRM_A35), entries: inferred(64, "as Cortex-A53"), ways: inferred(4, "as Cortex-A53"), reach: read("last-table", TRM_A35) },
  latencies: { l2Hit: inferred(2, "as Cortex-A53"), descriptorFetch: assumed(180, NO_FETCH) },
};

const CORTEX_A55: CoreFacts = {
  ...CORTEX_A53,
  title: "Cortex-A55",
  features: ARMV8_2,
  behaviour: { ...BEHAVIOUR, maintenanceFlushesL1: read(true, `${HPS}: all maintenance invalidates both L1 TLBs`) },
  l1i: { ...CORTEX_A35.l1i, entries: read(15, HPS), ways: read("full", HPS) },
  l1d: { ...CORTEX_A35.l1d, entries: read(16, HPS), ways: read("full", HPS) },
  l2: [
    {
      ...STRUCTURE,
      ...unified,
      entries: read(1024, HPS),
      ways: read(4, HPS),
      pageSizes: read([4 * K, 16 * K, 64 * K, 2 * M, 32 * M, 512 * M, 1 * G], `${HPS}: all page sizes`),
    },
  ],
  walkCache: { ...CORTEX_A53.walkCache!, store: read("own", HPS), entries: read(64, HPS), ways: read(4, HPS), reach: read("last-table", HPS) },
  latencies: { l2Hit: assumed(2, "as Cortex-A53"), descriptorFetch: assumed(180, NO_FETCH) },
};

const CORTEX_A57: CoreFacts = {
  title: "Cortex-A57",
  verified: true,
  features: ARMV8_0,
  behaviour: { ...BEHAVIOUR, granules: NO_16K },
  l1i: { ...STRUCTURE, entries: read(48, TRM_A57), ways: read("full", TRM_A57), pageSizes: read([4 * K, 64 * K, 1 * M], TRM_A57) },
  l1d: { ...STRUCTURE, entries: read(32, TRM_A57), ways: read("full", TRM_A57), pageSizes: read([4 * K, 64 * K, 1 * M], TRM_A57) },
  l2: [
    {
      ...STRUCTURE,
      ...unified,
      entries: read(1024, TRM_A57),
      ways: read(4, TRM_A57),
      pageSizes: read([4 * K, 64 * K, 1 * M, 2 * M, 16 * M, 512 * M, 1 * G], TRM_A57),
    },
  ],
  walkCache: {
    store: assumed("l2", NO_WALK_CACHE),
    entries: assumed(0, "of the L2 TLB"),
    ways: assumed(4, "of the L2 TLB"),
    reach: assumed("last-table", NO_WALK_CACHE),
    policy: assumed("lru", NO_POLICY),
  },
  latencies: { l2Hit: measured(20, "chipsandcheese.com on Cortex-A57: more than 20 cycles"), descriptorFetch: assumed(210, NO_FETCH) },
};

const CORTEX_A72: CoreFacts = {
  ...CORTEX_A57,
  title: "Cortex-A72",
  l1i: { ...CORTEX_A57.l1i, entries: secondHand(48, TRM_A72), ways: secondHand("full", TRM_A72), pageSizes: read([4 * K, 64 * K, 1 * M], TRM_A72) },
  l1d: { ...CORTEX_A57.l1d, entries: read(32, TRM_A72), ways: read("full", TRM_A72), pageSizes: read([4 * K, 64 * K, 1 * M], TRM_A72) },
  l2: [
    {
      ...STRUCTURE,
      ...unified,
      entries: read(1024, "Arm 100095, 5.2.3"),
      ways: read(4, "Arm 100095, 5.2.3"),
      pageSizes: read([4 * K, 64 * K, 1 * M, 2 * M, 16 * M, 512 * M, 1 * G], "Arm 100095, 5.2.3"),
    },
  ],
  latencies: { l2Hit: measured(7, CC_A72), descriptorFetch: inferred(212, `${CC_A72}: 92 ns to memory at 2.3 GHz on Graviton`) },
};

const CORTEX_A76: CoreFacts = {
  title: "Cortex-A76",
  verified: true,
  features: ARMV8_2,
  behaviour: BEHAVIOUR,
  l1i: { ...STRUCTURE, entries: read(48, TRM_A76), ways: read("full", TRM_A76), pageSizes: A76_L1I_SIZES },
  l1d: { ...STRUCTURE, entries: read(48, TRM_A76), ways: read("full", TRM_A76), pageSizes: A76_L1D_SIZES },
  l2: [
    {
      ...STRUCTURE,
      ...unified,
      entries: read(1280, TRM_A76),
      ways: read(5, TRM_A76),
      pageSizes: A76_L2_SIZES,
      coalescedPages: read(4, `${TRM_A76}: bit 6, the entry holds translations for four contiguous pages; valid bits in 5:2`),
    },
  ],
  walkCache: {
    store: read("l2", `${TRM_A76}: the L2 TLB stores intermediate PAs obtained during a walk`),
    entries: read(0, "of the L2 TLB"),
    ways: read(5, "of the L2 TLB"),
    reach: inferred("last-table", "which levels is not said; as the walk cache RAM of Cortex-A53 and Cortex-A55"),
    policy: assumed("lru", NO_POLICY),
  },
  latencies: { l2Hit: read(3, `${TRM_A76}: usually three cycles`), descriptorFetch: assumed(270, NO_FETCH) },
};

const FROM_A76 = "as Cortex-A76, from which the core derives";

const NEOVERSE_N1: CoreFacts = {
  ...CORTEX_A76,
  title: "Neoverse N1",
  l1i: { ...CORTEX_A76.l1i, entries: measured(48, CC_N1), ways: measured("full", CC_N1), pageSizes: inferred(A76_L1I_SIZES.value, FROM_A76) },
  l1d: { ...CORTEX_A76.l1d, entries: secondHand(48, CC_N1), ways: secondHand("full", CC_N1), pageSizes: inferred(A76_L1D_SIZES.value, FROM_A76) },
  l2: [
    {
      ...CORTEX_A76.l2[0]!,
      entries: inferred(1280, FROM_A76),
      ways: inferred(5, FROM_A76),
      pageSizes: inferred(A76_L2_SIZES.value, FROM_A76),
      coalescedPages: assumed(1, "no text says that Neoverse N1 has the coalesced entries of Cortex-A76"),
    },
  ],
  walkCache: { ...CORTEX_A76.walkCache!, store: inferred("l2", FROM_A76) },
  latencies: LATENCIES,
};

const CORTEX_A78: CoreFacts = {
  ...CORTEX_A76,
  title: "Cortex-A78",
  verified: false,
  l1i: { ...CORTEX_A76.l1i, entries: memory(32, "not looked up"), ways: memory("full", "not looked up"), pageSizes: inferred(A76_L1I_SIZES.value, "as Cortex-A76") },
  l1d: { ...CORTEX_A76.l1d, entries: memory(32, "not looked up"), ways: memory("full", "not looked up"), pageSizes: inferred(A76_L1D_SIZES.value, "as Cortex-A76") },
  l2: [{ ...CORTEX_A76.l2[0]!, entries: memory(1024, "not looked up"), ways: memory(4, "not looked up"), pageSizes: inferred(A76_L2_SIZES.value, "as Cortex-A76"), coalescedPages: assumed(1, "no source") }],
  walkCache: { ...CORTEX_A76.walkCache!, store: inferred("l2", "as Cortex-A76") },
  latencies: { l2Hit: inferred(3, "as Cortex-A76"), descriptorFetch: assumed(270, NO_FETCH) },
};

const CORTEX_A710: CoreFacts = {
  ...NEOVERSE_N1,
  title: "Cortex-A710",
  features: ARMV9,
  l1i: { ...NEOVERSE_N1.l1i, entries: assumed(48, "not stated; as Cortex-A76"), ways: assumed("full", "not stated; as Cortex-A76") },
  l1d: { ...NEOVERSE_N1.l1d, entries: measured(32, CC_N2), ways: inferred("full", "as Cortex-A76") },
  l2: [{ ...NEOVERSE_N1.l2[0]!, entries: measured(1024, CC_N2), ways: measured(4, CC_N2) }],
  latencies: { l2Hit: assumed(5, "as Neoverse N1"), descriptorFetch: assumed(270, NO_FETCH) },
};

const NEOVERSE_N2: CoreFacts = {
  ...CORTEX_A710,
  title: "Neoverse N2",
  l1d: { ...CORTEX_A710.l1d, entries: measured(44, CC_N2) },
  l2: [{ ...NEOVERSE_N1.l2[0]!, entries: measured(1280, CC_N2), ways: measured(5, CC_N2) }],
};

const NEOVERSE_V1: CoreFacts = {
  ...NEOVERSE_N1,
  title: "Neoverse V1",
  verified: false,
  features: { ...ARMV8_2, bbm: read(2, `${QEMU_ID}: ID_AA64MMFR2_EL1.BBM = 2, with TTL = 0 and ID_AA64ISAR0_EL1.TLB = 0`) },
  l1d: { ...NEOVERSE_N1.l1d, entries: secondHand(40, "Arm's Neoverse V2 slides: 40 to 48") },
  l2: [{ ...NEOVERSE_N1.l2[0]!, entries: secondHand(2048, "Arm slides: 1.2K to 2K"), ways: assumed(8, "not stated; as Neoverse V2") }],
  latencies: { l2Hit: assumed(5, "as Neoverse N1"), descriptorFetch: assumed(300, NO_FETCH) },
};

const NEOVERSE_V2: CoreFacts = {
  ...NEOVERSE_N1,
  title: "Neoverse V2",
  features: ARMV9_INFERRED,
  l1i: { ...NEOVERSE_N1.l1i, entries: measured(48, CC_V2), ways: measured("full", CC_V2), pageSizes: read([4 * K, 16 * K, 64 * K, 2 * M], CC_V2) },
  l1d: { ...NEOVERSE_N1.l1d, entries: measured(48, CC_V2), ways: measured("full", CC_V2), pageSizes: inferred(A76_L1D_SIZES.value, "multiple sizes are named, not which; as Cortex-A76") },
  l2: [{ ...NEOVERSE_N1.l2[0]!, entries: measured(2048, CC_V2), ways: measured(8, CC_V2), pageSizes: inferred(A76_L2_SIZES.value, "as Cortex-A76") }],
  latencies: { l2Hit: measured(5, CC_V2), descriptorFetch: assumed(300, NO_FETCH) },
};

const CORTEX_X4_TRM = "Cortex-X4 TRM, read through notes";

const CORTEX_X4: CoreFacts = {
  ...NEOVERSE_V2,
  title: "Cortex-X4",
  l1i: { ...NEOVERSE_V2.l1i, entries: secondHand(48, CORTEX_X4_TRM), ways: secondHand("full", CORTEX_X4_TRM), pageSizes: inferred([4 * K, 16 * K, 64 * K, 2 * M], "as Neoverse V2") },
  l1d: { ...NEOVERSE_V2.l1d, entries: secondHand(96, CORTEX_X4_TRM), ways: secondHand("full", CORTEX_X4_TRM), pageSizes: secondHand([4 * K, 16 * K, 64 * K, 2 * M, 512 * M], CORTEX_X4_TRM) },
  l2: [{ ...NEOVERSE_V2.l2[0]!, entries: secondHand(2048, CORTEX_X4_TRM), ways: secondHand(8, CORTEX_X4_TRM), pageSizes: secondHand(A76_L2_SIZES.value, `${CORTEX_X4_TRM}: up to 1G`) }],
  latencies: { l2Hit: assumed(5, "as Neoverse V2"), descriptorFetch: assumed(300, NO_FETCH) },
};

const A725_TRM = "Cortex-A725 TRM, read through notes";

const CORTEX_A725: CoreFacts = {
  ...CORTEX_A710,
  title: "Cortex-A725",
  features: ARMV9_INFERRED,
  l1i: { ...CORTEX_A710.l1i, entries: secondHand(32, A725_TRM), ways: secondHand("full", A725_TRM), pageSizes: secondHand([4 * K, 16 * K, 64 * K, 2 * M], A725_TRM) },
  l1d: { ...CORTEX_A710.l1d, entries: secondHand(48, A725_TRM), ways: secondHand("full", A725_TRM), pageSizes: secondHand([4 * K, 16 * K, 64 * K, 2 * M], A725_TRM) },
  l2: [
    {
      ...CORTEX_A710.l2[0]!,
      entries: secondHand(1536, `${A725_TRM}: small-page TLB of 1536 in 6 ways, or 1024 in 4`),
      ways: secondHand(6, A725_TRM),
      pageSizes: inferred([4 * K, 16 * K, 64 * K], "which sizes count as small is not said: those below 2M"),
    },
    {
      ...CORTEX_A710.l2[0]!,
      entries: secondHand(256, `${A725_TRM}: medium-page TLB`),
      ways: secondHand(4, A725_TRM),
      pageSizes: inferred([2 * M, 32 * M, 512 * M, 1 * G], "which sizes count as medium is not said: 2M and above"),
    },
  ],
};

const M1_ARTICLE = "jiegec, article on Apple M1";

const M1_FIRESTORM: CoreFacts = {
  ...NEOVERSE_N1,
  title: "Apple M1 Firestorm",
  verified: false,
  features: {
    ...ARMV8_2,
    hardwareAf: memory(true, "not looked up"),
    hardwareDirty: memory(true, "not looked up"),
    tlbiRange: memory(true, "Armv8.5 core, not looked up"),
    ttl: memory(true, "Armv8.4 core, not looked up"),
    bbm: memory(2, "not looked up"),
  },
  behaviour: { ...BEHAVIOUR, granules: memory(["4k", "16k"], "not looked up; the 64K granule is absent") },
  l1i: { ...NEOVERSE_N1.l1i, entries: assumed(192, "not stated"), ways: assumed(6, "not stated"), pageSizes: assumed([4 * K, 16 * K, 2 * M, 32 * M], "not stated") },
  l1d: {
    ...NEOVERSE_N1.l1d,
    entries: measured(160, M1_ARTICLE),
    ways: measured(5, `${M1_ARTICLE}: 32 sets, indexed by VA[18:14]`),
    pageSizes: assumed([4 * K, 16 * K, 2 * M, 32 * M], "measured with 16K pages only"),
  },
  l2: [{ ...NEOVERSE_N1.l2[0]!, entries: memory(3072, "not looked up"), ways: assumed(12, "makes a power of two of sets"), pageSizes: assumed([4 * K, 16 * K, 2 * M, 32 * M], "not stated") }],
  latencies: { l2Hit: measured(6, `${M1_ARTICLE}: 3 to 9 cycles`), descriptorFetch: assumed(320, NO_FETCH) },
};

const QEMU = "QEMU accel/tcg/cputlb.c and target/arm/ptw.c";

/** The soft TLB of QEMU's TCG: what stood under the recordings, not a piece of hardware. */
const QEMU_TLB: Facts<TlbSpec> = {
  entries: read(256, `${QEMU}: 2^CPU_TLB_DYN_DEFAULT_BITS; grows at flushes, and 8 victim entries are not modelled`),
  ways: read(1, `${QEMU}: direct mapped`),
  pageSizes: inferred([4 * K, 16 * K, 64 * K], "an entry maps a target page, 4K at least; here one of the granule's pages"),
  contiguous: read("ignored", `${QEMU}: bit 52 is not looked at when caching`),
  splinter: read("page", `${QEMU}: an entry is a target page whatever the block`),
  coalescedPages: read(1, QEMU),
  policy: read("lru", "direct mapped: no choice"),
};

const QEMU_MAX: CoreFacts = {
  title: "QEMU TCG, -cpu max",
  verified: true,
  features: { ...ARMV9, lpa2: read(false, "-cpu max,lpa2=off, as in the recordings") },
  behaviour: {
    granules: BEHAVIOUR.granules,
    maintenanceFlushesL1: read(false, QEMU),
    flushOnAsidChange: read(true, `${QEMU}: entries carry no ASID; a change of ASID flushes`),
  },
  l1i: QEMU_TLB,
  l1d: QEMU_TLB,
  l2: [],
  walkCache: undefined,
  latencies: { l2Hit: read(0, "no second level"), descriptorFetch: read(0, "QEMU has no time") },
};

/** The rows by name; the order is that of lists shown to users. */
export const CORE_FACTS = {
  "neoverse-n1": NEOVERSE_N1,
  "neoverse-n2": NEOVERSE_N2,
  "neoverse-v1": NEOVERSE_V1,
  "neoverse-v2": NEOVERSE_V2,
  "cortex-a35": CORTEX_A35,
  "cortex-a53": CORTEX_A53,
  "cortex-a55": CORTEX_A55,
  "cortex-a57": CORTEX_A57,
  "cortex-a72": CORTEX_A72,
  "cortex-a76": CORTEX_A76,
  "cortex-a78": CORTEX_A78,
  "cortex-a710": CORTEX_A710,
  "cortex-a725": CORTEX_A725,
  "cortex-x2": { ...NEOVERSE_V2, title: "Cortex-X2" },
  "cortex-x4": CORTEX_X4,
  "m1-firestorm": M1_FIRESTORM,
  qemu: { ...QEMU_MAX, title: "QEMU TCG" },
  "qemu-max": QEMU_MAX,
  "qemu-max-lpa2": { ...QEMU_MAX, title: "QEMU TCG, -cpu max with LPA2", features: { ...QEMU_MAX.features, lpa2: read(true, "-cpu max") } },
  "qemu-n1": { ...QEMU_MAX, title: "QEMU TCG, -cpu neoverse-n1", features: ARMV8_2 },
  "qemu-a72": { ...QEMU_MAX, title: "QEMU TCG, -cpu cortex-a72", features: ARMV8_0 },
} as const satisfies Record<string, CoreFacts>;
