/**
 * /proc/sys: the settings that the model has, and the constants that programs ask for.
 *
 * Linux: kernel/sysctl.c kern_table, vm_table; mm/util.c, fs/drop_caches.c, drivers/char/random.c, fs/pipe.c. A setting can be written only
 * where writing it has the effect that it has in Linux.
 */
import { EINVAL, EPERM } from "../../errno.js";
import type { Kernel } from "../../kernel/kernel.js";
import { UTS_RELEASE, UTS_SYSNAME, UTS_VERSION } from "../../kernel/utsname.js";
import type { MemorySystem } from "../../mm/memory-system.js";
import { dropPagecache } from "../../mm/truncate.js";
import { directory, type PseudoDirectory, type PseudoText } from "../pseudo-fs.js";

const UTS_FIELD_MAX = 64;

/** A number that can be set between two bounds. Linux: proc_dointvec_minmax(). */
function integer(read: () => number, set: (value: number) => void, least: number, most: number): PseudoText {
  return {
    kind: "text",
    mode: 0o644,
    read: () => `${read()}\n`,
    write(value) {
      const text = value.trim();
      if (!/^-?\d+$/.test(text) || Number(text) < least || Number(text) > most) return -EINVAL;
      set(Number(text));
      return value.length;
    },
  };
}

/** A setting without effect in the model, or one that cannot be changed: it has its value and keeps it. */
function constant(value: () => number | string): PseudoText {
  return { kind: "text", mode: 0o444, read: () => `${value()}\n`, write: () => -EPERM };
}

function name(read: () => string, set: (value: string) => void): PseudoText {
  return {
    kind: "text",
    mode: 0o644,
    read: () => `${read()}\n`,
    write(value) {
      set(value.replace(/\n[^]*$/, "").slice(0, UTS_FIELD_MAX));
      return value.length;
    },
  };
}

/** drop_caches: 1 page cache, 2 slab objects (the model has none), 3 both, 4 no message. */
function dropCaches(sys: MemorySystem): PseudoText {
  return {
    kind: "text",
    mode: 0o200,
    write(value) {
      const what = Number(value.trim());
      if (!Number.isInteger(what) || what < 1 || what > 4) return -EINVAL;
      if (what % 2 === 1) dropPagecache(sys);
      if (what === 2 || what === 3) sys.vmstat.inc("drop_slab");
      return value.length;
    },
  };
}

/** A version 4 UUID of 16 random bytes. */
function uuid(bytes: Uint8Array): string {
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

function vmDirectory(sys: MemorySystem): PseudoDirectory {
  const { tunables, buddy } = sys;
  const KIB = 1024;
  return directory({
    drop_caches: dropCaches(sys),
    overcommit_memory: integer(() => tunables.overcommitMemory, (value) => void (tunables.overcommitMemory = value as 0 | 1 | 2), 0, 2),
    max_map_count: integer(() => tunables.maxMapCount, (value) => void (tunables.maxMapCount = value), 0, 2 ** 31 - 1),
    mmap_min_addr: integer(() => tunables.mmapMinAddr, (value) => void (tunables.mmapMinAddr = value), 0, Number.MAX_SAFE_INTEGER),
    min_free_kbytes: integer(
      () => Math.floor((buddy.watermarks.min * sys.granule.pageSize) / KIB),
      (value) => {
        buddy.setMinFreeKbytes(value);
      },
      0,
      2 ** 31 - 1,
    ),
    overcommit_ratio: constant(() => 50),
    overcommit_kbytes: constant(() => 0),
    nr_hugepages: constant(() => 0),
    nr_overcommit_hugepages: constant(() => 0),
    swappiness: constant(() => 60),
    "page-cluster": constant(() => 3),
    dirty_ratio: constant(() => 20),
    dirty_background_ratio: constant(() => 10),
    vfs_cache_pressure: constant(() => 100),
    watermark_scale_factor: constant(() => 10),
    panic_on_oom: constant(() => 0),
    unprivileged_userfaultfd: constant(() => 0),
  });
}

function kernelDirectory(kernel: () => Kernel | undefined): PseudoDirectory {
  let bootId: string | undefined;
  const random = (): string => {
    const bytes = new Uint8Array(16);
    kernel()?.random.fill(bytes);
    return uuid(bytes);
  };
  const uts = {
    hostname: name(
      () => kernel()?.hostname ?? "",
      (value) => {
        const machine = kernel();
        if (machine !== undefined) machine.hostname = value;
      },
    ),
    domainname: name(
      () => kernel()?.domainname ?? "",
      (value) => {
        const machine = kernel();
        if (machine !== undefined) machine.domainname = value;
      },
    ),
  };
  return directory({
    ostype: constant(() => UTS_SYSNAME),
    osrelease: constant(() => UTS_RELEASE),
    version: constant(() => UTS_VERSION),
    ...uts,
    pid_max: constant(() => 32768),
    "threads-max": constant(() => kernel()?.maxTasks ?? 0),
    randomize_va_space: constant(() => (kernel()?.addresses.enabled === true ? 2 : 0)),
    cap_last_cap: constant(() => 40),
    ngroups_max: constant(() => 65536),
    overflowuid: constant(() => 65534),
    overflowgid: constant(() => 65534),
    core_pattern: constant(() => "core"),
    tainted: constant(() => 0),
    shmmax: constant(() => "18446744073692774399"),
    random: directory({
      boot_id: constant(() => (bootId ??= random())),
      uuid: constant(random),
      entropy_avail: constant(() => 256),
      poolsize: constant(() => 256),
    }),
  });
}

/** /proc/sys. */
export function sysctlDirectory(sys: MemorySystem, kernel: () => Kernel | undefined): PseudoDirectory {
  return directory({
    kernel: kernelDirectory(kernel),
    vm: vmDirectory(sys),
    fs: directory({
      "file-max": constant(() => "9223372036854775807"),
      nr_open: constant(() => 1048576),
      "pipe-max-size": constant(() => 1048576),
      "pipe-user-pages-soft": constant(() => 16384),
      protected_hardlinks: constant(() => 1),
      protected_symlinks: constant(() => 1),
    }),
    net: directory({ core: directory({ somaxconn: constant(() => 4096) }) }),
  });
}
