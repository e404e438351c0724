/** System V shared memory as programs see it. */
import { expect } from "chai";
import { CHECK, expectLikeHost, runSourceInMachine } from "../../support/namespace.js";

const HEAD = `${CHECK}#include <sys/ipc.h>
#include <sys/shm.h>
static struct shmid_ds d; static long attached(int id) { return shmctl(id, IPC_STAT, &d) ? -1 : (long)d.shm_nattch; }
`;

describe("System V shared memory", () => {
  it("is shared with children and by key, and goes with its last attachment", () => {
    expectLikeHost(
      "shm",
      `${HEAD}int main(void) { int id = shmget(0x5eed01, 10000, IPC_CREAT | IPC_EXCL | 0600); CHECK(id >= 0); char *p = shmat(id, 0, 0), *q = shmat(id, 0, SHM_RDONLY); CHECK(p != (void *)-1 && q != (void *)-1 && p != q); strcpy(p + 5000, "written"); puts(q + 5000); CHECK(attached(id)); if (fork() == 0) { strcpy(p, "child"); printf("%ld\\n", attached(id)); _exit(0); } wait(0); puts(q); CHECK(shmget(0x5eed01, 10000, 0) == id); CHECK(shmget(0x5eed01, 20000, 0)); CHECK(shmget(0x5eed01, 1, IPC_CREAT | IPC_EXCL)); CHECK(shmget(0x5eed02, 1, 0)); CHECK(shmget(0x5eed02, 0, IPC_CREAT)); CHECK(shmdt(q)); CHECK(attached(id)); CHECK(shmdt(q)); CHECK(shmctl(id, IPC_RMID, 0)); CHECK(shmget(0x5eed01, 1, 0)); puts(p); CHECK(attached(id)); CHECK(shmdt(p)); CHECK(attached(id)); CHECK((long)shmat(id, 0, 0)); CHECK((long)shmat(-1, 0, 0)); return 0; }`,
    );
  });

  it("attaches at addresses, shows in maps, refuses what does not fit", () => {
    const { stdout } = runSourceInMachine(
      "shm-places",
      `${HEAD}int main(void) { int id = shmget(IPC_PRIVATE, 12288, 0600); char *at = (char *)0x500000000, line[200]; CHECK(shmat(id, at + 1, 0)); CHECK(shmat(id, at + 1, SHM_RND) == at); CHECK(shmat(id, at, 0)); CHECK(shmat(id, at, SHM_REMAP) == at); CHECK(attached(id)); FILE *f = fopen("/proc/self/maps", "r"); while (fgets(line, 200, f)) if (strstr(line, "SYSV")) printf("%s%s", strncmp(line, "500000000-500003000 rw-s", 24) ? "?" : "", strstr(line, "/SYSV")); mprotect(at + 4096, 4096, PROT_READ); CHECK(attached(id)); CHECK(shmdt(at)); CHECK(attached(id)); printf("%ld %d %o\\n", (long)d.shm_segsz, d.shm_cpid == getpid(), d.shm_perm.mode); struct shm_info i; CHECK(shmctl(0, SHM_INFO, (void *)&i)); printf("%d %ld %ld\\n", i.used_ids, i.shm_tot, i.shm_rss); d.shm_perm.mode = 0400; CHECK(shmctl(id, IPC_SET, &d)); CHECK(shmctl(id, SHM_STAT, &d) == id); printf("%o\\n", d.shm_perm.mode);
        if (fork() == 0) { setuid(7); CHECK((long)shmat(id, 0, 0)); CHECK(shmctl(id, IPC_RMID, 0)); _exit(0); } wait(0); CHECK(shmctl(id, 99, 0)); CHECK(shmctl(id + 32768, IPC_STAT, &d)); char *last = shmat(id, 0, 0); *last = 1; return 0; }`,
    );
    expect(stdout.split("\n").map((line) => line.replace(/^.* = /, ""))).to.deep.equal(
      "-1 EINVAL|1 |-1 EINVAL|1 |1 |/SYSV00000000 (deleted)|3 |0 |0 |12288 1 600|0 |1 3 0|0 |1 |400|-1 EACCES|-1 EPERM|-1 EINVAL|-1 EIDRM|".split("|"),
    );
  });
});
