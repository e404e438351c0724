/**
 * Copies between the kernel and user memory. Each page is one access by the processor at EL1 with the permissions of EL0, and may
 * fault like one.
 *
 * Linux: arch/arm64/include/asm/uaccess.h, arch/arm64/lib/copy_from_user.S, copy_to_user.S, clear_user.S; lib/strncpy_from_user.c.
 * Differs: Linux moves up to 64 bytes at a time, so after a fault in the middle of a copy the count of bytes not copied may be
 * off by the bytes of one step; here it is exact.
 */
import type { Pa, Pfn, Va } from "../../../emulator/arch/addr.js";
import { ModelBug } from "../../../emulator/arch/errors.js";
import type { Processor } from "../../../emulator/processor.js";
import { EFAULT } from "../../errno.js";
import type { MemorySystem } from "../../mm/memory-system.js";
import type { MmStruct } from "../../mm/mm-struct.js";
import { doMemAbort } from "./fault.js";
import { pmdLeaf, pmdNone, ptePresent } from "./pte.js";

/** An access that faults more often than this after successful handling is a bug. */
const MAX_FAULTS = 16;
/** strncpy_from_user() reads words. */
const WORD_BYTES = 8;

/** What is done with one piece that lies within a page: its physical address and its place in the whole. */
type Piece = (at: Pa, done: number, length: number) => void;

export class UserAccess {
  readonly sys: MemorySystem;
  private readonly processor: Pick<Processor, "kernelAccess">;
  /** The address space of the current task, whose tables the processor uses. */
  private readonly currentMm: () => MmStruct;
  private readonly words = new DataView(new ArrayBuffer(WORD_BYTES));
  private readonly wordBytes = new Uint8Array(this.words.buffer);

  constructor(sys: MemorySystem, processor: Pick<Processor, "kernelAccess">, currentMm: () => MmStruct) {
    this.sys = sys;
    this.processor = processor;
    this.currentMm = currentMm;
  }

  /** access_ok(): the range lies in user addresses. */
  accessOk(at: Va, length: number): boolean {
    return at >= 0 && length >= 0 && at + length <= this.currentMm().taskSize;
  }

  /** The physical address behind `at`, after handling the faults that the access takes; -1: the access is illegal. */
  translate(at: Va, write: boolean): Pa | -1 {
    for (let faults = 0; faults < MAX_FAULTS; faults++) {
      const access = this.processor.kernelAccess(at, write);
      if (access.ok) return access.pa;
      if (doMemAbort(this.currentMm(), at, access.esr, { kernelMode: true }) !== undefined) return -1;
    }
    throw new ModelBug(`uaccess: ${at.toString(16)} faults without end`);
  }

  /** Where the tables have the byte at `at`, its access flag and permissions aside; no fault is taken and nothing changes. -1: nowhere. */
  lookup(at: Va): Pa | -1 {
    const mm = this.currentMm();
    const { pgtable, granule } = this.sys;
    const pmdp = pgtable.pmdOffset(mm, at);
    const pmd = pmdp < 0 ? 0n : pgtable.rawGet(pmdp as Pa);
    if (pmdNone(pmd)) return -1;
    if (pmdLeaf(pmd)) return (pgtable.pmdPfn(pmd) * granule.pageSize + (at % granule.pmdSize)) as Pa;
    const pte = pgtable.rawGet(pgtable.pteOffset(pmd, at));
    return ptePresent(pte) ? ((pgtable.ptePfn(pte) * granule.pageSize + (at % granule.pageSize)) as Pa) : -1;
  }

  /** Walk the range page by page. Returns the bytes not reached. */
  private eachPiece(at: Va, length: number, write: boolean, piece: Piece): number {
    if (!this.accessOk(at, length)) return length;
    const { pageSize } = this.sys.granule;
    let done = 0;
    while (done < length) {
      const address = (at + done) as Va;
      const bytes = Math.min(length - done, pageSize - (address % pageSize));
      const pa = this.translate(address, write);
      if (pa === -1) break;
      piece(pa, done, bytes);
      done += bytes;
    }
    return length - done;
  }

  private written(pa: Pa): void {
    this.sys.frameWritten(Math.floor(pa / this.sys.granule.pageSize) as Pfn);
  }

  /** raw_copy_from_user(): fill `into` from user memory. Returns the bytes that could not be copied, 0 on success. */
  copyFromUser(into: Uint8Array, from: Va): number {
    const { u8 } = this.sys.memory;
    return this.eachPiece(from, into.length, false, (pa, done, bytes) => into.set(u8.subarray(pa, pa + bytes), done));
  }

  /** raw_copy_to_user(): returns the bytes that could not be copied, 0 on success. */
  copyToUser(to: Va, from: Uint8Array): number {
    const { u8 } = this.sys.memory;
    return this.eachPiece(to, from.length, true, (pa, done, bytes) => {
      u8.set(done === 0 && bytes === from.length ? from : from.subarray(done, done + bytes), pa);
      this.written(pa);
    });
  }

  /** clear_user(): returns the bytes that could not be cleared, 0 on success. */
  clearUser(to: Va, length: number): number {
    return this.eachPiece(to, length, true, (pa, _done, bytes) => {
      this.sys.memory.fill(pa, bytes, 0);
      this.written(pa);
    });
  }

  /** fault_in_readable(): touch the pages of the range; bytes from the first one that cannot be read. */
  faultInReadable(at: Va, length: number): number {
    return this.eachPiece(at, length, false, () => undefined);
  }

  /** fault_in_writeable(): the same for writing. */
  faultInWriteable(at: Va, length: number): number {
    return this.eachPiece(at, length, true, () => undefined);
  }

  private loadWord(at: Va, bytes: number): boolean {
    return this.copyFromUser(bytes === WORD_BYTES ? this.wordBytes : this.wordBytes.subarray(0, bytes), at) === 0;
  }

  private storeWord(at: Va, bytes: number): boolean {
    return this.copyToUser(at, bytes === WORD_BYTES ? this.wordBytes : this.wordBytes.subarray(0, bytes)) === 0;
  }

  /** get_user() of one byte, unsigned; undefined: fault. */
  getUser8(at: Va): number | undefined {
    return this.loadWord(at, 1) ? this.words.getUint8(0) : undefined;
  }

  getUser16(at: Va): number | undefined {
    return this.loadWord(at, 2) ? this.words.getUint16(0, true) : undefined;
  }

  getUser32(at: Va): number | undefined {
    return this.loadWord(at, 4) ? this.words.getUint32(0, true) : undefined;
  }

  getUser64(at: Va): bigint | undefined {
    return this.loadWord(at, 8) ? this.words.getBigUint64(0, true) : undefined;
  }

  /** put_user(); false: fault. Values are taken modulo their size. */
  putUser8(at: Va, value: number): boolean {
    this.words.setUint8(0, value);
    return this.storeWord(at, 1);
  }

  putUser16(at: Va, value: number): boolean {
    this.words.setUint16(0, value, true);
    return this.storeWord(at, 2);
  }

  putUser32(at: Va, value: number): boolean {
    this.words.setUint32(0, value, true);
    return this.storeWord(at, 4);
  }

  putUser64(at: Va, value: bigint): boolean {
    this.words.setBigUint64(0, value, true);
    return this.storeWord(at, 8);
  }

  /**
   * strncpy_from_user(): the bytes before the terminating zero, at most `count`; as many as `count` mean that no zero was
   * found. -EFAULT if memory ends before. Words are read as long as a whole one is wanted and may be had, so the page behind the
   * string can be touched when the string ends within its last seven bytes of a page.
   */
  strncpyFromUser(from: Va, count: number): Uint8Array | number {
    const limit = Math.min(count, this.currentMm().taskSize - from);
    if (limit <= 0) return count <= 0 ? new Uint8Array(0) : -EFAULT;
    const { pageSize } = this.sys.granule;
    const { u8 } = this.sys.memory;
    const parts: Uint8Array[] = [];
    let done = 0;
    while (done < limit) {
      const at = (from + done) as Va;
      const inPage = Math.min(limit - done, pageSize - (at % pageSize));
      const pa = this.translate(at, false);
      if (pa === -1) return -EFAULT;
      const end = u8.subarray(pa, pa + inPage).indexOf(0);
      const last = end === -1 ? inPage : end;
      // The word that holds the zero, or the last of the page, is read whole: it may reach into the next page.
      const wordEnd = Math.ceil((done + last + (end === -1 ? 0 : 1)) / WORD_BYTES) * WORD_BYTES;
      if (from + wordEnd > at + inPage && wordEnd <= limit) this.translate((at + inPage) as Va, false);
      parts.push(u8.slice(pa, pa + last));
      done += last;
      if (end !== -1) break;
    }
    if (done === limit && limit < count) return -EFAULT;
    return concat(parts, done);
  }
}

function concat(parts: readonly Uint8Array[], length: number): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
