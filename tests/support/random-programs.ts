/**
 * Programs with damage: mutated headers and code of a real static program and of small made ones. Each is refused with a reason or runs to
 * some end; nothing is thrown and no frame is lost.
 */
import { readFileSync } from "node:fs";
import { expect } from "chai";
import { NotModelled } from "../../emulator/arch/errors.js";
import { SeededRandom } from "../../kernel-model/kernel/random.js";
import { ET_DYN, ET_EXEC, R, W, X, buildElf, code, exitCode } from "./elf-builder.js";
import { compileC } from "./guest.js";
import { createTestMachine } from "./kernel-machine.js";

const HEADERS_BYTES = 64 + 8 * 56;
const WIDE = [0n, 1n, 0xfffn, 0x1000n, 0xffffn, 0x10000n, 0x400000n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 47n, 2n ** 48n - 0x1000n, 2n ** 48n, 2n ** 63n, 2n ** 64n - 1n];

function damage(original: Uint8Array, random: SeededRandom): Uint8Array {
  const file = original.slice(0, random.below(8) === 0 ? random.below(original.length) : original.length);
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const changes = 1 + random.below(6);
  for (let i = 0; i < changes && file.length > HEADERS_BYTES; i++) {
    const kind = random.below(4);
    if (kind === 0) file[random.below(HEADERS_BYTES)] = random.below(256);
    else if (kind === 1) view.setBigUint64(64 + random.below(8 * 7) * 8, WIDE[random.below(WIDE.length)]!, true);
    else if (kind === 2) view.setUint32(random.below(16) * 4 + 16, random.next(), true);
    else view.setUint32(random.below(Math.floor(file.length / 4)) * 4, random.next(), true);
  }
  return file;
}

/** Run damaged programs of seeds [from, to); how many were refused and how many started. */
export function runRandomPrograms(from: number, to: number): { readonly refused: number; readonly started: number } {
  const real = readFileSync(compileC("random-programs", `#include <stdio.h>\nint main(void){puts("sound");return 0;}`));
  const text = { vaddr: 0x401000, bytes: code(...exitCode(0)), flags: R | X };
  const small = (type: number) => buildElf({ type, entry: 0x401000, segments: [text, { vaddr: 0x420000, bytes: new Uint8Array(5000), flags: R | W, memsz: 9000 }] });
  const originals = [real, small(ET_EXEC), small(ET_DYN)];
  let refused = 0;
  let started = 0;
  for (let seed = from; seed < to; seed++) {
    const random = new SeededRandom(seed, 9);
    const granule = (["4k", "16k", "64k"] as const)[random.below(3)]!;
    const machine = createTestMachine({ granule, memoryBytes: 16 * 2 ** 20, files: { "/p": damage(originals[random.below(originals.length)]!, random) } });
    try {
      const result = machine.kernel.spawn("/p", ["p"], ["E=1"]);
      if (typeof result === "number") {
        started++;
        machine.kernel.run({ instructions: 200_000 });
      } else {
        refused++;
        expect(result.reason, `seed ${seed}`).to.match(/^[a-z].*[^.\n]$/);
      }
    } catch (error) {
      if (!(error instanceof NotModelled)) throw new Error(`random program, seed ${seed}`, { cause: error });
    }
    expect(machine.shutdown(), `frames leaked by seed ${seed}`).to.equal(0);
  }
  return { refused, started };
}
