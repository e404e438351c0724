/** The account of a slice. */
import { expect } from "chai";
import { blockCost, MAX_SLICE, readAccount, STOP_BITS_SET, type Account } from "../../../../emulator/engine/wasm/account.js";

function read(account: bigint): Account {
  const word = BigInt.asUintN(64, account);
  const into: Account = { left: 0, loads: 0, stores: 0 };
  readAccount(Number(word & 0xffff_ffffn) | 0, Number(word >> 32n) | 0, into);
  return into;
}

describe("account", () => {
  it("blocks pay for their instructions and count their accesses", () => {
    let account = -blockCost(1000, 0, 0);
    account += blockCost(10, 3, 2);
    account += blockCost(7, 0, 1);
    expect(read(account)).to.deep.equal({ left: 983, loads: 3, stores: 3 });
  });

  it("holds the accesses of a whole slice of the greediest instructions", () => {
    let account = -blockCost(MAX_SLICE, 0, 0);
    account += blockCost(MAX_SLICE, 64 * MAX_SLICE, 0);
    expect(read(account)).to.deep.equal({ left: 0, loads: 64 * MAX_SLICE, stores: 0 });
    account += blockCost(0, -64 * MAX_SLICE, 64 * MAX_SLICE);
    expect(read(account)).to.deep.equal({ left: 0, loads: 0, stores: 64 * MAX_SLICE });
  });

  it("is negative when too little is left, and when it is told to stop, and can be read then", () => {
    const spent = -blockCost(5, 0, 0) + blockCost(9, 1, 0);
    expect(BigInt.asIntN(64, spent) < 0n).to.equal(true);
    expect(read(spent)).to.deep.equal({ left: -4, loads: 1, stores: 0 });
    const stopped = BigInt.asIntN(64, -blockCost(500, 0, 0) + blockCost(20, 4, 5)) | STOP_BITS_SET;
    expect(stopped < 0n).to.equal(true);
    expect(read(stopped)).to.deep.equal({ left: 480, loads: 4, stores: 5 });
  });
});
