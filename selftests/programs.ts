/**
 * The mm selftests of Linux 6.12, and what real Linux answers to them.
 *
 * Recorded on Debian's kernel 6.12.95 with 4K pages, neoverse-n1, 4 GiB, no swap, root, transparent_hugepage/enabled = madvise, 64kB always,
 * 2048kB inherit, tmpfs on /tmp and /dev/shm, debugfs mounted; source: Debian's linux-source-6.12 (6.12.107), tools/testing/selftests/mm.
 */

/** Results by kind, as kselftest counts them. */
export interface Counts {
  readonly pass: number;
  readonly fail: number;
  readonly xfail: number;
  readonly skip: number;
}

export interface SelfTest {
  readonly name: string;
  readonly args?: readonly string[];
  /** What real Linux answers in this configuration; undefined: not recorded. */
  readonly real?: Counts;
  /** Why it is not built, or not run. */
  readonly leftOut?: string;
  /** Of what is not recorded: why it fails on real Linux in this configuration too. */
  readonly failsOnLinux?: string;
}

const counts = (pass: number, fail: number, xfail: number, skip: number): Counts => ({ pass, fail, xfail, skip });

const NO_LIBNUMA = "needs libnuma";
const NO_LIBCAP = "needs libcap";
const NO_POOL = "no hugetlb page is reserved";

export const SELFTESTS: readonly SelfTest[] = [
  { name: "cow", real: counts(211, 0, 0, 489) },
  { name: "mkdirty", real: counts(6, 0, 0, 0) },
  { name: "madv_populate", real: counts(16, 0, 0, 0) },
  { name: "map_fixed_noreplace", real: counts(9, 0, 0, 0) },
  { name: "map_populate", real: counts(2, 0, 0, 0) },
  { name: "mremap_test", real: counts(16, 0, 3, 0) },
  { name: "mremap_dontunmap", real: counts(5, 0, 0, 0) },
  { name: "mlock2-tests", real: counts(13, 0, 0, 0) },
  { name: "on-fault-limit", real: counts(0, 0, 0, 1) },
  { name: "mdwe_test", real: counts(32, 0, 0, 4) },
  { name: "droppable", real: counts(1, 0, 0, 0) },
  { name: "thuge-gen", real: counts(0, 0, 0, 0) },
  { name: "transhuge-stress", args: ["-d", "10", "200"], real: counts(1, 0, 0, 0) },
  { name: "khugepaged", failsOnLinux: "its four cases of swapped pages need a swap device" },
  { name: "split_huge_page_test", failsOnLinux: "it plans 12 tests and makes 13" },
  { name: "compaction_test" },
  { name: "gup_longterm" },
  { name: "gup_test", failsOnLinux: "needs CONFIG_GUP_TEST" },
  { name: "hmm-tests", leftOut: "needs the module test_hmm" },
  { name: "hugepage-mmap", failsOnLinux: NO_POOL },
  { name: "hugepage-mremap", failsOnLinux: NO_POOL },
  { name: "hugepage-shm", failsOnLinux: NO_POOL },
  { name: "hugepage-vmemmap", failsOnLinux: NO_POOL },
  { name: "hugetlb-madvise", failsOnLinux: NO_POOL },
  { name: "hugetlb-read-hwpoison", failsOnLinux: NO_POOL },
  { name: "hugetlb-soft-offline", failsOnLinux: NO_POOL },
  { name: "hugetlb_dio" },
  { name: "hugetlb_fault_after_madv" },
  { name: "hugetlb_madv_vs_map" },
  { name: "ksm_functional_tests" },
  { name: "ksm_tests", leftOut: NO_LIBNUMA },
  { name: "map_hugetlb", failsOnLinux: NO_POOL },
  { name: "memfd_secret", leftOut: NO_LIBCAP },
  { name: "migration", leftOut: NO_LIBNUMA },
  { name: "mlock-random-test", leftOut: NO_LIBCAP },
  { name: "mrelease_test" },
  { name: "mseal_test" },
  { name: "pagemap_ioctl" },
  { name: "protection_keys" },
  { name: "seal_elf" },
  { name: "soft-dirty" },
  { name: "uffd-stress", leftOut: "a tool of run_vmtests.sh: does nothing without arguments" },
  { name: "uffd-unit-tests", leftOut: "needs userfaultfd on shmem and hugetlb, which the model does not have" },
  { name: "va_high_addr_switch" },
  { name: "virtual_address_range", leftOut: "run_vmtests.sh leaves it out unless overcommit_memory is 1" },
];
