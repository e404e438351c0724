/**
 * The region on which TLB maintenance was counted on a real kernel: 4K pages, one or more blocks of 64 KiB written in full, in a
 * PMD range whose page table other areas keep. `64K`: folios of 64 KiB; `order0`: single pages.
 */
import type { Va } from "../../emulator/arch/addr.js";
import type { CpuFeatures } from "../../emulator/arch/cpu-features.js";
import type { MmStruct } from "../../kernel-model/mm/mm-struct.js";
import type { MemorySystem } from "../../kernel-model/mm/memory-system.js";
import { mapAnon, N1, testMachine, testMm, touchRange } from "./areas.js";

const P = 4096;
const PMD = 2 ** 21;
/** Bytes of a contiguous block. */
export const CB = 65536;
export const BASE = 0x5000000000;
/** Another PMD range with a page table, where areas are moved to. */
export const DEST = 0x5100000000;

/** TLBIRANGE without LPA2: QEMU's "max,lpa2=off" in the recordings. */
export const WITH_RANGES: CpuFeatures = { ...N1, tlbiRange: true, ttl: true, bbm: 2 };

export type FolioConfig = "64K" | "order0";

export interface TlbiRegion {
  readonly sys: MemorySystem;
  readonly mm: MmStruct;
  readonly reg: Va;
  /** Bytes. */
  readonly len: number;
  /** TLBI instructions and waits ("dsb": DSB ISH) of one operation. */
  count(operation: () => unknown): Record<string, number>;
}

/** The written region of `blocks` blocks; `len` bytes at `at` instead, if given. */
export function tlbiRegion(folios: FolioConfig, blocks: number, options: { cpu?: CpuFeatures; at?: number; len?: number } = {}): TlbiRegion {
  const { cpu = N1, at = BASE + CB, len = blocks * CB } = options;
  const { sys, takeTlbi } = testMachine({ cpu, memoryMib: 32 });
  for (const order of sys.thp.anonOrders) sys.thp.setSizeEnabled(order, folios === "64K" && order === 4 ? "always" : "never");
  const mm = testMm(sys);
  for (const anchor of [BASE, BASE + PMD - P, DEST + PMD - P]) {
    mapAnon(mm, anchor, P);
    touchRange(mm, anchor, P);
  }
  mapAnon(mm, at, len);
  touchRange(mm, at, len);
  takeTlbi();
  return {
    sys,
    mm,
    reg: at as Va,
    len,
    count(operation) {
      takeTlbi();
      operation();
      return takeTlbi();
    },
  };
}
