/** execve: what it refuses, scripts, what a program keeps, threads. */
import { readFileSync } from "node:fs";
import { expect } from "chai";
import { bytesOf } from "../../../kernel-model/kernel/byte-string.js";
import { ConfigError } from "../../../emulator/arch/errors.js";
import { programOf, exitCode, buildElf, R, X, code, PT_INTERP } from "../../support/elf-builder.js";
import { compileC } from "../../support/guest.js";
import { createTestMachine, runGuest } from "../../support/kernel-machine.js";
import type { Entry } from "../../support/memory-fs.js";
import { runSource } from "../../support/like-qemu.js";

function spawn(path: string, files: Readonly<Record<string, Entry>>) {
  const machine = createTestMachine({ files });
  const result = machine.kernel.spawn(path, ["x"], []);
  const outcome = typeof result === "number" ? machine.kernel.run({ instructions: 1e6 }) : undefined;
  expect(machine.shutdown(), "frames leaked").to.equal(0);
  return { result, outcome };
}

describe("exec: what cannot be started says why", () => {
  const text: Entry = { bytes: bytesOf("just text\n"), mode: 0o755 };
  const cases: readonly (readonly [string, string, Readonly<Record<string, Entry>>, number, RegExp])[] = [
    ["a missing file", "/bin/none", {}, 2, /no such file/],
    ["a directory", "/bin", { "/bin/x": text }, 13, /not an executable file/],
    ["a file without execute permission", "/bin/x", { "/bin/x": { bytes: programOf(...exitCode(0)), mode: 0o644 } }, 13, /not an executable file/],
    ["a text", "/bin/x", { "/bin/x": text }, 8, /not an ELF file/],
    ["a script without its interpreter", "/bin/x", { "/bin/x": bytesOf("#!/bin/sh\n") }, 2, /script for \/bin\/sh/],
    ["a script with an empty line", "/bin/x", { "/bin/x": bytesOf("#! \n") }, 8, /empty interpreter line/],
    ["a script that interprets itself", "/bin/x", { "/bin/x": bytesOf("#!/bin/x\n") }, 40, /too deep/],
    [
      "a dynamic program without its interpreter",
      "/bin/x",
      { "/bin/x": buildElf({ entry: 0x401000, segments: [{ vaddr: 0x401000, bytes: code(...exitCode(0)), flags: R | X }, { type: PT_INTERP, vaddr: 0, bytes: bytesOf("/lib/ld.so\0"), flags: R }] }) },
      2,
      /needs the interpreter \/lib\/ld\.so, which is not there/,
    ],
    [
      "a dynamic program with a broken interpreter",
      "/bin/x",
      {
        "/bin/x": buildElf({ entry: 0x401000, segments: [{ vaddr: 0x401000, bytes: code(...exitCode(0)), flags: R | X }, { type: PT_INTERP, vaddr: 0, bytes: bytesOf("/lib/ld.so\0"), flags: R }] }),
        "/lib/ld.so": text,
      },
      80,
      /not an ELF file/,
    ],
  ];
  for (const [name, path, files, errno, reason] of cases) {
    it(name, () => {
      const { result } = spawn(path, files);
      expect(result).to.be.an("object").that.includes({ errno });
      expect(result).to.have.property("reason").that.matches(reason);
    });
  }

  it("a guest without memory for the arguments", () => {
    const machine = createTestMachine({ memoryBytes: 192 * 1024, files: { "/bin/x": programOf(...exitCode(0)) } });
    const env = Array.from({ length: 8 }, (_, i) => `E${i}=`.padEnd(30_000, "x"));
    expect(machine.kernel.spawn("/bin/x", ["x"], env)).to.be.an("object").and.have.property("reason").that.matches(/memory is used up/);
    expect(machine.shutdown()).to.equal(0);
  });

  it("a guest without memory for the kernel", () => {
    expect(() => createTestMachine({ memoryBytes: 64 * 1024, granule: "16k" })).to.throw(ConfigError);
  });
});

describe("exec: scripts", () => {
  it("run their interpreter with its argument, the script's path and the arguments", () => {
    const echo = compileC("echo-args", `#include <stdio.h>\nint main(int c,char**v){for(int i=0;i<c;i++)printf("[%s]",v[i]);puts("");}`);
    const run = runGuest(echo, [], {});
    expect(run.stdout).to.equal("[/bin/program]\n");
    const shell = compileC("exec-script", `#include <unistd.h>\n#include <stdio.h>\nint main(void){execl("/script","zero","one","two words",(char*)0);perror("execl");return 1;}`);
    const scripted = runGuest(shell, [], {
      files: { "/script": bytesOf("#! /bin/link \t -x and more \nbody\n"), "/bin/link": { link: "/bin/echo" }, "/bin/echo": new Uint8Array(readFileSync(echo)) },
    });
    expect(scripted.stdout).to.equal("[/bin/link][-x and more][/script][one][two words]\n");
  });
});

describe("exec: from a guest", () => {
  it("errors come back and the old program goes on", () => {
    const run = runSource(
      "exec-errors",
      `#include <unistd.h>\n#include <errno.h>\n#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>
int main(void){char*a[]={"x",0};
execv("/none",a);printf("%d ",errno);
execv("/bin",a);printf("%d ",errno);
execv("/text",a);printf("%d ",errno);
execv("/bin/program/x",a);printf("%d ",errno);
execv("",a);printf("%d ",errno);
execv((char*)1,a);printf("%d ",errno);
execv("/text",(char**)1);printf("%d ",errno);
char*big=malloc(9<<20);memset(big,'a',(9<<20)-1);big[(9<<20)-1]=0;char*b[]={big,0};execv("/bin/program",b);printf("%d\\n",errno);return 0;}`,
      { files: { "/text": bytesOf("text") } },
    );
    expect(run.stdout).to.equal("2 13 8 20 2 14 14 7\n");
  });

  it("keeps pid, ignored signals and descriptors, resets handlers, closes what is marked", () => {
    const run = runSource(
      "exec-keeps",
      `#define _GNU_SOURCE\n#include <unistd.h>\n#include <signal.h>\n#include <stdio.h>\n#include <stdlib.h>\n#include <fcntl.h>\n#include <errno.h>
static void h(int s){}
int main(int c,char**v){
 if(c==1){char pid[20];snprintf(pid,20,"%d",getpid());signal(SIGUSR1,SIG_IGN);signal(SIGUSR2,h);dup2(1,7);fcntl(dup2(1,8),F_SETFD,FD_CLOEXEC);setenv("K","v",1);
  sigset_t s;sigemptyset(&s);sigaddset(&s,SIGTERM);sigprocmask(SIG_BLOCK,&s,0);execl(v[0],v[0],pid,(char*)0);return 1;}
 struct sigaction a,b;sigaction(SIGUSR1,0,&a);sigaction(SIGUSR2,0,&b);sigset_t s;sigprocmask(SIG_BLOCK,0,&s);
 printf("%d %d %d %d %d %s %d\\n",atoi(v[1])==getpid(),a.sa_handler==SIG_IGN,b.sa_handler==SIG_DFL,fcntl(7,F_GETFD),fcntl(8,F_GETFD),getenv("K"),sigismember(&s,SIGTERM));return 0;}`,
    );
    expect(run.stdout).to.equal("1 1 1 0 -1 v 1\n");
  });

  it("one of several threads takes the process over", () => {
    const run = runSource(
      "exec-thread",
      `#include <pthread.h>\n#include <unistd.h>\n#include <stdio.h>\n#include <stdlib.h>\n#include <sys/syscall.h>
static char*self;static char pid[20];
static void*f(void*a){execl(self,self,pid,(char*)0);return 0;}
int main(int c,char**v){if(c==2){printf("%d %d\\n",atoi(v[1])==getpid(),(int)syscall(SYS_gettid)==getpid());return 5;}
 self=v[0];snprintf(pid,20,"%d",getpid());pthread_t t[3];for(int i=0;i<2;i++)pthread_create(t+i,0,(void*(*)(void*))pause,0);pthread_create(t+2,0,f,0);pause();}`,
    );
    expect(run.stdout).to.equal("1 1\n");
    expect(run.outcome).to.deep.equal({ kind: "exit", code: 5 });
  });

  it("a program that breaks behind the point of no return dies of SIGSEGV", () => {
    const bad = buildElf({ entry: 0x401000, segments: [{ vaddr: 0x401000, bytes: code(...exitCode(0)), flags: R | X }], patch: (view, at) => { view.setBigUint64(at(0) + 16, 0x401800n, true); } });
    const run = runSource("exec-bad", `#include <unistd.h>\nint main(void){execl("/bad","bad",(char*)0);return 1;}`, { files: { "/bad": bad } });
    expect(run.outcome).to.include({ kind: "signal", signo: 11 });
  });
});
