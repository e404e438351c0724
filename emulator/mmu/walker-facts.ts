/**
 * What is known of the table walkers of real cores: how many walks run at once, and the data caches that descriptors are fetched
 * through. Each number has its basis and source; a latency that no source states is an estimate and has the basis "assumed".
 */
import { assumed, inferred, K, M, measured, memory, QEMU_ID, read, secondHand } from "./core-facts.js";
import type { CORE_FACTS, Fact, Facts } from "./core-facts.js";

export interface WalkerSpec {
  /** Walks that may be under way at once. */
  readonly parallelWalks: number;
}

export const DESCRIPTOR_CACHE_NAMES = ["l1d", "l2", "l3"] as const;
export type DescriptorCacheName = (typeof DESCRIPTOR_CACHE_NAMES)[number];

/** A data cache as descriptor fetches see it: lines of 64 bytes, LRU. */
export interface DescriptorCacheSpec {
  readonly name: DescriptorCacheName;
  readonly bytes: number;
  readonly ways: number;
  /** Cycles of a fetch that this cache answers, from the walker's request on; indicative only. */
  readonly latency: number;
}

export interface WalkerFacts {
  readonly walker: Facts<WalkerSpec>;
  /** In the order in which they are asked; what none has costs the core's `descriptorFetch`. */
  readonly descriptorCaches: readonly Facts<DescriptorCacheSpec>[];
}

const CCSIDR = `${QEMU_ID}: CCSIDR_EL1; implementations choose among sizes`;
const WIKICHIP_N1 = "en.wikichip.org, Neoverse N1";
const ARM_LEARN = "learn.arm.com, memory-subsystem/cache-hierarchy: Graviton 4";
const PERF_A76 = "Linux tools/perf pmu-events cortex-a76: L1D_CACHE counts table walk accesses that look up the L1 data cache";
const NO_LATENCY = "estimate: no source states the cycles";
const NO_PATH = "no source says at which cache the walker begins; as Cortex-A76";

const TRM_A76_WALKS = "Arm 100798, A5.2: four table walks at once";
const NO_WALKS = "no source states the number of parallel walks; one lets nothing overlap";

const oneWalk: Facts<WalkerSpec> = { parallelWalks: assumed(1, NO_WALKS) };
const fourWalks: Facts<WalkerSpec> = { parallelWalks: inferred(4, "as Cortex-A76, from which the core derives") };

const firstLevel = (bytes: Fact<number>, ways: Fact<number>, latency: Fact<number>, name: Fact<"l1d"> = assumed("l1d", NO_PATH)): Facts<DescriptorCacheSpec> => ({ name, bytes, ways, latency });
const secondLevel = (bytes: Fact<number>, ways: Fact<number>, latency: Fact<number>): Facts<DescriptorCacheSpec> => ({ name: read("l2", "the cache below the L1 data cache"), bytes, ways, latency });

const A53_L1D = firstLevel(read(32 * K, CCSIDR), read(4, CCSIDR), assumed(3, NO_LATENCY));
const A53: WalkerFacts = { walker: oneWalk, descriptorCaches: [A53_L1D, secondLevel(read(1 * M, CCSIDR), read(16, CCSIDR), assumed(15, NO_LATENCY))] };
const A35: WalkerFacts = { walker: oneWalk, descriptorCaches: [A53_L1D, secondLevel(read(512 * K, CCSIDR), read(16, CCSIDR), assumed(15, NO_LATENCY))] };

const A57_L1D = firstLevel(read(32 * K, CCSIDR), read(2, CCSIDR), assumed(4, NO_LATENCY));
const A57: WalkerFacts = { walker: oneWalk, descriptorCaches: [A57_L1D, secondLevel(read(2 * M, CCSIDR), read(16, CCSIDR), assumed(21, NO_LATENCY))] };
const A72: WalkerFacts = { walker: oneWalk, descriptorCaches: [A57_L1D, secondLevel(read(1 * M, CCSIDR), read(16, CCSIDR), assumed(21, NO_LATENCY))] };

const A76_L1D = firstLevel(read(64 * K, CCSIDR), read(4, CCSIDR), assumed(4, NO_LATENCY), read("l1d", PERF_A76));
const A76: WalkerFacts = {
  walker: { parallelWalks: read(4, TRM_A76_WALKS) },
  descriptorCaches: [A76_L1D, secondLevel(read(512 * K, CCSIDR), read(8, CCSIDR), assumed(9, NO_LATENCY))],
};

const N1_L1D = firstLevel(read(64 * K, CCSIDR), read(4, CCSIDR), secondHand(4, `${WIKICHIP_N1}: fastest load to use`));
const N1: WalkerFacts = {
  walker: fourWalks,
  descriptorCaches: [N1_L1D, secondLevel(read(1 * M, CCSIDR), read(8, CCSIDR), secondHand(11, `${WIKICHIP_N1}: 9 to 11 cycles`))],
};

const A710_L1D = firstLevel(read(64 * K, CCSIDR), read(4, CCSIDR), assumed(4, NO_LATENCY));
const A710: WalkerFacts = { walker: fourWalks, descriptorCaches: [A710_L1D, secondLevel(read(512 * K, CCSIDR), read(8, CCSIDR), assumed(9, NO_LATENCY))] };
const N2: WalkerFacts = { walker: fourWalks, descriptorCaches: [A710_L1D, secondLevel(inferred(1 * M, "as Neoverse N1, which offers the same choice"), inferred(8, "as Cortex-A710"), assumed(9, NO_LATENCY))] };
const V1: WalkerFacts = { walker: fourWalks, descriptorCaches: [A710_L1D, secondLevel(read(1 * M, CCSIDR), read(8, CCSIDR), assumed(11, NO_LATENCY))] };

const V2_L1D = firstLevel(inferred(64 * K, "as Neoverse V1"), read(4, ARM_LEARN), assumed(4, NO_LATENCY));
const V2: WalkerFacts = { walker: fourWalks, descriptorCaches: [V2_L1D, secondLevel(read(2 * M, ARM_LEARN), read(8, ARM_LEARN), assumed(11, NO_LATENCY))] };
const X4: WalkerFacts = { walker: fourWalks, descriptorCaches: [V2_L1D, secondLevel(memory(2 * M, "not looked up"), memory(8, "not looked up"), assumed(11, NO_LATENCY))] };
const A78: WalkerFacts = {
  walker: fourWalks,
  descriptorCaches: [firstLevel(inferred(64 * K, "as Cortex-A76"), inferred(4, "as Cortex-A76"), assumed(4, NO_LATENCY)), secondLevel(inferred(512 * K, "as Cortex-A76"), inferred(8, "as Cortex-A76"), assumed(9, NO_LATENCY))],
};

const FIRESTORM: WalkerFacts = {
  walker: oneWalk,
  descriptorCaches: [
    firstLevel(memory(128 * K, "not looked up"), memory(8, "not looked up"), measured(3, "jiegec, article on Apple M1: a hit of both takes 3 cycles")),
    secondLevel(memory(12 * M, "not looked up; shared by four cores"), assumed(12, "makes a power of two of sets"), assumed(18, NO_LATENCY)),
  ],
};

const QEMU: WalkerFacts = { walker: { parallelWalks: read(1, "QEMU target/arm/ptw.c: a walk is a function call") }, descriptorCaches: [] };

/** By core, as CORE_FACTS. */
export const WALKER_FACTS = {
  "neoverse-n1": N1,
  "neoverse-n2": N2,
  "neoverse-v1": V1,
  "neoverse-v2": V2,
  "cortex-a35": A35,
  "cortex-a53": A53,
  "cortex-a55": A35,
  "cortex-a57": A57,
  "cortex-a72": A72,
  "cortex-a76": A76,
  "cortex-a78": A78,
  "cortex-a710": A710,
  "cortex-a725": A710,
  "cortex-x2": V2,
  "cortex-x4": X4,
  "m1-firestorm": FIRESTORM,
  qemu: QEMU,
  "qemu-max": QEMU,
  "qemu-max-lpa2": QEMU,
  "qemu-n1": QEMU,
  "qemu-a72": QEMU,
} as const satisfies Record<keyof typeof CORE_FACTS, WalkerFacts>;

/** For a user's preset that says nothing of its walker and has no base: every fetch costs the same, one walk at a time. */
export const PLAIN_WALKER: WalkerFacts = { walker: oneWalk, descriptorCaches: [] };
