/**
 * setsockopt and getsockopt.
 *
 * Linux: net/core/sock.c sk_setsockopt(), sk_getsockopt(). Options that tune a real network are kept and read back.
 */
import type { Va } from "../../emulator/arch/addr.js";
import { EBADF, EFAULT, EINVAL, ENOPROTOOPT, ENOTSOCK, EOPNOTSUPP } from "../errno.js";
import { CStruct } from "../kernel/c-struct.js";
import type { Kernel } from "../kernel/kernel.js";
import { AF_UNIX, SOCKET_BUFFER_BYTES } from "../net/socket.js";
import { socketFileOf, type SocketFile } from "../net/socket-file.js";
import type { SyscallFamily } from "./abi.js";
import { fileOf } from "./file.js";

const SOL_SOCKET = 1;
const IPPROTO_IP = 0;
const IPPROTO_TCP = 6;

const SO_REUSEADDR = 2;
const SO_TYPE = 3;
const SO_ERROR = 4;
const SO_SNDBUF = 7;
const SO_RCVBUF = 8;
const SO_REUSEPORT = 15;
const SO_PASSCRED = 16;
const SO_PEERCRED = 17;
const SO_RCVTIMEO = 20;
const SO_SNDTIMEO = 21;
const SO_ACCEPTCONN = 30;
const SO_PROTOCOL = 38;
const SO_DOMAIN = 39;
/** Options of SOL_SOCKET that are kept: broadcast, keepalive, linger, priority, rcvlowat, timestamps, mark and relatives. */
const KEPT = new Set([1, 5, 6, SO_SNDBUF, SO_RCVBUF, 9, 10, 12, 13, 18, 29, 32, 33, 36, 46]);
const READ_ONLY = new Set([SO_TYPE, SO_ERROR, SO_PEERCRED, SO_ACCEPTCONN, SO_PROTOCOL, SO_DOMAIN]);
const OPTION_MAX = 64;
const TIMEVAL_BYTES = 16;
const NS_PER_US = 1000;

const int = (value: number): Uint8Array => new CStruct(4).setU32(0, value >>> 0).bytes;

function setTimeout(state: SocketFile, option: number, bytes: Uint8Array): number {
  if (bytes.length < TIMEVAL_BYTES) return -EINVAL;
  const raw = new CStruct(bytes);
  const total = raw.i64(0) * 1e9 + raw.i64(8) * NS_PER_US;
  const timeout = total <= 0 ? Infinity : total;
  if (option === SO_RCVTIMEO) state.receiveTimeout = timeout;
  else state.sendTimeout = timeout;
  return 0;
}

function setOption(state: SocketFile, level: number, option: number, bytes: Uint8Array): number {
  if (level !== SOL_SOCKET) {
    if (state.socket.domain === AF_UNIX) return -EOPNOTSUPP;
    if (level !== IPPROTO_TCP && level !== IPPROTO_IP) return -ENOPROTOOPT;
    if (bytes.length < 4) return -EINVAL;
    state.options.set(`${level}:${option}`, bytes.slice(0, 4));
    return 0;
  }
  if (option === SO_RCVTIMEO || option === SO_SNDTIMEO) return setTimeout(state, option, bytes);
  if (bytes.length < 4) return -EINVAL;
  const value = new CStruct(bytes).i32(0);
  if (READ_ONLY.has(option)) return -ENOPROTOOPT;
  switch (option) {
    case SO_REUSEADDR:
    case SO_REUSEPORT:
      state.socket.reuseAddress = value !== 0;
      state.options.set(`${level}:${option}`, int(value !== 0 ? 1 : 0));
      return 0;
    case SO_PASSCRED:
      state.passCredentials = value !== 0;
      return 0;
    default:
      if (!KEPT.has(option)) return -ENOPROTOOPT;
      state.options.set(`${level}:${option}`, bytes.slice());
      return 0;
  }
}

/** The option's value, or -ENOPROTOOPT. */
function getOption(state: SocketFile, level: number, option: number): Uint8Array | number {
  const { socket } = state;
  const kept = state.options.get(`${level}:${option}`);
  if (level !== SOL_SOCKET && socket.domain === AF_UNIX) return -EOPNOTSUPP;
  if (level !== SOL_SOCKET) return level === IPPROTO_TCP || level === IPPROTO_IP ? (kept ?? int(0)) : -ENOPROTOOPT;
  switch (option) {
    case SO_TYPE:
      return int(socket.type);
    case SO_ERROR: {
      const { error } = socket;
      socket.error = 0;
      return int(error);
    }
    case SO_ACCEPTCONN:
      return int(socket.listening ? 1 : 0);
    case SO_PROTOCOL:
      return int(socket.protocol);
    case SO_DOMAIN:
      return int(socket.domain);
    case SO_PASSCRED:
      return int(state.passCredentials ? 1 : 0);
    case SO_REUSEADDR:
    case SO_REUSEPORT:
      return kept ?? int(0);
    case SO_SNDBUF:
    case SO_RCVBUF:
      // Linux doubles what was asked for, to allow for its own overhead.
      return kept === undefined ? int(SOCKET_BUFFER_BYTES) : int(new CStruct(kept).i32(0) * 2);
    case SO_PEERCRED: {
      const credentials = socket.peerCredentials;
      return new CStruct(12).setU32(0, credentials?.pid ?? 0).setU32(4, credentials?.uid ?? 0xffffffff).setU32(8, credentials?.gid ?? 0xffffffff).bytes;
    }
    case SO_RCVTIMEO:
    case SO_SNDTIMEO: {
      const timeout = option === SO_RCVTIMEO ? state.receiveTimeout : state.sendTimeout;
      const seconds = timeout === Infinity ? 0 : Math.floor(timeout / 1e9);
      const rest = timeout === Infinity ? 0 : Math.floor((timeout % 1e9) / NS_PER_US);
      return new CStruct(TIMEVAL_BYTES).setU64(0, seconds).setU64(8, rest).bytes;
    }
    default:
      return KEPT.has(option) ? (kept ?? int(0)) : -ENOPROTOOPT;
  }
}

function putOption(kernel: Kernel, at: Va, lengthAt: Va, value: Uint8Array): number {
  const room = kernel.user.i32(lengthAt);
  if (room === undefined) return -EFAULT;
  if (room < 0) return -EINVAL;
  const bytes = value.subarray(0, Math.min(room, value.length));
  return kernel.user.put(at, bytes) && kernel.user.putU32(lengthAt, bytes.length) ? 0 : -EFAULT;
}

export const SOCKOPT_SYSCALLS: SyscallFamily = {
  setsockopt: (kernel, task, args) => {
    const file = fileOf(task, args.int(0));
    if (file === undefined) return -EBADF;
    const state = socketFileOf(file);
    if (state === undefined) return -ENOTSOCK;
    const length = args.int(4);
    if (length < 0) return -EINVAL;
    const bytes = kernel.user.read(args.address(3), Math.min(length, OPTION_MAX));
    return typeof bytes === "number" ? bytes : setOption(state, args.int(1), args.int(2), bytes);
  },
  getsockopt: (kernel, task, args) => {
    const file = fileOf(task, args.int(0));
    if (file === undefined) return -EBADF;
    const state = socketFileOf(file);
    if (state === undefined) return -ENOTSOCK;
    const value = getOption(state, args.int(1), args.int(2));
    return typeof value === "number" ? value : putOption(kernel, args.address(3), args.address(4), value);
  },
};
