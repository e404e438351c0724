/** The line discipline without a machine around it. */
import { expect } from "chai";
import { LineDiscipline, standardTermios } from "../../../kernel-model/fs/n-tty.js";

const bytes = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));
const text = (read: readonly number[] | undefined): string | undefined => (read === undefined ? undefined : String.fromCharCode(...read));

describe("LineDiscipline", () => {
  let signals: number[];
  let tty: LineDiscipline;
  beforeEach(() => {
    signals = [];
    tty = new LineDiscipline((signo) => signals.push(signo));
  });
  /** Clears flags of one word of the settings: 0 input, 1 output, 3 local. */
  const clear = (word: number, flags: number): void => {
    const termios = tty.termios.slice();
    const view = new DataView(termios.buffer);
    view.setUint32(word * 4, view.getUint32(word * 4, true) & ~flags, true);
    tty.setTermios(termios);
  };

  it("starts as a terminal does after login", () => {
    const view = new DataView(standardTermios().buffer);
    expect([view.getUint32(0, true), view.getUint32(4, true), view.getUint32(8, true), view.getUint32(12, true)]).to.deep.equal([0x500, 5, 0xbf, 0x8a3b]);
  });

  it("gives whole lines, edited", () => {
    expect([tty.receive(bytes("ab\x7fc")), tty.hasInput, tty.read(9)]).to.deep.equal([4, false, undefined]);
    tty.receive(bytes("d e\x17f\rnext\n"));
    expect([text(tty.read(99)), text(tty.read(2)), text(tty.read(99))]).to.deep.equal(["acd f\n", "ne", "xt\n"]);
    expect(text(tty.takeOutput(999))).to.equal("ab\b \bcd e\b \bf\r\nnext\r\n");
  });

  it("takes the end of file as a line of its own", () => {
    tty.receive(bytes("part\x04\x04"));
    expect([text(tty.read(99)), text(tty.read(99)), tty.read(99)]).to.deep.equal(["part", "", undefined]);
  });

  it("signals keys, shows them, and drops what was typed", () => {
    tty.receive(bytes("lost\x03\x1c\x1a\n"));
    expect(signals).to.deep.equal([2, 3, 20]);
    expect([text(tty.read(99)), text(tty.takeOutput(99))]).to.deep.equal(["\n", "lost^C^\\^Z\r\n"]);
    tty.receive(bytes("\x16\x03\n"));
    expect([signals.length, text(tty.read(99))]).to.deep.equal([3, "\x03\n"]);
  });

  it("passes bytes when it is raw", () => {
    tty.receive(bytes("typed"));
    clear(3, 0o2 | 0o10 | 0o1);
    clear(0, 0o400);
    expect(text(tty.read(99))).to.equal("typed");
    tty.receive(bytes("\x03\r"));
    expect([text(tty.read(1)), text(tty.read(99)), signals]).to.deep.equal(["\x03", "\r", []]);
    clear(1, 1);
    tty.takeOutput(999);
    tty.write(bytes("x\n"));
    expect(text(tty.takeOutput(99))).to.equal("x\n");
  });

  it("is bounded in both directions", () => {
    clear(3, 0o10);
    expect([tty.receive(new Uint8Array(10_000).fill(97)), tty.write(new Uint8Array(10_000).fill(97)), tty.outputBytes]).to.deep.equal([4096, 4096, 4096]);
  });
});
