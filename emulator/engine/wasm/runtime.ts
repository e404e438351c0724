/**
 * The runtime module: what translated code calls for accesses that it does not make in line, and to go from one function to the next.
 *
 * The page filter and the trace are those of the reference engine (native/src/filter.rs, access.rs), record for record. All state lies in
 * cells behind RAM (layout.ts). TypeScript is called only for a page that the front table does not know, and when the ring is full.
 */
import { LEFT_SHIFT, pushTime } from "./account.js";
import { Code } from "./binary/code.js";
import { hasVector, ModuleBuilder, unknownToJavaScript, type FunctionType } from "./binary/module.js";
import { CONTROL, I32, I32X4, I64, TYPE_EMPTY, TYPE_F64, TYPE_I32, TYPE_I64 } from "./binary/opcodes.js";
import { emitNzcvOfKind, FLAG_KINDS } from "./flags.js";
import { ACCESS_PC, ACCOUNT, ENTRY_SHIFT, FAR, FETCH_PAGE, JUMP_CACHE, JUMP_ENTRIES, JUMP_EPOCH, JUMP_FOLD, PC, REFUSAL, REPLAY, RUN, RUN_DONE, SCRATCH } from "./layout.js";
import { CRYPTO_FUNCTIONS, type CryptoFunction } from "./runtime-crypto.js";
import { NOWHERE, PageFilter, readCell, TOUCHES, writeCell, type FilterOptions } from "./runtime-filter.js";
import { FLOAT_FUNCTIONS, type FloatFunction } from "./runtime-float.js";

/** What translated functions take and return: the account; one of the numbers below. */
export const GUEST_FUNCTION = { parameters: [TYPE_I64], results: [TYPE_I32] } as const;
/** Left at a site (cell SITE). */
export const LEFT_AT_SITE = 0;
/** There is no code for the PC yet; by a direct branch, or by one that the jump cache did not know. */
export const LEFT_FOR_CODE = 1;
export const LEFT_FOR_JUMP = 2;

/** Why an access was refused (cell REFUSAL). */
export const REFUSED_READ = 1;
export const REFUSED_WRITE = 2;
export const REFUSED_ALIGNMENT = 3;

const ADDRESS_BITS = 0x00ff_ffff_ffff_ffffn;

export interface RuntimeOptions extends FilterOptions {
  /** Pages of 64 KiB of the whole memory. */
  readonly memoryPages: number;
}

/** What TypeScript does for the runtime. */
export interface RuntimeImports {
  readonly memory: WebAssembly.Memory;
  readonly table: WebAssembly.Table;
  /** Place of a page, which the front table knows from now on; NOWHERE: the access is not granted. */
  readonly grant: (page: number, write: number) => number;
  /** Under a limit on held pages of code: the order of the entry for a page. */
  readonly codeOrder: (page: number) => number;
  /** A write of a page that the front table has with FRONT_UNHEARD has been recorded. */
  readonly wrote: (page: number) => void;
  /** The ring is full. */
  readonly drain: () => void;
  /** Carries out an instruction on the register words. */
  readonly interpret: (word: number) => void;
}

/** The functions that translated code imports: what they take and return. Those of arithmetic are in a module of their own (runtime-arithmetic.ts). */
const FUNCTIONS = {
  load: { parameters: [TYPE_I64, TYPE_I32, TYPE_I32], results: [TYPE_I32] },
  loadAligned: { parameters: [TYPE_I64, TYPE_I32, TYPE_I32, TYPE_I32], results: [TYPE_I32] },
  store: { parameters: [TYPE_I64, TYPE_I32, TYPE_I64, TYPE_I32], results: [TYPE_I32] },
  storeAligned: { parameters: [TYPE_I64, TYPE_I32, TYPE_I64, TYPE_I32, TYPE_I32], results: [TYPE_I32] },
  loadRun: { parameters: [TYPE_I64, TYPE_I32, TYPE_I32, TYPE_I32], results: [TYPE_I32] },
  storeRun: { parameters: [TYPE_I64, TYPE_I32, TYPE_I32, TYPE_I32], results: [TYPE_I32] },
  go: { parameters: [TYPE_I32, TYPE_I64], results: [TYPE_I32] },
  jump: { parameters: [TYPE_I64, TYPE_I64], results: [TYPE_I32] },
  /** Carries out the instruction in TypeScript. */
  interpret: { parameters: [TYPE_I32], results: [] },
  nzcv: { parameters: [TYPE_I32, TYPE_I64, TYPE_I64], results: [TYPE_I32] },
  ...FLOAT_FUNCTIONS,
  ...CRYPTO_FUNCTIONS,
} as const;
export type RuntimeFunction = keyof typeof FUNCTIONS;

/** Their types as they are imported. */
export const RUNTIME_FUNCTIONS = Object.fromEntries(Object.entries(FUNCTIONS).map(([name, type]) => [name, unknownToJavaScript(type)])) as Readonly<Record<RuntimeFunction, FunctionType>>;

/** Pushes what a function takes behind its arguments. */
export function pushUnused(code: Code, name: RuntimeFunction): Code {
  return hasVector(FUNCTIONS[name]) ? code : code.i32(0).op(I32X4.splat);
}

class Runtime {
  readonly module = new ModuleBuilder();
  private readonly options: RuntimeOptions;
  private readonly base: number;
  private readonly pageShift: number;
  private readonly filter: PageFilter;
  private readonly guestType: number;
  private readonly interpretImport: number;

  constructor(options: RuntimeOptions) {
    const { module } = this;
    this.options = options;
    this.base = options.base | 0;
    this.pageShift = Math.log2(options.pageSize);
    const grant = module.importFunction("e", "grant", { parameters: [TYPE_F64, TYPE_I32], results: [TYPE_I32] });
    const drain = module.importFunction("e", "drain", { parameters: [], results: [] });
    const codeOrder = module.importFunction("e", "codeOrder", { parameters: [TYPE_F64], results: [TYPE_I32] });
    const wrote = module.importFunction("e", "wrote", { parameters: [TYPE_F64], results: [] });
    this.interpretImport = module.importFunction("e", "interpret", FUNCTIONS.interpret);
    module.importMemory("e", "memory", options.memoryPages);
    module.importTable("e", "table", 1);
    this.guestType = module.type(GUEST_FUNCTION);
    this.filter = new PageFilter(module, options, { grant, drain, codeOrder, wrote });
  }

  /** Notes a refusal at the address that `far` pushes. */
  private refuse(code: Code, reason: number, far: () => void): void {
    writeCell(code, this.base, I64.store, FAR, far);
    writeCell(code, this.base, I32.store, REFUSAL, () => code.i32(reason));
  }

  /** After accesses, as many as `count` pushes, of a restarted instruction that do not arrive at the one that was refused the next one comes here, too. */
  private afterAccesses(code: Code, count: () => unknown): void {
    const left = code.local(TYPE_I32);
    readCell(code, this.base, I32.load, REPLAY).tee(left).if(TYPE_EMPTY);
    writeCell(code, this.base, I32.store, REPLAY, () => {
      code.get(left);
      count();
      code.op(I32.sub).tee(left).i32(0).get(left).i32(0).op(I32.gtS).op(CONTROL.select);
    });
    this.filter.forgetTable(code);
    code.end();
  }

  private afterAccess(code: Code): void {
    this.afterAccesses(code, () => code.i32(1));
  }

  /** Two places of an access across pages, in locals; leaves the function if one is not granted. `time`: local of the parameter. */
  private across(code: Code, write: boolean, pageBase: number, offset: number, time: number, places: readonly [number, number], translate: number, touch: number): void {
    const { pageSize } = this.options;
    const second = code.local(TYPE_I64);
    const reason = write ? REFUSED_WRITE : REFUSED_READ;
    code.get(0).i64(pageSize).op(I64.add).get(offset).op(I64.sub).set(second);
    for (const [at, far] of [[pageBase, 0], [second, second]] as const) {
      code.get(at).i64(ADDRESS_BITS).op(I64.and).call(translate).i32(NOWHERE).op(I32.eq).if(TYPE_EMPTY);
      this.refuse(code, reason, () => code.get(far));
      code.i32(write ? 1 : NOWHERE).return().end();
    }
    code.get(pageBase).get(time).call(touch).get(offset).op(I32.wrapI64).op(I32.add).set(places[0]);
    code.get(second).i64(ADDRESS_BITS).op(I64.and).get(time).i32(1).op(I32.sub).call(touch).set(places[1]);
  }

  /** Copies the bytes of an access across pages between SCRATCH and its places. Parameter 1 is the size. */
  private copyAcross(code: Code, write: boolean, offset: number, places: readonly [number, number]): void {
    const index = code.local(TYPE_I32);
    const split = code.local(TYPE_I32);
    const at = code.local(TYPE_I32);
    code.i32(this.options.pageSize).get(offset).op(I32.wrapI64).op(I32.sub).set(split).i32(0).set(index);
    const loop = code.loop();
    code.get(places[0]).get(index).op(I32.add).get(places[1]).get(index).get(split).op(I32.sub).op(I32.add);
    code.get(index).get(split).op(I32.ltS).op(CONTROL.select).set(at);
    const scratch = (): void => {
      code.get(index).i32(this.base + SCRATCH).op(I32.add);
    };
    if (write) {
      code.get(at);
      scratch();
      code.memory(I32.load8U, 0).memory(I32.store8, 0);
    } else {
      scratch();
      code.get(at).memory(I32.load8U, 0).memory(I32.store8, 0);
    }
    code.get(index).i32(1).op(I32.add).tee(index).get(1).op(I32.ltS).brIf(loop).end();
  }

  /** Splits the address in parameter 0 into page and offset. */
  private split(code: Code): { pageBase: number; offset: number } {
    const pageBase = code.local(TYPE_I64);
    const offset = code.local(TYPE_I64);
    code.get(0).i64(ADDRESS_BITS).op(I64.and).tee(pageBase).i64(this.options.pageSize - 1).op(I64.and).set(offset);
    code.get(pageBase).get(offset).op(I64.sub).set(pageBase);
    return { pageBase, offset };
  }

  private misaligned(code: Code, alignment: number, refused: number): void {
    code.get(0).get(alignment).i32(1).op(I32.sub).op(I64.extendI32U).op(I64.and).op(I64.eqz).op(I32.eqz).if(TYPE_EMPTY);
    this.refuse(code, REFUSED_ALIGNMENT, () => code.get(0));
    code.i32(refused).return().end();
  }

  private crosses(code: Code, offset: number): void {
    code.get(offset).get(1).op(I64.extendI32U).op(I64.add).i64(this.options.pageSize).op(I64.gtU);
  }

  /** (address, size, time) -> SCRATCH with the bytes of an access across pages, or NOWHERE. */
  private loadAcross(translate: number, touch: number): number {
    const code = new Code(3);
    const places = [code.local(TYPE_I32), code.local(TYPE_I32)] as const;
    const { pageBase, offset } = this.split(code);
    this.across(code, false, pageBase, offset, 2, places, translate, touch);
    this.copyAcross(code, false, offset, places);
    this.afterAccess(code);
    code.i32(this.base + SCRATCH);
    return this.module.func(FUNCTIONS.load, code);
  }

  /** (address, size, value, time) -> 1 if an access across pages was refused. */
  private storeAcross(translate: number, touch: number): number {
    const code = new Code(4);
    const places = [code.local(TYPE_I32), code.local(TYPE_I32)] as const;
    const { pageBase, offset } = this.split(code);
    this.across(code, true, pageBase, offset, 3, places, translate, touch);
    code.i32(this.base + SCRATCH).get(2).memory(I64.store, 0);
    this.copyAcross(code, true, offset, places);
    this.afterAccess(code);
    code.i32(0);
    return this.module.func(FUNCTIONS.store, code);
  }

  /** (address, size, time[, alignment]) -> where the bytes lie, or NOWHERE. */
  private load(aligned: boolean, translateWrite: number, across: number): number {
    const code = new Code(aligned ? 5 : 4);
    const place = code.local(TYPE_I32);
    if (aligned) this.misaligned(code, 3, NOWHERE);
    const { pageBase, offset } = this.split(code);
    this.crosses(code, offset);
    code.if(TYPE_EMPTY);
    code.get(0).get(1).get(2).call(across).return().end();
    this.filter.touch(code, false, pageBase, 2, place, translateWrite, () => {
      this.refuse(code, REFUSED_READ, () => code.get(0));
      code.i32(NOWHERE).return();
    });
    this.afterAccess(code);
    code.get(place).get(offset).op(I32.wrapI64).op(I32.add);
    return this.module.func(RUNTIME_FUNCTIONS[aligned ? "loadAligned" : "load"], code);
  }

  /** (address, size, value, time[, alignment]) -> 1 if the access was refused. */
  private store(aligned: boolean, translateWrite: number, across: number): number {
    const code = new Code(aligned ? 6 : 5);
    const place = code.local(TYPE_I32);
    const put = (): void => {
      const done = code.block();
      for (const [size, opcode] of [[8, I64.store], [4, I64.store32], [2, I64.store16]] as const) {
        code.get(1).i32(size).op(I32.eq).if(TYPE_EMPTY);
        code.get(place).get(2).memory(opcode, 0).br(done).end();
      }
      code.get(place).get(2).memory(I64.store8, 0).end();
    };
    if (aligned) this.misaligned(code, 4, 1);
    const { pageBase, offset } = this.split(code);
    this.crosses(code, offset);
    code.if(TYPE_EMPTY);
    code.get(0).get(1).get(2).get(3).call(across).return().end();
    this.filter.touch(code, true, pageBase, 3, place, translateWrite, () => {
      this.refuse(code, REFUSED_WRITE, () => code.get(0));
      code.i32(1).return();
    });
    code.get(place).get(offset).op(I32.wrapI64).op(I32.add).set(place);
    put();
    this.afterAccess(code);
    code.i32(0);
    return this.module.func(RUNTIME_FUNCTIONS[aligned ? "storeAligned" : "store"], code);
  }

  /**
   * (address, bytes of each, bytes of all, time) -> where the bytes have been read, or RUN, from where they were written; NOWHERE if one
   * access was refused.
   */
  private run(write: boolean, access: number, translateWrite: number): number {
    const { base } = this;
    const code = new Code(5);
    const done = code.local(TYPE_I32);
    const place = code.local(TYPE_I32);
    this.runOnOnePage(code, write, place, translateWrite);
    const loop = code.loop();
    const at = (): void => {
      code.get(done).i32(base + RUN).op(I32.add);
    };
    code.get(0).get(done).op(I64.extendI32U).op(I64.add).get(1);
    if (write) {
      at();
      pushUnused(code.memory(I64.load, 0).get(3), "store").call(access);
    } else pushUnused(code.get(3), "load").call(access).tee(place).i32(NOWHERE).op(I32.eq);
    code.if(TYPE_EMPTY);
    writeCell(code, this.base, I32.store, RUN_DONE, () => code.get(done).get(1).op(I32.divU));
    code.i32(NOWHERE).return().end();
    if (!write) {
      at();
      code.get(place).memory(I64.load, 0).memory(I64.store, 0);
    }
    code.get(3).i32(TOUCHES).op(I32.sub).set(3);
    code.get(done).get(1).op(I32.add).tee(done).get(2).op(I32.ltU).brIf(loop).end();
    code.i32(base + RUN);
    return this.module.func(RUNTIME_FUNCTIONS.loadRun, code);
  }

  /** A run that lies on one page, of whole words if it is written, leaves the function here. */
  private runOnOnePage(code: Code, write: boolean, place: number, translateWrite: number): void {
    const { pageBase, offset } = this.split(code);
    const at = code.local(TYPE_I32);
    code.get(offset).get(2).op(I64.extendI32U).op(I64.add).i64(this.options.pageSize).op(I64.leU);
    if (write) code.get(2).i32(7).op(I32.and).op(I32.eqz).op(I32.and);
    code.if(TYPE_EMPTY);
    this.filter.touch(code, write, pageBase, 3, place, translateWrite, () => {
      this.refuse(code, write ? REFUSED_WRITE : REFUSED_READ, () => code.get(0));
      writeCell(code, this.base, I32.store, RUN_DONE, () => code.i32(0));
      code.i32(NOWHERE).return();
    });
    this.afterAccesses(code, () => code.get(2).get(1).op(I32.divU));
    code.get(place).get(offset).op(I32.wrapI64).op(I32.add).set(place);
    if (write) {
      const each = code.loop();
      code.get(place).get(at).op(I32.add).get(at).i32(this.base + RUN).op(I32.add).memory(I64.load, 0).memory(I64.store, 0);
      code.get(at).i32(8).op(I32.add).tee(at).get(2).op(I32.ltU).brIf(each).end();
    }
    code.get(place).return().end();
  }

  /** (account): the code of the PC is not known. */
  private unknown(way: number): number {
    const code = new Code(1);
    writeCell(code, this.base, I64.store, ACCOUNT, () => code.get(0));
    code.i32(way);
    return this.module.func(GUEST_FUNCTION, code);
  }

  /** (slot, account): goes on with the function there. */
  private go(): number {
    const code = new Code(3);
    code.get(1).get(0).returnCallIndirect(this.guestType);
    return this.module.func(RUNTIME_FUNCTIONS.go, code);
  }

  /** (target, account): goes on at the address, which may be on another page. */
  private jump(fetch: number, unknown: number): number {
    const code = new Code(3);
    const entry = code.local(TYPE_I32);
    const page = code.local(TYPE_I64);
    // TBI for addresses of the lower half: bits 63:56 are dropped if bit 55 is 0. Arm: AArch64.BranchAddr.
    code.get(0).get(0).i64(8).op(I64.shl).i64(8).op(I64.shrS).op(I64.and).set(0);
    writeCell(code, this.base, I64.store, PC, () => code.get(0));
    code.get(0).op(I32.wrapI64).tee(entry).i32(2).op(I32.shrU).get(entry).i32(JUMP_FOLD).op(I32.shrU).op(I32.xor).i32(JUMP_ENTRIES - 1).op(I32.and).i32(ENTRY_SHIFT).op(I32.shl).i32(this.base + JUMP_CACHE).op(I32.add).tee(entry);
    code.memory(I64.load, 0).get(0);
    readCell(code, this.base, I64.load, JUMP_EPOCH).op(I64.or).op(I64.ne).if(TYPE_EMPTY);
    code.get(1).returnCall(unknown).end();
    code.get(0).i64(this.pageShift).op(I64.shrU).tee(page);
    readCell(code, this.base, I64.load, FETCH_PAGE).op(I64.ne).if(TYPE_EMPTY);
    // A block that cannot start makes no record.
    code.get(1).i64(LEFT_SHIFT).op(I64.shrS).op(I64.eqz).if(TYPE_EMPTY);
    code.get(1).returnCall(unknown).end();
    writeCell(code, this.base, I64.store, FETCH_PAGE, () => code.get(page));
    if (this.options.tracePcs) writeCell(code, this.base, I64.store, ACCESS_PC, () => code.get(0));
    code.get(page).get(1);
    pushTime(code).call(fetch).end();
    code.get(1).get(entry).memory(I32.load, 8).returnCallIndirect(this.guestType);
    return this.module.func(RUNTIME_FUNCTIONS.jump, code);
  }

  private enter(): number {
    const code = new Code(2);
    code.get(1).op(I64.extendI32U).i64(LEFT_SHIFT).op(I64.shl).get(0).callIndirect(this.guestType);
    // Times are the account's, which starts anew.
    code.call(this.filter.age);
    return this.module.func({ parameters: [TYPE_I32, TYPE_I32], results: [TYPE_I32] }, code);
  }

  /** (kind, a, b) -> NZCV, for TypeScript. */
  private readNzcv(): number {
    const code = new Code(3);
    for (const kind of FLAG_KINDS) {
      code.get(0).i32(kind).op(I32.eq).if(TYPE_EMPTY);
      emitNzcvOfKind(code, kind, 1, 2);
      code.return().end();
    }
    code.get(1).op(I32.wrapI64);
    return this.module.func(FUNCTIONS.nzcv, code);
  }

  /** The same for translated code. */
  private nzcv(readNzcv: number): number {
    return this.module.func(RUNTIME_FUNCTIONS.nzcv, new Code(4).get(0).get(1).get(2).returnCall(readNzcv));
  }

  private interpret(): number {
    return this.module.func(RUNTIME_FUNCTIONS.interpret, new Code(2).get(0).call(this.interpretImport));
  }

  build(): Uint8Array<ArrayBuffer> {
    const { module } = this;
    const fetch = this.filter.fetch();
    const tick = this.filter.tick();
    const translateWrite = this.filter.translateFunction(true);
    const loadAcross = this.loadAcross(this.filter.translateFunction(false), this.filter.touchFunction(false, translateWrite));
    const storeAcross = this.storeAcross(translateWrite, this.filter.touchFunction(true, translateWrite));
    const unknown = this.unknown(LEFT_FOR_CODE);
    const unknownJump = this.unknown(LEFT_FOR_JUMP);
    const load = this.load(false, translateWrite, loadAcross);
    const store = this.store(false, translateWrite, storeAcross);
    const readNzcv = this.readNzcv();
    const exported: Readonly<Record<Exclude<RuntimeFunction, FloatFunction | CryptoFunction> | "readNzcv" | "unknown" | "enter" | "clear" | "fetch" | "tick", number>> = {
      load,
      loadAligned: this.load(true, translateWrite, loadAcross),
      store,
      storeAligned: this.store(true, translateWrite, storeAcross),
      loadRun: this.run(false, load, translateWrite),
      storeRun: this.run(true, store, translateWrite),
      go: this.go(),
      jump: this.jump(fetch, unknownJump),
      interpret: this.interpret(),
      nzcv: this.nzcv(readNzcv),
      readNzcv,
      unknown,
      enter: this.enter(),
      clear: this.filter.clear(),
      fetch: module.func({ parameters: [TYPE_I64], results: [] }, new Code(1).get(0).call(tick).returnCall(fetch)),
      tick,
    };
    for (const [name, func] of Object.entries(exported)) module.exportFunction(name, func);
    return module.finish();
  }
}

/** The runtime as TypeScript sees it. */
export interface RuntimeInstance {
  /** The exports, for translated modules to import. */
  readonly exports: WebAssembly.Exports;
  /** Runs the function in a table slot with so many instructions. */
  readonly enter: (slot: number, left: number) => number;
  /** Stands in slots without code. */
  readonly unknown: (account: bigint) => number;
  /** All held pages leave. */
  readonly clear: () => void;
  /** Code runs on the page. */
  readonly fetch: (page: bigint) => void;
  readonly readNzcv: (kind: number, a: bigint, b: bigint) => number;
}

export function createRuntime(options: RuntimeOptions, imports: RuntimeImports): RuntimeInstance {
  const module = new WebAssembly.Module(new Runtime(options).build());
  const { exports } = new WebAssembly.Instance(module, { e: { ...imports } });
  return { ...(exports as unknown as RuntimeInstance), exports };
}
