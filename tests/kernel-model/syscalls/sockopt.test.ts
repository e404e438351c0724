/** Socket options that a program reads back. */
import { expect } from "chai";
import { CHECK, expectLikeHost, runSourceInMachine } from "../../support/namespace.js";

const HEAD = `${CHECK}#include <netinet/in.h>
#include <netinet/tcp.h>
static int v; static socklen_t n;
#define GET(s, level, name) do { v = -7; n = 4; int r_ = getsockopt(s, level, name, &v, &n); printf("%s %s = %d %d %s\\n", #level, #name, v, n, r_ < 0 ? strerrorname_np(errno) : ""); } while (0)
#define SET(s, level, name, value) do { v = value; int r_ = setsockopt(s, level, name, &v, 4); printf("set %s %s %s\\n", #level, #name, r_ < 0 ? strerrorname_np(errno) : "ok"); } while (0)
`;

describe("socket options", () => {
  it("what a program reads back", () => {
    expectLikeHost(
      "sockopt-values",
      `${HEAD}int main(void) { int t = socket(AF_INET, SOCK_STREAM, 0), u = socket(AF_UNIX, SOCK_DGRAM, 0); GET(t, SOL_SOCKET, SO_TYPE); GET(t, SOL_SOCKET, SO_DOMAIN); GET(t, SOL_SOCKET, SO_PROTOCOL); GET(u, SOL_SOCKET, SO_PROTOCOL); GET(t, SOL_SOCKET, SO_ERROR); GET(t, SOL_SOCKET, SO_ACCEPTCONN); GET(t, SOL_SOCKET, SO_REUSEADDR); SET(t, SOL_SOCKET, SO_REUSEADDR, 5); GET(t, SOL_SOCKET, SO_REUSEADDR); SET(t, SOL_SOCKET, SO_SNDBUF, 10000); GET(t, SOL_SOCKET, SO_SNDBUF); SET(t, SOL_SOCKET, SO_KEEPALIVE, 1); GET(t, SOL_SOCKET, SO_KEEPALIVE); SET(t, IPPROTO_TCP, TCP_NODELAY, 1); GET(t, IPPROTO_TCP, TCP_NODELAY); SET(t, SOL_SOCKET, SO_TYPE, 1); SET(t, SOL_SOCKET, 999, 1); GET(t, SOL_SOCKET, 999); SET(u, SOL_SOCKET, SO_PASSCRED, 1); GET(u, SOL_SOCKET, SO_PASSCRED); GET(99, SOL_SOCKET, SO_TYPE);
        struct timeval z = {1, 500000}; CHECK(setsockopt(t, SOL_SOCKET, SO_RCVTIMEO, &z, sizeof z)); z.tv_sec = 9; n = sizeof z; CHECK(getsockopt(t, SOL_SOCKET, SO_RCVTIMEO, &z, &n)); printf("%ld %ld\\n", (long)z.tv_sec, (long)z.tv_usec); CHECK(setsockopt(t, SOL_SOCKET, SO_REUSEADDR, &v, 2)); CHECK(setsockopt(t, SOL_SOCKET, SO_REUSEADDR, (void *)8, 4)); CHECK(getsockopt(t, SOL_SOCKET, SO_TYPE, &v, (void *)8)); n = 2; CHECK(getsockopt(t, SOL_SOCKET, SO_TYPE, &v, &n)); printf("%d\\n", n); return 0; }`,
    );
  });

  it("the size of buffers is what the model has", () => {
    const { stdout } = runSourceInMachine("sockopt-buffers", `${HEAD}int main(void) { int u = socket(AF_UNIX, SOCK_STREAM, 0); GET(u, SOL_SOCKET, SO_SNDBUF); GET(u, SOL_SOCKET, SO_RCVBUF); return 0; }`);
    expect(stdout).to.equal("SOL_SOCKET SO_SNDBUF = 212992 4 \nSOL_SOCKET SO_RCVBUF = 212992 4 \n");
  });
});
