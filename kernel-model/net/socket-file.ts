/**
 * Sockets as open files.
 *
 * Linux: net/socket.c sock_alloc_file(), sock_read_iter(), sock_write_iter(), sock_poll(), sock_close().
 */
import { ModelBug } from "../../emulator/arch/errors.js";
import { ENXIO } from "../errno.js";
import type { AnonFs } from "../fs/anon-files.js";
import type { FileOperations, OpenFile } from "../fs/vfs.js";
import { O_NONBLOCK, O_RDWR, S_IFSOCK, putFile } from "../fs/vfs.js";
import { socketIoctl } from "./ioctl.js";
import { NO_ANCILLARY_FILES, type Ancillary, type Socket } from "./socket.js";

/** A socket and what belongs to its descriptions. */
export class SocketFile {
  readonly socket: Socket;
  /** Options that are kept and read back, by "level:name". */
  readonly options = new Map<string, Uint8Array>();
  /** SO_RCVTIMEO and SO_SNDTIMEO, nanoseconds; Infinity: none. */
  receiveTimeout = Infinity;
  sendTimeout = Infinity;
  /** SO_PASSCRED: messages come with the credentials of their sender. */
  passCredentials = false;
  /** A connect() that did not wait has not been looked at yet. */
  connecting = false;

  constructor(socket: Socket) {
    this.socket = socket;
  }
}

/** The socket behind a description, undefined if it is none. */
export function socketFileOf(file: OpenFile): SocketFile | undefined {
  return file.privateData instanceof SocketFile ? file.privateData : undefined;
}

function socketOf(file: OpenFile): Socket {
  const state = socketFileOf(file);
  if (state === undefined) throw new ModelBug(`socketOf: ${file.path} is no socket`);
  return state.socket;
}

/** Descriptions that came with a message and that no one asked for. */
export function dropFiles(ancillary: Ancillary | undefined): void {
  for (const file of ancillary?.files ?? []) putFile(file);
}

const SOCKET_OPERATIONS: FileOperations = {
  seekable: false,
  read(file, into) {
    const received = socketOf(file).receive(into, false);
    if (typeof received === "number") return received;
    dropFiles(received.ancillary);
    return received.count;
  },
  write(file, from) {
    const socket = socketOf(file);
    return socket.send(from, { ancillary: { files: NO_ANCILLARY_FILES, credentials: socket.credentials } });
  },
  poll: (file) => socketOf(file).poll(),
  waitQueue: (file) => socketOf(file).queue,
  ioctl: (file, command, argument, user) => socketIoctl(socketOf(file), command, argument, user),
  release(file) {
    socketOf(file).close();
  },
};

/** A description of a new socket, with one reference. `flags`: O_NONBLOCK or 0. */
export function openSocket(fs: AnonFs, socket: Socket, flags: number): OpenFile {
  let open: () => FileOperations | number = () => SOCKET_OPERATIONS;
  const inode = fs.createInode({ mode: S_IFSOCK | 0o777, open: () => open() });
  const file = fs.openInode(inode, O_RDWR | (flags & O_NONBLOCK), (ino) => `socket:[${ino}]`);
  if (typeof file === "number") throw new ModelBug(`openSocket: error ${file}`);
  // A socket cannot be opened once more through /proc/PID/fd.
  open = () => -ENXIO;
  file.privateData = new SocketFile(socket);
  return file;
}
