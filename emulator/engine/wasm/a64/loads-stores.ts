/** Loads and stores of general registers. Arm: DDI 0487 C4.1.94. */
import { TYPE_I64 } from "../binary/opcodes.js";
import { encoding, type Encoding } from "../decode/encoding.js";

export const LOADS_STORES: readonly Encoding[] = [
  encoding("LDR (unsigned offset)", "size:2 111 0 01 01 imm12:12 Rn:5 Rt:5", (t, { size, imm12, Rn, Rt }) => {
    const address = t.temp(TYPE_I64);
    const bytes = ([1, 2, 4, 8] as const)[size]!;
    t.getXSp(Rn);
    t.code.set(address);
    t.load(bytes, address, imm12 * bytes);
    t.setX(Rt);
  }),
];
