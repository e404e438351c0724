/**
 * Pseudo-terminals: pairs of a master and a terminal, /dev/ptmx and /dev/pts.
 *
 * Linux: drivers/tty/pty.c, drivers/tty/tty_io.c, drivers/tty/tty_jobctrl.c, drivers/tty/tty_ioctl.c, fs/devpts/inode.c.
 */
import type { Va } from "../../emulator/arch/addr.js";
import { EAGAIN, EFAULT, EINVAL, EIO, ENOSPC, ENOTTY, ENXIO, EPERM, ERESTARTSYS } from "../errno.js";
import { CStruct } from "../kernel/c-struct.js";
import type { Task } from "../kernel/task.js";
import { WaitQueue } from "../kernel/wait-queue.js";
import { deviceNumber } from "./devices.js";
import { LineDiscipline } from "./n-tty.js";
import { createPseudoFileSystem, type PseudoDevice } from "./pseudo-fs.js";
import { decodeTermios, encodeTermios, termiosCommand } from "./termios.js";
import type { FileOperations, FileSystem, OpenFile, UserMemory } from "./vfs.js";
import { O_NOCTTY, POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM } from "./vfs.js";

const UNIX98_PTY_SLAVE_MAJOR = 136;
const DEVPTS_SUPER_MAGIC = 0x1cd1;
/** kernel.pty.max. */
const PTY_MAX = 4096;
const WINSIZE_BYTES = 8;

const TCSBRK = 0x5409;
const TCXONC = 0x540a;
const TCFLSH = 0x540b;
const TIOCEXCL = 0x540c;
const TIOCNXCL = 0x540d;
const TIOCSCTTY = 0x540e;
const TIOCGPGRP = 0x540f;
const TIOCSPGRP = 0x5410;
const TIOCOUTQ = 0x5411;
const TIOCGWINSZ = 0x5413;
const TIOCSWINSZ = 0x5414;
const FIONREAD = 0x541b;
const TIOCPKT = 0x5420;
const TIOCNOTTY = 0x5422;
const TIOCGETD = 0x5424;
const TCSBRKP = 0x5425;
const TIOCGSID = 0x5429;
const TIOCGPTPEER = 0x5441;
const TIOCSPTLCK = 0x40045431;
const TIOCGPTN = 0x80045430;
const TIOCGPTLCK = 0x80045439;

const SIGHUP = 1;
const SIGCONT = 18;
const SIGTTIN = 21;
const SIGWINCH = 28;

/** What terminals need of the kernel. */
export interface TtyKernel {
  readonly current: () => Task | undefined;
  /** Send a signal of the kernel to every process of a group. */
  readonly signalGroup: (pgrp: number, signo: number) => void;
  /** True if a process of this session still lives. */
  readonly sessionLives: (session: number) => boolean;
}

class Pty {
  readonly index: number;
  readonly discipline: LineDiscipline;
  readonly queue = new WaitQueue();
  readonly node: PseudoDevice;
  size: Uint8Array = new Uint8Array(WINSIZE_BYTES);
  /** The session it controls, and the group in the foreground; 0: none. */
  session = 0;
  foreground = 0;
  /** TIOCSPTLCK: the terminal cannot be opened. */
  locked = true;
  packets = false;
  masterOpen = true;
  /** Descriptions of the terminal side now, and whether there ever was one. */
  opened = 0;
  everOpened = false;

  constructor(index: number, kernel: TtyKernel, node: PseudoDevice) {
    this.index = index;
    this.node = node;
    this.discipline = new LineDiscipline((signo) => {
      if (this.foreground > 0) kernel.signalGroup(this.foreground, signo);
    });
  }
}

/** All pseudo-terminals of a machine. */
export class Ptys {
  private readonly pairs = new Map<number, Pty>();
  private readonly kernel: TtyKernel;

  constructor(kernel: TtyKernel) {
    this.kernel = kernel;
  }

  /** The file system of /dev/pts: a device for each terminal whose master is open. */
  fileSystem(dev: number): FileSystem {
    const names = (): string[] => [...this.pairs.keys()].sort((a, b) => a - b).map(String);
    const lookup = (name: string): PseudoDevice | undefined => (/^\d+$/.test(name) ? this.pairs.get(Number(name))?.node : undefined);
    return createPseudoFileSystem({ type: "devpts", dev, magic: DEVPTS_SUPER_MAGIC, root: { kind: "directory", mode: 0o755, names, lookup }, volatile: true });
  }

  /** /dev/ptmx: a new pair. Linux: ptmx_open(). */
  openMaster(): FileOperations | number {
    let index = 0;
    while (this.pairs.has(index)) index++;
    if (index >= PTY_MAX) return -ENOSPC;
    const node: PseudoDevice = { kind: "device", mode: 0o620, rdev: deviceNumber(UNIX98_PTY_SLAVE_MAJOR, index), open: (file) => this.openSlave(index, file) };
    const pty = new Pty(index, this.kernel, node);
    this.pairs.set(index, pty);
    return this.masterOperations(pty);
  }

  /** A terminal by its minor number. Linux: tty_open(). */
  openSlave(index: number, file: OpenFile): FileOperations | number {
    const pty = this.pairs.get(index);
    if (pty === undefined) return -ENXIO;
    if (pty.locked || !pty.masterOpen) return -EIO;
    pty.opened++;
    pty.everOpened = true;
    const task = this.kernel.current();
    if ((file.flags & O_NOCTTY) === 0 && task?.group.session === task?.group.tgid) this.takeControl(pty);
    return this.slaveOperations(pty);
  }

  /** /dev/tty: the terminal of the caller's session, undefined if it has none here. */
  controlling(): FileOperations | undefined {
    const pty = this.terminalOf(this.kernel.current()?.group.session ?? 0);
    if (pty === undefined) return undefined;
    pty.opened++;
    return this.slaveOperations(pty);
  }

  private terminalOf(session: number): Pty | undefined {
    return session === 0 ? undefined : [...this.pairs.values()].find((pty) => pty.session === session);
  }

  /** The caller, a session leader without a terminal, gets this one; false if it cannot. */
  private takeControl(pty: Pty): boolean {
    const { session, tgid, pgrp } = this.kernel.current()!.group;
    if (session !== tgid || this.terminalOf(session) !== undefined) return false;
    if (pty.session !== 0 && this.kernel.sessionLives(pty.session)) return false;
    pty.session = session;
    pty.foreground = pgrp;
    return true;
  }

  // --- master -----------------------------------------------------------------------

  private masterOperations(pty: Pty): FileOperations {
    const { discipline, queue } = pty;
    const hungUp = (): boolean => pty.everOpened && pty.opened === 0;
    return {
      seekable: false,
      read(_file, into) {
        if (into.length === 0) return 0;
        const prefix = pty.packets ? 1 : 0;
        if (discipline.outputBytes === 0) return hungUp() ? -EIO : -EAGAIN;
        const bytes = discipline.takeOutput(into.length - prefix);
        into[0] = 0;
        into.set(bytes, prefix);
        queue.wakeAll();
        return bytes.length + prefix;
      },
      write(_file, from) {
        const taken = discipline.receive(from);
        queue.wakeAll();
        return taken === 0 && from.length > 0 ? -EAGAIN : taken;
      },
      poll: () => (discipline.outputBytes > 0 ? POLLIN | POLLRDNORM : 0) | (hungUp() ? POLLHUP : 0) | POLLOUT | POLLWRNORM,
      waitQueue: () => queue,
      ioctl: (_file, command, argument, user) => this.masterIoctl(pty, command, argument, user),
      release: () => {
        pty.masterOpen = false;
        this.pairs.delete(pty.index);
        this.hangUp(pty);
      },
    };
  }

  /** The master is gone: whoever is at the terminal is told. Linux: tty_vhangup(). */
  private hangUp(pty: Pty): void {
    for (const pgrp of new Set([pty.session, pty.foreground])) {
      if (pgrp <= 0) continue;
      this.kernel.signalGroup(pgrp, SIGHUP);
      this.kernel.signalGroup(pgrp, SIGCONT);
    }
    pty.session = 0;
    pty.foreground = 0;
    pty.queue.wakeAll();
  }

  private masterIoctl(pty: Pty, command: number, argument: Va, user: UserMemory): number {
    switch (command) {
      case TIOCGPTN:
        return putInt(user, argument, pty.index);
      case TIOCGPTLCK:
        return putInt(user, argument, pty.locked ? 1 : 0);
      case TIOCSPTLCK:
      case TIOCPKT: {
        const value = getInt(user, argument);
        if (value === undefined) return -EFAULT;
        if (command === TIOCPKT) pty.packets = value !== 0;
        else pty.locked = value !== 0;
        return 0;
      }
      case TIOCGPTPEER:
        return -EINVAL;
      case FIONREAD:
        return putInt(user, argument, pty.discipline.outputBytes);
      case TIOCSCTTY:
      case TIOCNOTTY:
        return -ENOTTY;
      default:
        return this.ioctl(pty, command, argument, user);
    }
  }

  // --- terminal -----------------------------------------------------------------------

  private slaveOperations(pty: Pty): FileOperations {
    const { discipline, queue } = pty;
    return {
      seekable: false,
      read: (_file, into) => {
        if (!pty.masterOpen) return 0;
        const stopped = this.backgroundRead(pty);
        if (stopped < 0 || into.length === 0) return stopped;
        const bytes = discipline.read(into.length);
        if (bytes === undefined) return -EAGAIN;
        into.set(bytes);
        queue.wakeAll();
        return bytes.length;
      },
      write(_file, from) {
        if (!pty.masterOpen) return -EIO;
        const taken = discipline.write(from);
        queue.wakeAll();
        return taken === 0 && from.length > 0 ? -EAGAIN : taken;
      },
      poll: () => (pty.masterOpen ? (discipline.hasInput ? POLLIN | POLLRDNORM : 0) | POLLOUT | POLLWRNORM : POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM | POLLHUP | POLLERR),
      waitQueue: () => queue,
      ioctl: (_file, command, argument, user) => (pty.masterOpen ? this.slaveIoctl(pty, command, argument, user) : -EIO),
      release: () => {
        pty.opened--;
        queue.wakeAll();
      },
    };
  }

  /** A process that is not in the foreground may not read: its group is stopped. Linux: __tty_check_change(). */
  private backgroundRead(pty: Pty): number {
    const task = this.kernel.current()!;
    const { session, pgrp } = task.group;
    if (pty.session !== session || pty.foreground === 0 || pty.foreground === pgrp) return 0;
    const ignored = task.sighand.actions[SIGTTIN]!.handler === 1n || (task.blocked & (1n << BigInt(SIGTTIN - 1))) !== 0n;
    if (ignored) return -EIO;
    this.kernel.signalGroup(pgrp, SIGTTIN);
    return -ERESTARTSYS;
  }

  private slaveIoctl(pty: Pty, command: number, argument: Va, user: UserMemory): number {
    const { session } = this.kernel.current()!.group;
    switch (command) {
      case TIOCSCTTY:
        return pty.session === session || this.takeControl(pty) ? 0 : -EPERM;
      case TIOCNOTTY:
        if (pty.session !== session) return -ENOTTY;
        if (this.kernel.current()!.group.tgid === session) {
          pty.session = 0;
          pty.foreground = 0;
        }
        return 0;
      case FIONREAD:
        return putInt(user, argument, pty.discipline.readable());
      default:
        return this.ioctl(pty, command, argument, user);
    }
  }

  /** What both sides answer. */
  private ioctl(pty: Pty, command: number, argument: Va, user: UserMemory): number {
    const { discipline } = pty;
    const settings = termiosCommand(command);
    if (settings !== undefined) {
      if (!settings.sets) return user.write(argument, encodeTermios(settings.form, discipline.termios)) < 0 ? -EFAULT : 0;
      const bytes = user.read(argument, settings.size);
      if (typeof bytes === "number") return -EFAULT;
      if (settings.flushes) discipline.flushInput();
      discipline.setTermios(decodeTermios(settings.form, bytes, discipline.termios));
      pty.queue.wakeAll();
      return 0;
    }
    switch (command) {
      case TCFLSH:
        if (argument > 2) return -EINVAL;
        if (argument !== 1) discipline.flushInput();
        if (argument !== 0) discipline.flushOutput();
        return 0;
      case TIOCGWINSZ:
        return user.write(argument, pty.size) < 0 ? -EFAULT : 0;
      case TIOCSWINSZ:
        return this.resize(pty, argument, user);
      case TIOCGPGRP:
        return pty.session === 0 ? -ENOTTY : putInt(user, argument, pty.foreground);
      case TIOCSPGRP: {
        const pgrp = getInt(user, argument);
        if (pgrp === undefined) return -EFAULT;
        if (pty.session !== this.kernel.current()!.group.session) return -ENOTTY;
        if (pgrp <= 0) return -EINVAL;
        pty.foreground = pgrp;
        return 0;
      }
      case TIOCGSID:
        return pty.session === 0 ? -ENOTTY : putInt(user, argument, pty.session);
      case TIOCOUTQ:
      case TIOCGETD:
        return putInt(user, argument, 0);
      case TCSBRK:
      case TCSBRKP:
      case TCXONC:
      case TIOCEXCL:
      case TIOCNXCL:
        return 0;
      default:
        return -ENOTTY;
    }
  }

  private resize(pty: Pty, argument: Va, user: UserMemory): number {
    const bytes = user.read(argument, WINSIZE_BYTES);
    if (typeof bytes === "number") return -EFAULT;
    const changed = bytes.some((byte, i) => byte !== pty.size[i]);
    pty.size = bytes;
    if (changed && pty.foreground > 0) this.kernel.signalGroup(pty.foreground, SIGWINCH);
    return 0;
  }
}

function putInt(user: UserMemory, at: Va, value: number): number {
  return user.write(at, new CStruct(4).setU32(0, value >>> 0).bytes) < 0 ? -EFAULT : 0;
}

function getInt(user: UserMemory, at: Va): number | undefined {
  const bytes = user.read(at, 4);
  return typeof bytes === "number" ? undefined : new CStruct(bytes).i32(0);
}
