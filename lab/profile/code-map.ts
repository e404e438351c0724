/**
 * What stands at a program counter: the file or mapping it belongs to, the instruction, the function.
 *
 * A PC is looked up in the address space once, when it is first seen; symbols are read when the run is over. Processes that run the
 * same code from the same addresses share their places after a merge by `key`.
 */
import type { Pa, Va } from "../../emulator/arch/addr.js";
import { ACCESS_FETCH } from "../../emulator/engine/engine.js";
import { walk } from "../../emulator/mmu/walk.js";
import type { TranslationRegime } from "../../emulator/mmu/walk.js";
import { buildVdsoImage } from "../../kernel-model/kernel/vdso-image.js";
import { vmaName } from "../../kernel-model/fs/procfs/maps.js";
import type { MmStruct } from "../../kernel-model/mm/mm-struct.js";
import type { Vma } from "../../kernel-model/mm/vma.js";
import { ElfSymbols } from "../symbols/elf-symbols.js";

/** A mapped file, or what else code lies in. */
export interface Module {
  /** Path as the guest opened the file, "[vdso]", "[anon]" for code made at run time, "[kernel]". */
  readonly name: string;
  /** Contents from the start of the file; undefined where there is no file or the guest wrote it. */
  readonly bytes: () => Uint8Array | undefined;
}

export interface CodePlace {
  readonly pc: Va;
  readonly module: Module;
  /** Position in the module; in one without contents the address. */
  readonly offset: number;
  /** The instruction as it stood in memory when it was first seen; undefined if its page was not mapped then. */
  readonly word: number | undefined;
  /** Same module, same offset: the same code. */
  readonly key: string;
}

export interface Location {
  readonly module: string;
  /** Function, or a section in parentheses; the module's name in parentheses where there are no symbols. */
  readonly function: string;
  /** Bytes behind its start. */
  readonly offset: number;
  /** Link-time address, for a symbolizer. */
  readonly address: number | undefined;
  readonly instruction: number | undefined;
}

const VDSO = "[vdso]";

/** No instruction of the program: the kernel builds an address space in exec. */
const KERNEL: Module = { name: "[kernel]", bytes: () => undefined };

/** The files whose code ran, with their symbols. */
export class CodeMap {
  private readonly modules = new Map<string, Module>();
  private readonly places = new Map<number, Map<number, CodePlace>>();
  private readonly symbols = new Map<Module, ElfSymbols | undefined>();

  /** The place of a PC of this address space. */
  place(mm: MmStruct, pc: number): CodePlace {
    let places = this.places.get(mm.id);
    if (places === undefined) this.places.set(mm.id, (places = new Map<number, CodePlace>()));
    let place = places.get(pc);
    if (place === undefined) places.set(pc, (place = this.look(mm, pc)));
    return place;
  }

  private look(mm: MmStruct, pc: number): CodePlace {
    const vma = pc === 0 ? undefined : mm.vmas.lookup(pc);
    if (vma === undefined) return { pc: pc as Va, module: KERNEL, offset: 0, word: undefined, key: KERNEL.name };
    const module = this.moduleOf(vma);
    const offset = vma.file !== undefined ? pc - vma.start + vma.pgoff * mm.sys.granule.pageSize : module.name === "[anon]" ? pc : pc - vma.start;
    return { pc: pc as Va, module, offset, word: readWord(mm, pc), key: `${module.name}:${offset}` };
  }

  private moduleOf(vma: Vma): Module {
    const name = vma.file?.path ?? (vma.specialName !== undefined ? vmaName(vma) : "[anon]");
    let module = this.modules.get(name);
    if (module === undefined) {
      module = { name, bytes: bytesOf(vma) };
      this.modules.set(name, module);
    }
    return module;
  }

  /** Function and instruction of a place. */
  locate(place: CodePlace): Location {
    const { module, offset } = place;
    const symbols = this.symbolsOf(module);
    const address = symbols?.addressOf(offset);
    const found = address === undefined ? undefined : symbols?.at(address);
    return {
      module: module.name,
      function: found?.name ?? (module.name.startsWith("[") ? module.name : `(${module.name})`),
      offset: found?.offset ?? offset,
      address,
      instruction: place.word ?? wordOf(module.bytes(), offset),
    };
  }

  symbolsOf(module: Module): ElfSymbols | undefined {
    if (this.symbols.has(module)) return this.symbols.get(module);
    const bytes = module.bytes();
    const symbols = bytes === undefined ? undefined : ElfSymbols.read(bytes);
    this.symbols.set(module, symbols);
    return symbols;
  }
}

/** The vDSO's image, or the contents of a mapped file from what lies behind its page cache. */
function bytesOf(vma: Vma): Module["bytes"] {
  if (vma.specialName === VDSO) return () => buildVdsoImage(vma.mm.sys.granule.pageSize).bytes;
  const inode = vma.file?.inode;
  const backing = inode?.mapping?.backing;
  if (inode === undefined || backing === undefined) return () => undefined;
  let bytes: Uint8Array | undefined;
  return () => {
    if (bytes === undefined) {
      bytes = new Uint8Array(inode.size);
      backing.read(0, bytes);
    }
    return bytes;
  };
}

function readWord(mm: MmStruct, pc: number): number | undefined {
  const pa = physical(mm, pc);
  return pa === undefined ? undefined : mm.sys.memory.u32[pa / 4];
}

/** Where an address lies in guest RAM now, if it is mapped for reading code; no counter moves. */
function physical(mm: MmStruct, at: number): Pa | undefined {
  const regime: TranslationRegime = { granule: mm.sys.granule, ttbr0: mm.pgd, asid: 0 as TranslationRegime["asid"], ha: true, hd: true, oaBits: 48 };
  const result = walk(mm.sys.memory, regime, at as Va, ACCESS_FETCH, { sideEffects: false });
  return result.fault === "none" ? (result.pa as Pa) : undefined;
}

function wordOf(bytes: Uint8Array | undefined, offset: number): number | undefined {
  if (bytes === undefined || offset + 4 > bytes.length) return undefined;
  return new DataView(bytes.buffer, bytes.byteOffset + offset, 4).getUint32(0, true);
}
