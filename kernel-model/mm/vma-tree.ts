/**
 * The areas of one address space, sorted by address.
 *
 * Linux: mm_struct.mm_mt, a maple tree (lib/maple_tree.c mas_find(), mas_empty_area(), mas_empty_area_rev()). Here a sorted
 * array: a program has tens of areas, and searching one costs less than following a tree of objects.
 *
 * The bounds of an area may be changed while it is in here, as long as the order stays and no two overlap. `next()` and
 * `prev()` go by address, so they also work for an area that has just been removed.
 */
import { hex, type Va } from "../../emulator/arch/addr.js";
import { ModelBug } from "../../emulator/arch/errors.js";
import type { Vma } from "./vma.js";

export class VmaTree {
  readonly #areas: Vma[] = [];
  /** Index of the last hit of find(): faults come in runs. */
  #last = 0;

  /** Number of areas (mm->map_count). */
  get count(): number {
    return this.#areas.length;
  }

  /** Index of the first area that ends above `addr`; count if there is none. */
  #indexOf(addr: number): number {
    const areas = this.#areas;
    let low = 0;
    let high = areas.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (areas[middle]!.end > addr) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** The area that contains `addr`, or else the next one above; undefined if there is none. Linux: find_vma(). */
  find(addr: number): Vma | undefined {
    const last = this.#areas[this.#last];
    if (last !== undefined && addr >= last.start && addr < last.end) return last;
    const index = this.#indexOf(addr);
    this.#last = index;
    return this.#areas[index];
  }

  /** The area that contains `addr`. Linux: vma_lookup(). */
  lookup(addr: number): Vma | undefined {
    const vma = this.find(addr);
    return vma !== undefined && addr >= vma.start ? vma : undefined;
  }

  /** The first area that overlaps [start, end). Linux: find_vma_intersection(). */
  findIntersection(start: number, end: number): Vma | undefined {
    const vma = this.find(start);
    return vma !== undefined && vma.start < end ? vma : undefined;
  }

  /** The last area that ends at or below `addr`. Linux: the pprev of find_vma_prev(). */
  findPrev(addr: number): Vma | undefined {
    return this.#areas[this.#indexOf(addr) - 1];
  }

  first(): Vma | undefined {
    return this.#areas[0];
  }

  last(): Vma | undefined {
    return this.#areas[this.#areas.length - 1];
  }

  next(vma: Vma): Vma | undefined {
    return this.#areas[this.#indexOf(vma.end)];
  }

  prev(vma: Vma): Vma | undefined {
    return this.#areas[this.#indexOf(vma.start) - 1];
  }

  insert(vma: Vma): void {
    const index = this.#indexOf(vma.start);
    const next = this.#areas[index];
    if (vma.start >= vma.end) throw new ModelBug(`VmaTree.insert: empty area ${hex(vma.start)}-${hex(vma.end)}`);
    if (next !== undefined && next.start < vma.end) {
      throw new ModelBug(`VmaTree.insert: ${hex(vma.start)}-${hex(vma.end)} overlaps ${hex(next.start)}-${hex(next.end)}`);
    }
    this.#areas.splice(index, 0, vma);
  }

  /** Pre: the bounds of `vma` are those that it has in here. */
  remove(vma: Vma): void {
    const index = this.#indexOf(vma.start);
    if (this.#areas[index] !== vma) throw new ModelBug(`VmaTree.remove: ${hex(vma.start)}-${hex(vma.end)} is not in the tree`);
    this.#areas.splice(index, 1);
  }

  /** Areas that overlap [start, end), by address. The current one may be split, merged or removed between two steps. */
  *inRange(start: number, end: number): Generator<Vma, void> {
    let vma = this.find(start);
    while (vma !== undefined && vma.start < end) {
      const resume: Va = vma.end;
      yield vma;
      vma = this.find(resume);
    }
  }

  *[Symbol.iterator](): Generator<Vma, void> {
    yield* this.inRange(0, Infinity);
  }

  /** Lowest address of the lowest hole of at least `length` bytes within [low, high). Linux: mas_empty_area(). */
  lowestGap(low: number, high: number, length: number): number | undefined {
    let start = low;
    for (let index = this.#indexOf(low); ; index++) {
      const area = this.#areas[index];
      const end = area === undefined ? high : Math.min(area.start, high);
      if (end - start >= length) return start;
      if (area === undefined || area.end >= high) return undefined;
      start = Math.max(low, area.end);
    }
  }

  /** End of the highest hole of at least `length` bytes within [low, high). Linux: mas_empty_area_rev(). */
  highestGap(low: number, high: number, length: number): number | undefined {
    let end = high;
    let index = this.#indexOf(high) - 1;
    const above = this.#areas[index + 1];
    if (above !== undefined && above.start < high) end = above.start;
    for (; ; index--) {
      const area = this.#areas[index];
      const start = area === undefined ? low : Math.max(area.end, low);
      if (end - start >= length) return end;
      if (area === undefined || area.start <= low) return undefined;
      end = area.start;
    }
  }
}
