/** Ids, keys and permissions of IPC objects. */
import { expect } from "chai";
import { IpcIds, ipcPerms, type IpcObject, type IpcPerm } from "../../../kernel-model/ipc/ids.js";
import { ROOT_CREDENTIALS } from "../../../kernel-model/kernel/task.js";

const make = (perm: IpcPerm): IpcObject => ({ perm });
const user = (euid: number, groups: readonly number[] = []) => ({ ...ROOT_CREDENTIALS, euid, egid: euid, groups });

describe("IpcIds", () => {
  it("gives places in turn, so that an id comes back late", () => {
    const ids = new IpcIds<IpcObject>(1000);
    const first = ids.add(0, 0o600, user(0), make);
    expect([first, ids.add(0, 0o600, user(0), make)]).to.deep.equal([0, 1]);
    ids.remove(ids.get(first) as IpcObject);
    expect(ids.get(first)).to.equal(-22);
    expect(ids.add(0, 0o600, user(0), make)).to.equal(2);
    for (let id = 3; id < 64; id++) ids.remove(ids.get(ids.add(0, 0, user(0), make)) as IpcObject);
    // The next round: place 0 again, another sequence number.
    expect(ids.add(0, 0, user(0), make)).to.equal(32768);
    expect(ids.get(0)).to.equal(-43);
    expect(ids.maxIndex).to.equal(2);
  });

  it("finds objects by key, unless they are to be new", () => {
    const ids = new IpcIds<IpcObject>(2);
    const get = (flag: number, key = 7): number => ids.getOrMake(key, flag, user(5), make, () => 0);
    expect(get(0)).to.equal(-2);
    expect(get(0o1600)).to.equal(0);
    expect(get(0o600)).to.equal(0);
    expect(get(0o3600)).to.equal(-17);
    expect(ids.getOrMake(7, 0o060, user(6), make, () => 0)).to.equal(-13);
    expect(ids.getOrMake(7, 0, user(5), make, () => -22)).to.equal(-22);
    expect([get(0o1600, 0), get(0o1600, 0)]).to.deep.equal([1, -28]);
    expect(ids.owned(0, user(6))).to.equal(-1);
    expect(ids.owned(0, user(0))).to.equal(ids.get(0));
  });

  it("permissions of owner, group and others", () => {
    const perm: IpcPerm = { key: 0, id: 0, seq: 0, cuid: 1, cgid: 2, uid: 3, gid: 4, mode: 0o640, deleted: false };
    const may = (euid: number, flag: number, groups: readonly number[] = []): number => ipcPerms(perm, user(euid, groups), flag);
    expect([may(1, 0o222), may(3, 0o222), may(9, 0o444, [4]), may(9, 0o222, [4]), may(9, 0o444), may(0, 0o666)]).to.deep.equal([0, 0, 0, -13, -13, 0]);
  });
});
