/**
 * struct rusage.
 *
 * Linux: kernel/sys.c getrusage(), include/uapi/linux/resource.h. All time is user time: the model's kernel takes none.
 */
import { CStruct } from "../kernel/c-struct.js";
import type { ResourceUse } from "../kernel/task.js";

const RUSAGE_BYTES = 144;

export function encodeRusage(use: ResourceUse, pageSize: number): Uint8Array {
  const seconds = Math.floor(use.userTime / 1e9);
  const out = new CStruct(RUSAGE_BYTES);
  out.setU64(0, seconds).setU64(8, Math.floor((use.userTime - seconds * 1e9) / 1000));
  out.setU64(32, (use.maxRss * pageSize) / 1024);
  out.setU64(64, use.minFlt).setU64(72, use.majFlt);
  out.setU64(128, use.voluntarySwitches).setU64(136, use.involuntarySwitches);
  return out.bytes;
}
