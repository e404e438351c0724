/**
 * Areas of an address space as a picture of two rows: page numbers, and one letter per page.
 *
 *     0123456789ab
 *     WwwRr...Wwww
 *
 * The letter tells the permissions (n none, r, w = rw, x = rx, a = rwx, o = write only, e = execute only, s = rw shared,
 * q = read-only shared), upper case on the first page of each area; a dot is a hole. The letters are those of the tests, not
 * of the kernel.
 */
import type { MmStruct } from "../../kernel-model/mm/mm-struct.js";

/* VM_READ 1, VM_WRITE 2, VM_EXEC 4, VM_SHARED 8 */
const LETTERS = ["n", "r", "o", "w", "e", "x", "a", "a", "q", "q", "s", "s", "q", "q", "s", "s"] as const;

/** Pages [0, nr) from `base`. `letter` may show another property of the area instead. */
export function drawAreas(mm: MmStruct, base: number, nr: number, letter = (flags: number): string => LETTERS[flags & 0xf]!): string {
  const { pageSize } = mm.sys.granule;
  let ruler = "";
  let row = "";
  for (let page = 0; page < nr; page++) {
    const addr = base + page * pageSize;
    const vma = mm.vmas.lookup(addr);
    ruler += (page % 36).toString(36);
    if (vma === undefined) row += ".";
    else row += vma.start === addr ? letter(vma.flags).toUpperCase() : letter(vma.flags);
  }
  return `${ruler}\n${row}`;
}

/** The same picture written by hand: the ruler is added. */
export function picture(row: string): string {
  const ruler = [...row].map((_, page) => (page % 36).toString(36)).join("");
  return `${ruler}\n${row}`;
}
