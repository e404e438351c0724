/** Sending and receiving: flags, descriptors in flight, datagrams. */
import { expect } from "chai";
import { CHECK, expectLikeHost, runSourceInMachine } from "../../support/namespace.js";

const HEAD = `${CHECK}#include <sys/un.h>
#include <sys/uio.h>
#include <netinet/in.h>
static int s[2]; static char b[300000];
static int with_fds(int to, const char *text, int n, const int *fds) { union { char c[CMSG_SPACE(40)]; struct cmsghdr h; } u = {0}; struct iovec v = {(void *)text, strlen(text)}; struct msghdr m = {0, 0, &v, 1, u.c, CMSG_SPACE(4 * n)}; u.h.cmsg_len = CMSG_LEN(4 * n); u.h.cmsg_level = SOL_SOCKET; u.h.cmsg_type = SCM_RIGHTS; memcpy(CMSG_DATA(&u.h), fds, 4 * n); return sendmsg(to, &m, 0); }
static int take(int from, int room, int flags) { union { char c[200]; struct cmsghdr h; } u = {0}; struct iovec v[2] = {{b, 3}, {b + 10, 20}}; struct msghdr m = {0, 0, v, 2, u.c, room}; memset(b, 0, 40); int r = recvmsg(from, &m, flags), fd = -1; printf("%d %s|%s flags %x control %d", r, b, b + 10, m.msg_flags, (int)m.msg_controllen); if (m.msg_controllen >= CMSG_LEN(4)) { memcpy(&fd, CMSG_DATA(&u.h), 4); printf(" type %d n %d", u.h.cmsg_type, (int)(u.h.cmsg_len - CMSG_LEN(0)) / 4); } puts(""); return fd; }
`;

describe("messages", () => {
  it("send and recv: peek, wait for all, do not wait, no signal", () => {
    expectLikeHost(
      "sockmsg-flags",
      `${HEAD}static int got; static void h(int x) { got = x; } int main(void) { signal(SIGPIPE, h); socketpair(AF_UNIX, SOCK_STREAM, 0, s); CHECK(send(s[0], "abcdef", 6, 0)); CHECK(recv(s[1], b, 3, MSG_PEEK)); CHECK(recv(s[1], b, 10, 0)); CHECK(recv(s[1], b, 1, MSG_DONTWAIT)); if (fork() == 0) { for (int i = 0; i < 4; i++) { usleep(3000); write(s[0], "xy", 2); } _exit(0); } CHECK(recv(s[1], b, 7, MSG_WAITALL)); CHECK(recv(s[1], b, 7, 0)); wait(0); long sum = 0, r; while ((r = send(s[0], b, sizeof b, MSG_DONTWAIT)) > 0) sum += r; printf("%d\\n", errno == EAGAIN && sum > 100000); close(s[1]); CHECK(send(s[0], "x", 1, MSG_NOSIGNAL)); printf("%d\\n", got); CHECK(send(s[0], "x", 1, 0)); printf("%d\\n", got); CHECK(send(99, b, 1, 0)); return 0; }`,
    );
  });

  it("a blocking send of much goes on as the other side reads", () => {
    expectLikeHost("sockmsg-blocking", `${HEAD}int main(void) { socketpair(AF_UNIX, SOCK_STREAM, 0, s); if (fork() == 0) { long sum = 0, r; close(s[0]); while ((r = read(s[1], b, 9999)) > 0) sum += r; printf("%ld\\n", sum); exit(0); } close(s[1]); long sent = 0; for (int i = 0; i < 5; i++) sent += send(s[0], b, sizeof b, 0); close(s[0]); wait(0); printf("%ld\\n", sent); return 0; }`);
  });

  it("descriptors travel with bytes", () => {
    expectLikeHost(
      "sockmsg-rights",
      `${HEAD}int main(void) { int p[2], q[2], both[2]; char c[9] = {0}; socketpair(AF_UNIX, SOCK_STREAM, 0, s); pipe(p); pipe(q); both[0] = p[1]; both[1] = q[1]; write(s[0], "pre", 3); CHECK(with_fds(s[0], "one", 1, &p[1])); write(s[0], "post", 4); CHECK(with_fds(s[0], "two", 2, both)); close(p[1]); close(q[1]);
        int fd = take(s[1], 100, 0); CHECK(write(fd, "via", 3)); CHECK(fcntl(fd, F_GETFD)); close(fd); CHECK(read(p[0], c, 9)); puts(c); fd = take(s[1], 100, MSG_CMSG_CLOEXEC); CHECK(fcntl(fd, F_GETFD)); CHECK(fcntl(fd + 1, F_GETFD)); close(fd); close(fd + 1); CHECK(read(q[0], c, 9)); CHECK(read(p[0], c, 9));
        int f = open("f", O_CREAT | O_RDWR, 0600); with_fds(s[0], "cut", 1, &f); take(s[1], 8, 0); with_fds(s[0], "lost", 1, &f); CHECK(read(s[1], c, 9)); int bad = 99; CHECK(with_fds(s[0], "x", 1, &bad)); both[0] = both[1] = f; with_fds(s[0], "half", 2, both); take(s[1], CMSG_SPACE(4), 0); with_fds(s[0], "inflight", 1, &f); close(s[0]); close(s[1]); return 0; }`,
    );
  });

  it("credentials come along where they are asked for", () => {
    expectLikeHost(
      "sockmsg-credentials",
      `${HEAD}int main(void) { int one = 1; socketpair(AF_UNIX, SOCK_DGRAM, 0, s); CHECK(setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &one, 4)); write(s[0], "x", 1); union { char c[100]; struct cmsghdr h; } u; struct iovec v = {b, 10}; struct msghdr m = {0, 0, &v, 1, u.c, sizeof u.c}; CHECK(recvmsg(s[1], &m, 0)); struct ucred c; memcpy(&c, CMSG_DATA(&u.h), sizeof c); printf("%d %d %d %d\\n", u.h.cmsg_type, c.pid == getpid(), c.uid == getuid(), (int)u.h.cmsg_len); struct ucred peer; socklen_t n = sizeof peer; int t[2]; socketpair(AF_UNIX, SOCK_STREAM, 0, t); CHECK(getsockopt(t[0], SOL_SOCKET, SO_PEERCRED, &peer, &n)); printf("%d %d\\n", peer.pid == getpid(), peer.uid == getuid()); return 0; }`,
    );
  });

  it("datagrams keep their bounds; truncation is told", () => {
    expectLikeHost(
      "sockmsg-datagrams",
      `${HEAD}int main(void) { socketpair(AF_UNIX, SOCK_DGRAM, 0, s); write(s[0], "0123456789", 10); write(s[0], "", 0); write(s[0], "abc", 3); CHECK(recv(s[1], b, 4, MSG_PEEK | MSG_TRUNC)); struct iovec v = {b, 4}; struct msghdr m = {0, 0, &v, 1}; CHECK(recvmsg(s[1], &m, 0)); printf("%x\\n", m.msg_flags); CHECK(recv(s[1], b, 9, 0)); CHECK(recv(s[1], b, 9, 0)); int q[2]; socketpair(AF_UNIX, SOCK_SEQPACKET, 0, q); write(q[0], "0123456789", 10); CHECK(recv(q[1], b, 4, MSG_TRUNC)); CHECK(recv(q[1], b, 4, MSG_DONTWAIT)); return 0; }`,
    );
  });

  it("UDP: addresses, connected sockets, nobody there", () => {
    expectLikeHost(
      "sockmsg-udp",
      `${HEAD}int main(void) { struct sockaddr_in a = {AF_INET, 0, {htonl(INADDR_LOOPBACK)}}, o; socklen_t n = sizeof a; int u = socket(AF_INET, SOCK_DGRAM, 0), v = socket(AF_INET, SOCK_DGRAM, 0); CHECK(send(v, "x", 1, 0)); bind(u, (void *)&a, sizeof a); getsockname(u, (void *)&a, &n); CHECK(sendto(v, "hello", 5, 0, (void *)&a, sizeof a)); n = sizeof o; CHECK(recvfrom(u, b, 3, 0, (void *)&o, &n)); printf("%d %d %d\\n", n, o.sin_addr.s_addr == htonl(INADDR_LOOPBACK), o.sin_port != 0); CHECK(connect(v, (void *)&a, sizeof a)); CHECK(write(v, "", 0)); CHECK(read(u, b, 9)); CHECK(sendto(u, "back", 4, 0, (void *)&o, sizeof o)); CHECK(recv(v, b, 9, 0)); CHECK(recv(u, b, 1, MSG_DONTWAIT)); CHECK(listen(u, 1)); n = sizeof o; CHECK(getpeername(u, (void *)&o, &n)); char big[66000]; CHECK(sendto(u, big, 66000, 0, (void *)&a, sizeof a)); struct sockaddr_in none = {AF_UNSPEC}; CHECK(connect(v, (void *)&none, sizeof none)); CHECK(send(v, "x", 1, 0)); return 0; }`,
    );
  });

  it("control messages that are none, and more of them than fits", () => {
    const { stdout } = runSourceInMachine(
      "sockmsg-control",
      `${HEAD}int main(void) { socketpair(AF_UNIX, SOCK_STREAM, 0, s); struct iovec v = {b, 4}; struct msghdr m = {0, 0, &v, 1}; char c[40] = {0}; m.msg_control = c; m.msg_controllen = 40; CHECK(sendmsg(s[0], &m, 0)); m.msg_controllen = 1 << 30; CHECK(sendmsg(s[0], &m, 0)); m.msg_controllen = -1; CHECK(sendmsg(s[0], &m, 0)); struct cmsghdr *h = (void *)c; h->cmsg_len = 20; h->cmsg_level = 77; m.msg_controllen = 24; CHECK(sendmsg(s[0], &m, 0)); return 0; }`,
    );
    expect(stdout.split("\n").map((line) => line.replace(/^.* = /, ""))).to.deep.equal(["-1 EINVAL", "-1 ENOBUFS", "-1 ENOBUFS", "-1 EINVAL", ""]);
  });

  it("bad headers", () => {
    expectLikeHost(
      "sockmsg-bad",
      `${HEAD}int main(void) { socketpair(AF_UNIX, SOCK_STREAM, 0, s); struct iovec v = {b, 4}; struct msghdr m = {0, 0, &v, 1}; CHECK(sendmsg(s[0], (void *)8, 0)); m.msg_iovlen = 2000; CHECK(sendmsg(s[0], &m, 0)); m.msg_iovlen = 1; v.iov_base = (void *)8; CHECK(sendmsg(s[0], &m, 0)); v.iov_base = b; CHECK(recvmsg(s[0], (void *)8, MSG_DONTWAIT)); return 0; }`,
    );
  });
});
