/**
 * What every guest program must print and how it must end, on every machine: qemu-aarch64, the lab on either engine, a real arm64.
 *
 * A program of guest-programs/ without an entry fails tests/meta/guests.test.ts.
 */
import type { GuestExit } from "../support/guest.js";

export interface Expectation {
  readonly args: readonly string[];
  /** All of stdout. Arguments that are paths are relative to the root of the repository, where the program is started. */
  readonly stdout: string;
  /** "never": the program prints this and then runs until it is stopped. */
  readonly exit: GuestExit | "never";
}

const OK: GuestExit = { code: 0 };

/** A program that checked its own result: one line, status 0. */
const right = (stdout: string, ...args: string[]): Expectation => ({ args, stdout: `${stdout}\n`, exit: OK });

const crash = (exit: GuestExit, ...args: [string, ...string[]]): Expectation => ({ args, stdout: `crash ${args[0]}\n`, exit });

export const EXPECTATIONS: Readonly<Record<string, readonly Expectation[]>> = {
  hello: [right("hello"), right("hello from arm64", "from", "arm64")],
  seq: [right("seq 1048576 00000017fffc0000"), right("seq 98304 000000001affd000", "96k", "2")],
  gups: [right("gups 1048576 30a2007aeb189287"), right("gups 65536 65f5b831f74e511c", "64k", "3000")],
  stride: [
    right("stride 4194304 2aaba2f3b954c963"),
    right("stride 1048576 27896d7796306d51", "1m", "64k", "4"),
    right("stride 100000 b150002a54c395dc", "100000", "8", "1"),
  ],
  list: [right("list 1048576 bd25b41f4ea6431b"), right("list 65536 db82fca8c207731a", "64k", "2")],
  matmul: [right("matmul 96 e3788757254782cf"), right("matmul 17 b9eb80426d00d8ff", "17")],
  sort: [right("sort 65536 a6188ef6f8c02ec3"), right("sort 1 16678b8c1452430f", "1"), right("sort 999 8966412259abe32f", "999")],
  hashjoin: [right("hashjoin 16384 ea6c76c6cd32eacf"), right("hashjoin 1000 41a326b6fe2f7fef", "1000")],
  btree: [right("btree 32768 7d5a70fe24248c95"), right("btree 500 a1f44b27692f294e", "500")],
  bfs: [right("bfs 8192 f6c718bd6d859b3b"), right("bfs 777 33fc4cfd237165fa", "777")],
  mallocchurn: [right("mallocchurn 2000 e3fd15b9136979ef", "2000")],
  worksteal: [right("worksteal 20000 041df2c365eded30"), right("worksteal 1 0000000000000000", "1"), right("worksteal 3000 13c784d8c1e9adf4", "3000", "16")],
  touch: [
    right("touch 1048576 0000000000000100"),
    right("touch 10485760 0000000000000a00", "10m"),
    right("touch-read 65536 0000000000000010", "64k", "read"),
    right("touch 131072 0000000000000060", "128k", "write", "3"),
  ],
  scan: [right("scan 4194304 000000003ff01000"), right("scan 262144 00000000001f8080", "256k", "2")],
  mmcall: [
    ...["keep", "fork", "unmap", "halves", "protect"].map((kind) => right("mmcall 1048576 0000000000000100", kind)),
    right("mmcall 131072 0000000000000020", "halves", "150k"),
  ],
  forkwrite: [right("forkwrite 1048576 af0e163b136c69bd"), right("forkwrite 12288 28630c9915778505", "12k")],
  filemap: [right("filemap 18092 45f235f7a3916ce4", "LICENSE")],
  crash: [
    crash({ signal: "SIGSEGV" }, "segv-null"),
    crash({ signal: "SIGSEGV" }, "segv-write-text"),
    crash({ signal: "SIGSEGV" }, "segv-exec"),
    crash({ signal: "SIGSEGV" }, "segv-readonly"),
    crash({ signal: "SIGBUS" }, "bus"),
    crash({ signal: "SIGILL" }, "ill"),
    crash({ signal: "SIGTRAP" }, "trap"),
    crash({ signal: "SIGFPE" }, "fpe"),
    crash({ signal: "SIGABRT" }, "abort"),
    crash({ signal: "SIGSEGV" }, "stack-overflow"),
    crash({ signal: "SIGTERM" }, "kill", "15"),
    crash({ code: 42 }, "exit", "42"),
    { args: ["nonsense"], stdout: "crash nonsense\n", exit: { code: 1 } },
  ],
  spin: [{ args: [], stdout: "spinning\n", exit: "never" }],
};
