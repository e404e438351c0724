/**
 * The tree that the guest sees: its file systems and where they are mounted.
 *
 * Linux: fs/namespace.c do_new_mount(), show_mountinfo(); fs/proc_namespace.c; init/do_mounts.c; mm/shmem.c shmem_parse_one(),
 * shmem_show_options(). Differs: the tree is built before the first process; mount(2) knows tmpfs only.
 */
import { ConfigError } from "../../emulator/arch/errors.js";
import { EBUSY, EINVAL, ENOENT, ENOSPC, ENOTDIR, errnoName } from "../errno.js";
import { DEFAULT_EPOCH_SECONDS } from "../kernel/clock.js";
import type { Kernel } from "../kernel/kernel.js";
import { SeededRandom } from "../kernel/random.js";
import type { MemorySystem } from "../mm/memory-system.js";
import { totalramPages } from "../mm/util.js";
import { POSIX_FADV_DONTNEED } from "../mm/fadvise.js";
import { AnonFs } from "./anon-files.js";
import type { LowerContents } from "./backing.js";
import { bufferBudgetOf } from "./buffer-budget.js";
import { createCgroupfs } from "./cgroupfs.js";
import { createStandardStreams, type Streams } from "./console.js";
import { DEVICE_NODES, Devices, deviceNumber } from "./devices.js";
import type { FolioPolicy } from "./file.js";
import { EXT4_POLICY, INITRAMFS_POLICY, TMPFS_POLICIES, XFS_POLICY } from "./folio-policies.js";
import type { GtDevice } from "./gt-device.js";
import type { HostDirectory } from "./host-directory.js";
import { openPath, resolvePath } from "./path.js";
import { Fifos } from "./pipe.js";
import { kernelSignal, sendGroupSignal } from "../kernel/signal-send.js";
import type { ThreadGroup } from "../kernel/task.js";
import { Ptys, type TtyKernel } from "./pty.js";
import { createProcfs } from "./procfs/procfs.js";
import { createSysfs, type SplitTargets } from "./sysfs.js";
import { TreeFs } from "./tree-fs.js";
import type { SpecialFiles, TreeFsOptions } from "./tree-node.js";
import type { FileSystem, FsStruct, Mount, OpenFile, Path, Timespec } from "./vfs.js";
import { O_CREAT, O_TRUNC, O_WRONLY, S_IFCHR, S_IFDIR, createMount, isDirectory, putFile } from "./vfs.js";

/** A file system by its policy. "initramfs": a tmpfs whose files were in memory before the machine started. */
export type TreeType = "tmpfs" | "xfs" | "ext4" | "initramfs";

/** A file system without contents at a directory of the guest. */
export interface EmptyMount {
  readonly type: TreeType;
  readonly directory: string;
  /** Comma separated, e.g. "huge=always,size=64m". */
  readonly options: string;
}

/** A directory of the host at a directory of the guest. Writes stay in memory unless the directory takes changes. */
export interface DirectoryView {
  readonly directory: string;
  readonly host: HostDirectory;
}

/** A file that is at a path of the guest from the start. */
export interface FileView {
  readonly path: string;
  readonly contents: LowerContents;
  /** Permission bits. */
  readonly mode: number;
}

/** What the guest sees of the host: nothing but this. Paths are absolute paths of the guest. */
export interface HostView {
  /** Becomes "/"; without it "/" is empty but for what is mounted and shown. */
  readonly root?: HostDirectory;
  /** Mounted after everything else, in this order. */
  readonly directories?: readonly DirectoryView[];
  /** Entered last. Missing directories above them are made in memory. */
  readonly files?: readonly FileView[];
  /** Working directory of the first process; default "/". It is made if it does not exist. */
  readonly cwd?: string;
}

export interface NamespaceOptions {
  readonly sys: MemorySystem;
  /** The kernel; undefined until it has been made over this namespace. */
  readonly kernel: () => Kernel | undefined;
  /** Folio policy of "/" and of directories of the host. */
  readonly rootType: TreeType;
  readonly view: HostView;
  readonly mounts: readonly EmptyMount[];
  readonly streams: Streams;
  /** /proc/gt, if the machine has it. */
  readonly gt?: GtDevice;
  /** Where the cgroup2 file system is mounted, if it is. */
  readonly cgroupDirectory?: string;
  /** CLOCK_REALTIME before the kernel exists, seconds. */
  readonly epochSeconds?: number;
  readonly cpus?: number;
}

/** What mount(2) and umount2(2) change. */
export interface Mounter {
  /** An empty tmpfs over the directory `at`. 0, -EINVAL for its options, -ENOTDIR, -ENOSPC for too many mounts. */
  mount(at: Path, options: string): number;
  /** 0; -EBUSY if something is open in it or mounted on it. */
  unmount(mount: Mount): number;
}

export interface Namespace {
  readonly mounter: Mounter;
  readonly root: Path;
  /** Working directory of the first process. */
  readonly cwd: Path;
  readonly standardStreams: readonly [OpenFile, OpenFile, OpenFile];
  /** In the order in which they were mounted. */
  readonly mounts: readonly Mount[];
  /**
   * Put a file into the tree before the first process starts. In the initramfs it has been in memory from the start; elsewhere it is
   * written through the file system, written back, and its page cache is dropped. Throws ConfigError if the guest could not do that.
   */
  installFile(path: string, bytes: Uint8Array, mode: number): void;
  /** Unmount everything: all frames of page caches come back. Pre: no task and no open file is left. */
  dispose(): void;
}

const TMPFS_MAGIC = 0x01021994;
const XFS_MAGIC = 0x58465342;
const EXT4_MAGIC = 0xef53;
const PIPEFS_MAGIC = 0x50495045;

/** Size of a disk unless its mount option says otherwise, bytes. */
const DISK_BYTES = 2 ** 30;
const DISK_INODES = 2 ** 17;
/** Files of a tmpfs, which Linux limits by RAM alone: each takes some 2 KiB of the host's memory. */
const MEMORY_INODES = 2 ** 16;
/** Major number of virtio disks and the minor numbers that one takes. */
const VIRTBLK_MAJOR = 254;
const VIRTBLK_MINORS = 16;
/** Anonymous devices 0 and 1 are taken: nodev and the kernel's own tmpfs mount. */
const FIRST_ANON_DEV = 2;
const INSTALL_CHUNK = 2 ** 20;
/** fs.mount-max is larger; each mount takes some of the host's memory. */
const MOUNT_MAX = 1000;

const DISK_TYPES: Readonly<Record<"xfs" | "ext4", { readonly policy: FolioPolicy; readonly magic: number; readonly shown: string }>> = {
  xfs: { policy: XFS_POLICY, magic: XFS_MAGIC, shown: "relatime,attr2,inode64,logbufs=8,logbsize=32k,noquota" },
  ext4: { policy: EXT4_POLICY, magic: EXT4_MAGIC, shown: "relatime" },
};

interface MountSettings {
  readonly maxBytes: number;
  readonly maxInodes: number;
  readonly huge: FolioPolicy["huge"];
  readonly mode: number;
  readonly readOnly: boolean;
}

const SIZE_UNITS: Readonly<Record<string, number>> = { "": 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 };

/** A size of a mount option: a number with k, m or g, or a percentage of RAM; undefined: it is none. */
function parseBytes(text: string, ram: number): number | undefined {
  const match = /^(\d+)([kmg%]?)$/i.exec(text);
  if (match === null) return undefined;
  const [, digits = "", unit = ""] = match;
  return unit === "%" ? Math.floor((ram * Number(digits)) / 100) : Number(digits) * SIZE_UNITS[unit.toLowerCase()]!;
}

const HUGE_MODES = ["never", "always", "within_size", "advise"] as const;

/** The settings that the options of a mount say, or what is wrong with one of them. */
function parseOptions(mount: EmptyMount, sys: MemorySystem): MountSettings | string {
  const ramPages = totalramPages(sys);
  const ram = ramPages * sys.granule.pageSize;
  const memory = mount.type === "tmpfs" || mount.type === "initramfs";
  let settings: MountSettings = memory
    ? { maxBytes: Math.floor(ramPages / 2) * sys.granule.pageSize, maxInodes: Math.min(MEMORY_INODES, Math.floor(ramPages / 2)), huge: "never", mode: 0o1777, readOnly: false }
    : { maxBytes: DISK_BYTES, maxInodes: DISK_INODES, huge: "never", mode: 0o755, readOnly: false };
  for (const option of mount.options.split(",").filter((text) => text !== "")) {
    const [name = "", value = ""] = option.split("=");
    switch (name) {
      case "ro":
      case "rw":
        settings = { ...settings, readOnly: name === "ro" };
        break;
      case "size": {
        const maxBytes = parseBytes(value, ram);
        if (maxBytes === undefined) return `"${value}" is no size`;
        settings = { ...settings, maxBytes };
        break;
      }
      case "nr_inodes": {
        const maxInodes = parseBytes(value, ramPages);
        if (maxInodes === undefined) return `"${value}" is no size`;
        settings = { ...settings, maxInodes };
        break;
      }
      case "mode":
        if (!/^[0-7]{1,4}$/.test(value)) return `"${option}" is no mode`;
        settings = { ...settings, mode: Number.parseInt(value, 8) };
        break;
      case "huge": {
        const huge = HUGE_MODES.find((mode) => mode === value);
        if (!memory || huge === undefined) return `"${option}" is not known to ${mount.type}`;
        settings = { ...settings, huge };
        break;
      }
      default:
        return `"${option}" is not known to ${mount.type}`;
    }
  }
  return settings;
}

/** The kernel as terminals see it. */
function ttyKernel(kernel: () => Kernel | undefined): TtyKernel {
  const groups = (): ThreadGroup[] => [...(kernel()?.groups.values() ?? [])];
  return {
    current: () => kernel()?.current,
    signalGroup: (pgrp, signo) => {
      for (const group of groups()) if (group.pgrp === pgrp) sendGroupSignal(kernel()!, group, kernelSignal(signo));
    },
    sessionLives: (session) => groups().some((group) => group.session === session && group.threads.length > 0),
  };
}

class NamespaceBuilder {
  private readonly options: NamespaceOptions;
  private readonly mounted: Mount[] = [];
  private readonly now: () => Timespec;
  private readonly special: SpecialFiles;
  private readonly ptys: Ptys;
  private readonly consoleFs: AnonFs;
  private readonly streams: Namespace["standardStreams"];
  private readonly rootMount: Mount;
  private anonDevs = FIRST_ANON_DEV;
  private disks = 0;
  /** Numbers of mounts are not used twice. */
  private lastMount = 0;

  constructor(options: NamespaceOptions) {
    this.options = options;
    const { sys, kernel } = options;
    const start: Timespec = { seconds: options.epochSeconds ?? DEFAULT_EPOCH_SECONDS, nanoseconds: 0 };
    this.now = () => kernel()?.clock.realtime ?? start;
    this.consoleFs = new AnonFs({ type: "pipefs", dev: this.anonDev(), magic: PIPEFS_MAGIC, now: this.now });
    const { files, terminal } = createStandardStreams(this.consoleFs, options.streams, () => kernel()?.current?.group.pgrp ?? 1);
    this.streams = files;
    const early = new SeededRandom(0);
    this.ptys = new Ptys(ttyKernel(kernel));
    const devices = new Devices({ random: () => kernel()?.random ?? early, terminal, ptys: this.ptys });
    const fifos = new Fifos(sys.granule.pageSize, bufferBudgetOf(totalramPages(sys) * sys.granule.pageSize));
    this.special = { openDevice: (file, rdev) => devices.open(file, rdev), openFifo: (file) => fifos.open(file) };
    this.rootMount = this.attach(this.treeFs({ type: options.rootType, directory: "/", options: "mode=755" }, options.view.root), undefined);
  }

  build(): Namespace {
    const { sys, kernel, view, gt, cgroupDirectory, cpus = 1 } = this.options;
    const procDev = this.anonDev();
    this.mount("/proc", createProcfs({ sys, kernel, gt, mounts: this.mounted, dev: procDev, cpus }));
    this.mount("/sys", createSysfs(sys, this.anonDev(), cpus, this.splitTargets()));
    if (cgroupDirectory !== undefined) this.mount(cgroupDirectory, createCgroupfs(sys, kernel, this.anonDev()));
    this.mountDev();
    this.mount("/dev/pts", this.ptys.fileSystem(this.anonDev()));
    this.mount("/tmp", this.treeFs({ type: "tmpfs", directory: "/tmp", options: "" }));
    this.mount("/dev/shm", this.treeFs({ type: "tmpfs", directory: "/dev/shm", options: "" }));
    for (const mount of this.options.mounts) this.mount(mount.directory, this.treeFs(mount));
    for (const { directory, host } of view.directories ?? []) this.mount(directory, this.hostFs(host));
    for (const { path, contents, mode } of view.files ?? []) this.enter(path, contents, mode);
    const root: Path = { mount: this.rootMount, dentry: this.rootMount.root };
    return {
      root,
      cwd: this.directory(view.cwd ?? "/"),
      standardStreams: this.streams,
      mounts: this.mounted,
      mounter: { mount: (at, options) => this.mountNew(at, options), unmount: (mount) => this.unmount(mount) },
      installFile: (path, bytes, mode) => {
        this.installFile(path, bytes, mode);
      },
      dispose: () => {
        for (const mount of [...this.mounted].reverse()) mount.fs.dispose();
      },
    };
  }

  private splitTargets(): SplitTargets {
    const { kernel } = this.options;
    return {
      mmOf: (pid) => kernel()?.tasks.get(pid)?.mm,
      fileAt: (path) => {
        const found = resolvePath(kernel()?.current?.fs ?? this.fsStruct, path, { follow: true });
        return typeof found === "number" ? found : (found.dentry.inode.mapping ?? -EINVAL);
      },
    };
  }

  // --- file systems -------------------------------------------------------------

  private anonDev(): number {
    return deviceNumber(0, this.anonDevs++);
  }

  /** A file system of the kind that the mount names, over a directory of the host if there is one. */
  private treeFs(mount: EmptyMount, host?: HostDirectory): TreeFs {
    const { sys, kernel } = this.options;
    const settings = parseOptions(mount, sys);
    if (typeof settings === "string") throw new ConfigError(`mount option of ${mount.directory}: ${settings}`);
    const common = {
      sys,
      maxBytes: settings.maxBytes,
      maxInodes: settings.maxInodes,
      readOnly: settings.readOnly,
      rootMode: settings.mode,
      now: this.now,
      owner: () => {
        const credentials = kernel()?.current?.credentials;
        return { uid: credentials?.fsuid ?? 0, gid: credentials?.fsgid ?? 0 };
      },
      special: this.special,
      ...(host === undefined ? {} : { host }),
    } satisfies Partial<TreeFsOptions>;
    if (mount.type === "xfs" || mount.type === "ext4") {
      const { policy, magic, shown } = DISK_TYPES[mount.type];
      const disk = this.disks++;
      const source = `/dev/vd${String.fromCharCode(0x61 + (disk % 26))}`;
      return new TreeFs({ ...common, type: mount.type, source, options: shown, dev: deviceNumber(VIRTBLK_MAJOR, disk * VIRTBLK_MINORS), magic, policy });
    }
    const initramfs = mount.type === "initramfs";
    const policy = initramfs ? INITRAMFS_POLICY : TMPFS_POLICIES[settings.huge];
    const shown = settings.huge === "never" ? "relatime" : `relatime,huge=${settings.huge}`;
    const name = initramfs ? "rootfs" : "tmpfs";
    return new TreeFs({ ...common, type: name, source: name, options: shown, dev: this.anonDev(), magic: TMPFS_MAGIC, policy });
  }

  /** A directory of the host has the folio policy of the root; one that takes changes needs a policy that writes back. */
  private hostFs(host: HostDirectory): TreeFs {
    const { rootType } = this.options;
    const type = host.changes !== undefined && rootType !== "xfs" ? "ext4" : rootType;
    return this.treeFs({ type, directory: "/", options: "" }, host);
  }

  private mountDev(): void {
    const dev = this.treeFs({ type: "tmpfs", directory: "/dev", options: "mode=755" });
    for (const { name, rdev, mode } of DEVICE_NODES) dev.addSpecial(name, S_IFCHR | mode, rdev);
    dev.addSymlink("fd", "/proc/self/fd");
    dev.addSymlink("stdin", "/proc/self/fd/0");
    dev.addSymlink("stdout", "/proc/self/fd/1");
    dev.addSymlink("stderr", "/proc/self/fd/2");
    dev.addDirectory("pts");
    dev.addDirectory("shm");
    this.mount("/dev", dev);
  }

  // --- mounting -----------------------------------------------------------------

  private attach(fs: FileSystem, at: Path | undefined): Mount {
    const mount = createMount(fs, ++this.lastMount, at);
    this.mounted.push(mount);
    return mount;
  }

  /** mount(2): an empty tmpfs over a directory. */
  private mountNew(at: Path, options: string): number {
    if (this.mounted.length >= MOUNT_MAX) return -ENOSPC;
    if (!isDirectory(at.dentry.inode)) return -ENOTDIR;
    const mount: EmptyMount = { type: "tmpfs", directory: "/", options };
    if (typeof parseOptions(mount, this.options.sys) === "string") return -EINVAL;
    this.attach(this.treeFs(mount), at);
    return 0;
  }

  /** umount(2): the file system and all that is in it goes. Pre: no task has its root or working directory there. */
  private unmount(mount: Mount): number {
    if (mount === this.rootMount || mount.children.size > 0 || mount.opens > 0) return -EBUSY;
    mount.parent!.children.delete(mount.mountpoint!);
    this.mounted.splice(this.mounted.indexOf(mount), 1);
    mount.fs.dispose();
    return 0;
  }

  private mount(directory: string, fs: FileSystem): void {
    const at = this.directory(directory);
    if (at.dentry === this.rootMount.root) throw new ConfigError(`${directory}: only --root can stand at the root of the guest's tree`);
    this.attach(fs, at);
  }

  private get fsStruct(): FsStruct {
    const root: Path = { mount: this.rootMount, dentry: this.rootMount.root };
    return { root, cwd: root, umask: 0, users: 1 };
  }

  /** The directory at an absolute path of the guest, made in memory where it is missing. */
  private directory(path: string): Path {
    if (!path.startsWith("/")) throw new ConfigError(`${path}: not an absolute path of the guest`);
    const fs = this.fsStruct;
    let at = fs.root;
    for (const name of path.split("/").filter((part) => part !== "" && part !== ".")) {
      if (name === "..") throw new ConfigError(`${path}: ".." in a path of the guest's tree`);
      let next = resolvePath(fs, name, { follow: true, from: at });
      if (next === -ENOENT) {
        const { inode } = at.dentry;
        const made = at.mount.readOnly ? -ENOENT : (inode.ops.mkdir?.(inode, name, S_IFDIR | 0o755) ?? -ENOENT);
        if (typeof made === "number") throw new ConfigError(`${path}: cannot be made in the guest's tree (${errnoName(-made)})`);
        next = resolvePath(fs, name, { follow: true, from: at });
      }
      if (typeof next === "number") throw new ConfigError(`${path}: ${errnoName(-next)} in the guest's tree`);
      if (!isDirectory(next.dentry.inode)) throw new ConfigError(`${path}: ${name} is no directory of the guest's tree`);
      at = next;
    }
    return at;
  }

  private split(path: string): { readonly parent: Path; readonly name: string } {
    const cut = path.lastIndexOf("/");
    const name = path.slice(cut + 1);
    if (cut < 0 || name === "" || name === "." || name === "..") throw new ConfigError(`${path}: not the absolute path of a file`);
    return { parent: this.directory(path.slice(0, cut + 1)), name };
  }

  /** Enter contents that are there from the start. */
  private enter(path: string, contents: LowerContents, mode: number): void {
    const { parent, name } = this.split(path);
    const { fs } = parent.mount;
    if (!(fs instanceof TreeFs)) throw new ConfigError(`${path}: no file can be put into ${fs.type}`);
    parent.dentry.children.delete(name);
    fs.addFileAt(parent.dentry.inode, name, contents, mode);
  }

  private installFile(path: string, bytes: Uint8Array, mode: number): void {
    const { parent } = this.split(path);
    if (parent.mount.fs.type === "rootfs") {
      this.enter(path, { size: bytes.length, read: (offset, into) => into.set(bytes.subarray(offset, offset + into.length)) }, mode);
      return;
    }
    const fail = (error: number): never => {
      throw new ConfigError(`${path}: cannot be installed (${errnoName(-error)})`);
    };
    const file = openPath(this.fsStruct, path, { flags: O_WRONLY | O_CREAT | O_TRUNC, mode });
    if (typeof file === "number") return fail(file);
    for (let at = 0; at < bytes.length; ) {
      const count = file.ops.write?.(file, bytes.subarray(at, at + INSTALL_CHUNK), at) ?? 0;
      if (count <= 0) fail(count);
      at += count;
    }
    file.ops.fsync?.(file, false);
    file.ops.fadvise?.(file, 0, 0, POSIX_FADV_DONTNEED);
    putFile(file);
  }
}

/** Build the tree. Throws ConfigError where options do not fit together. */
export function buildNamespace(options: NamespaceOptions): Namespace {
  return new NamespaceBuilder(options).build();
}
