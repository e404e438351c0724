/** Capability sets as functions of ids. */
import { expect } from "chai";
import { afterUidChange, capabilitiesOf, withoutCapabilities } from "../../../kernel-model/kernel/capabilities.js";
import { ROOT_CREDENTIALS } from "../../../kernel-model/kernel/task.js";

const FULL = 0x1ffffffffffn;
const user = { ...ROOT_CREDENTIALS, uid: 5, euid: 5, suid: 5 };

describe("capabilities", () => {
  it("root has all, others none, and who can become root again may have them", () => {
    expect(capabilitiesOf(ROOT_CREDENTIALS)).to.deep.equal({ effective: FULL, permitted: FULL, inheritable: 0n });
    expect(capabilitiesOf(user)).to.deep.equal({ effective: 0n, permitted: 0n, inheritable: 0n });
    expect(capabilitiesOf({ ...user, suid: 0 })).to.deep.equal({ effective: 0n, permitted: FULL, inheritable: 0n });
  });

  it("are dropped with the last root id, and kept on request but not in effect", () => {
    expect(capabilitiesOf(afterUidChange(ROOT_CREDENTIALS, user, false)).permitted).to.equal(0n);
    expect(capabilitiesOf(afterUidChange(ROOT_CREDENTIALS, user, true))).to.deep.equal({ effective: 0n, permitted: FULL, inheritable: 0n });
  });

  it("what was set by hand survives until it is taken away", () => {
    const set = { ...ROOT_CREDENTIALS, capabilities: { effective: 1n, permitted: 3n, inheritable: 0n } };
    expect(capabilitiesOf(afterUidChange(set, { ...set, euid: 5 }, false))).to.deep.equal({ effective: 0n, permitted: 3n, inheritable: 0n });
    expect(withoutCapabilities(set)).to.deep.equal(ROOT_CREDENTIALS);
  });
});
