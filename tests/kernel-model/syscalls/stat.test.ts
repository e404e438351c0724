/** File status and directories. */
import { expect } from "chai";
import { bytesOf } from "../../../kernel-model/kernel/byte-string.js";
import { runSource } from "../../support/like-qemu.js";

const HEAD = `#define _GNU_SOURCE\n#include <sys/stat.h>\n#include <sys/statfs.h>\n#include <fcntl.h>\n#include <unistd.h>\n#include <stdio.h>\n#include <string.h>\n#include <errno.h>\n#include <sys/syscall.h>\nstatic long r(long v){return v==-1?-errno:v;}\n`;
const files = { "/d/a": { bytes: bytesOf("0123456789"), mode: 0o640 }, "/d/sub/x": bytesOf("x"), "/l": { link: "d/a" }, "/up": { link: "d/sub/../.." } };

describe("file status", () => {
  it("stat, lstat, fstat, fstatat and statx agree", () => {
    const { stdout } = runSource(
      "stat-kinds",
      `${HEAD}int main(void){struct stat a,b,c,d;struct statx x;int f=open("/d/a",O_RDONLY);stat("/l",&a);lstat("/l",&b);fstat(f,&c);fstatat(f,"",&d,AT_EMPTY_PATH);printf("%o %ld %o %d %d ",a.st_mode,(long)a.st_size,b.st_mode&S_IFMT,a.st_ino==c.st_ino,d.st_ino==c.st_ino);
printf("%ld ",r(statx(AT_FDCWD,"/d/a",0,STATX_BASIC_STATS,&x)));printf("%o %ld %d %d\\n",x.stx_mode,(long)x.stx_size,x.stx_ino==a.st_ino,(x.stx_mask&STATX_BASIC_STATS)==STATX_BASIC_STATS);return 0;}`,
      { files },
    );
    expect(stdout).to.equal("100640 10 120000 1 1 0 100640 10 1 1\n");
  });

  it("errors", () => {
    const { stdout } = runSource("stat-errors", `${HEAD}int main(void){struct stat s;printf("%ld %ld %ld %ld %ld %ld ",r(stat("/none",&s)),r(stat("/d/a/b",&s)),r(stat("",&s)),r(stat("/d/a",(void*)8)),r(fstat(99,&s)),r(fstatat(99,"x",&s,0)));printf("%ld %ld\\n",r(syscall(SYS_newfstatat,-100,"/d",&s,0x80)),r(syscall(SYS_statx,-100,"/d",0x6000,0,&s)));return 0;}`, { files });
    expect(stdout).to.equal("-2 -20 -2 -14 -9 -9 -22 -22\n");
  });

  it("links are read, cut to the buffer", () => {
    const { stdout } = runSource("stat-readlink", `${HEAD}int main(void){char b[8]="zzzzzzz";printf("%ld %s ",r(readlink("/l",b,8)),b);printf("%ld %.4s ",r(readlink("/l",b,2)),b);printf("%ld %ld %ld\\n",r(readlink("/d/a",b,8)),r(readlink("/none",b,8)),r(syscall(SYS_readlinkat,-100,"/l",b,0)));return 0;}`, { files });
    expect(stdout).to.equal("3 d/azzzz 2 d/az -22 -2 -22\n");
  });

  it("access: root may all but execute what no one may", () => {
    const { stdout } = runSource("stat-access", `${HEAD}int main(void){printf("%ld %ld %ld %ld %ld ",r(access("/d/a",R_OK|W_OK)),r(access("/d/a",X_OK)),r(access("/d/sub/x",X_OK)),r(access("/d",X_OK)),r(access("/none",0)));printf("%ld %ld\\n",r(access("/d",99)),r(faccessat(AT_FDCWD,"/l",F_OK,AT_SYMLINK_NOFOLLOW)));return 0;}`, { files });
    expect(stdout).to.equal("0 -13 0 0 -2 -22 0\n");
  });

  it("directories: change, name, dot-dot through links, root", () => {
    const { stdout } = runSource(
      "stat-cwd",
      `${HEAD}int main(void){char b[64];printf("%s ",getcwd(b,64));chdir("/d/sub");printf("%s ",getcwd(b,64));chdir("..");printf("%s ",getcwd(b,64));printf("%d ",open("sub/x",O_RDONLY));chdir("/up");printf("%s ",getcwd(b,64));int f=open("/d",O_RDONLY);fchdir(f);printf("%s ",getcwd(b,64));printf("%ld %ld %ld ",r(chdir("/d/a")),r(chdir("/none")),r(fchdir(99)));printf("%ld ",r(syscall(SYS_getcwd,b,2)));
chdir("/");for(int i=0;i<5;i++)chdir("..");printf("%s ",getcwd(b,64));printf("%ld ",r(chroot("/d")));printf("%ld %ld\\n",r(access("/sub/x",0)),r(access("/../d/a",0)));return 0;}`,
      { files },
    );
    expect(stdout).to.equal("/ /d/sub /d 3 / /d -20 -2 -9 -34 / 0 0 -2\n");
  });

  it("statfs", () => {
    const { stdout } = runSource("stat-fs", `${HEAD}int main(void){struct statfs a,b;printf("%ld ",r(statfs("/d",&a)));printf("%lx %ld %ld ",(long)a.f_type,(long)a.f_namelen,(long)a.f_bsize);printf("%ld %d %ld\\n",r(fstatfs(open("/d",0),&b)),a.f_type==b.f_type,r(fstatfs(99,&b)));return 0;}`, { files });
    expect(stdout).to.equal("0 1021994 255 4096 0 1 -9\n");
  });
});
