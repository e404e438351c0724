/**
 * Memory types: what one attribute byte of MAIR_EL1 stands for.
 *
 * Arm: DDI 0487 D24.2, MAIR_EL1, the encoding of Attr<n>.
 */

export interface MemoryType {
  readonly kind: "normal" | "device" | "reserved";
  /** As the Arm ARM writes it. */
  readonly text: string;
}

/** Attribute byte `index` (0 to 7) of a MAIR_EL1 value. */
export function mairAttribute(mair: bigint, index: number): number {
  return Number((mair >> BigInt(8 * index)) & 0xffn);
}

const DEVICE = ["nGnRnE", "nGnRE", "nGRE", "GRE"] as const;

/** Policy of one half of a Normal attribute byte: 0000 is not Normal. */
function cachePolicy(half: number): string {
  if (half === 0b0100) return "Non-cacheable";
  const hints = [(half & 2) !== 0 ? "Read-Allocate" : "", (half & 1) !== 0 ? "Write-Allocate" : ""].filter((hint) => hint !== "").join(" ");
  const write = (half & 4) !== 0 ? "Write-Back" : "Write-Through";
  const transient = half < 8 ? " Transient" : "";
  return `${write}${transient}${hints === "" ? " no allocation" : ` ${hints}`}`;
}

/** What an attribute byte means. */
export function memoryType(attribute: number): MemoryType {
  const outer = attribute >> 4;
  const inner = attribute & 0xf;
  if (outer === 0) {
    if ((inner & 2) !== 0) return { kind: "reserved", text: `0x${attribute.toString(16).padStart(2, "0")}: UNPREDICTABLE` };
    return { kind: "device", text: `Device-${DEVICE[inner >> 2]!}${(inner & 1) !== 0 ? ", XS = 0 (FEAT_XS)" : ""}` };
  }
  if (inner === 0) {
    if (attribute === 0x40) return { kind: "normal", text: "Normal, Inner Non-cacheable, Outer Non-cacheable, XS = 0 (FEAT_XS)" };
    if (attribute === 0xa0) return { kind: "normal", text: "Normal, Write-Through, XS = 0 (FEAT_XS)" };
    if (attribute === 0xf0) return { kind: "normal", text: "Tagged Normal, Write-Back Read-Allocate Write-Allocate (FEAT_MTE2)" };
    return { kind: "reserved", text: `0x${attribute.toString(16)}: UNPREDICTABLE` };
  }
  if (outer === inner) return { kind: "normal", text: `Normal, ${cachePolicy(inner)}` };
  return { kind: "normal", text: `Normal, Inner ${cachePolicy(inner)}, Outer ${cachePolicy(outer)}` };
}

const NAMES: readonly (readonly [string, number])[] = [
  ["normal", 0xff],
  ["tagged", 0xf0],
  ["nc", 0x44],
  ["device-ngnrne", 0x00],
  ["device-ngnre", 0x04],
  ["device-ngre", 0x08],
  ["device-gre", 0x0c],
];

/** Names of memory types that `attributeIndex` knows. */
export const MEMORY_TYPE_NAMES: readonly string[] = NAMES.map(([name]) => name);

/** The first index of `mair` that holds the memory type of this name, undefined if there is none. */
export function attributeIndex(mair: bigint, name: string): number | undefined {
  const byte = NAMES.find(([known]) => known === name.toLowerCase())?.[1];
  if (byte === undefined) return undefined;
  for (let index = 0; index < 8; index++) if (mairAttribute(mair, index) === byte) return index;
  return undefined;
}
