/**
 * Areas that the kernel itself gives a program: vDSO and its data.
 *
 * Linux: mm/mmap.c _install_special_mapping(), special_mapping_vmops; mm/memory.c vmf_insert_pfn().
 */
import type { Pfn, Va } from "../../emulator/arch/addr.js";
import { pmdTransHuge, pteMkspecial } from "../arch/arm64/pte.js";
import { folioGet } from "./folio.js";
import type { MmStruct } from "./mm-struct.js";
import { insertVmStruct, vmAreaAlloc, vmStatAccount } from "./vma-ops.js";
import { VM_DONTEXPAND, VM_FAULT_NOPAGE, VM_FAULT_OOM, VM_FAULT_SIGBUS, VM_LOCKED_MASK, VM_PFNMAP, type VmFault, type Vma, type VmOperations } from "./vma.js";

/** What a special area shows. Linux: struct vm_special_mapping. */
export interface SpecialMapping {
  /** Name in /proc/PID/maps, with its brackets. */
  readonly name: string;
  /** Frames by page offset; beyond them an access is SIGBUS. With VM_PFNMAP they are mapped as raw frames, uncounted. */
  readonly frames: readonly Pfn[];
}

/** Maps a raw frame at the fault's address, unless something is there already. VM_FAULT_NOPAGE, or VM_FAULT_OOM. Linux: vmf_insert_pfn(). */
function vmfInsertPfn({ vma, address }: VmFault, frame: Pfn): number {
  const { mm } = vma;
  const { pgtable } = mm.sys;
  const pmdp = pgtable.pmdAlloc(mm, address);
  if (pmdp === -1 || !pgtable.pteAlloc(mm, pmdp)) return VM_FAULT_OOM;
  const pmd = pgtable.pmdpGet(pmdp);
  if (pmdTransHuge(pmd)) return VM_FAULT_NOPAGE;
  const ptep = pgtable.pteOffset(pmd, address);
  if (pgtable.rawIsNone(ptep)) pgtable.setPteAt(mm, address, ptep, pteMkspecial(pgtable.pfnPte(frame, vma.pageProt)));
  return VM_FAULT_NOPAGE;
}

/** Such an area can be moved, but not cut, and is never joined to another. Linux: special_mapping_vmops. */
function specialMappingOps({ frames }: SpecialMapping): VmOperations {
  return {
    name: "special_mapping_vmops",
    fault(vmf) {
      const frame = frames[vmf.pgoff];
      if (frame === undefined) return VM_FAULT_SIGBUS;
      if ((vmf.vma.flags & VM_PFNMAP) !== 0) return vmfInsertPfn(vmf, frame);
      folioGet(vmf.vma.mm.sys, frame);
      vmf.page = frame;
      return 0;
    },
    maySplit: () => false,
    close: () => undefined,
    mremap: () => 0,
  };
}

/** Enters a special area of `len` bytes at `addr`: the area, or -ENOMEM. `flags`: VM_* beside VM_DONTEXPAND. */
export function installSpecialMapping(mm: MmStruct, addr: Va, len: number, flags: number, mapping: SpecialMapping): Vma | number {
  const vma = vmAreaAlloc(mm, {
    start: addr,
    end: (addr + len) as Va,
    flags: (flags | mm.defFlags | VM_DONTEXPAND) & ~VM_LOCKED_MASK,
    pgoff: 0,
    ops: specialMappingOps(mapping),
    specialName: mapping.name,
  });
  const error = insertVmStruct(mm, vma);
  if (error !== 0) return error;
  vmStatAccount(mm, vma.flags, len / mm.sys.granule.pageSize);
  return vma;
}
