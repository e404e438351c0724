/**
 * Pointer authentication outside of the hint space, as on a core that has it while the kernel has enabled no key: addresses pass unchanged.
 *
 * HWCAP does not offer it. PACGA, which needs no enabled key, traps to a hypervisor in the reference engine: undefined. XPACI and XPACD do
 * nothing there although they would strip. Arm: DDI 0487 D8.10.
 */
import { encoding, type Encoding } from "../decode/encoding.js";
import { toRegister } from "./branches.js";
import { access } from "./loads-stores.js";
import { localXSp, signed } from "./operands.js";

function nothing(): void {
  // No key is enabled.
}

const SOURCE1 = "1 1 0 11010110 00001";
const BRANCH = "1101011";

export const POINTER_AUTHENTICATION: readonly Encoding[] = [
  encoding("PACIA to AUTDB", `${SOURCE1} 000 opcode:3 Rn:5 Rd:5`, nothing),
  encoding("PACIZA to AUTDZB", `${SOURCE1} 001 opcode:3 11111 Rd:5`, nothing),
  encoding("XPACI, XPACD", `${SOURCE1} 01000 D:1 11111 Rd:5`, nothing),
  encoding("BRAAZ, BRABZ", `${BRANCH} 0000 11111 00001 M:1 Rn:5 11111`, (t, { Rn }) => {
    toRegister(t, Rn, false);
  }),
  encoding("BLRAAZ, BLRABZ", `${BRANCH} 0001 11111 00001 M:1 Rn:5 11111`, (t, { Rn }) => {
    toRegister(t, Rn, true);
  }),
  encoding("RETAA, RETAB", `${BRANCH} 0010 11111 00001 M:1 11111 11111`, (t) => {
    toRegister(t, 30, false);
  }),
  encoding("BRAA, BRAB", `${BRANCH} 1000 11111 00001 M:1 Rn:5 Rm:5`, (t, { Rn }) => {
    toRegister(t, Rn, false);
  }),
  encoding("BLRAA, BLRAB", `${BRANCH} 1001 11111 00001 M:1 Rn:5 Rm:5`, (t, { Rn }) => {
    toRegister(t, Rn, true);
  }),
  encoding("LDRAA, LDRAB", "11 111 0 00 M:1 S:1 1 imm9:9 W:1 1 Rn:5 Rt:5", (t, { S, imm9, W, Rn, Rt }) => {
    const offset = 8 * signed((S << 9) | imm9, 10);
    if (W === 1) access(t, 3, 1, localXSp(t, Rn), offset, Rt, Rn, offset);
    else access(t, 3, 1, localXSp(t, Rn), offset, Rt, Rn);
  }),
];
