/** Making, naming and connecting sockets, compared with a real kernel. */
import { expect } from "chai";
import { CHECK, expectLikeHost, runSourceInMachine } from "../../support/namespace.js";

const HEAD = `${CHECK}#include <sys/un.h>
#include <netinet/in.h>
#include <arpa/inet.h>
static struct sockaddr_un un(const char *path) { struct sockaddr_un a = {AF_UNIX}; strcpy(a.sun_path, path); return a; }
static struct sockaddr_in in(int port) { struct sockaddr_in a = {AF_INET, htons(port), {htonl(INADDR_LOOPBACK)}}; return a; }
#define A(x) (struct sockaddr *)&x, sizeof x
`;

describe("sockets", () => {
  it("kinds that exist and kinds that do not", () => {
    expectLikeHost(
      "socket-kinds",
      `${HEAD}int main(void) { int s[2]; CHECK(socket(AF_UNIX, SOCK_STREAM, 0) > 0); CHECK(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0) > 0); CHECK(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0) > 0); CHECK(socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) > 0); CHECK(socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP) > 0); CHECK(socket(AF_UNIX, 77, 0)); CHECK(socket(AF_UNIX, SOCK_STREAM, 9)); CHECK(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP)); CHECK(socket(99, SOCK_STREAM, 0)); CHECK(socket(AF_INET, SOCK_SEQPACKET, 0)); CHECK(socketpair(AF_INET, SOCK_STREAM, 0, s)); CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, (int *)8)); struct stat st; socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s); fstat(s[0], &st); printf("%o %d\\n", st.st_mode & S_IFMT, fcntl(s[1], F_GETFD)); CHECK(lseek(s[0], 0, SEEK_SET)); int f = open("f", O_CREAT | O_RDWR, 0600); CHECK(listen(f, 1)); CHECK(listen(99, 1)); CHECK(shutdown(f, 0)); return 0; }`,
    );
  });

  it("AF_UNIX streams: names in the file system, connections, their end", () => {
    expectLikeHost(
      "socket-unix",
      `${HEAD}int main(void) { char b[20] = {0}; struct stat st; struct sockaddr_un a = un("s"), o; socklen_t n = sizeof o; int l = socket(AF_UNIX, SOCK_STREAM, 0), m = socket(AF_UNIX, SOCK_STREAM, 0), d = socket(AF_UNIX, SOCK_DGRAM, 0);
        CHECK(listen(l, 1)); CHECK(connect(m, A(a))); CHECK(bind(l, A(a))); stat("s", &st); printf("%o\\n", st.st_mode & S_IFMT); CHECK(bind(m, A(a))); CHECK(bind(l, A(a))); CHECK(connect(m, A(a))); CHECK(listen(l, 1)); CHECK(connect(d, A(a))); CHECK(open("s", O_RDWR)); CHECK(connect(m, A(a))); CHECK(connect(m, A(a)));
        int s = accept(l, (struct sockaddr *)&o, &n); printf("%d\\n", n); CHECK(write(m, "hello", 5)); CHECK(read(s, b, 20)); puts(b); n = sizeof o; CHECK(getpeername(m, (struct sockaddr *)&o, &n)); printf("%d %s\\n", n, o.sun_path); n = sizeof o; CHECK(getsockname(m, (struct sockaddr *)&o, &n)); printf("%d\\n", n);
        CHECK(shutdown(m, SHUT_WR)); CHECK(read(s, b, 1)); CHECK(write(s, "back", 4)); CHECK(read(m, b, 20)); signal(SIGPIPE, SIG_IGN); CHECK(write(m, "x", 1)); close(s); CHECK(read(m, b, 1)); CHECK(unlink("s")); int k = socket(AF_UNIX, SOCK_STREAM, 0); CHECK(connect(k, A(a))); struct sockaddr_un f = un("file"); close(open("file", O_CREAT, 0600)); CHECK(connect(k, A(f))); CHECK(bind(k, A(f))); CHECK(connect(k, (struct sockaddr *)&a, 1)); CHECK(accept(k, 0, 0)); close(l); return 0; }`,
    );
  });

  it("abstract names and names given by the kernel", () => {
    expectLikeHost(
      "socket-abstract",
      `${HEAD}int main(void) { struct sockaddr_un a = {AF_UNIX, "\\0foliolab-test"}, o; socklen_t n = sizeof o, len = 2 + 14; int l = socket(AF_UNIX, SOCK_STREAM, 0), m = socket(AF_UNIX, SOCK_STREAM, 0), u = socket(AF_UNIX, SOCK_DGRAM, 0); CHECK(bind(l, (void *)&a, len)); CHECK(bind(m, (void *)&a, len)); listen(l, 1); CHECK(connect(m, (void *)&a, len)); CHECK(getpeername(m, (void *)&o, &n)); printf("%d %d %.13s\\n", n, o.sun_path[0], o.sun_path + 1); sa_family_t family = AF_UNIX; CHECK(bind(u, (void *)&family, 2)); n = sizeof o; getsockname(u, (void *)&o, &n); printf("%d %d\\n", n, o.sun_path[0]); close(l); int k = socket(AF_UNIX, SOCK_STREAM, 0); CHECK(connect(k, (void *)&a, len)); CHECK(bind(k, (void *)&a, len)); return 0; }`,
    );
  });

  it("TCP over the loopback", () => {
    expectLikeHost(
      "socket-tcp",
      `${HEAD}int main(void) { static char big[500000]; char b[20] = {0}; struct sockaddr_in a = in(0), o; socklen_t n = sizeof a; int l = socket(AF_INET, SOCK_STREAM, 0), one = 1; CHECK(setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &one, 4)); CHECK(bind(l, A(a))); CHECK(listen(l, 5)); getsockname(l, (void *)&a, &n); printf("%d %d\\n", n, a.sin_port != 0); int m = socket(AF_INET, SOCK_STREAM, 0); CHECK(bind(m, A(a)));
        fflush(stdout); if (fork() == 0) { int c = socket(AF_INET, SOCK_STREAM, 0); connect(c, A(a)); send(c, big, sizeof big, 0); shutdown(c, SHUT_WR); read(c, b, 4); printf("client %s\\n", b); exit(0); }
        n = sizeof o; int s = accept(l, (void *)&o, &n); printf("%d %d\\n", n, o.sin_addr.s_addr == htonl(INADDR_LOOPBACK)); long sum = 0, r; while ((r = read(s, big, sizeof big)) > 0) sum += r; printf("%ld\\n", sum); fflush(stdout); write(s, "done", 4); wait(0); n = sizeof o; getsockname(s, (void *)&o, &n); printf("%d %d\\n", o.sin_port == a.sin_port, o.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
        struct sockaddr_in bad = in(1); int c = socket(AF_INET, SOCK_STREAM, 0); CHECK(connect(c, A(bad))); int q = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), e; n = 4; CHECK(connect(q, A(bad))); struct pollfd p = {q, POLLOUT}; CHECK(poll(&p, 1, 1000)); CHECK(getsockopt(q, SOL_SOCKET, SO_ERROR, &e, &n)); printf("%d\\n", e == ECONNREFUSED); int w = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0); CHECK(connect(w, A(a))); p.fd = w; CHECK(poll(&p, 1, 1000)); CHECK(getsockopt(w, SOL_SOCKET, SO_ERROR, &e, &n)); printf("%d\\n", e); CHECK(connect(w, A(a))); CHECK(connect(w, A(a))); n = sizeof o; CHECK(getpeername(l, (void *)&o, &n)); return 0; }`,
    );
  });

  it("nothing outside the guest can be reached", () => {
    const { stdout } = runSourceInMachine(
      "socket-outside",
      `${HEAD}int main(void) { struct sockaddr_in a = in(80); int c = socket(AF_INET, SOCK_STREAM, 0), u = socket(AF_INET, SOCK_DGRAM, 0); a.sin_addr.s_addr = inet_addr("93.184.216.34"); CHECK(connect(c, A(a))); CHECK(sendto(u, "x", 1, 0, A(a))); CHECK(bind(c, A(a))); CHECK(socket(AF_INET6, SOCK_STREAM, 0)); CHECK(socket(AF_NETLINK, SOCK_RAW, 0)); CHECK(socket(AF_PACKET, SOCK_RAW, 0)); CHECK(socket(AF_INET, SOCK_RAW, 1)); return 0; }`,
    );
    expect(stdout.split("\n").map((line) => line.replace(/^.* = /, ""))).to.deep.equal(["-1 ENETUNREACH", "-1 ENETUNREACH", "-1 EADDRNOTAVAIL", "-1 EAFNOSUPPORT", "-1 EAFNOSUPPORT", "-1 EAFNOSUPPORT", "-1 ESOCKTNOSUPPORT", ""]);
  });

  it("waiting for a connection ends with a signal or a time-out", () => {
    expectLikeHost(
      "socket-waits",
      `${HEAD}static void h(int s) {} int main(void) { struct sockaddr_un a = un("s"); int l = socket(AF_UNIX, SOCK_STREAM, 0); bind(l, A(a)); listen(l, 1); struct timeval t = {0, 30000}; setsockopt(l, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t); CHECK(accept(l, 0, 0)); t.tv_usec = 0; setsockopt(l, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t); struct sigaction s = {.sa_handler = h}; sigaction(SIGALRM, &s, 0); ualarm(30000, 0); CHECK(accept(l, 0, 0)); fcntl(l, F_SETFL, O_NONBLOCK); CHECK(accept(l, 0, 0)); CHECK(accept4(l, 0, 0, 1)); return 0; }`,
    );
  });
});
