/** ioctls of sockets: what is queued, and the loopback interface. */
import { expect } from "chai";
import { CHECK, runSourceInMachine } from "../../support/namespace.js";

describe("ioctls of sockets", () => {
  it("describe the loopback interface and no other", () => {
    const { stdout } = runSourceInMachine(
      "socket-ioctl",
      `${CHECK}#include <net/if.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <linux/sockios.h>
static int s; static struct ifreq r; static int ask(int c, const char *n) { memset(&r, 0, sizeof r); strcpy(r.ifr_name, n); return ioctl(s, c, &r); }
static const char *text(void) { return inet_ntoa(((struct sockaddr_in *)&r.ifr_addr)->sin_addr); }
int main(void) { struct ifreq all[4]; struct ifconf c; c.ifc_len = sizeof all; c.ifc_req = all; s = socket(AF_INET, SOCK_DGRAM, 0); CHECK(ioctl(s, SIOCGIFCONF, &c)); printf("%d %s %s\\n", c.ifc_len, all[0].ifr_name, inet_ntoa(((struct sockaddr_in *)&all[0].ifr_addr)->sin_addr)); c.ifc_buf = 0; c.ifc_len = 0; CHECK(ioctl(s, SIOCGIFCONF, &c)); printf("%d\\n", c.ifc_len); CHECK(ask(SIOCGIFFLAGS, "lo")); printf("%x\\n", r.ifr_flags); CHECK(ask(SIOCGIFADDR, "lo")); puts(text()); CHECK(ask(SIOCGIFNETMASK, "lo")); puts(text()); CHECK(ask(SIOCGIFMTU, "lo")); printf("%d\\n", r.ifr_mtu); CHECK(ask(SIOCGIFINDEX, "lo")); printf("%d\\n", r.ifr_ifindex); CHECK(ask(SIOCGIFHWADDR, "lo")); printf("%d\\n", r.ifr_hwaddr.sa_family); r.ifr_ifindex = 1; CHECK(ioctl(s, SIOCGIFNAME, &r)); puts(r.ifr_name); r.ifr_ifindex = 2; CHECK(ioctl(s, SIOCGIFNAME, &r)); CHECK(ask(SIOCGIFADDR, "eth0")); CHECK(ask(SIOCSIFFLAGS, "lo")); CHECK(ask(SIOCGIFADDR, "lo:1"));
        int p[2], n; socketpair(AF_UNIX, SOCK_STREAM, 0, p); write(p[0], "abc", 3); CHECK(ioctl(p[1], FIONREAD, &n)); printf("%d\\n", n); CHECK(ioctl(p[0], SIOCOUTQ, &n)); CHECK(ioctl(p[0], 0x1234, &n)); CHECK(ioctl(p[1], FIONREAD, 8)); printf("%d\\n", if_nametoindex("lo")); return 0; }`,
    );
    expect(stdout.split("\n").map((line) => line.replace(/^.* = /, ""))).to.deep.equal(
      "0 |40 lo 127.0.0.1|0 |40|0 |49|0 |127.0.0.1|0 |255.0.0.0|0 |65536|0 |1|0 |772|0 |lo|-1 ENODEV|-1 ENODEV|-1 EPERM|-1 EADDRNOTAVAIL|0 |3|0 |-1 ENOTTY|-1 EFAULT|1|".split("|"),
    );
  });
});
