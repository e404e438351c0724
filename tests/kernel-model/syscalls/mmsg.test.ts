/** Several messages in one call. */
import { CHECK, expectLikeHost } from "../../support/namespace.js";

const HEAD = `#define _GNU_SOURCE
${CHECK}#include <sys/socket.h>
#include <sys/un.h>
#include <netinet/in.h>
#include <arpa/inet.h>
static struct mmsghdr v[4]; static struct iovec io[4]; static char b[4][16];
static void set(int n) { memset(v, 0, sizeof v); for (int i = 0; i < n; i++) { io[i].iov_base = b[i]; io[i].iov_len = 16; v[i].msg_hdr.msg_iov = &io[i]; v[i].msg_hdr.msg_iovlen = 1; } }
static void show(int n) { for (int i = 0; i < n; i++) printf("%d:%.*s ", v[i].msg_len, (int)v[i].msg_len, b[i]); puts(""); }
`;

describe("sendmmsg and recvmmsg", () => {
  it("datagrams in order, short counts, errors", () => {
    expectLikeHost(
      "mmsg",
      `${HEAD}int main(void) { int s[2]; socketpair(AF_UNIX, SOCK_DGRAM, 0, s); set(3); for (int i = 0; i < 3; i++) { sprintf(b[i], "message%d", i); io[i].iov_len = 8 - i; } CHECK(sendmmsg(s[0], v, 3, 0)); printf("%d %d %d\\n", v[0].msg_len, v[1].msg_len, v[2].msg_len); set(4); CHECK(recvmmsg(s[1], v, 4, MSG_DONTWAIT, 0)); show(3); CHECK(recvmmsg(s[1], v, 4, MSG_DONTWAIT, 0)); CHECK(recvmmsg(s[1], v, 0, 0, 0)); send(s[0], "one", 3, 0); CHECK(recvmmsg(s[1], v, 4, MSG_WAITFORONE, 0)); show(1); CHECK(sendmmsg(open("f", O_CREAT | O_RDWR, 0600), v, 1, 0)); CHECK(sendmmsg(99, v, 1, 0)); CHECK(recvmmsg(99, v, 1, 0, 0)); return 0; }`,
    );
  });

  it("waits for all, for the other side", () => {
    expectLikeHost(
      "mmsg-wait",
      `${HEAD}int main(void) { int s[2]; socketpair(AF_UNIX, SOCK_SEQPACKET, 0, s); if (fork() == 0) { for (int i = 0; i < 4; i++) { usleep(5000); char t = 'a' + i; send(s[0], &t, 1, 0); } _exit(0); } set(4); CHECK(recvmmsg(s[1], v, 4, 0, 0)); show(4); wait(0); if (fork() == 0) { char c[16]; close(s[0]); usleep(5000); while (recv(s[1], c, 16, 0) == 5) ; _exit(0); } set(4); for (int i = 0; i < 4; i++) io[i].iov_len = 5; for (int n = 0; n < 200; n++) if (sendmmsg(s[0], v, 4, 0) != 4) puts("short"); close(s[0]); wait(0); return 0; }`,
    );
  });
});
