/** System calls on descriptors. */
import { expect } from "chai";
import { bytesOf } from "../../../kernel-model/kernel/byte-string.js";
import { runSource } from "../../support/like-qemu.js";

const HEAD = `#define _GNU_SOURCE\n#include <fcntl.h>\n#include <unistd.h>\n#include <sys/uio.h>\n#include <sys/ioctl.h>\n#include <sys/syscall.h>\n#include <sys/stat.h>\n#include <dirent.h>\n#include <stdio.h>\n#include <string.h>\n#include <errno.h>\n#include <termios.h>\nstatic long r(long v){return v==-1?-errno:v;}\n`;
const files = { "/d/a": bytesOf("0123456789"), "/d/b": bytesOf(""), "/l": { link: "/d/a" }, "/dangling": { link: "/d/new" }, "/loop": { link: "/loop" } };

describe("descriptors", () => {
  it("open: what is there, what is not, and how", () => {
    const { stdout } = runSource(
      "file-open",
      `${HEAD}int main(void){printf("%ld %ld %ld %ld ",r(open("/none",0)),r(open("/d/a/x",0)),r(open("",0)),r(open((char*)8,0)));printf("%ld %ld ",r(open("/d",O_WRONLY)),r(open("/d/a",O_DIRECTORY|O_RDONLY)));printf("%ld %ld %ld ",r(open("/loop",0)),r(open("/l",O_NOFOLLOW)),r(open("/d/a",O_CREAT|O_EXCL,0600)));
int d=open("/d",O_RDONLY);printf("%d %d ",d,openat(d,"a",0));printf("%ld %ld ",r(openat(99,"a",0)),r(openat(4,"a",0)));printf("%d ",open("/dangling",O_CREAT|O_RDWR,0644));printf("%ld\\n",r(access("/d/new",0)));return 0;}`,
      { files },
    );
    expect(stdout).to.equal("-2 -20 -2 -14 -21 -20 -40 -40 -17 3 4 -9 -20 5 0\n");
  });

  it("read, write, positions", () => {
    const { stdout } = runSource(
      "file-rw",
      `${HEAD}int main(void){int f=open("/d/a",O_RDWR);char b[32]={0};printf("%ld [%s] ",r(read(f,b,4)),b);printf("%ld ",(long)lseek(f,0,SEEK_CUR));memset(b,0,32);printf("%ld [%s] ",r(pread(f,b,3,7)),b);printf("%ld %ld %ld %ld ",(long)lseek(f,-1,SEEK_END),(long)r(lseek(f,-99,SEEK_CUR)),(long)r(lseek(f,0,99)),(long)lseek(f,100,SEEK_SET));
printf("%ld ",r(read(f,b,5)));lseek(f,0,SEEK_SET);write(f,"ab",2);pwrite(f,"yz",2,8);memset(b,0,32);pread(f,b,32,0);printf("[%s] ",b);int a=open("/d/a",O_WRONLY|O_APPEND);write(a,"end",3);printf("%ld ",(long)lseek(a,0,SEEK_CUR));printf("%ld %ld %ld %ld\\n",r(read(a,b,1)),r(write(99,b,1)),r(pread(f,b,1,-1)),r(write(f,(void*)8,1)));return 0;}`,
      { files },
    );
    expect(stdout).to.equal("4 [0123] 4 3 [789] 9 -22 -22 100 0 [ab234567yz] 13 -9 -9 -22 -14\n");
  });

  it("vectors", () => {
    const { stdout } = runSource(
      "file-vectors",
      `${HEAD}int main(void){int f=open("/d/v",O_RDWR|O_CREAT,0600);char x[4]={0},y[4]={0};struct iovec w[3]={{"abc",3},{0,0},{"de",2}},i[2]={{x,2},{y,3}};printf("%ld ",r(writev(f,w,3)));lseek(f,0,SEEK_SET);printf("%ld %s %s ",r(readv(f,i,2)),x,y);printf("%ld ",r(preadv(f,i,2,1)));printf("%s %s ",x,y);
i[1].iov_len=-1;printf("%ld %ld %ld ",r(readv(f,i,2)),r(readv(f,i,-1)),r(readv(f,(void*)8,1)));printf("%ld %ld\\n",r(syscall(SYS_preadv2,f,w,1,-1l,0l,0)),r(syscall(SYS_pwritev2,f,w,1,0l,0l,64)));return 0;}`,
      { files },
    );
    expect(stdout).to.equal("5 5 ab cde 4 bc dee -22 -22 -14 0 -95\n");
  });

  it("a partly bad buffer moves what can be moved", () => {
    const { stdout } = runSource(
      "file-partial",
      `${HEAD}#include <sys/mman.h>\nint main(void){int f=open("/d/big",O_RDWR|O_CREAT,0600);ftruncate(f,20000);char*p=mmap(0,8192,3,MAP_PRIVATE|MAP_ANONYMOUS,-1,0);munmap(p+4096,4096);printf("%ld %ld ",r(read(f,p,8192)),(long)lseek(f,0,SEEK_CUR));lseek(f,0,SEEK_SET);printf("%ld %ld ",r(write(f,p+96,8000)),(long)lseek(f,0,SEEK_CUR));printf("%ld\\n",r(read(f,p+4096,10)));return 0;}`,
      { files },
    );
    expect(stdout).to.equal("4096 4096 4000 4000 -14\n");
  });

  it("dup, fcntl, close-on-exec, ranges", () => {
    const { stdout } = runSource(
      "file-dup",
      `${HEAD}int main(void){int f=open("/d/a",O_RDONLY);int g=dup(f);lseek(f,5,0);printf("%d %ld ",g,(long)lseek(g,0,1));printf("%d %d %d ",dup2(f,9),dup3(f,10,O_CLOEXEC),dup2(f,f));printf("%d %d ",fcntl(9,F_GETFD),fcntl(10,F_GETFD));printf("%ld %ld %ld ",r(dup3(f,f,0)),r(dup(99)),r(dup2(f,-1)));
printf("%d %d ",fcntl(f,F_DUPFD,20),fcntl(f,F_DUPFD_CLOEXEC,20));printf("%o ",fcntl(f,F_GETFL));fcntl(f,F_SETFL,O_NONBLOCK|O_APPEND|O_WRONLY);printf("%o %ld ",fcntl(g,F_GETFL)&~0400000,r(fcntl(99,F_GETFD)));printf("%ld ",r(close_range(4,15,0)));printf("%ld %ld %ld %ld\\n",r(close(9)),r(close(20)),r(close(20)),r(syscall(SYS_close_range,5,4,0)));return 0;}`,
      { files },
    );
    expect(stdout).to.equal("4 5 9 10 3 0 1 -22 -9 -9 20 21 400000 6000 -9 0 -9 0 -9 -22\n");
  });

  it("directories are listed; small buffers are an error", () => {
    const { stdout } = runSource(
      "file-getdents",
      `${HEAD}int main(void){DIR*d=opendir("/d");struct dirent*e;int n=0;while((e=readdir(d)))printf("%s:%d ",e->d_name,e->d_type);int f=open("/d",O_RDONLY);char b[512];printf("%ld ",r(syscall(SYS_getdents64,f,b,10)));int k=0;while(syscall(SYS_getdents64,f,b,40)>0)k++;printf("%d %ld %ld\\n",k,r(syscall(SYS_getdents64,open("/d/a",0),b,512)),r(read(f,b,1)));return n;}`,
      { files },
    );
    expect(stdout).to.equal("a:8 b:8 -22 2 -20 -21\n");
  });

  it("ioctl: what any file knows, and terminals that are none", () => {
    const { stdout } = runSource("file-ioctl", `${HEAD}int main(void){int f=open("/d/a",O_RDONLY),on=1;struct termios t;printf("%ld %d ",r(ioctl(f,FIONBIO,&on)),(fcntl(f,F_GETFL)&O_NONBLOCK)!=0);ioctl(f,FIOCLEX);printf("%d %ld %ld %d\\n",fcntl(f,F_GETFD),r(tcgetattr(1,&t)),r(ioctl(99,FIONBIO,&on)),isatty(0));return 0;}`, { files });
    expect(stdout).to.equal("0 1 1 -25 -9 0\n");
  });

  it("O_PATH descriptors only name their file", () => {
    const { stdout } = runSource("file-path-only", `${HEAD}int main(void){int f=open("/d",O_PATH);char b[4];struct stat s;printf("%ld %ld %ld %d %d\\n",r(read(f,b,1)),r(lseek(f,0,0)),r(fstat(f,&s)),S_ISDIR(s.st_mode),openat(f,"a",O_RDONLY));return 0;}`, { files });
    expect(stdout).to.equal("-9 -9 0 1 4\n");
  });
});
