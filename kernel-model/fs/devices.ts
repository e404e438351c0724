/**
 * Character devices: memory devices and terminals.
 *
 * Linux: drivers/char/mem.c null_fops, zero_fops, full_fops; drivers/char/random.c; drivers/tty/tty_io.c;
 * Documentation/admin-guide/devices.txt.
 */
import { ENOSPC, ENXIO } from "../errno.js";
import type { SeededRandom } from "../kernel/random.js";
import type { Ptys } from "./pty.js";
import type { FileOperations, OpenFile } from "./vfs.js";
import { noopSeek } from "./vfs.js";

/** st_rdev of a device. Linux: new_encode_dev(); exact for major numbers below 4096 and minor numbers below 256. */
export const deviceNumber = (major: number, minor: number): number => major * 256 + minor;

const MEM_MAJOR = 1;
const TTYAUX_MAJOR = 5;
const UNIX98_PTY_SLAVE_MAJOR = 136;

export const DEV_NULL = deviceNumber(MEM_MAJOR, 3);
export const DEV_ZERO = deviceNumber(MEM_MAJOR, 5);
export const DEV_FULL = deviceNumber(MEM_MAJOR, 7);
export const DEV_RANDOM = deviceNumber(MEM_MAJOR, 8);
export const DEV_URANDOM = deviceNumber(MEM_MAJOR, 9);
export const DEV_KMSG = deviceNumber(MEM_MAJOR, 11);
export const DEV_TTY = deviceNumber(TTYAUX_MAJOR, 0);
export const DEV_PTMX = deviceNumber(TTYAUX_MAJOR, 2);
export const DEV_CONSOLE = deviceNumber(TTYAUX_MAJOR, 1);

/** Names in /dev and their numbers; permission bits as udev sets them. */
export const DEVICE_NODES: readonly { readonly name: string; readonly rdev: number; readonly mode: number }[] = [
  { name: "null", rdev: DEV_NULL, mode: 0o666 },
  { name: "zero", rdev: DEV_ZERO, mode: 0o666 },
  { name: "full", rdev: DEV_FULL, mode: 0o666 },
  { name: "random", rdev: DEV_RANDOM, mode: 0o666 },
  { name: "urandom", rdev: DEV_URANDOM, mode: 0o666 },
  { name: "kmsg", rdev: DEV_KMSG, mode: 0o644 },
  { name: "tty", rdev: DEV_TTY, mode: 0o666 },
  { name: "ptmx", rdev: DEV_PTMX, mode: 0o666 },
  { name: "console", rdev: DEV_CONSOLE, mode: 0o600 },
];

const seek = noopSeek;
const swallow = (_file: OpenFile, from: Uint8Array): number => from.length;
const zeros = (_file: OpenFile, into: Uint8Array): number => {
  into.fill(0);
  return into.length;
};

const NULL: FileOperations = { seekable: true, seek, read: () => 0, write: swallow };
const ZERO: FileOperations = { seekable: true, seek, read: zeros, write: swallow };
const FULL: FileOperations = { seekable: true, seek, read: zeros, write: () => -ENOSPC };
/** The log of the kernel is empty; what is written to it is for the machine's console, which no one reads. */
const KMSG: FileOperations = { seekable: true, seek, read: () => 0, write: swallow };

export interface DeviceSources {
  /** Random numbers of the machine. */
  readonly random: () => SeededRandom;
  /** The terminal of the lab's user, if there is one. */
  readonly terminal: FileOperations | undefined;
  readonly ptys: Pick<Ptys, "openMaster" | "openSlave" | "controlling">;
}

/** Opens device nodes by number. */
export class Devices {
  private readonly table: ReadonlyMap<number, FileOperations>;
  private readonly ptys: DeviceSources["ptys"];

  constructor({ random, terminal, ptys }: DeviceSources) {
    this.ptys = ptys;
    const entropy: FileOperations = {
      seekable: true,
      seek,
      read(_file, into) {
        random().fill(into);
        return into.length;
      },
      write: swallow,
    };
    this.table = new Map([
      [DEV_NULL, NULL],
      [DEV_ZERO, ZERO],
      [DEV_FULL, FULL],
      [DEV_RANDOM, entropy],
      [DEV_URANDOM, entropy],
      [DEV_KMSG, KMSG],
      ...(terminal === undefined ? [] : ([[DEV_TTY, terminal], [DEV_CONSOLE, terminal]] as const)),
    ]);
  }

  /** Operations of the device, -ENXIO if there is none with this number. */
  open(file: OpenFile, rdev: number): FileOperations | number {
    if (rdev === DEV_ZERO) file.mapsZero = true;
    if (rdev === DEV_PTMX) return this.ptys.openMaster();
    if (Math.floor(rdev / 256) === UNIX98_PTY_SLAVE_MAJOR) return this.ptys.openSlave(rdev % 256, file);
    const own = rdev === DEV_TTY ? this.ptys.controlling() : undefined;
    if (own !== undefined) return own;
    return this.table.get(rdev) ?? -ENXIO;
  }
}
