/**
 * Loading an ELF program into a fresh address space: segments, bss, interpreter, heap, and the stack with the auxiliary vector.
 *
 * Linux: fs/binfmt_elf.c load_elf_binary(), elf_load(), load_elf_interp(), create_elf_tables(); arch/arm64/include/asm/elf.h.
 */
import { alignDown, alignUp, hex, type Va } from "../../emulator/arch/addr.js";
import { EFAULT, EINVAL, ENOMEM, errnoName } from "../errno.js";
import type { File } from "../fs/file.js";
import { MAP_FIXED, MAP_FIXED_NOREPLACE, MAP_PRIVATE, PROT_EXEC, PROT_READ, PROT_WRITE } from "../mm/mman.js";
import { doMmap, expandStack, vmBrkFlags } from "../mm/mmap.js";
import { doMunmap } from "../mm/munmap.js";
import type { MmStruct } from "../mm/mm-struct.js";
import { VM_EXEC } from "../mm/vma.js";
import type { Binprm } from "./binprm.js";
import { zeroTerminated } from "./byte-string.js";
import { CStruct } from "./c-struct.js";
import type { ElfHeaders, ProgramHeader } from "./elf.js";
import { ET_DYN, ET_EXEC, PF_R, PF_W, PF_X, PROGRAM_HEADER_BYTES, PT_LOAD, maximumAlignment, totalMappingSize } from "./elf.js";
import type { Kernel } from "./kernel.js";
import type { Task } from "./task.js";
import { mapVdso } from "./vdso.js";

/* Types of auxiliary vector entries. Linux: include/uapi/linux/auxvec.h, arch/arm64/include/uapi/asm/auxvec.h. */
const AT_NULL = 0;
const AT_PHDR = 3;
const AT_PHENT = 4;
const AT_PHNUM = 5;
const AT_PAGESZ = 6;
const AT_BASE = 7;
const AT_FLAGS = 8;
const AT_ENTRY = 9;
const AT_UID = 11;
const AT_EUID = 12;
const AT_GID = 13;
const AT_EGID = 14;
const AT_PLATFORM = 15;
const AT_HWCAP = 16;
const AT_CLKTCK = 17;
const AT_SECURE = 23;
const AT_RANDOM = 25;
const AT_HWCAP2 = 26;
const AT_RSEQ_FEATURE_SIZE = 27;
const AT_RSEQ_ALIGN = 28;
const AT_EXECFN = 31;
const AT_SYSINFO_EHDR = 33;
const AT_MINSIGSTKSZ = 51;

/** Clock ticks per second that programs see (USER_HZ). */
export const CLOCKS_PER_SEC = 100;
/** Bytes a signal frame takes on the stack at most, without SVE: AT_MINSIGSTKSZ. Linux: arch/arm64/kernel/signal.c minsigstksz_setup(). */
const SIGNAL_MINSIGSTKSZ = 4720;
/** offsetof(struct rseq, end) and its alignment. */
const RSEQ_FEATURE_SIZE = 28;
const RSEQ_ALIGN = 32;
const PLATFORM = "aarch64";

export interface LoadError {
  readonly reason: string;
  readonly errno: number;
}

const failure = (what: string, errno: number): LoadError => ({ reason: `${what}: ${errnoName(errno)}`, errno });

/** Where a loaded image lies. */
interface Image {
  /** Added to every address of the file. */
  readonly bias: number;
  readonly entry: number;
}

/** PROT_* of a segment. Linux: make_prot(). */
function makeProt(flags: number): number {
  return ((flags & PF_R) !== 0 ? PROT_READ : 0) | ((flags & PF_W) !== 0 ? PROT_WRITE : 0) | ((flags & PF_X) !== 0 ? PROT_EXEC : 0);
}

/** ELF_ET_DYN_BASE: two thirds of the user address space, where position independent programs go. */
function elfEtDynBase(mm: MmStruct): number {
  return Math.floor((2 * mm.taskSize) / 3);
}

class ElfLoader {
  private readonly kernel: Kernel;
  private readonly mm: MmStruct;
  private readonly pageSize: number;

  constructor(kernel: Kernel, mm: MmStruct) {
    this.kernel = kernel;
    this.mm = mm;
    this.pageSize = mm.sys.granule.pageSize;
  }

  /** Map the file part of a segment at `addr`; the address or -errno. Linux: elf_map(). */
  private map(file: File, addr: number, segment: ProgramHeader, type: number, totalSize: number): number {
    const { pageSize } = this;
    const inPage = segment.vaddr % pageSize;
    const size = alignUp(segment.filesz + inPage, pageSize);
    const offset = segment.offset - inPage;
    const start = alignDown(addr, pageSize);
    if (size === 0) return start;
    if (offset < 0 || offset % pageSize !== 0) return -EINVAL;
    const total = alignUp(totalSize, pageSize);
    const request = { addr: start, len: total === 0 ? size : total, prot: makeProt(segment.flags), flags: type, file, pgoff: offset / pageSize };
    const mapped = doMmap(this.mm, request);
    if (mapped >= 0 && total > size) doMunmap(this.mm, (mapped + size) as Va, total - size);
    return mapped;
  }

  /** Map a segment and its bss. The address of the segment's first page, or -errno. Linux: elf_load(). */
  load(file: File, addr: number, segment: ProgramHeader, type: number, totalSize: number): number {
    const { pageSize } = this;
    const { vaddr, filesz, memsz, flags } = segment;
    let mapped: number;
    let zeroStart: number;
    if (filesz > 0) {
      mapped = this.map(file, addr, segment, type, totalSize);
      if (mapped < 0) return mapped;
      zeroStart = mapped + (vaddr % pageSize) + filesz;
      const rest = zeroStart % pageSize === 0 ? 0 : pageSize - (zeroStart % pageSize);
      // What lies behind the file's bytes in the last page is bss. An error counts only where the program may write itself.
      if (memsz > filesz && rest > 0 && !this.kernel.user.clear(zeroStart as Va, rest) && (flags & PF_W) !== 0) return -EFAULT;
    } else {
      mapped = alignDown(addr, pageSize);
      zeroStart = mapped;
    }
    if (memsz > filesz) {
      const from = alignUp(zeroStart, pageSize) as Va;
      const to = alignUp(mapped + (vaddr % pageSize) + memsz, pageSize);
      const error = vmBrkFlags(this.mm, from, to - from, (flags & PF_X) !== 0 ? VM_EXEC : 0);
      if (error < 0) return error;
    }
    return mapped;
  }

  /** Load the dynamic linker. Linux: load_elf_interp(). */
  loadInterpreter(file: File, headers: ElfHeaders): Image | LoadError {
    let bias = 0;
    let totalSize = totalMappingSize(headers.programHeaders, this.pageSize);
    for (const segment of headers.programHeaders) {
      if (segment.type !== PT_LOAD) continue;
      const fixed = headers.type === ET_EXEC || totalSize === 0;
      // The first segment of a shared object goes where mmap finds room for the whole.
      const at = fixed ? bias + segment.vaddr : 0;
      const mapped = this.load(file, at, segment, fixed ? MAP_PRIVATE | MAP_FIXED : MAP_PRIVATE, totalSize);
      if (mapped < 0) return failure(`the interpreter's segment at ${hex(segment.vaddr)} cannot be mapped`, -mapped);
      if (headers.type === ET_DYN && totalSize !== 0) bias = mapped - alignDown(segment.vaddr, this.pageSize);
      totalSize = 0;
      if (bias + segment.vaddr + segment.memsz > this.mm.taskSize) return failure("the interpreter does not fit into the address space", ENOMEM);
    }
    return { bias, entry: bias + headers.entry };
  }

  /** Distance between the addresses of a position independent program and where it goes. Negative: -errno. */
  private chooseBias(file: File, headers: ElfHeaders, first: ProgramHeader, hasInterpreter: boolean, totalSize: number): { readonly bias: number; readonly fixed: boolean } | LoadError {
    const alignment = maximumAlignment(headers.programHeaders, this.pageSize);
    let bias = 0;
    let fixed = false;
    if (hasInterpreter) {
      bias = elfEtDynBase(this.mm) + this.kernel.addresses.mmapOffset(this.mm);
      if (alignment > 0) bias = alignDown(bias, alignment);
      fixed = true;
    } else if (alignment > this.pageSize) {
      // Ask mmap for room, then move down to the alignment.
      const probe = this.load(file, 0, first, MAP_PRIVATE, totalSize);
      if (probe < 0) return failure(`segment at ${hex(first.vaddr)} cannot be mapped`, -probe);
      doMunmap(this.mm, probe as Va, alignUp(totalSize, this.pageSize));
      bias = alignDown(probe, alignment);
      fixed = true;
    }
    return { bias: alignDown(bias - alignDown(first.vaddr, this.pageSize), this.pageSize), fixed };
  }

  /** Map all segments of the program; sets code, data and heap bounds of the mm. */
  loadProgram(file: File, headers: ElfHeaders, hasInterpreter: boolean): (Image & { readonly phdrAddr: number; readonly elfBrk: number }) | LoadError {
    const { mm, pageSize } = this;
    let bias = 0;
    let phdrAddr = 0;
    let elfBrk = 0;
    let startCode = Infinity;
    let endCode = 0;
    let startData = 0;
    let endData = 0;
    let first = true;
    for (const segment of headers.programHeaders) {
      if (segment.type !== PT_LOAD) continue;
      let type = MAP_PRIVATE;
      let totalSize = 0;
      if (!first) type |= MAP_FIXED;
      else if (headers.type === ET_EXEC) type |= MAP_FIXED_NOREPLACE;
      else {
        totalSize = totalMappingSize(headers.programHeaders, pageSize);
        const choice = this.chooseBias(file, headers, segment, hasInterpreter, totalSize);
        if ("errno" in choice) return choice;
        bias = choice.bias;
        if (choice.fixed) type |= MAP_FIXED_NOREPLACE;
      }
      // A bias of zero for a shared object means: wherever mmap likes. The segment's own address is then no hint but 0 or small.
      const mapped = this.load(file, bias + segment.vaddr, segment, type, totalSize);
      if (mapped < 0) return failure(`segment at ${hex(segment.vaddr)} cannot be mapped with pages of ${pageSize} bytes`, -mapped);
      if (first && headers.type === ET_DYN) bias += mapped - alignDown(bias + segment.vaddr, pageSize);
      first = false;
      const { vaddr, offset, filesz, memsz, flags } = segment;
      if (offset <= headers.phoff && headers.phoff < offset + filesz) phdrAddr = headers.phoff - offset + vaddr;
      if ((flags & PF_X) !== 0) {
        startCode = Math.min(startCode, vaddr);
        endCode = Math.max(endCode, vaddr + filesz);
      }
      startData = Math.max(startData, vaddr);
      endData = Math.max(endData, vaddr + filesz);
      elfBrk = Math.max(elfBrk, vaddr + memsz);
    }
    mm.startCode = (bias + (startCode === Infinity ? 0 : startCode)) as Va;
    mm.endCode = (bias + endCode) as Va;
    mm.startData = (bias + startData) as Va;
    mm.endData = (bias + endData) as Va;
    return { bias, entry: bias + headers.entry, phdrAddr: bias + phdrAddr, elfBrk: bias + elfBrk };
  }
}

/** What AT_* entries need of a loaded program. */
interface TableFacts {
  readonly interpreterBias: number;
  readonly entry: number;
  readonly phdrAddr: number;
  readonly phnum: number;
}

/**
 * Write platform string, random bytes, argc, argv, envp and the auxiliary vector below the strings. The stack pointer, or -errno.
 * Linux: create_elf_tables().
 */
function createElfTables(kernel: Kernel, task: Task, bprm: Binprm, facts: TableFacts): number {
  const { mm } = bprm;
  const { user } = kernel;
  let p = alignDown(bprm.p - kernel.addresses.stackShuffle(mm), 16);
  p -= PLATFORM.length + 1;
  const platform = p;
  if (!user.put(platform as Va, zeroTerminated(PLATFORM))) return -EFAULT;
  p -= 16;
  const randomBytes = p;
  const random = new Uint8Array(16);
  kernel.random.fill(random);
  if (!user.put(randomBytes as Va, random)) return -EFAULT;

  const { uid, euid, gid, egid } = task.credentials;
  const auxv: number[] = [];
  const entry = (type: number, value: number): void => {
    auxv.push(type, value);
  };
  entry(AT_SYSINFO_EHDR, mm.vdsoBase);
  entry(AT_MINSIGSTKSZ, SIGNAL_MINSIGSTKSZ);
  entry(AT_HWCAP, kernel.processor.hwcap);
  entry(AT_PAGESZ, mm.sys.granule.pageSize);
  entry(AT_CLKTCK, CLOCKS_PER_SEC);
  entry(AT_PHDR, facts.phdrAddr);
  entry(AT_PHENT, PROGRAM_HEADER_BYTES);
  entry(AT_PHNUM, facts.phnum);
  entry(AT_BASE, facts.interpreterBias);
  entry(AT_FLAGS, 0);
  entry(AT_ENTRY, facts.entry);
  entry(AT_UID, uid);
  entry(AT_EUID, euid);
  entry(AT_GID, gid);
  entry(AT_EGID, egid);
  entry(AT_SECURE, 0);
  entry(AT_RANDOM, randomBytes);
  entry(AT_HWCAP2, kernel.processor.hwcap2);
  entry(AT_EXECFN, bprm.exec);
  entry(AT_PLATFORM, platform);
  entry(AT_RSEQ_FEATURE_SIZE, RSEQ_FEATURE_SIZE);
  entry(AT_RSEQ_ALIGN, RSEQ_ALIGN);
  entry(AT_NULL, 0);
  mm.savedAuxv = auxv.map(BigInt);

  const words = 1 + (bprm.argv.length + 1) + (bprm.envp.length + 1);
  const sp = alignDown(p - (auxv.length + words) * 8, 16);
  if (expandStack(mm, sp) === undefined) return -EFAULT;
  const table = new CStruct((words + auxv.length) * 8);
  let at = 0;
  const word = (value: number): void => {
    table.setU64(at, value);
    at += 8;
  };
  word(bprm.argv.length);
  let text = mm.argStart as number;
  for (const argument of bprm.argv) {
    word(text);
    text += argument.length + 1;
  }
  word(0);
  mm.argEnd = text as Va;
  mm.envStart = text as Va;
  for (const variable of bprm.envp) {
    word(text);
    text += variable.length + 1;
  }
  word(0);
  mm.envEnd = text as Va;
  for (const value of auxv) word(value);
  return user.put(sp as Va, table.bytes) ? sp : -EFAULT;
}

/**
 * Load `headers`' program into bprm's mm, which is active, and prepare the entry into it. On failure the mm is half built and of no use.
 * Returns the entry point and the stack pointer.
 */
export function loadElfBinary(
  kernel: Kernel,
  task: Task,
  bprm: Binprm,
  headers: ElfHeaders,
  interpreter: { readonly file: File; readonly headers: ElfHeaders } | undefined,
): { readonly entry: number; readonly sp: number } | LoadError {
  const { mm } = bprm;
  const { pageSize } = mm.sys.granule;
  const loader = new ElfLoader(kernel, mm);
  const program = loader.loadProgram(bprm.file, headers, interpreter !== undefined);
  if ("errno" in program) return program;
  let entry = program.entry;
  let interpreterBias = 0;
  if (interpreter !== undefined) {
    const image = loader.loadInterpreter(interpreter.file, interpreter.headers);
    if ("errno" in image) return image;
    entry = image.entry;
    interpreterBias = image.bias;
  }
  if (entry < 0 || entry >= mm.taskSize) return failure(`the entry point ${hex(entry)} lies outside the address space`, EINVAL);
  const vdso = mapVdso(kernel.vdso, mm);
  if (vdso < 0) return failure("the vDSO cannot be mapped", -vdso);
  const sp = createElfTables(kernel, task, bprm, {
    interpreterBias,
    entry: program.entry,
    phdrAddr: program.phdrAddr,
    phnum: headers.phnum,
  });
  if (sp < 0) return failure("the stack cannot be written", -sp);
  mm.startStack = sp as Va;
  // A program that is its own interpreter (static PIE) has its heap where position independent programs lie, away from mmap's area.
  const ownLoader = headers.type === ET_DYN && interpreter === undefined;
  mm.startBrk = kernel.addresses.brk(mm, alignUp(ownLoader ? elfEtDynBase(mm) : program.elfBrk, pageSize), ownLoader);
  mm.brk = mm.startBrk;
  return { entry, sp };
}
