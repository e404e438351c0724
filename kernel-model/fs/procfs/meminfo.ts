/**
 * /proc/meminfo, /proc/vmstat, /proc/buddyinfo: memory of the whole machine.
 *
 * Linux: fs/proc/meminfo.c meminfo_proc_show(), mm/vmstat.c vmstat_show(), frag_show_print(), mm/show_mem.c si_mem_available().
 */
import type { MemorySystem } from "../../mm/memory-system.js";
import { vmCommitLimit } from "../../mm/util.js";

const KIB = 1024;

/** MemAvailable in pages: free memory and page cache less what must stay. */
function memAvailable(sys: MemorySystem): number {
  const { vmstat, buddy } = sys;
  const { low } = buddy.watermarks;
  const reserve = buddy.watermarks.high;
  const cache = vmstat.get("nr_active_file") + vmstat.get("nr_inactive_file");
  return Math.max(0, buddy.nrFree - reserve + cache - Math.min(Math.floor(cache / 2), low));
}

export function formatMeminfo(sys: MemorySystem): string {
  const { vmstat, buddy, granule } = sys;
  const kib = granule.pageSize / KIB;
  const hugeKib = granule.pmdSize / KIB;
  const pages = (count: number): number => count * kib;
  const cached = vmstat.get("nr_file_pages") - vmstat.get("nr_swapcached");
  const lines: readonly (readonly [string, number])[] = [
    ["MemTotal", pages(buddy.nrManaged)],
    ["MemFree", pages(buddy.nrFree)],
    ["MemAvailable", pages(memAvailable(sys))],
    ["Buffers", 0],
    ["Cached", pages(cached)],
    ["SwapCached", pages(vmstat.get("nr_swapcached"))],
    ["Active", pages(vmstat.get("nr_active_anon") + vmstat.get("nr_active_file"))],
    ["Inactive", pages(vmstat.get("nr_inactive_anon") + vmstat.get("nr_inactive_file"))],
    ["Active(anon)", pages(vmstat.get("nr_active_anon"))],
    ["Inactive(anon)", pages(vmstat.get("nr_inactive_anon"))],
    ["Active(file)", pages(vmstat.get("nr_active_file"))],
    ["Inactive(file)", pages(vmstat.get("nr_inactive_file"))],
    ["Unevictable", pages(vmstat.get("nr_unevictable"))],
    ["Mlocked", pages(vmstat.get("nr_mlock"))],
    ["SwapTotal", pages(sys.swap?.pages ?? 0)],
    ["SwapFree", pages(sys.swap?.nrSwapPages ?? 0)],
    ["Dirty", pages(vmstat.get("nr_dirty"))],
    ["Writeback", pages(vmstat.get("nr_writeback"))],
    ["AnonPages", pages(vmstat.get("nr_anon_pages"))],
    ["Mapped", pages(vmstat.get("nr_mapped"))],
    ["Shmem", pages(vmstat.get("nr_shmem"))],
    ["KReclaimable", pages(vmstat.get("nr_slab_reclaimable"))],
    ["Slab", pages(vmstat.get("nr_slab_reclaimable") + vmstat.get("nr_slab_unreclaimable"))],
    ["SReclaimable", pages(vmstat.get("nr_slab_reclaimable"))],
    ["SUnreclaim", pages(vmstat.get("nr_slab_unreclaimable"))],
    ["KernelStack", vmstat.get("nr_kernel_stack")],
    ["PageTables", pages(vmstat.get("nr_page_table_pages"))],
    ["SecPageTables", 0],
    ["NFS_Unstable", 0],
    ["Bounce", 0],
    ["WritebackTmp", 0],
    ["CommitLimit", pages(vmCommitLimit(sys))],
    ["Committed_AS", pages(sys.committedAs)],
    ["Percpu", 0],
    ["HardwareCorrupted", 0],
    ["AnonHugePages", pages(vmstat.get("nr_anon_transparent_hugepages") * 2 ** granule.pmdOrder)],
    ["ShmemHugePages", pages(vmstat.get("nr_shmem_hugepages"))],
    ["ShmemPmdMapped", pages(vmstat.get("nr_shmem_pmdmapped"))],
    ["FileHugePages", pages(vmstat.get("nr_file_hugepages"))],
    ["FilePmdMapped", pages(vmstat.get("nr_file_pmdmapped"))],
    ["CmaTotal", 0],
    ["CmaFree", 0],
  ];
  const counts = ["HugePages_Total", "HugePages_Free", "HugePages_Rsvd", "HugePages_Surp"];
  return (
    lines.map(([name, value]) => `${`${name}:`.padEnd(16)}${String(value).padStart(8)} kB\n`).join("") +
    counts.map((name) => `${`${name}:`.padEnd(19)}${"0".padStart(5)}\n`).join("") +
    `${"Hugepagesize:".padEnd(16)}${String(hugeKib).padStart(8)} kB\n${"Hugetlb:".padEnd(16)}${"0".padStart(8)} kB\n`
  );
}

export function formatVmstat(sys: MemorySystem): string {
  return Object.entries(sys.vmstat.snapshot())
    .map(([name, value]) => `${name} ${value}\n`)
    .join("");
}

/** Free blocks of each order of the one zone. */
export function formatBuddyinfo(sys: MemorySystem): string {
  const counts = sys.buddy.buddyinfo().map((count) => `${String(count).padStart(6)} `);
  return `Node 0, zone ${"DMA".padStart(8)} ${counts.join("")}\n`;
}
