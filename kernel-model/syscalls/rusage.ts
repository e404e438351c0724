/**
 * struct rusage.
 *
 * Linux: kernel/sys.c getrusage(), include/uapi/linux/resource.h.
 */
import { CStruct } from "../kernel/c-struct.js";
import type { ResourceUse } from "../kernel/task.js";

const RUSAGE_BYTES = 144;

export function encodeRusage(use: ResourceUse, pageSize: number): Uint8Array {
  const out = new CStruct(RUSAGE_BYTES);
  [use.userTime, use.systemTime].forEach((time, i) => {
    const seconds = Math.floor(time / 1e9);
    out.setU64(16 * i, seconds).setU64(16 * i + 8, Math.floor((time - seconds * 1e9) / 1000));
  });
  out.setU64(32, (use.maxRss * pageSize) / 1024);
  out.setU64(64, use.minFlt).setU64(72, use.majFlt);
  out.setU64(128, use.voluntarySwitches).setU64(136, use.involuntarySwitches);
  return out.bytes;
}
