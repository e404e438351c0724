/** System V message queues as programs see them. */
import { CHECK, expectLikeHost } from "../../support/namespace.js";

const HEAD = `${CHECK}#include <fcntl.h>
#include <sys/ipc.h>
#include <sys/msg.h>
static struct { long type; char text[9000]; } m; static int q;
static long put(long type, const char *text, int flags) { m.type = type; strcpy(m.text, text); return msgsnd(q, &m, strlen(text), flags); }
static long get(long type, int most, int flags) { memset(&m, 0, sizeof m); return msgrcv(q, &m, most, type, flags); }
/* Until the parent, which is about to wait, sleeps: on a busy host that may take long. */
static void untilParentSleeps(void) { char path[40], line[400]; long n; sprintf(path, "/proc/%d/stat", getppid()); do { usleep(1000); int f = open(path, O_RDONLY); n = read(f, line, sizeof line - 1); close(f); line[n < 0 ? 0 : n] = 0; } while (n <= 0 || strrchr(line, ')')[2] != 'S'); }
`;

describe("System V message queues", () => {
  it("keep order and types, refuse what is too long, wait", () => {
    expectLikeHost(
      "msg",
      `${HEAD}int main(void) { struct msqid_ds d; q = msgget(IPC_PRIVATE, 0600); CHECK(q >= 0); CHECK(put(2, "two", 0)); CHECK(put(1, "one", 0)); CHECK(put(3, "three", 0)); CHECK(put(1, "uno", 0)); CHECK(put(0, "x", 0)); CHECK(msgsnd(q, &m, 8193, 0)); CHECK(get(1, 100, 0)); puts(m.text); CHECK(get(-2, 100, 0)); puts(m.text); CHECK(get(3, 2, 0)); CHECK(get(3, 2, MSG_NOERROR)); puts(m.text); CHECK(get(5, 100, IPC_NOWAIT)); CHECK(get(3, 100, MSG_EXCEPT)); printf("%ld %s\\n", m.type, m.text); CHECK(get(0, 100, IPC_NOWAIT));
        memset(m.text, 'x', 8192); m.type = 1; CHECK(msgsnd(q, &m, 8192, 0)); CHECK(msgsnd(q, &m, 8192, 0)); CHECK(msgsnd(q, &m, 1, IPC_NOWAIT)); msgctl(q, IPC_STAT, &d); printf("%ld %ld %ld\\n", (long)d.msg_qnum, (long)d.__msg_cbytes, (long)d.msg_qbytes); if (fork() == 0) { usleep(10000); get(0, 9000, 0); get(0, 9000, 0); _exit(0); } CHECK(put(4, "last", 0)); wait(0); CHECK(get(4, 100, 0)); if (fork() == 0) { usleep(10000); put(7, "from a child", 0); _exit(0); } CHECK(get(7, 100, 0)); puts(m.text); wait(0); if (fork() == 0) { untilParentSleeps(); _exit(msgctl(q, IPC_RMID, 0)); } CHECK(get(7, 100, 0)); int status; wait(&status); CHECK(status); CHECK(put(1, "x", 0)); CHECK(msgget(0x5eed03, 0)); return 0; }`,
    );
  });
});
