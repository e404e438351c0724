/**
 * Page tables as ranges with attribute columns, in the manner of the kernel's ptdump.
 *
 * Linux: arch/arm64/mm/ptdump.c pte_bits, note_page(); the columns CON and the software bits are shown for user tables too.
 */
import { pteCont, ptePresentInvalid, pteSpecial, pteSwDirty, pteValid } from "../../kernel-model/arch/arm64/pte.js";
import { flattenPageTable, type PageTableRange } from "../../kernel-model/mm/check.js";
import type { MmStruct } from "../../kernel-model/mm/mm-struct.js";
import { vmaName } from "../../kernel-model/fs/procfs/maps.js";

const AP_USER = 1n << 6n;
const RDONLY = 1n << 7n;
const SHARED = 3n << 8n;
const AF = 1n << 10n;
const NG = 1n << 11n;
const DBM = 1n << 51n;
const PXN = 1n << 53n;
const UXN = 1n << 54n;
const ATTRINDX = 7n << 2n;
const MEMORY_TYPES = ["MEM/NORMAL", "MEM/NORMAL-TAGGED", "MEM/NORMAL-NC", "DEVICE/nGnRnE", "DEVICE/nGnRE"];

function column(condition: boolean, text: string): string {
  return (condition ? text : "").padEnd(text.length);
}

function attributes({ level, attributes: a }: PageTableRange): string {
  if (!pteValid(a) && !ptePresentInvalid(a)) return "swap";
  return [
    column((a & AP_USER) !== 0n, "USR"),
    (a & RDONLY) !== 0n ? "ro" : "RW",
    (a & PXN) !== 0n ? "NX" : "x ",
    column((a & SHARED) === SHARED, "SHD"),
    column((a & AF) !== 0n, "AF"),
    column((a & NG) !== 0n, "NG"),
    column(level === 3 && pteCont(a), "CON"),
    column((a & UXN) !== 0n, "UXN"),
    column((a & DBM) !== 0n, "DBM"),
    column(pteSwDirty(a), "DIRTY"),
    column(pteSpecial(a), "SPECIAL"),
    column(ptePresentInvalid(a), "PROT_NONE"),
    MEMORY_TYPES[Number((a & ATTRINDX) >> 2n)] ?? `ATTR${(a & ATTRINDX) >> 2n}`,
  ].join(" ");
}

/** Length with the largest unit that divides it, four columns wide, as ptdump prints it. */
function length(bytes: number): string {
  const units = "KMGT";
  let value = bytes / 1024;
  let unit = 0;
  while (value % 1024 === 0 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${value}${units[unit]!}`.padStart(9);
}

/** One line per range: addresses, length, level, physical address of the first frame, attributes. A line before each area names it. */
export function formatPtdump(mm: MmStruct): string {
  const names = ["PGD", "PUD", "PMD", "PTE"];
  let text = "";
  let area: unknown;
  for (const range of flattenPageTable(mm)) {
    const vma = mm.vmas.lookup(range.start);
    if (vma !== undefined && vma !== area) text += `---[ ${vma.start.toString(16)}-${vma.end.toString(16)} ${vmaName(vma) || "anonymous"} ]---\n`;
    area = vma;
    const level = names[range.level]!;
    text += `0x${range.start.toString(16).padStart(16, "0")}-0x${range.end.toString(16).padStart(16, "0")} ${length(range.end - range.start)} ${level} pa 0x${range.target.toString(16).padStart(10, "0")} ${attributes(range)}\n`;
  }
  return text;
}
