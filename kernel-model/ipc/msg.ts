/**
 * System V message queues.
 *
 * Linux: ipc/msg.c find_msg(), convert_mode(), freeque(); include/uapi/linux/msg.h.
 */
import { WaitQueue } from "../kernel/wait-queue.js";
import { IpcIds, type IpcObject, type IpcPerm } from "./ids.js";

export const MSGMNI = 32000;
/** Largest message, and largest queue, bytes. */
export const MSGMAX = 8192;
export const MSGMNB = 16384;

export const MSG_EXCEPT = 0o20000;
export const MSG_COPY = 0o40000;

export interface Message {
  readonly type: bigint;
  readonly bytes: Uint8Array;
}

export interface MessageQueue extends IpcObject {
  readonly messages: Message[];
  /** Bytes of all messages, and how many there may be. */
  bytes: number;
  limit: number;
  /** Woken when a message comes or goes. */
  readonly queue: WaitQueue;
  /** Processes and seconds since 1970 of the last operations; 0: none. */
  lastSender: number;
  lastReceiver: number;
  sendTime: number;
  receiveTime: number;
  changeTime: number;
}

export class MessageQueues {
  readonly ids = new IpcIds<MessageQueue>(MSGMNI);

  make(perm: IpcPerm, seconds: number): MessageQueue {
    return { perm, messages: [], bytes: 0, limit: MSGMNB, queue: new WaitQueue(), lastSender: 0, lastReceiver: 0, sendTime: 0, receiveTime: 0, changeTime: seconds };
  }

  /** The queue goes; who waits at it learns of it. Linux: freeque(). */
  remove(queue: MessageQueue): void {
    this.ids.remove(queue);
    queue.messages.length = 0;
    queue.queue.wakeAll();
  }
}

/**
 * Index of the message that a receiver takes, -1 if there is none. `type`: 0 the first; positive the first of that type, or with MSG_EXCEPT of
 * another; negative the first of the lowest type that is not above its absolute value; with MSG_COPY the place in the queue.
 */
export function findMessage(messages: readonly Message[], type: bigint, flags: number): number {
  if ((flags & MSG_COPY) !== 0) return type >= 0n && type < BigInt(messages.length) ? Number(type) : -1;
  if (type === 0n) return messages.length > 0 ? 0 : -1;
  if (type > 0n) return messages.findIndex((message) => (message.type === type) !== ((flags & MSG_EXCEPT) !== 0));
  let best = -1;
  messages.forEach((message, i) => {
    if (message.type <= -type && (best < 0 || message.type < messages[best]!.type)) best = i;
  });
  return best;
}
