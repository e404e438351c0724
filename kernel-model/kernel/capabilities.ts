/**
 * Capability sets of a process.
 *
 * Linux: security/commoncap.c cap_emulate_setxuid(), include/uapi/linux/capability.h. Differs: beside changes of ids, the effective user decides; the
 * sets are what programs see, and no bounding or ambient set is kept.
 */
import type { Credentials } from "./task.js";

/** Sets of capabilities; bit n is capability n. */
export interface Capabilities {
  readonly effective: bigint;
  readonly permitted: bigint;
  readonly inheritable: bigint;
}

/** CAP_CHECKPOINT_RESTORE: the highest one of Linux 6.12. */
export const CAP_LAST_CAP = 40;
const FULL: Capabilities = { effective: 2n ** 41n - 1n, permitted: 2n ** 41n - 1n, inheritable: 0n };
const NONE: Capabilities = { effective: 0n, permitted: 0n, inheritable: 0n };

/** The sets of a process: as it set them, else all for root and none for others. */
export function capabilitiesOf(credentials: Credentials): Capabilities {
  if (credentials.capabilities !== undefined) return credentials.capabilities;
  if (credentials.euid === 0) return FULL;
  return credentials.uid === 0 || credentials.suid === 0 ? { ...NONE, permitted: FULL.permitted } : NONE;
}

/** The same ids with the sets that go with them. */
export function withoutCapabilities(credentials: Credentials): Credentials {
  const { uid, euid, suid, fsuid, gid, egid, sgid, fsgid, groups } = credentials;
  return { uid, euid, suid, fsuid, gid, egid, sgid, fsgid, groups };
}

/** The credentials `next` with the sets that result from the change of user ids from `old`. `keep`: prctl(PR_SET_KEEPCAPS). */
export function afterUidChange(old: Credentials, next: Credentials, keep: boolean): Credentials {
  const isRoot = ({ uid, euid, suid }: Credentials): boolean => [uid, euid, suid].includes(0);
  let { effective, permitted } = capabilitiesOf(old);
  const { inheritable } = capabilitiesOf(old);
  if (isRoot(old) && !isRoot(next) && !keep) [effective, permitted] = [0n, 0n];
  if (old.euid === 0 && next.euid !== 0) effective = 0n;
  else if (old.euid !== 0 && next.euid === 0) effective = permitted;
  return { ...next, capabilities: { effective, permitted, inheritable } };
}
