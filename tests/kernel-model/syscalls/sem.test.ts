/** System V semaphores as programs see them. */
import { CHECK, expectLikeHost } from "../../support/namespace.js";

const HEAD = `${CHECK}#include <sys/ipc.h>
#include <sys/sem.h>
#include <time.h>
union semun { int val; struct semid_ds *buf; unsigned short *array; };
static int id; static int op(int n, int by, int flags) { struct sembuf b = {n, by, flags}; return semop(id, &b, 1); }
static int val(int n) { return semctl(id, n, GETVAL); }
/* Until someone waits: on a busy host that may take long. */
static void until(int n, int who) { while (semctl(id, n, who) == 0) usleep(1000); }
`;

describe("System V semaphores", () => {
  it("count, wait, do several operations or none", () => {
    expectLikeHost(
      "sem",
      `${HEAD}int main(void) { int status = -1; unsigned short all[3] = {1, 2, 3}; union semun a; id = semget(IPC_PRIVATE, 3, 0600); CHECK(id >= 0); a.array = all; CHECK(semctl(id, 0, SETALL, a)); CHECK(val(2)); CHECK(op(2, -2, 0)); CHECK(val(2)); CHECK(op(2, -2, IPC_NOWAIT)); struct sembuf two[2] = {{0, -1, 0}, {1, -5, IPC_NOWAIT}}; CHECK(semop(id, two, 2)); CHECK(val(0)); struct sembuf same[3] = {{0, 3, 0}, {0, -4, 0}, {0, 0, 0}}; CHECK(semop(id, same, 3)); CHECK(val(0)); CHECK(op(3, 1, 0)); CHECK(semop(id, two, 0)); CHECK(op(0, 32767, 0)); CHECK(op(0, 1, 0)); a.val = 40000; CHECK(semctl(id, 0, SETVAL, a)); a.val = 0; CHECK(semctl(id, 0, SETVAL, a)); CHECK(semctl(id, 9, GETVAL));
        if (fork() == 0) { until(0, GETNCNT); CHECK(semctl(id, 0, GETNCNT)); op(0, 2, 0); _exit(0); } CHECK(op(0, -2, 0)); wait(0); CHECK(semctl(id, 0, GETPID) == getpid()); struct timespec t = {0, 1000000}; struct sembuf one = {0, -1, 0}; CHECK(semtimedop(id, &one, 1, &t)); if (fork() == 0) { until(1, GETZCNT); a.val = 0; CHECK(semctl(id, 1, GETZCNT)); semctl(id, 1, SETVAL, a); _exit(0); } CHECK(op(1, 0, 0)); wait(0); if (fork() == 0) { until(0, GETNCNT); _exit(semctl(id, 0, IPC_RMID)); } CHECK(op(0, -1, 0)); CHECK(wait(&status) > 0 && status == 0); CHECK(val(0)); return 0; }`,
    );
  });

  it("operations with SEM_UNDO are undone when their process ends", () => {
    expectLikeHost(
      "sem-undo",
      `${HEAD}int main(void) { union semun a; id = semget(IPC_PRIVATE, 2, 0600); a.val = 1; semctl(id, 0, SETVAL, a); if (fork() == 0) { op(0, -1, SEM_UNDO); op(1, 4, SEM_UNDO); op(1, -1, SEM_UNDO); printf("%d %d\\n", val(0), val(1)); kill(getpid(), SIGKILL); } CHECK(wait(0) > 0); CHECK(val(0)); CHECK(val(1)); if (fork() == 0) { op(0, -1, SEM_UNDO); a.val = 7; semctl(id, 0, SETVAL, a); _exit(0); } wait(0); CHECK(val(0)); semctl(id, 0, IPC_RMID); return 0; }`,
    );
  });
});
