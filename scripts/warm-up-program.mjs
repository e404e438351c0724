// A static AArch64 program that maps memory, computes and calls in a loop, unmaps and writes a line: what V8 compiles the command line with (build-cli.mjs).

const BASE = 0x400000;
const ELF_HEADER = 64;
const PROGRAM_HEADER = 56;

const CODE = [
  0xd2800c93, //         mov x19, #100
  0xd2800014, //         mov x20, #0
  0xd10403ff, //         sub sp, sp, #256
  0xd2800000, //         mov x0, #0
  0xd2801ac8, //         mov x8, #214, brk
  0xd4000001, //         svc #0
  0x91400400, //         add x0, x0, #4096
  0xd4000001, //         svc #0
  0x910003e0, //         mov x0, sp
  0xd2800c08, //         mov x8, #96, set_tid_address
  0xd4000001, //         svc #0
  0x910003e0, //         mov x0, sp
  0xd2801408, //         mov x8, #160, uname
  0xd4000001, //         svc #0
  0x910003e0, //         mov x0, sp
  0xd2800101, //         mov x1, #8
  0xd2800002, //         mov x2, #0
  0xd28022c8, //         mov x8, #278, getrandom
  0xd4000001, //         svc #0
  0xd2800000, //         mov x0, #0
  0xd2800061, //         mov x1, #3
  0xd2800002, //         mov x2, #0
  0x910003e3, //         mov x3, sp
  0xd28020a8, //         mov x8, #261, prlimit64
  0xd4000001, //         svc #0
  0xd2800020, //         mov x0, #1
  0x910003e1, //         mov x1, sp
  0xd2800a08, //         mov x8, #80, fstat
  0xd4000001, //         svc #0
  0xd2800000, //         mov x0, #0
  0xd2a00021, //         mov x1, #65536
  0xd2800062, //         mov x2, #3
  0xd2800443, //         mov x3, #34
  0x92800004, //         mov x4, #-1
  0xd2800005, //         mov x5, #0
  0xd2801bc8, //         mov x8, #222, mmap
  0xd4000001, //         svc #0
  0xaa0003f5, //         mov x21, x0
  0x910203f7, //         add x23, sp, #128
  0x10000778, //         adr x24, called
  0xa9bf53f3, // loop:   stp x19, x20, [sp, #-16]!
  0x8b1326b6, //         add x22, x21, x19, lsl #9
  0xf90002d4, //         str x20, [x22]
  0x394006c9, //         ldrb w9, [x22, #1]
  0x790006c9, //         strh w9, [x22, #2]
  0xb94006ca, //         ldr w10, [x22, #4]
  0xb98006cd, //         ldrsw x13, [x22, #4]
  0xf86d7ace, //         ldr x14, [x22, x13, lsl #3]
  0x927c1e8b, //         and x11, x20, #0xff0
  0xaa0a016b, //         orr x11, x11, x10
  0xd3442d6c, //         ubfx x12, x11, #4, #8
  0x9b135194, //         madd x20, x12, x19, x20
  0x9400002e, //         bl called
  0xd63f0300, //         blr x24
  0x3dc002c0, //         ldr q0, [x22]
  0xad408ac1, //         ldp q1, q2, [x22, #16]
  0x4e209800, //         cmeq v0.16b, v0.16b, #0
  0x0f0c8400, //         shrn v0.8b, v0.8h, #4
  0x9e66000f, //         fmov x15, d0
  0x4e010de3, //         dup v3.16b, w15
  0x4e231c21, //         and v1.16b, v1.16b, v3.16b
  0xad000ae1, //         stp q1, q2, [x23]
  0x3d800ae3, //         str q3, [x23, #32]
  0xdac001ef, //         rbit x15, x15
  0xdac011ef, //         clz x15, x15
  0xdac00df0, //         rev x16, x15
  0x885ffee9, //         ldaxr w9, [x23]
  0x880afee9, //         stlxr w10, w9, [x23]
  0xd53bd051, //         mrs x17, tpidr_el0
  0xf2a000b1, //         movk x17, #5, lsl #16
  0x9343fe31, //         asr x17, x17, #3
  0x9ad30a91, //         udiv x17, x20, x19
  0xfa431a24, //         ccmp x17, #3, #4, ne
  0x9a941694, //         cinc x20, x20, eq
  0xa8c127f3, //         ldp x19, x9, [sp], #16
  0xf101029f, //         cmp x20, #64
  0x9a948134, //         csel x20, x9, x20, hi
  0x37000053, //         tbnz w19, #0, odd
  0xca130294, //         eor x20, x20, x19
  0xf1000673, // odd:    subs x19, x19, #1
  0x54fffb01, //         b.ne loop
  0xaa1503e0, //         mov x0, x21
  0xd2820001, //         mov x1, #4096
  0xd2800022, //         mov x2, #1
  0xd2801c48, //         mov x8, #226, mprotect
  0xd4000001, //         svc #0
  0xaa1503e0, //         mov x0, x21
  0xd2a00021, //         mov x1, #65536
  0xd2801ae8, //         mov x8, #215, munmap
  0xd4000001, //         svc #0
  0xd2800020, //         mov x0, #1
  0x10000201, //         adr x1, text
  0xd2800102, //         mov x2, #8
  0xd2800808, //         mov x8, #64, write
  0xd4000001, //         svc #0
  0xd2800000, //         mov x0, #0
  0xd2800bc8, //         mov x8, #94, exit_group
  0xd4000001, //         svc #0
  0xa9be7bfd, // called: stp x29, x30, [sp, #-32]!
  0x910003fd, //         mov x29, sp
  0xf9000bf4, //         str x20, [sp, #16]
  0xf9400bf4, //         ldr x20, [sp, #16]
  0xb4000073, //         cbz x19, end
  0xd341fe94, //         lsr x20, x20, #1
  0xcb334294, //         sub x20, x20, w19, uxtw
  0xa8c27bfd, // end:    ldp x29, x30, [sp], #32
  0xd65f03c0, //         ret
];
/** `text`. */
const TEXT = "warm-up\n";

/** The bytes of its ELF file: one segment, which is read and executed. */
export function warmUpProgram() {
  const start = ELF_HEADER + PROGRAM_HEADER;
  const size = start + 4 * CODE.length + TEXT.length;
  const file = Buffer.alloc(size);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]); // 64 bits, little endian, version 1
  file.writeUInt16LE(2, 16); // ET_EXEC
  file.writeUInt16LE(183, 18); // EM_AARCH64
  file.writeUInt32LE(1, 20);
  file.writeBigUInt64LE(BigInt(BASE + start), 24); // entry
  file.writeBigUInt64LE(BigInt(ELF_HEADER), 32); // program headers
  file.writeUInt16LE(ELF_HEADER, 52);
  file.writeUInt16LE(PROGRAM_HEADER, 54);
  file.writeUInt16LE(1, 56);
  file.writeUInt32LE(1, ELF_HEADER); // PT_LOAD
  file.writeUInt32LE(5, ELF_HEADER + 4); // PF_R, PF_X
  file.writeBigUInt64LE(BigInt(BASE), ELF_HEADER + 16);
  file.writeBigUInt64LE(BigInt(BASE), ELF_HEADER + 24);
  file.writeBigUInt64LE(BigInt(size), ELF_HEADER + 32);
  file.writeBigUInt64LE(BigInt(size), ELF_HEADER + 40);
  file.writeBigUInt64LE(0x10000n, ELF_HEADER + 48);
  CODE.forEach((word, index) => file.writeUInt32LE(word, start + 4 * index));
  file.write(TEXT, size - TEXT.length, "latin1");
  return file;
}
