/**
 * /proc/PID/mem, and reading of arguments and environment: memory of any process, page by page.
 *
 * Linux: fs/proc/base.c mem_rw(), mm/memory.c __access_remote_vm().
 */
import type { Va } from "../../../emulator/arch/addr.js";
import { EIO } from "../../errno.js";
import { folioPut } from "../../mm/folio.js";
import { getUserPagesRemote } from "../../mm/gup.js";
import type { MmStruct } from "../../mm/mm-struct.js";
import type { Task } from "../../kernel/task.js";
import type { PseudoBinary } from "../pseudo-fs.js";

/**
 * Copy between `bytes` and the memory of `mm` from `address` on, as far as pages can be had. `force`: the protection of areas does not
 * count; a private page is copied before it is written. Returns the bytes moved.
 */
export function accessRemoteVm(mm: MmStruct, address: Va, bytes: Uint8Array, { write, force = true }: { readonly write: boolean; readonly force?: boolean }): number {
  const { sys } = mm;
  const { pageSize } = sys.granule;
  let done = 0;
  while (done < bytes.length) {
    const at = address + done;
    const within = at % pageSize;
    const count = Math.min(bytes.length - done, pageSize - within);
    if (at >= mm.taskSize) break;
    const page = getUserPagesRemote(mm, at as Va, { write, force });
    if (page < 0) break;
    const frame = page * pageSize + within;
    const memory = sys.memory.u8.subarray(frame, frame + count);
    if (write) {
      memory.set(bytes.subarray(done, done + count));
      sys.frameWritten(page);
    } else bytes.set(memory, done);
    folioPut(sys, sys.pages.head(page));
    done += count;
  }
  return done;
}

/** The bytes from `start` on that can be read, at most `length`. */
export function readRemoteVm(mm: MmStruct, start: Va, length: number): Uint8Array {
  const bytes = new Uint8Array(Math.max(0, length));
  return bytes.subarray(0, accessRemoteVm(mm, start, bytes, { write: false }));
}

/** /proc/PID/mem. The position is the address. */
export function memFile(task: Task): PseudoBinary {
  const transfer = (bytes: Uint8Array, address: number, write: boolean): number => {
    const { mm } = task;
    if (mm === undefined || bytes.length === 0) return 0;
    const count = accessRemoteVm(mm, address as Va, bytes, { write });
    return count === 0 ? -EIO : count;
  };
  return {
    kind: "binary",
    mode: 0o600,
    readAt: (_file, into, offset) => transfer(into, offset, false),
    writeAt: (_file, from, offset) => transfer(from, offset, true),
  };
}
