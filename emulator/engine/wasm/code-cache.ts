/**
 * The translated code: functions in table slots, by guest page and frame, so that they outlive the translation that led to them.
 *
 * A module holds the functions of several blocks that were found together. A slot belongs to an address of a page and stays the same while
 * the page's code lives: other functions of the page lead there. Until there is code for it the slot holds `unknown`, which comes back here.
 */
import { ModelBug } from "../../arch/errors.js";
import { Code } from "./binary/code.js";
import { ModuleBuilder } from "./binary/module.js";
import { TYPE_I32, TYPE_I64 } from "./binary/opcodes.js";
import { coldBlock, type ColdBlock } from "./cold/cold-blocks.js";
import type { Decoder } from "./decode/decoder.js";
import { FunctionTranslator, type BlockRange, type TranslationContext } from "./function-translator.js";
import { scanBlock, type ScannedBlock } from "./guest-code.js";
import { regionAround } from "./regions.js";
import { GUEST_FUNCTION, RUNTIME_FUNCTIONS, type RuntimeFunction } from "./runtime.js";
import { createArithmetic } from "./runtime-arithmetic.js";
import type { SiteTable } from "./sites.js";

/** Blocks that are translated together when one of them is wanted, at most: a module costs the host as much as a few functions. */
const BATCH_BLOCKS = 64;
/** So often a block has to be found running before the region around it is translated. */
const HOT_SAMPLES = 32;
/** The table grows by so many slots at a time. */
const TABLE_STEP = 4096;
/**
 * Blocks of a frame wait up to so many times as long for code as others, if code of the frame was forgotten before: twice as long each time. What is written anew again and again is not
 * worth modules, and V8 never gives back all that one takes.
 */
const LONGEST_WAIT = 8;
/** Bytes of modules that may live at a time; then all are dropped. */
const MAX_MODULE_BYTES = 64 * 2 ** 20;

/** The code of one guest page at one address. */
export interface CodePage {
  /** First address. */
  readonly start: number;
  readonly frame: number;
  /** Slots by address, with code or not yet. */
  readonly slots: Map<number, number>;
  /** Blocks that have code. */
  readonly translated: Map<number, ScannedBlock>;
  /** So often a block is carried out instruction by instruction before it is translated. */
  readonly coldRuns: number;
  /** Blocks that have been; undefined: that cannot be. */
  readonly cold: Map<number, ColdBlock | undefined>;
  /** Addresses where indirect branches have arrived. */
  readonly arrivals: Set<number>;
  /** Blocks that were found running at the end of a slice, and how often; Infinity: they are part of a region. */
  readonly samples: Map<number, number>;
  /** Blocks cut short, by address and length. */
  readonly cut: Map<string, number>;
  readonly sites: number[];
  moduleBytes: number;
}

/** A function to be made: the slots that enter it, one for each of `entries`. */
interface NewFunction {
  readonly slots: readonly number[];
  readonly blocks: readonly BlockRange[];
  readonly entries: readonly number[];
}

export interface CodeCacheOptions {
  readonly base: number;
  readonly memoryPages: number;
  readonly pageSize: number;
  readonly tracePcs: boolean;
  readonly memory: WebAssembly.Memory;
  readonly ram: Uint32Array;
  readonly decoder: Decoder;
  readonly sites: SiteTable;
  /** Translate the region around a block when it is first wanted, not when it was found running often. */
  readonly regionsAtOnce: boolean;
  /** So often a block is carried out instruction by instruction before it is translated, of a frame that had no code before. */
  readonly coldRuns: number;
}

export class CodeCache {
  readonly table: WebAssembly.Table;
  private readonly options: CodeCacheOptions;
  private readonly pages = new Map<number, CodePage[]>();
  /** By frame, if code of it was forgotten: how many times as long its blocks wait for code. */
  private readonly waits = new Map<number, number>();
  private readonly freeSlots: number[] = [];
  private nextSlot = 0;
  private imports: Record<string, WebAssembly.ExportValue> = {};
  private unknown: unknown = null;
  private moduleBytes = 0;

  constructor(options: CodeCacheOptions) {
    this.options = options;
    this.table = new WebAssembly.Table({ element: "anyfunc", initial: 1 });
  }

  /** The runtime's functions, which need the table first. */
  connect(exports: WebAssembly.Exports): void {
    this.imports = { ...exports, memory: this.options.memory };
    this.unknown = exports["unknown"];
    this.table.set(0, this.unknown);
  }

  // --- slots -----------------------------------------------------------------------------------------------------------

  private newSlot(): number {
    const free = this.freeSlots.pop();
    if (free !== undefined) return free;
    if (this.nextSlot === this.table.length) {
      this.table.grow(TABLE_STEP, this.unknown);
    }
    return this.nextSlot++;
  }

  private releaseSlot(slot: number): void {
    this.table.set(slot, this.unknown);
    this.freeSlots.push(slot);
  }

  private slotOf(page: CodePage, pc: number): number {
    let slot = page.slots.get(pc);
    if (slot === undefined) {
      slot = this.newSlot();
      page.slots.set(pc, slot);
    }
    return slot;
  }

  // --- pages -----------------------------------------------------------------------------------------------------------

  /** The code of the page at `start` on the frame. */
  page(start: number, frame: number): CodePage {
    let pages = this.pages.get(frame);
    if (pages === undefined) {
      pages = [];
      this.pages.set(frame, pages);
    }
    let page = pages.find((each) => each.start === start);
    if (page === undefined) {
      const coldRuns = this.options.coldRuns * (this.waits.get(frame) ?? 1);
      page = { start, frame, slots: new Map(), translated: new Map(), coldRuns, cold: new Map(), arrivals: new Set(), samples: new Map(), cut: new Map(), sites: [], moduleBytes: 0 };
      pages.push(page);
    }
    return page;
  }

  /** Forgets the code of a frame. True if it had some. */
  drop(frame: number): boolean {
    const pages = this.pages.get(frame);
    if (pages === undefined) return false;
    if (pages.some(({ translated }) => translated.size > 0)) this.waits.set(frame, Math.min(2 * (this.waits.get(frame) ?? 1), LONGEST_WAIT));
    for (const page of pages) this.release(page);
    this.pages.delete(frame);
    return true;
  }

  private release(page: CodePage): void {
    for (const slot of page.slots.values()) this.releaseSlot(slot);
    for (const slot of page.cut.values()) this.releaseSlot(slot);
    for (const site of page.sites) this.options.sites.remove(site);
    this.moduleBytes -= page.moduleBytes;
  }

  /** Forgets everything if there is too much of it. True if so: nothing may refer to slots any more. */
  trim(): boolean {
    if (this.moduleBytes <= MAX_MODULE_BYTES) return false;
    this.clear();
    return true;
  }

  clear(): void {
    for (const pages of this.pages.values()) for (const page of pages) this.release(page);
    this.pages.clear();
  }

  // --- code that runs a few times ----------------------------------------------------------------------------------------

  /** The block at an address of the page if it has no code and is not worth any yet. To be asked once for each time that it runs. */
  coldBlock(page: CodePage, pc: number): ColdBlock | undefined {
    const { decoder } = this.options;
    const { coldRuns } = page;
    if (coldRuns === 0 || page.translated.has(pc)) return undefined;
    let block = page.cold.get(pc);
    if (block === undefined && !page.cold.has(pc)) {
      block = coldBlock(pc, this.scan(page, pc).words, (word) => decoder.find(word));
      page.cold.set(pc, block);
    }
    return block !== undefined && ++block.runs <= coldRuns ? block : undefined;
  }

  // --- translation -----------------------------------------------------------------------------------------------------

  /** Slot of the code at an address of the page. */
  code(page: CodePage, pc: number): number {
    const slot = this.slotOf(page, pc);
    if (!page.translated.has(pc)) {
      if (this.options.regionsAtOnce) {
        page.arrivals.add(pc);
        this.translateRegion(page, pc);
      } else this.translateBatch(page, pc);
    }
    return slot;
  }

  /** Slot of the code of so many instructions at the address, which are fewer than their block has. */
  cutCode(page: CodePage, pc: number, instructions: number): number {
    const key = `${pc} ${instructions}`;
    let slot = page.cut.get(key);
    if (slot === undefined) {
      slot = this.newSlot();
      page.cut.set(key, slot);
      const { words } = this.scan(page, pc);
      this.translate(page, [{ slots: [slot], blocks: [{ start: pc, words: words.slice(0, instructions), next: [] }], entries: [0] }]);
    }
    return slot;
  }

  /** A slice ended in the block at the address: if that happens again the region around it is translated. */
  sample(page: CodePage, pc: number): void {
    const count = (page.samples.get(pc) ?? 0) + 1;
    page.samples.set(pc, count);
    if (count >= HOT_SAMPLES && count !== Infinity) this.translateRegion(page, pc);
  }

  private translateRegion(page: CodePage, pc: number): void {
    const { blocks, entries } = regionAround({ scan: (start) => this.scan(page, start), blocks: page.translated.values(), arrivals: page.arrivals }, pc);
    for (const { start } of blocks) page.samples.set(start, Infinity);
    page.samples.set(pc, Infinity);
    for (const entry of entries) {
      const { start } = blocks[entry]!;
      if (!page.translated.has(start)) page.translated.set(start, this.scan(page, start));
    }
    this.translate(page, [{ slots: entries.map((entry) => this.slotOf(page, blocks[entry]!.start)), blocks, entries }], true);
  }

  private scan(page: CodePage, pc: number): ScannedBlock {
    const { ram, pageSize } = this.options;
    const offset = page.frame * pageSize - page.start;
    return scanBlock(pc, page.start, pageSize, (at) => ram[(at + offset) / 4]!);
  }

  /** Translates the block at `pc` and those blocks of its page that have run; if none is carried out at once, those that it leads to. */
  private translateBatch(page: CodePage, pc: number): void {
    const allAtOnce = this.options.coldRuns === 0;
    const wanted = allAtOnce ? [pc] : [pc, ...page.cold.keys()];
    const found: BlockRange[] = [];
    for (let at = 0; at < wanted.length && found.length < BATCH_BLOCKS; at++) {
      const start = wanted[at]!;
      if (page.translated.has(start)) continue;
      const scanned = this.scan(page, start);
      const { words, next, comesBack, calls } = scanned;
      page.translated.set(start, scanned);
      page.cold.delete(start);
      // A loop of one block stays in its function.
      found.push({ start, words, next: next.includes(start) ? [0] : [] });
      if (!allAtOnce) continue;
      wanted.push(...next);
      if (comesBack !== undefined) wanted.push(comesBack);
      if (calls !== undefined) wanted.push(calls);
    }
    this.translate(page, found.map((block) => ({ slots: [this.slotOf(page, block.start)], blocks: [block], entries: [0] })));
  }

  /** Makes one module of functions and puts them into their slots. */
  private translate(page: CodePage, functions: readonly NewFunction[], hot = false): void {
    const { options } = this;
    const module = new ModuleBuilder();
    const imported = new Map<string, number>();
    const context: TranslationContext = {
      base: options.base,
      pageSize: options.pageSize,
      tracePcs: options.tracePcs,
      decoder: options.decoder,
      sites: options.sites,
      imported: (name: RuntimeFunction) => {
        let number = imported.get(name);
        if (number === undefined) {
          if (!(name in this.imports)) Object.assign(this.imports, createArithmetic());
          number = module.importFunction("e", name, RUNTIME_FUNCTIONS[name]);
          imported.set(name, number);
        }
        return number;
      },
      slot: (pc) => this.slotOf(page, pc),
      hot,
    };
    // All imports have to be known before the first function is added.
    const made = functions.map(({ blocks, entries }) => {
      const translator = new FunctionTranslator(context, blocks, entries);
      const before = translator.translate();
      page.sites.push(...translator.siteNumbers);
      return { code: translator.code, before };
    });
    module.importMemory("e", "memory", options.memoryPages);
    for (const [index, { code, before }] of made.entries()) {
      const { slots, entries } = functions[index]!;
      if (entries.length === 1) {
        module.exportFunction(String(slots[0]), module.func(GUEST_FUNCTION, code, before));
        continue;
      }
      const region = module.func({ parameters: [TYPE_I64, TYPE_I32], results: [TYPE_I32] }, code, before);
      for (const [place, entry] of entries.entries()) module.exportFunction(String(slots[place]), module.func(GUEST_FUNCTION, new Code(1).get(0).i32(entry).returnCall(region)));
    }
    const bytes = module.finish();
    page.moduleBytes += bytes.length;
    this.moduleBytes += bytes.length;
    let exports: WebAssembly.Exports;
    try {
      ({ exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { e: this.imports }));
    } catch (error) {
      const starts = functions.map(({ blocks }) => blocks[0]!.start.toString(16)).join(", ");
      throw new ModelBug(`wasm engine: the code of ${starts} is not valid: ${error instanceof Error ? error.message : String(error)}`);
    }
    for (const { slots } of functions) for (const slot of slots) this.table.set(slot, exports[String(slot)]);
  }
}
