/** Identifiers of mapping objects. */
import { expect } from "chai";
import type { AddressSpace } from "../../../kernel-model/fs/file.js";
import type { AnonVma } from "../../../kernel-model/mm/anon-vma.js";
import { createMappings } from "../../../kernel-model/mm/mappings.js";

const anonVma = (id: number): AnonVma => ({ id, vmas: new Set() }) as unknown as AnonVma;
const file = (): AddressSpace => ({ inode: {} }) as unknown as AddressSpace;

describe("Mappings", () => {
  it("name objects from 1 up and find them by kind", () => {
    const mappings = createMappings();
    const cache = file();
    expect(mappings.allocate(cache)).to.equal(1);
    const id = mappings.reserve();
    const anon = anonVma(id);
    mappings.put(id, anon);
    expect([mappings.addressSpace(1) === cache, mappings.anonVma(2) === anon]).to.deep.equal([true, true]);
    expect(() => mappings.anonVma(1)).to.throw("names an address_space");
    expect(() => mappings.addressSpace(2)).to.throw("names an anon_vma");
  });

  it("give a released identifier out again, and never one in use", () => {
    const mappings = createMappings();
    const ids = [mappings.allocate(file()), mappings.allocate(file()), mappings.allocate(file())];
    mappings.release(ids[1]!);
    expect(() => mappings.addressSpace(ids[1]!)).to.throw("names nothing");
    expect(() => mappings.release(ids[1]!)).to.throw("names nothing");
    expect([mappings.reserve(), mappings.reserve()]).to.deep.equal([2, 4]);
  });

  it("refuse to put what was not reserved", () => {
    const mappings = createMappings();
    expect(() => mappings.put(1, file())).to.throw("was not reserved");
    expect(() => mappings.put(0, file())).to.throw("was not reserved");
    const id = mappings.allocate(file());
    expect(() => mappings.put(id, file())).to.throw("was not reserved");
  });
});
