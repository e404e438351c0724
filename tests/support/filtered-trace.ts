/** The trace filter as plainly as it can be said, for tests of what follows it: a list of pages, searched from end to end. */

export interface Access {
  readonly page: number;
  /** 0 fetch, 1 read, 2 write. */
  readonly access: number;
}

export interface Depths {
  readonly data: number;
  readonly code: number;
  /** Of the held pages of a kind no more than `ways` in entries of one of the sets, whose numbers are those of the entries modulo `sets`. */
  /** Pages of which a write that has been recorded need not be recorded again. */
  readonly ownDirty?: (page: number) => boolean;
  readonly dataLimit?: Limit;
  readonly codeLimit?: Limit;
}

interface Limit {
  readonly sets: number;
  readonly ways: number;
  /** Order of the entry for a page. */
  readonly orderOf: (page: number) => number;
}

/** Whether two pages have different entries in the same set. */
function collide({ sets, orderOf }: Limit, a: number, b: number): boolean {
  const [first, second] = [a, b].map((page) => Math.floor(page / 2 ** orderOf(page))) as [number, number];
  return (orderOf(a) !== orderOf(b) || first !== second) && first % sets === second % sets;
}

/** Words of a trace record: access in bits 1:0 of the second, page number bits 39:32 in bits 9:2, held page in bits 17:10. */
export function recordWords(page: number, access: number, held = 0): [number, number] {
  return [page % 2 ** 32, access | (Math.floor(page / 2 ** 32) << 2) | (held << 10)];
}

/** Records of accesses, of which none is kept back. */
export function plainTrace(accesses: readonly Access[]): Uint32Array {
  return Uint32Array.from(accesses.flatMap(({ page, access }) => recordWords(page, access)));
}

export class TraceFilter {
  /** Of data and of code, the least recent first. */
  private readonly heard = new Set<number>();
  private readonly held: { readonly page: number; readonly number: number; written: boolean }[][] = [[], []];

  constructor(private readonly depths: Depths) {}

  /** The records that are left of these accesses. */
  trace(accesses: readonly Access[]): Uint32Array {
    const words: number[] = [];
    for (const { page, access } of accesses) {
      const { data, code, dataLimit, codeLimit, ownDirty = () => false } = this.depths;
      const [pages, depth, first, limit] = access === 0 ? ([this.held[1]!, code, 128, codeLimit] as const) : ([this.held[0]!, data, 1, dataLimit] as const);
      const at = pages.findIndex((each) => each.page === page);
      if (at >= 0) {
        const [each] = pages.splice(at, 1);
        pages.push(each!);
        if (access === 2 && !each!.written) {
          each!.written = true;
          if (!this.heard.has(page)) words.push(...recordWords(page, 2));
          if (ownDirty(page)) this.heard.add(page);
        }
        continue;
      }
      let left: number | undefined;
      while (limit !== undefined && pages.filter((each) => collide(limit, each.page, page)).length >= limit.ways) {
        if (left !== undefined) words.push(...recordWords(0, 3, left));
        left = pages.shift()!.number;
      }
      const free = Array.from({ length: depth }, (_, slot) => first + slot).find((number) => pages.every((each) => each.number !== number));
      const number = left ?? free ?? pages.shift()!.number;
      pages.push({ page, number, written: access === 2 });
      words.push(...recordWords(page, access, number));
      if (access === 2 && ownDirty(page)) this.heard.add(page);
    }
    return Uint32Array.from(words);
  }

  /** Pages of which no write counts as heard any more. Default: all. */
  forget(forgotten: (page: number) => boolean = () => true): void {
    for (const page of this.heard) if (forgotten(page)) this.heard.delete(page);
  }

  /** The records with which all pages leave. */
  leave(): Uint32Array {
    return Uint32Array.from(this.held.flatMap((pages) => pages.splice(0).flatMap(({ number }) => recordWords(0, 3, number))));
  }
}
