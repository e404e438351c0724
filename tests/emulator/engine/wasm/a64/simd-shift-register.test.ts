/** Shifts of SIMD elements by a register, against numbers of any size, for all counts and every kind of shift. */
import { expect } from "chai";
import { seededRandom } from "../../../../support/seed.js";
import { runVectors } from "../../../../support/vector-run.js";

const QC = 1 << 27;

/** U, and bits 15:11: SSHL 01000, SQSHL 01001, SRSHL 01010, SQRSHL 01011. Operands V1 and V2, destination V0, 128 bits. */
const word = (U: number, opcode: number, size: number): number => (0x4e22_0420 | (U << 29) | (size << 22) | (opcode << 11)) >>> 0;

function exact(value: bigint, count: bigint, bits: number, signed: boolean, rounding: boolean, saturating: boolean): { value: bigint; saturated: boolean } {
  const number = signed ? BigInt.asIntN(bits, value) : value;
  const shifted = count >= 0n ? number << count : (number + (rounding ? 1n << (-count - 1n) : 0n)) >> -count;
  const least = signed ? -(1n << BigInt(bits - 1)) : 0n;
  const greatest = (1n << BigInt(signed ? bits - 1 : bits)) - 1n;
  const saturated = saturating && (shifted < least || shifted > greatest);
  return { value: BigInt.asUintN(bits, saturated ? (shifted < least ? least : greatest) : shifted), saturated };
}

describe("SIMD shifts by a register", () => {
  for (const [name, opcode] of [["SHL", 8], ["QSHL", 9], ["RSHL", 10], ["QRSHL", 11]] as const) {
    it(`${name} is exact for elements of every size`, () => {
      const random = seededRandom(opcode);
      for (let size = 0; size < 4; size++) {
        const bits = 8 << size;
        for (const U of [0, 1]) {
          for (let run = 0; run < 12; run++) {
            const values = Array.from({ length: 128 / bits }, () => BigInt.asUintN(bits, (BigInt(random(2 ** 32)) << 32n) | BigInt(random(2 ** 32))) >> BigInt(random(bits)));
            // Most counts near the width, some of all signed bytes; what lies above the byte does not count.
            const counts = values.map(() => BigInt(run % 2 === 0 ? random(256) - 128 : random(2 * bits + 5) - bits - 2));
            const pack = (list: readonly bigint[]): bigint => list.reduceRight((all, value) => (all << BigInt(bits)) | BigInt.asUintN(bits, value), 0n);
            const above = (index: number): bigint => (bits === 8 ? 0n : BigInt(index % 3) << 8n);
            const expected = values.map((value, index) => exact(value, BigInt.asIntN(8, counts[index]!), bits, U === 0, (opcode & 2) !== 0, (opcode & 1) !== 0));
            const result = runVectors([word(U, opcode, size)], { v: { 1: pack(values), 2: pack(counts.map((count, index) => BigInt.asUintN(8, count) | above(index))) } });
            const text = `${values.join()} by ${counts.join()}, U ${U}, ${bits} bits`;
            expect(result.v(0).toString(16), text).to.equal(pack(expected.map(({ value }) => value)).toString(16));
            expect(result.fpsr, text).to.equal(expected.some(({ saturated }) => saturated) ? QC : 0);
          }
        }
      }
    });
  }
});
