/** The buddy allocator: split, merge, order of reuse, watermarks, fragmentation, and random traffic. */
import { expect } from "chai";
import type { Order, Pfn } from "../../../emulator/arch/addr.js";
import { ConfigError } from "../../../emulator/arch/errors.js";
import { granule, type GranuleName } from "../../../emulator/arch/granule.js";
import { PhysicalMemory } from "../../../emulator/memory/physical-memory.js";
import { checkSystem } from "../../../kernel-model/mm/check.js";
import { PageAllocator } from "../../../kernel-model/mm/page-alloc.js";
import { Pages } from "../../../kernel-model/mm/page.js";
import { testSystem } from "../../support/memory-system.js";
import { seededRandom } from "../../support/seed.js";

/** A bare allocator over `nr` frames with the first `reserved` kept. */
function bare(nr: number, reserved = 0, name: GranuleName = "4k", poison = false): { buddy: PageAllocator; pages: Pages; memory: PhysicalMemory } {
  const g = granule(name);
  const memory = new PhysicalMemory(Math.ceil((nr * g.pageSize) / 65536) * 65536);
  const pages = new Pages(nr);
  const buddy = new PageAllocator({ pages, granule: g, memory, poison });
  buddy.init(reserved as Pfn);
  buddy.setMinFreeKbytes(0);
  return { buddy, pages, memory };
}

const alloc = (buddy: PageAllocator, order = 0): number => buddy.allocPages(order as Order);
const free = (buddy: PageAllocator, page: number, order = 0): void => buddy.freePages(page as Pfn, order as Order);

describe("PageAllocator", () => {
  it("begins with the largest aligned blocks", () => {
    const { buddy } = bare(4096 + 5, 3);
    expect(buddy.buddyinfo()).to.deep.equal([2, 0, 2, 1, 1, 1, 1, 1, 1, 1, 3]);
    expect([buddy.nrFree, buddy.nrManaged, buddy.nrReserved]).to.deep.equal([4098, 4098, 3]);
  });

  it("has the largest orders of the three kernels", () => {
    expect((["4k", "16k", "64k"] as const).map((name) => bare(64, 0, name).buddy.maxOrder)).to.deep.equal([10, 11, 13]);
  });

  it("gives single pages in ascending order from one split block", () => {
    const { buddy } = bare(2048);
    expect(Array.from({ length: 40 }, () => alloc(buddy))).to.deep.equal(Array.from({ length: 40 }, (_, i) => i));
    expect(buddy.buddyinfo()).to.deep.equal([0, 0, 0, 1, 1, 0, 1, 1, 1, 1, 1]);
  });

  it("gives back the page that was freed last first", () => {
    const { buddy } = bare(1024);
    const pages = Array.from({ length: 8 }, () => alloc(buddy));
    for (const page of [1, 3, 5]) free(buddy, pages[page]!);
    expect([alloc(buddy), alloc(buddy), alloc(buddy)]).to.deep.equal([5, 3, 1]);
  });

  it("puts a block to the tail whose merged parent could merge next", () => {
    const { buddy } = bare(1024);
    Array.from({ length: 16 }, () => alloc(buddy));
    free(buddy, 5);
    free(buddy, 2);
    free(buddy, 3);
    /* 2 and 3 are one block now; freeing 0 could soon make 0-3: it waits at the tail, behind 5. */
    free(buddy, 0);
    expect([alloc(buddy), alloc(buddy)]).to.deep.equal([5, 0]);
  });

  it("aligns blocks to their size and merges them back into one", () => {
    const { buddy } = bare(1024);
    const blocks = [0, 3, 1, 4, 0, 2].map((order) => ({ order, page: alloc(buddy, order) }));
    for (const { order, page } of blocks) expect(page % 2 ** order).to.equal(0);
    for (const { order, page } of blocks) free(buddy, page, order);
    expect(buddy.buddyinfo()).to.deep.equal([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
  });

  it("sets the watermarks of a real kernel", () => {
    /* 2 GiB: min_free_kbytes = int_sqrt(2097144 * 16) = 5792. */
    const buddy = new PageAllocator({ pages: new Pages(524288), granule: granule("4k"), memory: new PhysicalMemory(65536) });
    buddy.init(2 as Pfn);
    expect(buddy.minFreeKbytes).to.equal(5792);
    expect(buddy.watermarks).to.deep.equal({ min: 1448, low: 1448 + 524, high: 1448 + 2 * 524 });
  });

  it("fails at the min watermark: a large block earlier than a page", () => {
    const { buddy } = bare(1024);
    buddy.setMinFreeKbytes(100 * 4);
    expect(buddy.watermarks.min).to.equal(100);
    expect(alloc(buddy, 9)).to.equal(0);
    expect(alloc(buddy, 9), "512 - 511 pages would not do").to.equal(-1);
    let given = 0;
    while (alloc(buddy) !== -1) given++;
    expect([given, buddy.nrFree]).to.deep.equal([412, 100]);
    expect(alloc(buddy, 1), "nor a pair").to.equal(-1);
  });

  it("fails when memory is free but no block is large enough", () => {
    const { buddy } = bare(64);
    const pages = Array.from({ length: 64 }, () => alloc(buddy));
    for (const page of pages) if (page % 2 === 1) free(buddy, page);
    expect([buddy.nrFree, alloc(buddy, 1)]).to.deep.equal([32, -1]);
  });

  it("catches double, misshapen and too early frees", () => {
    const { buddy, pages } = bare(64);
    const page = alloc(buddy, 2);
    expect(() => free(buddy, page, 1)).to.throw("not an allocation");
    expect(() => free(buddy, page + 1)).to.throw("not an allocation");
    pages.refcount[page] = 2;
    expect(() => free(buddy, page, 2)).to.throw("2 references");
    pages.refcount[page] = 0;
    pages.mapcount[page] = 1;
    expect(() => free(buddy, page, 2)).to.throw("still mapped");
    pages.mapcount[page] = 0;
    free(buddy, page, 2);
    expect(() => free(buddy, page, 2)).to.throw("not an allocation");
    expect(() => alloc(buddy, 11)).to.throw("exceeds");
  });

  it("lets a split allocation be freed piece by piece", () => {
    const { buddy } = bare(64);
    const page = alloc(buddy, 4);
    buddy.splitAllocation(page as Pfn, 4 as Order, 2 as Order);
    for (const at of [12, 4, 0, 8]) free(buddy, page + at, 2);
    expect(buddy.freeCount(6 as Order)).to.equal(1);
    expect(() => buddy.splitAllocation(page as Pfn, 4 as Order, 0 as Order)).to.throw("not an allocation");
  });

  it("poisons what is freed", () => {
    const { buddy, memory } = bare(64, 0, "4k", true);
    const page = alloc(buddy, 1);
    memory.u8.fill(7);
    free(buddy, page, 1);
    expect(memory.u8.subarray(page * 4096, page * 4096 + 8192).every((byte) => byte === 0xaa)).to.equal(true);
    expect(memory.u8[(page + 2) * 4096]).to.equal(7);
  });

  it("counts what it gave and took", () => {
    const { buddy } = bare(64);
    free(buddy, alloc(buddy, 3), 3);
    alloc(buddy);
    expect([buddy.nrAllocations, buddy.nrAllocated, buddy.nrFreed]).to.deep.equal([2, 9, 8]);
  });

  it("stays consistent under random traffic, and loses nothing", () => {
    const random = seededRandom(3);
    for (const [name, nr] of [
      ["4k", 3000],
      ["16k", 4500],
      ["64k", 9000],
    ] as const) {
      const bytes = nr * granule(name).pageSize;
      const { sys } = testSystem({ granule: name, bytes: Math.ceil(bytes / 65536) * 65536, poison: false });
      const { buddy } = sys;
      buddy.setMinFreeKbytes(0);
      const before = buddy.buddyinfo();
      const live: { page: number; order: number }[] = [];
      const owner = new Map<number, number>();
      for (let i = 0; i < 2000; i++) {
        if (live.length > 0 && random(100) < 45) {
          const { page, order } = live.splice(random(live.length), 1)[0]!;
          for (let at = page; at < page + 2 ** order; at++) owner.delete(at);
          free(buddy, page, order);
        } else {
          const order = random(4) === 0 ? random(buddy.maxOrder + 1) : random(3);
          const page = alloc(buddy, order);
          if (page === -1) continue;
          expect(page % 2 ** order).to.equal(0);
          for (let at = page; at < page + 2 ** order; at++) {
            if (owner.has(at)) expect.fail(`frame ${at} given twice`);
            owner.set(at, page);
          }
          if (order > 0) {
            sys.pages.flags[page] = 1 << 16;
            for (let at = page + 1; at < page + 2 ** order; at++) {
              sys.pages.flags[at] = 1 << 17;
              sys.pages.compoundHead[at] = page + 1;
            }
          }
          live.push({ page, order });
        }
        expect(buddy.nrFree).to.equal(buddy.nrManaged - owner.size);
        if (i % 100 === 0) checkSystem(sys, []);
      }
      for (const { page, order } of live) free(buddy, page, order);
      expect(buddy.buddyinfo(), name).to.deep.equal(before);
    }
  });
});

describe("PageAllocator.fragment", () => {
  it("leaves the share free and no block of the order", () => {
    for (const [spec, order, share] of [
      ["order=4,free=50%", 4, 0.5],
      ["order=9,free=80%", 9, 0.8],
      ["order=1,free=25%", 1, 0.25],
      ["order=4,free=93.75%", 4, 0.9375],
    ] as const) {
      const { buddy } = bare(8192, 16);
      buddy.fragment(spec);
      const info = buddy.buddyinfo();
      expect(info.slice(order).every((count) => count === 0), spec).to.equal(true);
      expect(info[order - 1]! > 0 || share < 0.3, `${spec}: blocks of the next order remain`).to.equal(true);
      expect(Math.abs(buddy.nrFree / buddy.nrManaged - share) < 0.01, `${spec}: ${buddy.nrFree}`).to.equal(true);
      expect(buddy.nrUnmovable).to.equal(buddy.nrManaged - buddy.nrFree);
      expect(alloc(buddy, order)).to.equal(-1);
      expect(alloc(buddy, order - 1)).to.not.equal(-1);
      expect(buddy.nrAllocations, "ageing is not traffic").to.equal(1);
    }
  });

  it("keeps the frames for ever: what a program frees stays fragmented", () => {
    const { buddy } = bare(4096);
    buddy.fragment("order=4,free=50%");
    const pages: number[] = [];
    for (let page = alloc(buddy); page !== -1; page = alloc(buddy)) pages.push(page);
    for (const page of pages) free(buddy, page);
    expect(buddy.buddyinfo().slice(4)).to.deep.equal([0, 0, 0, 0, 0, 0, 0]);
    expect(buddy.nrFree).to.equal(2048);
  });

  it("refuses what cannot be", () => {
    const { buddy } = bare(1024);
    expect(() => buddy.fragment("order=4")).to.throw(ConfigError, "order=N,free=P%");
    expect(() => buddy.fragment("order=0,free=10%")).to.throw(ConfigError);
    expect(() => buddy.fragment("order=11,free=10%")).to.throw(ConfigError);
    expect(() => buddy.fragment("order=1,free=60%")).to.throw(ConfigError, "at most 50%");
  });
});
