/**
 * A tap on the page-table interface: tells of each call of the ptep and pmdp API that may write, before and after, and of gathered reads.
 *
 * The object's own methods are covered by wrappers, so whoever holds the Pgtable goes through the tap; calls that the methods make among
 * themselves count as part of the outer one.
 */
import type { Pa, Va } from "../../emulator/arch/addr.js";
import type { Level } from "../../emulator/arch/granule.js";
import type { Pgtable } from "../../kernel-model/arch/arm64/pgtable.js";
import type { ClearYoungDirty } from "../../kernel-model/arch/arm64/raw-pte.js";
import type { MmStruct } from "../../kernel-model/mm/mm-struct.js";
import type { Vma } from "../../kernel-model/mm/vma.js";

/** What a call is asked to do. */
export type PteIntent = "set" | "clear" | "get-and-clear" | "young" | "wrprotect" | "access-flags" | "young-dirty" | "clear-flush" | "pmd" | "pmd-flush";

export interface PteCall {
  /** Name of the method. */
  readonly name: string;
  readonly intent: PteIntent;
  readonly mm: MmStruct;
  readonly addr: Va;
  /** First entry, and how many. */
  readonly entry: Pa;
  readonly nr: number;
  readonly level: Level;
  /** set and access-flags: the value asked for. */
  readonly value?: bigint;
  readonly clear?: ClearYoungDirty;
  /** access-flags: the caller wants stale read-only translations gone. */
  readonly dirty?: boolean;
}

export interface PgtableListener {
  enter(call: PteCall): void;
  /** `result`: what the method returned. */
  leave(call: PteCall, result: unknown): void;
  /** ptep_get() returned `value`. */
  read(entry: Pa, value: bigint): void;
  /** The table descriptor `value` was taken out of the entry at `entry`. */
  unhooked(entry: Pa, value: bigint): void;
  /** A table descriptor was put into a table. */
  hooked(value: bigint): void;
  /** The frame of a table is given back. */
  freed(mm: MmStruct, table: Pa): void;
}

const TYPE = 3n;

/** Put the listener between the generic mm and `pgtable`. */
export function tapPgtable(pgtable: Pgtable, listener: PgtableListener): void {
  let depth = 0;

  function around<A extends readonly unknown[], R>(original: (...args: A) => R, describe: (...args: A) => PteCall): (...args: A) => R {
    return (...args) => {
      if (depth > 0) return original.apply(pgtable, args as never);
      const call = describe(...args);
      listener.enter(call);
      depth++;
      let result: R;
      try {
        result = original.apply(pgtable, args as never);
      } finally {
        depth--;
      }
      listener.leave(call, result);
      return result;
    };
  }

  const ofMm =
    (name: string, intent: PteIntent, level: Level) =>
    (mm: MmStruct, addr: Va, entry: Pa, nr = 1): PteCall => ({ name, intent, mm, addr, entry, nr, level });
  const ofVma =
    (name: string, intent: PteIntent, level: Level) =>
    (vma: Vma, addr: Va, entry: Pa): PteCall => ({ name, intent, mm: vma.mm, addr, entry, nr: 1, level });
  const set =
    (name: string, intent: PteIntent, level: Level) =>
    (mm: MmStruct, addr: Va, entry: Pa, value: bigint, nr = 1): PteCall => ({ name, intent, mm, addr, entry, nr, level, value });
  const flags =
    (name: string, intent: PteIntent, level: Level) =>
    (vma: Vma, addr: Va, entry: Pa, value: bigint, dirty: boolean): PteCall => ({ name, intent, mm: vma.mm, addr, entry, nr: 1, level, value, dirty });

  const { ptepGet, rawSet, pmdPopulate, freeTable } = pgtable;
  Object.assign(pgtable, {
    setPtes: around(pgtable.setPtes, set("setPtes", "set", 3)),
    setPteAt: around(pgtable.setPteAt, set("setPteAt", "set", 3)),
    pteClear: around(pgtable.pteClear, ofMm("pteClear", "clear", 3)),
    ptepGetAndClear: around(pgtable.ptepGetAndClear, ofMm("ptepGetAndClear", "get-and-clear", 3)),
    clearFullPtes: around(pgtable.clearFullPtes, ofMm("clearFullPtes", "clear", 3)),
    getAndClearFullPtes: around(pgtable.getAndClearFullPtes, ofMm("getAndClearFullPtes", "get-and-clear", 3)),
    ptepTestAndClearYoung: around(pgtable.ptepTestAndClearYoung, ofVma("ptepTestAndClearYoung", "young", 3)),
    ptepClearFlushYoung: around(pgtable.ptepClearFlushYoung, ofVma("ptepClearFlushYoung", "young", 3)),
    wrprotectPtes: around(pgtable.wrprotectPtes, ofMm("wrprotectPtes", "wrprotect", 3)),
    ptepSetWrprotect: around(pgtable.ptepSetWrprotect, ofMm("ptepSetWrprotect", "wrprotect", 3)),
    ptepSetAccessFlags: around(pgtable.ptepSetAccessFlags, flags("ptepSetAccessFlags", "access-flags", 3)),
    clearYoungDirtyPtes: around(pgtable.clearYoungDirtyPtes, (vma, addr, entry, nr, clear) => ({ name: "clearYoungDirtyPtes", intent: "young-dirty", mm: vma.mm, addr, entry, nr, level: 3, clear })),
    ptepModifyProtStart: around(pgtable.ptepModifyProtStart, ofVma("ptepModifyProtStart", "get-and-clear", 3)),
    ptepModifyProtCommit: around(pgtable.ptepModifyProtCommit, (vma, addr, entry, _old, value) => ({ name: "ptepModifyProtCommit", intent: "set", mm: vma.mm, addr, entry, nr: 1, level: 3, value })),
    ptepClearFlush: around(pgtable.ptepClearFlush, ofVma("ptepClearFlush", "clear-flush", 3)),
    setPmdAt: around(pgtable.setPmdAt, set("setPmdAt", "pmd", 2)),
    pmdpHugeGetAndClear: around(pgtable.pmdpHugeGetAndClear, ofMm("pmdpHugeGetAndClear", "pmd", 2)),
    pmdpHugeClearFlush: around(pgtable.pmdpHugeClearFlush, ofVma("pmdpHugeClearFlush", "pmd-flush", 2)),
    pmdpInvalidate: around(pgtable.pmdpInvalidate, ofVma("pmdpInvalidate", "pmd-flush", 2)),
    pmdpSetAccessFlags: around(pgtable.pmdpSetAccessFlags, flags("pmdpSetAccessFlags", "pmd", 2)),
    pmdpTestAndClearYoung: around(pgtable.pmdpTestAndClearYoung, ofVma("pmdpTestAndClearYoung", "pmd", 2)),
    pmdpSetWrprotect: around(pgtable.pmdpSetWrprotect, ofMm("pmdpSetWrprotect", "pmd", 2)),
    ptepGet(entry: Pa): bigint {
      const value = ptepGet.call(pgtable, entry);
      if (depth === 0) listener.read(entry, value);
      return value;
    },
    rawSet(entry: Pa, value: bigint): void {
      const before = pgtable.rawGet(entry);
      rawSet.call(pgtable, entry, value);
      if ((before & TYPE) === TYPE) listener.unhooked(entry, before);
      if ((value & TYPE) === TYPE) listener.hooked(value);
    },
    pmdPopulate(mm: MmStruct, pmdp: Pa, table: Pa): void {
      pmdPopulate.call(pgtable, mm, pmdp, table);
      listener.hooked(BigInt(table) | TYPE);
    },
    freeTable(mm: MmStruct, level: Level, table: Pa): void {
      listener.freed(mm, table);
      freeTable.call(pgtable, mm, level, table);
    },
  });
}
