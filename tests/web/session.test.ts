/** The session behind the page: steps, pictures of tables and TLBs. */
import { readFileSync } from "node:fs";
import { expect } from "chai";
import { ConfigError } from "../../emulator/arch/errors.js";
import { ENGINES } from "../../lab/engines.js";
import { Session, type Choices } from "../../web/session.js";
import { guestProgram } from "../support/guest.js";

const MIB = 2 ** 20;
const CHOICES: Choices = { pageSize: "4k", folioBytes: 65536, contpte: true, core: "neoverse-n1", memory: 256 * MIB };

function open(program: string, args: readonly string[], choices: Partial<Choices> = {}): Session {
  return new Session({ ...CHOICES, ...choices }, { name: program, bytes: readFileSync(guestProgram(program)), args }, ENGINES.unicorn);
}

describe("a session", () => {
  it("stops behind each fault and says what it was", () => {
    const session = open("touch", ["4m"]);
    const before = session.snapshot().faults;
    for (let i = 1; i <= 3; i++) {
      const { faults, lastFault, ended, window } = session.step(1, Infinity);
      expect(faults).to.equal(before + i);
      expect(lastFault?.number).to.equal(faults);
      expect(ended).to.equal(undefined);
      const { address } = lastFault!;
      expect(window!.start).to.be.at.most(address);
      expect(window!.cells[Math.floor((address - window!.start) / 4096)]!.present).to.equal(true);
    }
    expect(session.close()).to.equal(0);
  });

  it("runs to the end, with the program's output, and keeps the last picture of its memory", () => {
    const session = open("hello", []);
    const { ended, output, areas, stats, instructions } = session.step(1e9, Infinity);
    expect(ended).to.equal("exit status 0");
    expect(output).to.match(/hello/i);
    expect(areas.some(({ name }) => name === "[stack]")).to.equal(true);
    expect(instructions).to.be.greaterThan(1000);
    expect(stats.walks).to.be.greaterThan(5);
    expect(session.step(1, Infinity).ended).to.equal(ended);
    expect(session.close()).to.equal(0);
  });

  it("shows folios and contiguous blocks as they are made", () => {
    const session = open("touch", ["4m"]);
    let picture = session.step(1, Infinity);
    // The memory that the program touches is served in folios of order 4.
    while (picture.lastFault?.order !== 4) picture = session.step(1, Infinity);
    const { address } = picture.lastFault;
    const first = Math.floor((address - picture.window!.start) / 4096) & ~15;
    const block = picture.window!.cells.slice(first, first + 16);
    expect(block.every(({ cont, folioOrder, dirty }) => cont && folioOrder === 4 && !dirty === !block[0]!.dirty)).to.equal(true);
    expect(new Set(block.map(({ folio }) => folio)).size).to.equal(1);
    expect(picture.contpte.setPtesBlocks).to.be.greaterThan(0);
    const after = session.step(40, Infinity);
    const l1d = after.tlbs.find(({ name }) => name === "L1 data")!;
    expect(l1d.entries.some(({ start, end }) => end - start === 65536)).to.equal(true);
    expect(l1d.entries.length).to.be.at.most(l1d.capacity);
    expect(session.close()).to.equal(0);
  });

  it("without contpte the same folios are mapped by single pages", () => {
    const session = open("touch", ["4m"], { contpte: false });
    const picture = session.step(100, Infinity);
    expect(picture.mapped.contiguous).to.equal(0);
    expect(picture.contpte).to.deep.equal({ fold: 0, unfold: 0, setPtesBlocks: 0 });
    expect(session.close()).to.equal(0);
  });

  it("a step can end by instructions", () => {
    const session = open("spin", []);
    const { ended, instructions } = session.step(1e9, 1_000_000);
    expect(ended).to.equal(undefined);
    expect(instructions).to.equal(1_000_000);
    expect(session.close()).to.equal(0);
  });

  it("refuses what is no program", () => {
    expect(() => new Session(CHOICES, { name: "text", bytes: new TextEncoder().encode("hello"), args: [] }, ENGINES.unicorn)).to.throw(ConfigError, /text/);
  });
});
