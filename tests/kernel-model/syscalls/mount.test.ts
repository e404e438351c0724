/* mount(2) of a tmpfs and umount2(2); split_huge_pages by path. */
import { expect } from "chai";
import { compileC } from "../../support/guest.js";
import { CHECK, runInMachine } from "../../support/namespace.js";

const SOURCE = `${CHECK}#include <errno.h>
#include <sys/mount.h>
#define R(call) ((call) < 0 ? -errno : 0)
int main(void) {
  char text[64] = {}; mkdir("/m", 0755); int fd = open("/m/below", O_CREAT | O_RDWR, 0644); close(fd);
  printf("%d %d %d %d\\n", R(mount("x", "/none", "tmpfs", 0, "")), R(mount("x", "/m", "ext9", 0, "")), R(mount("x", "/m", "tmpfs", MS_BIND, "")), R(mount("x", "/m", "tmpfs", 0, "size=tall")));
  printf("%d %d %d\\n", R(mount("tmpfs", "/m", "tmpfs", 0, "huge=always,size=4m")), R(access("/m/below", F_OK)), R(access("/m/above", F_OK)));
  fd = open("/m/above", O_CREAT | O_RDWR, 0644); printf("%d", (int)write(fd, "hello", 5)); printf(" %d", R(umount("/m")));
  int split = open("/sys/kernel/debug/split_huge_pages", O_WRONLY); printf(" %d %d %d", R(write(split, "/m/above,0x0,0x400", 18)), R(write(split, "/m/none,0x0,0x400", 17)), R(write(split, "77,0x0", 6)));
  pread(fd, text, 5, 0); printf(" %s\\n", text); close(fd);
  chdir("/m"); printf("%d ", R(umount("/m"))); chdir("/"); printf("%d %d %d %d %d\\n", R(umount("/m")), R(access("/m/below", F_OK)), R(umount("/m")), R(umount("/none")), R(umount2("/m", 64)));
  printf("%d %d\\n", R(mount("tmpfs", "/m", "tmpfs", MS_RDONLY, 0)), R(open("/m/x", O_CREAT | O_RDWR, 0644)));
  setuid(1000); printf("%d %d\\n", R(mount("tmpfs", "/m", "tmpfs", 0, "")), R(umount("/m"))); return 0; }`;

describe("mount and umount", () => {
  it("a tmpfs comes and goes with all that is in it", () => {
    const { stdout } = runInMachine(compileC("mount", SOURCE), { instructions: 1e8 });
    expect(stdout.split("\n")).to.deep.equal(["-2 -19 -22 -22", "0 -2 -2", "5 -16 0 -2 -22 hello", "-16 0 0 -22 -2 -22", "0 -30", "-1 -1", ""]);
  });
});
