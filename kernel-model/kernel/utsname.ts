/**
 * Name and version of the kernel that the guest sees.
 *
 * Linux: include/linux/uts.h, init/version.c linux_banner.
 */
export const UTS_SYSNAME = "Linux";
export const UTS_RELEASE = "6.12.107";
export const UTS_VERSION = "#1 SMP foliolab";
export const UTS_MACHINE = "aarch64";
