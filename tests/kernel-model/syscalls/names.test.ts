/** Numbers of system calls, against the cross compiler. */
import { spawnSync } from "node:child_process";
import { expect } from "chai";
import { SYSCALL_NAMES } from "../../../kernel-model/syscalls/names.js";

describe("system call names", () => {
  it("are ascending and unique", () => {
    const numbers = SYSCALL_NAMES.map(([nr]) => nr);
    expect(numbers).to.deep.equal([...new Set(numbers)].sort((a, b) => a - b));
    expect(new Set(SYSCALL_NAMES.map(([, name]) => name)).size).to.equal(SYSCALL_NAMES.length);
  });

  it("agree with the cross compiler's headers, as far as those know them", () => {
    const result = spawnSync("aarch64-linux-gnu-gcc", ["-E", "-dM", "-include", "asm/unistd.h", "-xc", "/dev/null"], { encoding: "utf8" });
    expect(result.status, result.stderr).to.equal(0);
    const lines = [...result.stdout.matchAll(/^#define __NR(?:3264)?_(\w+) (\d+)$/gm)];
    const known = new Map(lines.filter(([, name]) => name !== "syscalls").map(([, name, nr]) => [Number(nr), name!]));
    expect(known.size).to.be.greaterThan(250);
    const wrong = SYSCALL_NAMES.filter(([nr, name]) => known.has(nr) && known.get(nr) !== name && !(nr === 79 && name === "newfstatat") && !(nr === 84 && name === "sync_file_range"));
    expect(wrong).to.deep.equal([]);
  });
});
