/**
 * ESR values of aborts against those that real Linux logged.
 */
import { expect } from "chai";
import { alignmentEsr, cacheMaintenanceAbortEsr, dataAbortEsr, esrClass, esrFault, esrIsInstructionAbort, esrIsWrite, faultStatusCode, instructionAbortEsr, FAULT_KINDS } from "../../../emulator/arch/esr.js";
import type { FaultKind } from "../../../emulator/arch/esr.js";
import type { Level } from "../../../emulator/arch/granule.js";

describe("esr", () => {
  it("gives the values that real Linux logs for aborts", () => {
    // Every value that occurs in the fault logs of the recordings, 4K, 16K and 64K kernels, with and without hardware access flag.
    const logged: [number, number][] = [
      [dataAbortEsr(0, "translation", 3, true), 0x92000047],
      [dataAbortEsr(0, "translation", 3, false), 0x92000007],
      [dataAbortEsr(0, "translation", 2, true), 0x92000046],
      [dataAbortEsr(0, "translation", 2, false), 0x92000006],
      [dataAbortEsr(0, "translation", 1, true), 0x92000045],
      [dataAbortEsr(0, "translation", 1, false), 0x92000005],
      [dataAbortEsr(0, "permission", 3, true), 0x9200004f],
      [dataAbortEsr(0, "permission", 2, true), 0x9200004e],
      [dataAbortEsr(0, "access-flag", 3, false), 0x9200000b],
      [dataAbortEsr(1, "translation", 0, true), 0x96000044],
      [dataAbortEsr(1, "translation", 1, true), 0x96000045],
      [dataAbortEsr(1, "translation", 3, false), 0x96000007],
      [instructionAbortEsr(0, "translation", 3), 0x82000007],
    ];
    for (const [made, seen] of logged) expect(made.toString(16)).to.equal(seen.toString(16));
  });

  it("encodes the other aborts", () => {
    expect(instructionAbortEsr(1, "permission", 3)).to.equal(0x8600000f);
    expect(cacheMaintenanceAbortEsr(0, "translation", 3)).to.equal(0x92000147);
    expect(alignmentEsr(0, false)).to.equal(0x92000021);
    expect(alignmentEsr(0, true)).to.equal(0x92000061);
    expect(dataAbortEsr(0, "external-abort", 2, false)).to.equal(0x92000016);
  });

  it("fault status codes are the architecture's", () => {
    const base: Record<FaultKind, number> = { "address-size": 0x00, translation: 0x04, "access-flag": 0x08, permission: 0x0c, "external-abort": 0x14 };
    for (const kind of FAULT_KINDS) for (const level of [0, 1, 2, 3] as Level[]) expect(faultStatusCode(kind, level)).to.equal(base[kind] + level);
  });

  it("what is encoded can be read back", () => {
    for (const kind of FAULT_KINDS) {
      for (const level of [0, 1, 2, 3] as Level[]) {
        for (const write of [false, true]) {
          const value = dataAbortEsr(0, kind, level, write);
          expect(esrFault(value)).to.deep.equal({ kind, level });
          expect(esrIsWrite(value)).to.equal(write);
          expect(esrIsInstructionAbort(value)).to.equal(false);
          expect(esrClass(value)).to.equal(0x24);
        }
        expect(esrIsInstructionAbort(instructionAbortEsr(0, kind, level))).to.equal(true);
      }
    }
    expect(esrFault(0x92000021), "alignment").to.equal(undefined);
    expect(esrFault(0x92000030), "TLB conflict").to.equal(undefined);
  });
});
