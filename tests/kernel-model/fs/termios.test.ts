/** Settings of a terminal in the forms of the ABI; pty.test.ts compares them with the host's. */
import { expect } from "chai";
import { decodeTermios, encodeTermios, termiosCommand } from "../../../kernel-model/fs/termios.js";

const record = Uint8Array.from({ length: 44 }, (_, i) => i + 1);
const words = (bytes: Uint8Array): number[] => [...new Uint32Array(bytes.slice().buffer)];

describe("termios", () => {
  it("twelve ioctls: four of each form", () => {
    const known = [0x5401, 0x5402, 0x5403, 0x5404, 0x5405, 0x5406, 0x5407, 0x5408, 0x802c542a, 0x402c542b, 0x402c542c, 0x402c542d].map((command) => termiosCommand(command)!);
    expect(known.map(({ size }) => size)).to.deep.equal([36, 36, 36, 36, 18, 18, 18, 18, 44, 44, 44, 44]);
    expect(known.map(({ sets, flushes }) => (flushes ? "F" : sets ? "S" : "G")).join("")).to.equal("GSSFGSSFGSSF");
    expect([0x5400, 0x5409, 0x402c542e].map(termiosCommand)).to.deep.equal([undefined, undefined, undefined]);
  });

  it("termios is the front of termios2; termio has 16 bits of each word and eight characters", () => {
    expect([...encodeTermios("termios", record)]).to.deep.equal([...record.subarray(0, 36)]);
    expect([...encodeTermios("termios2", record)]).to.deep.equal([...record]);
    expect([...encodeTermios("termio", record)]).to.deep.equal([1, 2, 5, 6, 9, 10, 13, 14, 17, 18, 19, 20, 21, 22, 23, 24, 25, 0]);
  });

  it("what a form has not stays", () => {
    const after = decodeTermios("termio", new Uint8Array(18), record);
    expect([...after.subarray(0, 28)]).to.deep.equal([0, 0, 3, 4, 0, 0, 7, 8, 0, 0, 11, 12, 0, 0, 15, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 26, 27, 28]);
  });

  it("speeds follow from their codes, but for the code that leaves them to termios2", () => {
    const speeds = (cflag: number, ispeed = 7, ospeed = 8): number[] => {
      const bytes = new Uint8Array(44);
      new Uint32Array(bytes.buffer).set([0, 0, cflag], 0);
      new Uint32Array(bytes.buffer).set([ispeed, ospeed], 9);
      return words(decodeTermios("termios2", bytes, record)).slice(9);
    };
    expect(speeds(0o17)).to.deep.equal([38400, 38400]);
    expect(speeds(0o10017)).to.deep.equal([4000000, 4000000]);
    expect(speeds(0o10002)).to.deep.equal([115200, 115200]);
    expect(speeds(0o10000)).to.deep.equal([8, 8]);
    expect(speeds(0o10000 | (0o15 * 65536))).to.deep.equal([9600, 8]);
    expect(speeds(0o15 | (0o10000 * 65536))).to.deep.equal([7, 9600]);
  });
});
