/* ptdump, maps and smaps show the address space at the end of the program, on stdout alone. */
import { expect } from "chai";
import { parseTextDump } from "../../../emulator/validate/dump-format.js";
import { validateDump } from "../../../lab/validate/validate-dump.js";
import { guestProgram } from "../../support/guest.js";
import { foliolab } from "../../support/cli.js";

describe("dumps", function () {
  this.timeout(120_000);
  const touch = (command: string, ...options: string[]): string => {
    const { status, stdout, stderr } = foliolab([command, ...options, "--", guestProgram("touch"), "1m"]);
    expect(stderr).to.equal("");
    expect(status).to.equal(0);
    return stdout;
  };

  it("maps: text, heap, stack and vdso", () => {
    const text = touch("maps");
    expect(text).to.match(/^[0-9a-f]{8,}-[0-9a-f]{8,} r-xp [0-9a-f]{8} \S+ \d+ +\S*touch$/m);
    for (const name of ["[heap]", "[stack]", "[vdso]", "[vvar]"]) expect(text).to.include(name);
  });

  it("smaps: the fields of each area", () => {
    const text = touch("smaps");
    expect(text).to.match(/^Size: +\d+ kB$/m);
    expect(text).to.match(/^Rss: +1024 kB$/m);
    expect(text).to.match(/^VmFlags: rd wr /m);
  });

  it("ptdump: contiguous ranges only with contpte", () => {
    expect(touch("ptdump", "--thp", "64k=always")).to.match(/ PTE pa 0x[0-9a-f]+ USR RW NX SHD AF NG CON /);
    expect(touch("ptdump", "--thp", "64k=always", "--contpte", "off")).to.not.include(" CON ");
  });

  it("ptdump --raw: what validate reads", () => {
    const dump = parseTextDump(touch("ptdump", "--thp", "64k=always", "--raw"), "touch");
    const { totals, counts, oracle } = validateDump(dump, { oracle: true, keep: 3 });
    expect(totals).to.deep.equal({});
    expect(counts.runs[3]).to.be.greaterThan(10);
    expect(oracle!.disagreements).to.deep.equal([]);
  });
});
