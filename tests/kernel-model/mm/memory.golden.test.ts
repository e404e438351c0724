/**
 * The anonymous-memory programs of golden/prog at the level of the mm, against their recordings on real Linux 6.12: fault by
 * fault, entry by entry.
 */
import { expect } from "chai";
import { firstDifference, type GoldenRecord } from "../../../lab/golden/record.js";
import { doMprotect } from "../../../kernel-model/mm/mprotect.js";
import { doMremap } from "../../../kernel-model/mm/mremap.js";
import { doMunmap } from "../../../kernel-model/mm/munmap.js";
import { GtProgram, loadGolden, va } from "../../support/gt-program.js";

const BASE = 0x5000000000;
const FILES = ["4k-neoverse-n1", "16k-neoverse-n1", "64k-neoverse-n1", "4k-cortex-a72"];
const PROT_NONE = 0;
const R = 1;
const RW = 3;

const step = (g: GtProgram, at: number, bytes: number, name: string, action: () => void): void => {
  g.begin(at, bytes);
  action();
  g.end(name);
};

const move = (g: GtProgram, from: number, bytes: number, to: number): void => {
  expect(doMremap(g.mm, { addr: va(from), oldLen: bytes, newLen: bytes, flags: 3, newAddr: to })).to.equal(to);
};

const PROGRAMS: Readonly<Record<string, (g: GtProgram) => void>> = {
  anon_seq: (g) => {
    const p = g.anon(BASE, g.R4M);
    step(g, p, g.R4M, "w_seq", () => g.wSeq(p, g.R4M));
    step(g, p, g.R4M, "r_again", () => g.rSeq(p, g.R4M));
    step(g, p, g.R4M, "munmap", () => void doMunmap(g.mm, va(p), g.R4M));
  },
  anon_unaligned: (g) => {
    const { PS, CB } = g;
    const length = g.R1M + 5 * PS;
    const p = g.anon(BASE + 3 * PS, length);
    step(g, p, length, "w_seq_up", () => g.wSeq(p, length));
    const q = g.anon(BASE + 0x10000000 + 3 * PS, length);
    step(g, q, length, "w_seq_down", () => {
      for (let i = length; i > 0; i -= PS) g.write(q + i - PS);
    });
    const s = BASE + 0x20000000;
    for (let k = 0; k < 8; k++) g.anon(s + k * 2 * CB + PS, (2 + 3 * k) * PS);
    step(g, s, 16 * CB, "w_short_areas", () => {
      for (let k = 0; k < 8; k++) g.wSeq(s + k * 2 * CB + PS, (2 + 3 * k) * PS);
    });
  },
  anon_read_first: (g) => {
    const { PS, CB, R1M, R4M } = g;
    const everyBlock = (at: number, access: (page: number) => void): void => {
      for (let i = 5 * PS; i < R1M; i += CB) access(at + i);
    };
    const p = g.anon(BASE, R4M);
    step(g, p, R4M, "r_seq", () => g.rSeq(p, R4M));
    step(g, p, R4M, "w_seq", () => g.wSeq(p, R4M));
    const q = g.anon(BASE + 0x10000000, R1M);
    step(g, q, R1M, "r_one_per_block", () => everyBlock(q, (page) => g.read(page)));
    step(g, q, R1M, "w_seq_after_r_one", () => g.wSeq(q, R1M));
    const s = g.anon(BASE + 0x20000000, R1M);
    step(g, s, R1M, "w_one_per_block", () => everyBlock(s, (page) => g.write(page)));
    step(g, s, R1M, "r_seq_after_w_one", () => g.rSeq(s, R1M));
    step(g, s, R1M, "w_seq_after_r", () => g.wSeq(s, R1M));
  },
  mprotect_split: (g) => {
    const { PS, CB, R1M } = g;
    const p = g.anon(BASE, R1M);
    const page = p + 2 * CB + 7 * PS;
    const protect = (at: number, bytes: number, prot: number): void => void expect(doMprotect(g.mm, va(at), bytes, prot)).to.equal(0);
    const s = (name: string, action: () => void): void => step(g, p, R1M, name, action);
    s("w_seq", () => g.wSeq(p, R1M));
    s("mprotect_ro_1page", () => protect(page, PS, R));
    s("mprotect_rw_1page", () => protect(page, PS, RW));
    s("write_that_page", () => g.write(page));
    s("write_last_page_of_block", () => g.write(p + 2 * CB + CB - PS));
    s("mprotect_ro_block", () => protect(p + CB, CB, R));
    s("mprotect_rw_block", () => protect(p + CB, CB, RW));
    s("write_page3_of_block1", () => g.write(p + CB + 3 * PS));
    s("mprotect_ro_all", () => protect(p, R1M, R));
    s("mprotect_rw_all", () => protect(p, R1M, RW));
    s("w_seq_after_rw_all", () => g.wSeq(p, R1M));
    s("mprotect_none_all", () => protect(p, R1M, PROT_NONE));
    s("mprotect_none_to_rw_all", () => protect(p, R1M, RW));
    s("r_seq_after", () => g.rSeq(p, R1M));
  },
  mremap_move: (g) => {
    const { PS, CB, R1M } = g;
    let p = g.anon(BASE, R1M);
    let d = BASE + 0x10000000 + 5 * PS;
    const window = R1M + CB - 5 * PS;
    g.wSeq(p, R1M);
    step(g, p, R1M, "before", () => undefined);
    step(g, d, window, "after_move_by_5pages", () => move(g, p, R1M, d));
    step(g, d, window, "w_seq_after_move", () => g.wSeq(d, R1M));
    const e = BASE + 0x20000000;
    step(g, e, R1M, "after_move_back_to_aligned", () => move(g, d, R1M, e));
    step(g, e, R1M, "w_seq_after_move_back", () => g.wSeq(e, R1M));
    p = g.anon(BASE, R1M);
    g.wSeq(p, R1M);
    d = BASE + 0x30000000 + 3 * CB;
    step(g, d, R1M, "after_move_by_3blocks", () => move(g, p, R1M, d));
    step(g, d, R1M, "w_seq_after_move_by_3blocks", () => g.wSeq(d, R1M));
    const single = BASE + 0x40000000;
    step(g, d, R1M, "source_after_moving_1page_out", () => move(g, d + 2 * CB + 7 * PS, PS, single));
    step(g, single, CB, "dest_of_the_1page", () => undefined);
  },
  munmap_hole: (g) => {
    const { PS, CB, R1M } = g;
    const p = g.anon(BASE, R1M);
    const page = p + 2 * CB + 7 * PS;
    step(g, p, R1M, "w_seq", () => g.wSeq(p, R1M));
    step(g, p, R1M, "munmap_1page", () => void doMunmap(g.mm, va(page), PS));
    step(g, p, R1M, "mmap_it_again", () => void g.anon(page, PS));
    step(g, p, R1M, "touch_it", () => g.write(page));
    step(g, p, R1M, "munmap_4pages_over_block_boundary", () => void doMunmap(g.mm, va(p + 4 * CB - 2 * PS), 4 * PS));
  },
  prot_variants: (g) => {
    const { PS, R1M } = g;
    let p = g.anon(BASE, R1M, R);
    step(g, p, R1M, "ro_r_seq", () => g.rSeq(p, R1M));
    step(g, p, R1M, "ro_to_rw_w_seq", () => {
      doMprotect(g.mm, va(p), R1M, RW);
      g.wSeq(p, R1M);
    });
    p = g.anon(BASE + 0x10000000, R1M, 7);
    step(g, p, R1M, "rwx_w_seq", () => g.wSeq(p, R1M));
    step(g, p, R1M, "rwx_to_rx", () => void doMprotect(g.mm, va(p), R1M, 5));
    p = g.anon(BASE + 0x20000000, R1M, RW, 0x8032);
    step(g, p, R1M, "populate_before_access", () => undefined);
    step(g, p, R1M, "populate_w_seq", () => g.wSeq(p, R1M));
    p = g.anon(BASE + 0x30000000, R1M, 2);
    step(g, p, R1M, "every_second_page", () => {
      for (let i = 0; i < R1M; i += 2 * PS) g.write(p + i);
    });
    step(g, p, R1M, "other_pages", () => {
      for (let i = PS; i < R1M; i += 2 * PS) g.write(p + i);
    });
  },
  fork_cow: (g) => {
    const { PS, CB, R1M } = g;
    const { harness } = g;
    const everyBlock = (at: number, first: number, mm = g.mm): void => {
      for (let i = first * PS; i < R1M; i += CB) g.write(at + i, mm);
    };
    const p = g.anon(BASE, R1M);
    step(g, p, R1M, "parent_w_seq", () => g.wSeq(p, R1M));
    g.begin(p, R1M);
    const child = harness.fork(g.mm);
    g.end("parent_after_fork");
    g.begin(p, R1M, child);
    g.end("child_initial", child);
    g.begin(p, R1M, child);
    g.rSeq(p, R1M, child);
    g.end("child_r_seq", child);
    g.begin(p, R1M, child);
    everyBlock(p, 5, child);
    g.end("child_w_page5_of_blocks", child);
    g.begin(p, R1M, child);
    g.wSeq(p, CB, child);
    g.end("child_w_all_block0", child);
    step(g, p, R1M, "parent_after_child_writes", () => undefined);
    step(g, p, R1M, "parent_w_page6_child_alive", () => everyBlock(p, 6));
    step(g, p, R1M, "parent_after_child_exit", () => harness.exit(child));
    step(g, p, R1M, "parent_w_page5_after_exit", () => everyBlock(p, 5));
    step(g, p, R1M, "parent_w_seq_after_exit", () => g.wSeq(p, R1M));
    const q = g.anon(BASE + 0x10000000, R1M);
    g.wSeq(q, R1M);
    step(g, q, R1M, "q_after_fork_and_exit", () => harness.exit(harness.fork(g.mm)));
    step(g, q, R1M, "q_parent_w_seq", () => g.wSeq(q, R1M));
  },
};

/**
 * What a replay without the rest of the program can reproduce: everything in the window. minflt covers the whole process, and the
 * counters of the system the memory that fork shares besides the window.
 */
function windowOnly(record: GoldenRecord): GoldenRecord {
  const { smaps: _smaps, mthp, vmstat, ...rest } = record;
  const counters = record.prog === "fork_cow" || mthp === undefined || vmstat === undefined ? {} : { mthp, vmstat };
  return { ...rest, ...counters, minflt: 0, majflt: 0 };
}

for (const file of FILES) {
  describe(`anonymous memory as recorded on ${file}`, () => {
    const records = loadGolden(file);
    for (const [name, program] of Object.entries(PROGRAMS)) {
      const configurations = [...new Set(records.filter(({ prog }) => prog === name).map(({ cfg }) => cfg))];
      for (const cfg of configurations) {
        it(`${name} ${cfg}`, () => {
          const g = new GtProgram(file, name, cfg);
          program(g);
          for (const model of g.records) {
            const real = records.find((record) => record.prog === name && record.cfg === cfg && record.step === model.step);
            expect(real, `recording of ${model.step}`).to.not.equal(undefined);
            const difference = firstDifference(windowOnly(real!), windowOnly(model));
            if (difference !== undefined) expect(difference.model, `${model.step}: ${difference.field}`).to.deep.equal(difference.real);
          }
          g.harness.close();
        });
      }
    }
  });
}
