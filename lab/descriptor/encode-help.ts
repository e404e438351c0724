/** What `foliolab descriptor encode --help` adds to the options. Alone in a file, so that help loads nothing else. */

export const ENCODE_HELP = `
Kinds:  page, block, table, swap, prot-none (PAGE_NONE with what the fields add)
Fields of page, block and prot-none; a field without a value is set to 1:
  pa=ADDRESS                  output address
  attr=N|NAME                 MAIR index, or normal, tagged, nc, device-ngnrne, device-ngnre, device-ngre, device-gre
  ap=rw-el1|rw-el0|ro-el1|ro-el0|N    AP[2:1]
  sh=non|outer|inner|N        shareability
  af ng gp dbm cont pxn uxn ns nt     one bit each (nt: blocks)
  poindex=N sw=N bit59 bit63          overlay index, bits 58:55, 59, 63
  user rdonly shared young write dirty special devmap uffd-wp   the same bits by Linux's names
Fields of table:  pa=ADDRESS pxntable uxntable aptable=none|no-el0|no-write|both nstable af
Fields of swap:   type=N offset=N exclusive uffd-wp

Examples:
  foliolab descriptor encode page pa=0x40000000 user write dirty af ng shared pxn uxn cont
  foliolab descriptor encode block pa=0x40200000 --level 2 ap=ro-el0 af ng sh=inner pxn
  foliolab descriptor encode table pa=0x41000000 --level 2 pxntable
  foliolab descriptor encode swap type=1 offset=0x1234 exclusive
`;
