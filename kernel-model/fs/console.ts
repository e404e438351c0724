/**
 * Standard streams: descriptors 0, 1 and 2 over the lab's sources and sinks of bytes.
 *
 * To the guest they are the ends of pipes, or one terminal if the lab says that its user sits at one. Linux: drivers/tty/tty_ioctl.c,
 * include/uapi/asm-generic/ioctls.h, termbits.h. Differs: the host's terminal does the editing and echoing; settings of the guest are kept
 * and have no effect.
 */
import { EFAULT, EINVAL, ENOTTY } from "../errno.js";
import { WaitQueue } from "../kernel/wait-queue.js";
import { ModelBug } from "../../emulator/arch/errors.js";
import type { AnonFs } from "./anon-files.js";
import { deviceNumber } from "./devices.js";
import { standardTermios } from "./n-tty.js";
import { decodeTermios, encodeTermios, termiosCommand } from "./termios.js";
import type { FileOperations, OpenFile } from "./vfs.js";
import { O_RDONLY, O_RDWR, O_WRONLY, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM, S_IFCHR, S_IFIFO } from "./vfs.js";

const TIOCGPGRP = 0x540f;
const TIOCSPGRP = 0x5410;
const TIOCGWINSZ = 0x5413;
const TIOCSWINSZ = 0x5414;
const FIONREAD = 0x541b;

const UNIX98_PTY_SLAVE_MAJOR = 136;

/** What the lab gives: where output goes, and where input comes from when the guest asks for it. */
export interface Streams {
  readonly stdout: (bytes: Uint8Array) => void;
  readonly stderr: (bytes: Uint8Array) => void;
  /** 1 to `most` bytes, undefined at the end. May wait for the user. */
  readonly stdin: (most: number) => Uint8Array | undefined;
  /** The user sits at a terminal of this size. */
  readonly terminal?: { readonly rows: number; readonly columns: number };
}

/** A terminal's state and ioctls. */
class Terminal {
  private termios = standardTermios();
  private readonly size = new Uint8Array(8);
  private foreground = 0;

  constructor({ rows, columns }: { readonly rows: number; readonly columns: number }) {
    const view = new DataView(this.size.buffer);
    view.setUint16(0, rows, true);
    view.setUint16(2, columns, true);
  }

  /** `currentGroup`: process group of the caller, which is in the foreground until one is put there. */
  ioctl(currentGroup: () => number): NonNullable<FileOperations["ioctl"]> {
    return (_file, command, argument, user) => {
      const give = (bytes: Uint8Array): number => (user.write(argument, bytes) < 0 ? -EFAULT : 0);
      const take = (into: Uint8Array): number => {
        const bytes = user.read(argument, into.length);
        if (typeof bytes === "number") return -EFAULT;
        into.set(bytes);
        return 0;
      };
      const settings = termiosCommand(command);
      if (settings !== undefined) {
        if (!settings.sets) return give(encodeTermios(settings.form, this.termios));
        const bytes = new Uint8Array(settings.size);
        if (take(bytes) < 0) return -EFAULT;
        this.termios = decodeTermios(settings.form, bytes, this.termios);
        return 0;
      }
      switch (command) {
        case TIOCGWINSZ:
          return give(this.size);
        case TIOCSWINSZ:
          return take(this.size);
        case TIOCGPGRP:
          return give(int32(this.foreground === 0 ? currentGroup() : this.foreground));
        case TIOCSPGRP: {
          const bytes = new Uint8Array(4);
          if (take(bytes) < 0) return -EFAULT;
          const group = new DataView(bytes.buffer).getInt32(0, true);
          if (group <= 0) return -EINVAL;
          this.foreground = group;
          return 0;
        }
        case FIONREAD:
          return give(int32(0));
        default:
          return -ENOTTY;
      }
    };
  }
}

function int32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setInt32(0, value, true);
  return bytes;
}

export interface StandardStreams {
  readonly files: readonly [OpenFile, OpenFile, OpenFile];
  /** What /dev/tty is; undefined without a terminal. */
  readonly terminal: FileOperations | undefined;
}

/** Makes descriptors 0, 1 and 2. `currentGroup`: process group of the running task. */
export function createStandardStreams(anon: AnonFs, streams: Streams, currentGroup: () => number): StandardStreams {
  const queue = new WaitQueue();
  const read: NonNullable<FileOperations["read"]> = (_file, into) => {
    if (into.length === 0) return 0;
    const bytes = streams.stdin(into.length);
    if (bytes === undefined) return 0;
    into.set(bytes);
    return bytes.length;
  };
  const writeTo =
    (sink: (bytes: Uint8Array) => void): NonNullable<FileOperations["write"]> =>
    (_file, from) => {
      // The sink may keep what it gets; the buffer is the caller's.
      sink(from.slice());
      return from.length;
    };
  // Input is read when it is asked for, so whether there is some cannot be known before: it counts as ready.
  const input: FileOperations = { seekable: false, read, poll: () => POLLIN | POLLRDNORM, waitQueue: () => queue };
  const output = (sink: (bytes: Uint8Array) => void): FileOperations => ({
    seekable: false,
    write: writeTo(sink),
    poll: () => POLLOUT | POLLWRNORM,
    waitQueue: () => queue,
  });
  const make = (ops: FileOperations, mode: number, flags: number, name: string | ((ino: number) => string), rdev = 0): OpenFile => {
    const file = anon.openInode(anon.createInode({ mode, open: () => ops, rdev }), flags, name);
    if (typeof file === "number") throw new ModelBug(`standard stream: open returned ${file}`);
    return file;
  };
  if (streams.terminal === undefined) {
    const pipe = (ino: number): string => `pipe:[${ino}]`;
    const files = [
      make(input, S_IFIFO | 0o600, O_RDONLY, pipe),
      make(output(streams.stdout), S_IFIFO | 0o600, O_WRONLY, pipe),
      make(output(streams.stderr), S_IFIFO | 0o600, O_WRONLY, pipe),
    ] as const;
    return { files, terminal: undefined };
  }
  const terminal = new Terminal(streams.terminal);
  const tty = (sink: (bytes: Uint8Array) => void): FileOperations => ({
    ...input,
    ...output(sink),
    poll: () => POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM,
    ioctl: terminal.ioctl(currentGroup),
  });
  const rdev = deviceNumber(UNIX98_PTY_SLAVE_MAJOR, 0);
  const main = tty(streams.stdout);
  const files = [
    make(main, S_IFCHR | 0o620, O_RDWR, "/dev/pts/0", rdev),
    make(main, S_IFCHR | 0o620, O_RDWR, "/dev/pts/0", rdev),
    make(tty(streams.stderr), S_IFCHR | 0o620, O_RDWR, "/dev/pts/0", rdev),
  ] as const;
  return { files, terminal: main };
}
