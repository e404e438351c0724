/** A program that maps, runs and unmaps code without end: foliolab's own memory stays flat. */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { expect } from "chai";
import { ENGINE_NAMES } from "../../lab/config.js";
import { compileC } from "../support/guest.js";

const SECONDS = 600;
const EVERY = 5;
/** V8 collects when it likes: peaks of a later half may be above those of the first by so much. */
const SLACK = 1.1;

/* Every round has other code on other numbers of pages, run often enough to be translated. */
const SOURCE = `#include "guest.h"
#include <stdint.h>
#include <sys/mman.h>
static uint64_t state = 88172645463325252ull;
static uint64_t next(void) { state ^= state << 13; state ^= state >> 7; state ^= state << 17; return state; }
int main(void) {
  for (uint64_t round = 0;; round++) {
    size_t pages = 1 + next() % 16, bytes = pages * 65536;
    uint32_t *code = mmap(0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (code == MAP_FAILED) return 1;
    uint64_t wanted = 0;
    for (size_t page = 0; page < pages; page++) {
      uint32_t *at = code + page * 16384, length = 1 + next() % 40;
      for (uint32_t i = 0; i < length; i++) {
        uint32_t add = next() % 4096;
        *at++ = 0x91000000 | add << 10; /* add x0, x0, #add */
        wanted += add;
      }
      *at = 0xd65f03c0; /* ret */
    }
    __builtin___clear_cache((char *)code, (char *)code + bytes);
    if (mprotect(code, bytes, PROT_READ | PROT_EXEC)) return 2;
    for (int times = 0; times < 50; times++) {
      uint64_t sum = 0;
      for (size_t page = 0; page < pages; page++) sum = ((uint64_t(*)(uint64_t))(code + page * 16384))(sum);
      if (sum != wanted) return 3;
    }
    if (munmap(code, bytes)) return 4;
  }
}`;

/** Resident pages of a process. Linux: Documentation/filesystems/proc.rst, statm. */
function resident(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/statm`, "latin1").split(" ")[1]);
}

describe("code that is mapped, run and unmapped", () => {
  for (const engine of ENGINE_NAMES) {
    it(`${engine}: memory is flat over ${SECONDS / 60} minutes`, async function () {
      this.timeout(0);
      const run = spawn("bin/foliolab", ["run", "--engine", engine, "--memory", "64m", "--", compileC("code-churn", SOURCE)], { stdio: "ignore" });
      const samples: number[] = [];
      try {
        for (let at = 0; at < SECONDS; at += EVERY) {
          await setTimeout(EVERY * 1000);
          expect(run.exitCode, "it goes on").to.equal(null);
          samples.push(resident(run.pid!));
        }
      } finally {
        run.kill("SIGKILL");
      }
      // The first minute fills caches.
      const settled = samples.slice(60 / EVERY);
      const half = Math.ceil(settled.length / 2);
      const [first, second] = [Math.max(...settled.slice(0, half)), Math.max(...settled.slice(half))];
      expect(second, `pages every ${EVERY} s: ${samples.join(" ")}`).to.be.at.most(first * SLACK);
    });
  }
});
