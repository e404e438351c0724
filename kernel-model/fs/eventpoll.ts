/**
 * epoll: a set of open files and the events that are wanted of each.
 *
 * Linux: fs/eventpoll.c ep_insert(), ep_modify(), ep_remove(), ep_poll_callback(), ep_send_events(), ep_loop_check().
 */
import { EEXIST, EINVAL, ELOOP, ENOENT, EPERM } from "../errno.js";
import { WaitQueue, type Waiter } from "../kernel/wait-queue.js";
import type { FileOperations, OpenFile } from "./vfs.js";
import { noopSeek, POLLERR, POLLHUP, POLLIN, POLLRDNORM } from "./vfs.js";

export const EPOLLEXCLUSIVE = 2 ** 28;
export const EPOLLWAKEUP = 2 ** 29;
export const EPOLLONESHOT = 2 ** 30;
export const EPOLLET = 2 ** 31;
/** Epoll files watched through epoll files, at most. Linux: EP_MAX_NESTS. */
const EP_MAX_NESTS = 4;
/** Flags in the event mask that are no events. */
const isSet = (events: number, flag: number): boolean => Math.floor(events / flag) % 2 === 1;
/** The events proper of a mask. */
const eventsOnly = (events: number): number => events % EPOLLEXCLUSIVE;

/** One watched file. Linux: struct epitem. */
interface EpollItem {
  readonly file: OpenFile;
  readonly fd: number;
  /** Wanted events with EPOLLET and relatives; unsigned. */
  events: number;
  data: bigint;
  /** EPOLLONESHOT has fired. */
  disabled: boolean;
  readonly waiter: Waiter;
  readonly gone: () => void;
}

export interface EpollEvent {
  readonly events: number;
  readonly data: bigint;
}

export class EventPoll {
  readonly operations: FileOperations;
  /** Woken when a watched file may have become ready. */
  readonly queue = new WaitQueue();
  private readonly items = new Map<string, EpollItem>();
  /** Items that may be ready, in the order in which they became so. */
  private readonly ready = new Set<EpollItem>();
  private readonly ids = new WeakMap<OpenFile, number>();
  private lastId = 0;

  constructor() {
    this.operations = {
      seekable: true,
      seek: noopSeek,
      poll: () => (this.hasEvents() ? POLLIN | POLLRDNORM : 0),
      waitQueue: () => this.queue,
      release: () => {
        for (const item of [...this.items.values()]) this.drop(item);
      },
    };
  }

  /** Items are told apart by description and descriptor: after dup() both can be watched. */
  private key(file: OpenFile, fd: number): string {
    let id = this.ids.get(file);
    if (id === undefined) this.ids.set(file, (id = ++this.lastId));
    return `${id}:${fd}`;
  }

  /** Epoll files that are reached from here, the longest chain. */
  private depth(): number {
    let deepest = 0;
    for (const { file } of this.items.values()) {
      const inner = eventPollOf(file);
      if (inner !== undefined) deepest = Math.max(deepest, 1 + inner.depth());
    }
    return deepest;
  }

  private reaches(other: EventPoll): boolean {
    if (other === this) return true;
    return [...this.items.values()].some(({ file }) => eventPollOf(file)?.reaches(other) === true);
  }

  /** EPOLL_CTL_ADD: 0, -EEXIST, -EPERM (a file that is always ready), -ELOOP. */
  add(file: OpenFile, fd: number, events: number, data: bigint): number {
    if (file.ops.poll === undefined) return -EPERM;
    const key = this.key(file, fd);
    if (this.items.has(key)) return -EEXIST;
    const inner = eventPollOf(file);
    if (inner !== undefined && (inner.reaches(this) || inner.depth() >= EP_MAX_NESTS)) return -ELOOP;
    const item: EpollItem = {
      file,
      fd,
      events: withDefaults(events),
      data,
      disabled: false,
      waiter: {
        wake: () => {
          this.becameReady(item);
        },
      },
      gone: () => {
        this.drop(item);
      },
    };
    this.items.set(key, item);
    file.ops.waitQueue?.(file).add(item.waiter);
    (file.watchers ??= new Set()).add(item.gone);
    this.check(item);
    return 0;
  }

  /** EPOLL_CTL_MOD. */
  modify(file: OpenFile, fd: number, events: number, data: bigint): number {
    const item = this.items.get(this.key(file, fd));
    if (item === undefined) return -ENOENT;
    if (isSet(item.events, EPOLLEXCLUSIVE) || isSet(events, EPOLLEXCLUSIVE)) return -EINVAL;
    item.events = withDefaults(events);
    item.data = data;
    item.disabled = false;
    this.check(item);
    return 0;
  }

  /** EPOLL_CTL_DEL. */
  remove(file: OpenFile, fd: number): number {
    const item = this.items.get(this.key(file, fd));
    if (item === undefined) return -ENOENT;
    this.drop(item);
    return 0;
  }

  private drop(item: EpollItem): void {
    this.items.delete(this.key(item.file, item.fd));
    this.ready.delete(item);
    item.file.ops.waitQueue?.(item.file).remove(item.waiter);
    item.file.watchers?.delete(item.gone);
  }

  private mask(item: EpollItem): number {
    return item.disabled ? 0 : (item.file.ops.poll?.(item.file) ?? 0) & eventsOnly(item.events);
  }

  private check(item: EpollItem): void {
    if (this.mask(item) !== 0) this.becameReady(item);
  }

  private becameReady(item: EpollItem): void {
    if (item.disabled) return;
    this.ready.add(item);
    this.queue.wakeAll();
  }

  /** True if epoll_wait() would report something. */
  hasEvents(): boolean {
    return [...this.ready].some((item) => this.mask(item) !== 0);
  }

  /** Up to `most` events. Level-triggered files stay ready and go to the end of the line; edge-triggered ones wait for their next wake-up. */
  take(most: number): EpollEvent[] {
    const events: EpollEvent[] = [];
    const again: EpollItem[] = [];
    for (const item of [...this.ready]) {
      if (events.length >= most) break;
      this.ready.delete(item);
      const mask = this.mask(item);
      if (mask === 0) continue;
      events.push({ events: mask, data: item.data });
      if (isSet(item.events, EPOLLONESHOT)) item.disabled = true;
      else if (!isSet(item.events, EPOLLET)) again.push(item);
    }
    for (const item of again) this.ready.add(item);
    return events;
  }
}

/** Errors and hang-ups are reported whether asked for or not. */
const withDefaults = (events: number): number => {
  const flags = events - eventsOnly(events);
  return flags + (eventsOnly(events) | POLLERR | POLLHUP);
};

/** The epoll set behind a description, undefined if it is none. */
export function eventPollOf(file: OpenFile): EventPoll | undefined {
  return file.privateData instanceof EventPoll ? file.privateData : undefined;
}
