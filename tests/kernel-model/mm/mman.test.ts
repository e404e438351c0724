/**
 * The constants of the memory system calls, retyped from the kernel's user interface.
 */
import { expect } from "chai";
import * as mman from "../../../kernel-model/mm/mman.js";

describe("constants of the memory system calls", () => {
  const values: readonly [string, readonly (readonly [string, number])[]][] = [
    ["PROT", [["NONE", 0], ["READ", 1], ["WRITE", 2], ["EXEC", 4], ["SEM", 8], ["BTI", 0x10], ["MTE", 0x20], ["GROWSDOWN", 0x1000000], ["GROWSUP", 0x2000000]]],
    [
      "MAP",
      [
        ["SHARED", 1], ["PRIVATE", 2], ["SHARED_VALIDATE", 3], ["DROPPABLE", 8], ["TYPE", 15], ["FIXED", 0x10], ["ANONYMOUS", 0x20], ["GROWSDOWN", 0x100],
        ["DENYWRITE", 0x800], ["EXECUTABLE", 0x1000], ["LOCKED", 0x2000], ["NORESERVE", 0x4000], ["POPULATE", 0x8000], ["NONBLOCK", 0x10000],
        ["STACK", 0x20000], ["HUGETLB", 0x40000], ["SYNC", 0x80000], ["FIXED_NOREPLACE", 0x100000], ["HUGE_SHIFT", 26], ["HUGE_MASK", 0x3f],
      ],
    ],
    ["MREMAP", [["MAYMOVE", 1], ["FIXED", 2], ["DONTUNMAP", 4]]],
    ["MLOCK", [["ONFAULT", 1]]],
    ["MCL", [["CURRENT", 1], ["FUTURE", 2], ["ONFAULT", 4]]],
    ["MS", [["ASYNC", 1], ["INVALIDATE", 2], ["SYNC", 4]]],
    [
      "MADV",
      [
        ["NORMAL", 0], ["RANDOM", 1], ["SEQUENTIAL", 2], ["WILLNEED", 3], ["DONTNEED", 4], ["FREE", 8], ["REMOVE", 9], ["DONTFORK", 10], ["DOFORK", 11],
        ["MERGEABLE", 12], ["UNMERGEABLE", 13], ["HUGEPAGE", 14], ["NOHUGEPAGE", 15], ["DONTDUMP", 16], ["DODUMP", 17], ["WIPEONFORK", 18],
        ["KEEPONFORK", 19], ["COLD", 20], ["PAGEOUT", 21], ["POPULATE_READ", 22], ["POPULATE_WRITE", 23], ["DONTNEED_LOCKED", 24], ["COLLAPSE", 25],
        ["HWPOISON", 100], ["SOFT_OFFLINE", 101],
      ],
    ],
    ["PR_MDWE", [["REFUSE_EXEC_GAIN", 1], ["NO_INHERIT", 2]]],
    ["F_SEAL", [["WRITE", 8], ["FUTURE_WRITE", 16]]],
  ];
  for (const [family, members] of values) {
    it(`${family}_*`, () => {
      const named = Object.entries(mman).filter(([name]) => name.startsWith(`${family}_`));
      expect(Object.fromEntries(named)).to.deep.equal(Object.fromEntries(members.map(([name, value]) => [`${family}_${name}`, value])));
    });
  }
});
