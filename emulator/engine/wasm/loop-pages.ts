/**
 * The pages of the accesses of a loop of one block, in locals: as long as each access stays on its page nothing is looked up and no time is stored.
 *
 * Such a loop is written twice. The quick one makes no calls, so the table of held pages (held-pages.ts) stays as it is. An access that is not on its page leaves it for its own
 * instruction in the slow one, which ends the round as code elsewhere would; then the pages of all accesses are looked up in the table.
 *
 * Every access of the block is made once in a round, so whole rounds leave the order in which pages were used last as the last slow round left it: only where the quick loop is
 * left inside a round are times stored, of the accesses before.
 */
import { pushTime } from "./account.js";
import type { Code, Local } from "./binary/code.js";
import { CONTROL, I32, I64, TYPE_I32, TYPE_I64 } from "./binary/opcodes.js";
import { ENTRY_PLACE, ENTRY_READ, ENTRY_USED, ENTRY_WRITE, entryWord, pushEntry } from "./held-pages.js";
import { HELD_DATA, NO_PAGE } from "./layout.js";
import { TOUCHES } from "./runtime-filter.js";

/** So many rounds are slow when a loop is entered. */
const FIRST_ROUNDS = 8;
/** So many are quick, or as many more are slow. */
const WORTH_ROUNDS = 16n;
const WAIT_ROUNDS = 64;

/** An access of the block, or a run of them. */
export interface LoopAccess {
  /** Number of its instruction in the block. */
  readonly index: number;
  readonly write: boolean;
  /** Bytes, of all of a run. */
  readonly bytes: number;
  /** Accesses of the block before it. */
  readonly before: number;
}

interface Stream extends LoopAccess {
  /** Address of its page, or NO_PAGE; what the place of an access is more than its address. */
  readonly page: Local;
  readonly distance: Local;
  /** The page's entry in the table. */
  readonly entry: Local;
  /** The address of the last round of the slow loop; the page stays the same in the quick one. */
  readonly at: Local;
}

export interface LoopPagesOptions {
  readonly code: Code;
  /** Where the cells begin. */
  readonly base: number;
  readonly pageSize: number;
  /** Local of the account, and what a round adds. */
  readonly account: Local;
  readonly cost: bigint;
  /** Local for the time of the round in the slow loop. */
  readonly time: Local;
}

export class LoopPages {
  private readonly options: LoopPagesOptions;
  readonly cost: bigint;
  readonly accesses: readonly LoopAccess[];
  private readonly streams: readonly Stream[];
  /** Rounds of the slow loop until the quick one is tried; the account when it was entered. */
  private readonly wait: Local;
  private readonly since: Local;
  /** Number of the next access in the code that is being written. */
  private next = 0;
  /** Label of the slow code for the instruction that is being written; undefined: it is the slow code itself. */
  slow: number | undefined;

  constructor(accesses: readonly LoopAccess[], options: LoopPagesOptions) {
    const { code } = options;
    this.options = options;
    this.cost = options.cost;
    this.accesses = accesses;
    this.wait = code.local(TYPE_I32);
    this.since = code.local(TYPE_I64);
    this.streams = accesses.map((access) => ({
      ...access, page: code.local(TYPE_I64), distance: code.local(TYPE_I32), entry: code.local(TYPE_I32), at: code.local(TYPE_I64),
    }));
  }

  /** The loop is entered from elsewhere. */
  enter(): void {
    this.options.code.i32(FIRST_ROUNDS).set(this.wait);
  }

  /** A round starts: goes to the label if it is to be one of the slow loop, else to the quick one. */
  choose(slow: number): void {
    const { code, account } = this.options;
    code.get(this.wait).get(this.wait).i32(1).op(I32.sub).set(this.wait).brIf(slow);
    this.find();
    code.get(account).set(this.since);
  }

  /** One of the two loops is going to be written. */
  start(): void {
    this.next = 0;
  }

  /** Pushes the place of the next access of the quick loop at the address in the local, a multiple of `alignment`. */
  pushPlace(at: Local, alignment: number): void {
    const { code, base, pageSize, account, cost, time } = this.options;
    const number = this.next++;
    const { page, distance, bytes } = this.streams[number]!;
    code.get(at).get(page).op(I64.sub).i64(pageSize - bytes).op(I64.gtU);
    if (alignment > 1) code.get(at).i64(alignment - 1).op(I64.and).i64(0).op(I64.ne).op(I32.or);
    code.if();
    pushTime(code.get(account)).set(time);
    for (const { entry, before } of this.streams.slice(0, number)) {
      code.get(entry).memory(I32.load, entryWord(base + HELD_DATA, ENTRY_USED)).get(time).i32(TOUCHES * (before + 1)).op(I32.sub).memory(I32.store, 0);
    }
    code.i32(0).i32(WAIT_ROUNDS).get(this.since).get(account).op(I64.sub).i64(-cost * WORTH_ROUNDS).op(I64.gtS).op(CONTROL.select).set(this.wait);
    code.br(this.slow!).end();
    code.get(at).op(I32.wrapI64).get(distance).op(I32.add);
  }

  /** The next access of the slow loop is at the address in the local. */
  note(at: Local): void {
    this.options.code.get(at).set(this.streams[this.next++]!.at);
  }

  /** Behind a round of the slow loop: looks up where its accesses would find their pages now. One that went on to the next page has none: both were used. */
  private find(): void {
    const { code, base, pageSize } = this.options;
    const word = (entry: Local, opcode: number, which: number): Code => code.get(entry).memory(opcode, entryWord(base + HELD_DATA, which));
    for (const { write, bytes, page, distance, entry, at } of this.streams) {
      pushEntry(code, at, Math.log2(pageSize)).set(entry);
      word(entry, I64.load, write ? ENTRY_WRITE : ENTRY_READ).tee(page).i64(NO_PAGE);
      code.get(at).get(page).op(I64.sub).i64(pageSize - bytes).op(I64.leU).op(CONTROL.select).set(page);
      word(entry, I32.load, ENTRY_PLACE).get(page).op(I32.wrapI64).op(I32.sub).set(distance);
    }
  }
}
