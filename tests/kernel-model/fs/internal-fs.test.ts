/* The kernel's own mounts. */
import { expect } from "chai";
import { createInternalFileSystems } from "../../../kernel-model/fs/internal-fs.js";
import { testSystem } from "../../support/memory-system.js";

describe("internal file systems", () => {
  it("have types, magic numbers and devices of their own", () => {
    const { pipes, sockets, anonInodes } = createInternalFileSystems(testSystem().sys, () => ({ seconds: 0, nanoseconds: 0 }));
    const all = [pipes, sockets, anonInodes];
    expect(all.map((fs) => fs.type)).to.deep.equal(["pipefs", "sockfs", "anon_inodefs"]);
    expect(all.map((fs) => fs.statistics().magic)).to.deep.equal([0x50495045, 0x534f434b, 0x09041934]);
    expect(new Set(all.map((fs) => fs.dev)).size).to.equal(3);
  });
});
