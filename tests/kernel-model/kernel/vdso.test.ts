/** The vDSO in an address space, and called by a C library. */
import { expect } from "chai";
import { createTestMachine } from "../../support/kernel-machine.js";
import { exitCode, programOf } from "../../support/elf-builder.js";
import { runSource } from "../../support/like-qemu.js";

/* Area flags. */
const VM_READ = 1;
const VM_EXEC = 4;
const VM_MAYWRITE = 0x20;
const VM_PFNMAP = 0x400;

describe("vDSO", () => {
  for (const [granule, pageSize, codePages] of [["4k", 4096, 2], ["16k", 16384, 1], ["64k", 65536, 1]] as const) {
    it(`is mapped behind two pages of data, ending at mmap's base (${granule})`, () => {
      const machine = createTestMachine({ granule, files: { "/p": programOf(...exitCode(0)) } });
      machine.kernel.spawn("/p", ["p"], []);
      const mm = machine.kernel.currentMm();
      const [vvar, vdso] = [...mm.vmas].filter(({ specialName }) => specialName !== undefined);
      expect([vvar!.specialName, vdso!.specialName]).to.deep.equal(["[vvar]", "[vdso]"]);
      expect(vvar!.end - vvar!.start).to.equal(2 * pageSize);
      expect([vdso!.start, vdso!.end - vdso!.start, vdso!.end]).to.deep.equal([vvar!.end, codePages * pageSize, mm.mmapBase]);
      expect(mm.vdsoBase).to.equal(vdso!.start);
      expect(vvar!.flags & (VM_READ | VM_EXEC | VM_MAYWRITE | VM_PFNMAP)).to.equal(VM_READ | VM_PFNMAP);
      expect(vdso!.flags & (VM_READ | VM_EXEC | VM_MAYWRITE | VM_PFNMAP)).to.equal(VM_READ | VM_EXEC | VM_MAYWRITE);
      expect(machine.shutdown()).to.equal(0);
    });
  }

  it("C libraries find and call it, and the data page is faulted in by the first call", () => {
    const { stdout, syscalls } = runSource(
      "vdso-call",
      `#include <time.h>\n#include <sys/time.h>\n#include <sys/resource.h>\n#include <stdio.h>\nint main(void){struct timespec a,b;struct rusage r,s;clock_getres(CLOCK_MONOTONIC,&a);getrusage(0,&r);clock_gettime(CLOCK_MONOTONIC,&a);getrusage(0,&s);long first=s.ru_minflt-r.ru_minflt;clock_gettime(CLOCK_MONOTONIC,&b);
printf("%ld %d\\n",first,b.tv_nsec-a.tv_nsec>0);return 0;}`,
    );
    expect(stdout).to.equal("0 1\n");
    expect(syscalls["clock_gettime"]).to.equal(2);
  });

  it("memory behind [vvar] and writes to [vdso] fault", () => {
    const { stdout } = runSource(
      "vdso-faults",
      `#include <signal.h>\n#include <setjmp.h>\n#include <stdio.h>\n#include <sys/auxv.h>\nstatic sigjmp_buf j;static void h(int s){siglongjmp(j,s);}
int main(void){char*v=(char*)getauxval(AT_SYSINFO_EHDR);signal(SIGSEGV,h);signal(SIGBUS,h);int r=sigsetjmp(j,1);if(!r)(void)*(volatile char*)(v-4096);printf("%d ",r);r=sigsetjmp(j,1);if(!r)*(volatile char*)v=1;printf("%d ",r);r=sigsetjmp(j,1);if(!r)printf("%d ",((volatile int*)(v-8192))[1]);printf("%c%c%c\\n",v[1],v[2],v[3]);return 0;}`,
    );
    expect(stdout).to.equal("7 11 0 ELF\n");
  });
});
