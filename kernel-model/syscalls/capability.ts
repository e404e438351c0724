/**
 * capget and capset.
 *
 * Linux: kernel/capability.c, security/commoncap.c cap_capset(). The sets are kept as a program sets them; what the model itself allows
 * follows from the effective user.
 */
import type { Va } from "../../emulator/arch/addr.js";
import { EFAULT, EINVAL, EPERM, ESRCH } from "../errno.js";
import { CStruct } from "../kernel/c-struct.js";
import { capabilitiesOf } from "../kernel/capabilities.js";
import type { Kernel } from "../kernel/kernel.js";
import type { SyscallFamily } from "./abi.js";

const VERSION_1 = 0x19980330;
const VERSION_2 = 0x20071026;
const VERSION_3 = 0x20080522;
/** One struct __user_cap_data_struct: effective, permitted, inheritable. */
const DATA_BYTES = 12;

/** Structures of 32 capabilities that the header's version asks for; -EINVAL, with the version to use written back, or -EFAULT. */
function dataCount(kernel: Kernel, header: Va): number {
  const version = kernel.user.u32(header);
  if (version === undefined) return -EFAULT;
  if (version === VERSION_1) return 1;
  if (version === VERSION_2 || version === VERSION_3) return 2;
  return kernel.user.putU32(header, VERSION_3) ? -EINVAL : -EFAULT;
}

export const CAPABILITY_SYSCALLS: SyscallFamily = {
  capget: (kernel, task, args) => {
    const [header, data] = [args.address(0), args.address(1)];
    const count = dataCount(kernel, header);
    // A null pointer for the data is how programs ask for the version.
    if (data === 0 || count < 0) return data === 0 && (count > 0 || count === -EINVAL) ? 0 : count;
    const pid = kernel.user.i32((header + 4) as Va);
    if (pid === undefined) return -EFAULT;
    if (pid < 0) return -EINVAL;
    const of = pid === 0 ? task : kernel.tasks.get(pid);
    if (of === undefined) return -ESRCH;
    const { effective, permitted, inheritable } = capabilitiesOf(of.credentials);
    const out = new CStruct(count * DATA_BYTES);
    [effective, permitted, inheritable].forEach((set, field) => {
      for (let word = 0; word < count; word++) out.setU32(word * DATA_BYTES + field * 4, Number((set >> BigInt(32 * word)) & 0xffffffffn));
    });
    return kernel.user.put(data, out.bytes) ? 0 : -EFAULT;
  },

  capset: (kernel, task, args) => {
    const header = args.address(0);
    const count = dataCount(kernel, header);
    if (count < 0) return count;
    const pid = kernel.user.i32((header + 4) as Va);
    if (pid === undefined) return -EFAULT;
    if (pid !== 0 && pid !== task.pid) return -EPERM;
    const raw = kernel.user.struct(args.address(1), count * DATA_BYTES);
    if (raw === undefined) return -EFAULT;
    const set = (field: number): bigint => BigInt(raw.u32(field * 4)) | (count === 2 ? BigInt(raw.u32(DATA_BYTES + field * 4)) << 32n : 0n);
    const old = capabilitiesOf(task.credentials);
    const [effective, permitted, inheritable] = [set(0), set(1), set(2)];
    if ((permitted & ~old.permitted) !== 0n || (effective & ~permitted) !== 0n || (inheritable & ~(old.inheritable | old.permitted)) !== 0n) return -EPERM;
    task.credentials = { ...task.credentials, capabilities: { effective, permitted, inheritable } };
    return 0;
  },
};
