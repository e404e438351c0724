/**
 * A WebAssembly module: imports, functions, exports, and an element segment that puts functions into an imported table.
 *
 * Source: WebAssembly Core Specification 2.0, section 5.5.
 */
import { Bytes } from "./bytes.js";
import type { Code } from "./code.js";
import { TYPE_FUNCREF, TYPE_V128, type ValueType } from "./opcodes.js";

export interface FunctionType {
  readonly parameters: readonly ValueType[];
  readonly results: readonly ValueType[];
}

/**
 * The type with a last parameter that nobody reads, unless a vector stands in it already. V8 11 makes a wrapper for JavaScript for each type of the
 * functions that a module imports, a tenth of a millisecond each, but not where JavaScript could never call: vectors have no value there.
 */
export function unknownToJavaScript(type: FunctionType): FunctionType {
  return hasVector(type) ? type : { parameters: [...type.parameters, TYPE_V128], results: type.results };
}

export function hasVector({ parameters, results }: FunctionType): boolean {
  return parameters.includes(TYPE_V128) || results.includes(TYPE_V128);
}

const SECTION_TYPE = 1;
const SECTION_IMPORT = 2;
const SECTION_FUNCTION = 3;
const SECTION_EXPORT = 7;
const SECTION_ELEMENT = 9;
const SECTION_CODE = 10;
const KIND_FUNCTION = 0;
const KIND_TABLE = 1;
const KIND_MEMORY = 2;
const FUNCTION_TYPE = 0x60;
const I32_CONST = 0x41;
const END = 0x0b;

/** A name of ASCII letters and digits. */
function name(into: Bytes, text: string): void {
  into.unsigned(text.length);
  for (let at = 0; at < text.length; at++) into.byte(text.charCodeAt(at));
}

export class ModuleBuilder {
  private readonly types: string[] = [];
  /** The same by object: most modules have a few types, and ask for them again and again. */
  private readonly known = new Map<FunctionType, number>();
  private readonly typeBytes = new Bytes();
  private readonly imports = new Bytes();
  private importCount = 0;
  private functionImports = 0;
  private functions = 0;
  private readonly functionTypes = new Bytes();
  private readonly codes = new Bytes(4096);
  private readonly exports = new Bytes();
  private exportCount = 0;
  private readonly elements: { readonly slot: number; readonly func: number }[] = [];

  /** Number of a function type; equal types share one. */
  type(type: FunctionType): number {
    let number = this.known.get(type);
    if (number === undefined) {
      number = this.numberOf(type);
      this.known.set(type, number);
    }
    return number;
  }

  private numberOf({ parameters, results }: FunctionType): number {
    const key = `${parameters.join()}:${results.join()}`;
    const known = this.types.indexOf(key);
    if (known >= 0) return known;
    this.typeBytes.byte(FUNCTION_TYPE);
    for (const list of [parameters, results]) {
      this.typeBytes.unsigned(list.length);
      for (const type of list) this.typeBytes.byte(type);
    }
    return this.types.push(key) - 1;
  }

  /** Import of a function; returns its number. All imports of functions come before the first `func`. */
  importFunction(module: string, field: string, type: FunctionType): number {
    const number = this.type(type);
    name(this.imports, module);
    name(this.imports, field);
    this.imports.byte(KIND_FUNCTION);
    this.imports.unsigned(number);
    this.importCount++;
    return this.functionImports++;
  }

  /** Import of the memory: `pages` of 64 KiB, neither more nor less. */
  importMemory(module: string, field: string, pages: number): void {
    name(this.imports, module);
    name(this.imports, field);
    this.imports.byte(KIND_MEMORY);
    this.imports.byte(1);
    this.imports.unsigned(pages);
    this.imports.unsigned(pages);
    this.importCount++;
  }

  /** Import of a table of functions with at least `entries` entries. */
  importTable(module: string, field: string, entries: number): void {
    name(this.imports, module);
    name(this.imports, field);
    this.imports.byte(KIND_TABLE);
    this.imports.byte(TYPE_FUNCREF);
    this.imports.byte(0);
    this.imports.unsigned(entries);
    this.importCount++;
  }

  /** Number that the next `func` will get, for code that calls itself or later functions. */
  get nextFunction(): number {
    return this.functionImports + this.functions;
  }

  /** Adds a function; returns its number. `before`: as for `Code.appendTo`. */
  func(type: FunctionType, code: Code, before?: Code): number {
    this.functionTypes.unsigned(this.type(type));
    code.appendTo(this.codes, before);
    this.functions++;
    return this.nextFunction - 1;
  }

  exportFunction(field: string, func: number): void {
    name(this.exports, field);
    this.exports.byte(KIND_FUNCTION);
    this.exports.unsigned(func);
    this.exportCount++;
  }

  /** When the module is instantiated, entry `slot` of the table becomes the function. */
  element(slot: number, func: number): void {
    this.elements.push({ slot, func });
  }

  finish(): Uint8Array<ArrayBuffer> {
    const module = new Bytes(4096);
    module.append(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0));
    const section = (id: number, count: number, content: Bytes): void => {
      if (count === 0) return;
      const head = new Bytes(8);
      head.unsigned(count);
      module.byte(id);
      module.unsigned(head.length + content.length);
      module.append(head.view());
      module.append(content.view());
    };
    section(SECTION_TYPE, this.types.length, this.typeBytes);
    section(SECTION_IMPORT, this.importCount, this.imports);
    section(SECTION_FUNCTION, this.functions, this.functionTypes);
    section(SECTION_EXPORT, this.exportCount, this.exports);
    const elements = new Bytes();
    for (const { slot, func } of this.elements) {
      elements.byte(0);
      elements.byte(I32_CONST);
      elements.signed(slot);
      elements.byte(END);
      elements.unsigned(1);
      elements.unsigned(func);
    }
    section(SECTION_ELEMENT, this.elements.length, elements);
    section(SECTION_CODE, this.functions, this.codes);
    return module.view();
  }
}
