/**
 * The vDSO in memory, and its place in every address space: two pages of data ([vvar]), then the code ([vdso]).
 *
 * Linux: arch/arm64/kernel/vdso.c __setup_additional_pages(), vvar_fault().
 */
import type { Order, Pa, Pfn, Va } from "../../emulator/arch/addr.js";
import { ConfigError } from "../../emulator/arch/errors.js";
import { folioAlloc, folioPut, zeroFolio } from "../mm/folio.js";
import type { MemorySystem } from "../mm/memory-system.js";
import type { MmStruct } from "../mm/mm-struct.js";
import { NO_PFN } from "../mm/page.js";
import type { SpecialMapping } from "../mm/special-mapping.js";
import { installSpecialMapping } from "../mm/special-mapping.js";
import { getUnmappedArea } from "../mm/unmapped-area.js";
import { VM_EXEC, VM_MAYEXEC, VM_MAYREAD, VM_MAYWRITE, VM_PFNMAP, VM_READ } from "../mm/vma.js";
import { VVAR_NR_PAGES, buildVdsoImage } from "./vdso-image.js";

export interface Vdso {
  readonly vvar: SpecialMapping;
  readonly code: SpecialMapping;
  /** Offset of the signal trampoline in the code. */
  readonly sigreturnOffset: number;
  /** Give the frames back. No address space may map them any more. */
  dispose(): void;
}

/** Put image and data page into frames of `sys`; ConfigError if it has none to spare. The data page says that clocks are read by system call (VDSO_CLOCKMODE_NONE). */
export function createVdso(sys: MemorySystem): Vdso {
  const { pageSize } = sys.granule;
  const image = buildVdsoImage(pageSize);
  const allocate = (): Pfn => {
    const frame = folioAlloc(sys, 0 as Order);
    if (frame === NO_PFN) throw new ConfigError("the guest's memory is too small for the kernel itself");
    zeroFolio(sys, frame);
    return frame;
  };
  const data = allocate();
  const frames: Pfn[] = [];
  for (let at = 0; at < image.bytes.length; at += pageSize) {
    const frame = allocate();
    const bytes = image.bytes.subarray(at, at + pageSize);
    sys.memory.slice((frame * pageSize) as Pa, bytes.length).set(bytes);
    sys.frameWritten(frame);
    frames.push(frame);
  }
  return {
    // The second page belongs to time namespaces and has no contents outside of one.
    vvar: { name: "[vvar]", frames: [data] },
    code: { name: "[vdso]", frames },
    sigreturnOffset: image.sigreturnOffset,
    dispose() {
      for (const frame of [data, ...frames]) folioPut(sys, frame);
    },
  };
}

/** Give `mm` its vDSO where mmap finds room: 0 or -errno. Sets mm.vdsoBase. */
export function mapVdso(vdso: Vdso, mm: MmStruct): number {
  const { pageSize } = mm.sys.granule;
  const dataBytes = VVAR_NR_PAGES * pageSize;
  const codeBytes = vdso.code.frames.length * pageSize;
  const base = getUnmappedArea(mm, undefined, 0, dataBytes + codeBytes, 0, 0);
  if (base < 0) return base;
  const data = installSpecialMapping(mm, base as Va, dataBytes, VM_READ | VM_MAYREAD | VM_PFNMAP, vdso.vvar);
  if (typeof data === "number") return data;
  const start = (base + dataBytes) as Va;
  const code = installSpecialMapping(mm, start, codeBytes, VM_READ | VM_EXEC | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC, vdso.code);
  if (typeof code === "number") return code;
  mm.vdsoBase = start;
  return 0;
}
