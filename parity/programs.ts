/** The parity table: programs of Debian arm64 packages and their inputs. Nothing here depends on time, process numbers or chance. */
import { readFileSync } from "node:fs";
import type { ParityEntry } from "./entry.js";
import { noise, numbers, records, text } from "./inputs.js";

const PROSE = text(200_000);
const PYTHON = { PYTHONDONTWRITEBYTECODE: "1", PYTHONHASHSEED: "0" };
const script = (name: string): string => readFileSync(new URL(`scripts/${name}`, import.meta.url), "utf8");
const own = (name: string): string => readFileSync(new URL(`../guest-programs/${name}`, import.meta.url), "utf8");

const coreutils: readonly ParityEntry[] = [
  { name: "cat", argv: ["cat", "a", "-", "missing", "b"], stdin: "from stdin\n", files: { a: PROSE, b: noise(70_000) } },
  { name: "ls", argv: ["ls", "-1RF", "."], files: { "d/e/f": "x", "d/g": "", h: "yy", "i.sh": "" } },
  { name: "ls-usr", argv: ["ls", "-1", "/usr/share/perl", "/usr/lib/aarch64-linux-gnu"] },
  { name: "sort", argv: ["sort", "-n", "-u"], stdin: numbers(60_000) },
  { name: "sort-parallel", argv: ["sort", "-k2,2", "-S1M", "--parallel=4", "-o", "sorted", "a"], files: { a: text(1_500_000) } },
  { name: "wc", argv: ["wc", "a", "b"], files: { a: PROSE, b: noise(100_000) } },
  { name: "sha256sum", argv: ["sha256sum", "a", "b", "/usr/bin/bash"], files: { a: PROSE, b: noise(1_000_000) } },
  { name: "md5sum-check", argv: ["md5sum", "-c", "sums"], files: { a: "hello\n", sums: "b1946ac92492d2347c6235b8d2611184  a\nb1946ac92492d2347c6235b8d2611185  a\n" } },
  { name: "b2sum", argv: ["b2sum", "a"], files: { a: noise(3_000_000) } },
  { name: "base64", argv: ["base64", "a"], files: { a: noise(50_000) } },
  { name: "od", argv: ["od", "-Ax", "-tx1z", "a"], files: { a: noise(5_000) } },
  { name: "dd", argv: ["dd", "if=a", "of=b", "bs=4k", "skip=3", "seek=5", "conv=sparse,notrunc", "status=none"], files: { a: noise(100_001), b: PROSE } },
  { name: "split", argv: ["split", "-b", "30000", "a", "part-"], files: { a: PROSE } },
  { name: "cp-r", argv: ["cp", "-r", "d", "copy"], files: { "d/a": PROSE, "d/e/f/g.sh": "#!/bin/sh\n", "d/h": noise(5000) } },
  { name: "cp-mv-rm", argv: ["dash", "cp.sh"], files: { "cp.sh": script("cp-mv-rm.sh"), a: PROSE } },
  { name: "factor", argv: ["factor", "18446744073709551557", "1000000016000000063", "600851475143", "2305843009213693951"] },
  { name: "seq-shuf", argv: ["shuf", "--random-source=r", "-i", "1-5000"], files: { r: noise(40_000) } },
  { name: "tr", argv: ["tr", "a-z", "n-za-m"], stdin: PROSE },
  { name: "stat", argv: ["stat", "-c", "%n %F %s %a %h", "a", "d", "missing"], files: { a: "12345", "d/x": "" } },
  { name: "date", argv: ["date", "-d", "2001-02-03 04:05:06 UTC +400 days", "+%A %F %T %s %j"] },
  { name: "printf-env", argv: ["env", "-i", "B=2", "A=1", "env"] },
  { name: "kill-status", argv: ["bash", "kill.sh"], files: { "kill.sh": script("kill.sh") } },
  { name: "timeout", argv: ["timeout", "0.05", "sleep", "100"] },
];

const textTools: readonly ParityEntry[] = [
  { name: "grep", argv: ["grep", "-nE", "(ka|lo)[a-z]*vel$", "a"], files: { a: PROSE } },
  { name: "grep-r", argv: ["grep", "-rl", "quaest", "d"], files: { "d/e/a": PROSE, "d/e/b": "nothing", "d/c": noise(10_000) } },
  { name: "grep-pcre", argv: ["grep", "-oP", "\\b(\\w+?)\\1\\b", "a"], files: { a: PROSE } },
  { name: "grep-none", argv: ["grep", "nothing of this", "a"], files: { a: PROSE } },
  { name: "sed", argv: ["sed", "-nE", "s/^([0-9]+) (\\w+) (.*)$/\\2:\\1/p;5q"], stdin: PROSE },
  { name: "sed-i", argv: ["sed", "-i.bak", "-e", "y/abc/xyz/", "-e", "10,20d", "a"], files: { a: PROSE } },
  { name: "gawk", argv: ["gawk", "-f", "count.awk", "a"], files: { "count.awk": script("count.awk"), a: PROSE } },
  { name: "mawk", argv: ["mawk", "-f", "count.awk", "a"], files: { "count.awk": script("count.awk"), a: PROSE } },
  { name: "diff", argv: ["diff", "-u", "--label", "a", "--label", "b", "a", "b"], files: { a: PROSE, b: PROSE.replaceAll("quaest", "QUAEST") } },
  { name: "cmp", argv: ["cmp", "-l", "a", "b"], files: { a: "abcdef", b: "abxdyf" } },
  { name: "patch", argv: ["patch", "-p0", "-i", "p"], files: { a: "1\n2\n3\n4\n", p: "--- a\n+++ a\n@@ -1,4 +1,4 @@\n 1\n-2\n+two\n 3\n 4\n" } },
  { name: "find", argv: ["find", ".", "-type", "f", "-size", "+1k", "-exec", "wc", "-c", "{}", ";"], files: { "d/a": PROSE, "d/e/b": "x", c: noise(5000) } },
  { name: "xargs", argv: ["xargs", "-n", "7", "-P", "1", "echo"], stdin: numbers(200) },
  { name: "bc", argv: ["bc", "-l"], stdin: "scale=300\n4*a(1)\ne(1)\n2^500 % 10^9\ndefine f(n){if(n<2)return(1);return(n*f(n-1));}\nf(100)\n" },
  { name: "dc", argv: ["dc"], stdin: "50k 2v p [la1+dsa*pla10>y]sy 0sa1 lyx\n" },
  { name: "m4", argv: ["m4"], stdin: "define(`fib',`ifelse(eval($1<2),1,$1,`eval(fib(eval($1-1))+fib(eval($1-2)))')')fib(14)\n" },
  { name: "jq", argv: ["jq", "-c", "group_by(.name) | map({name: .[0].name, n: length, sum: (map(.value) | add)}) | sort_by(-.n)[:5]"], stdin: records(3000) },
  { name: "file", argv: ["file", "a", "b", "c", "/usr/bin/bash"], files: { a: PROSE, b: noise(5000), c: "#!/bin/sh\n" } },
  { name: "make", argv: ["make", "-s", "-f", "m"], files: { m: script("targets.mk") } },
  { name: "original-awk", argv: ["original-awk", "-f", "count.awk", "a"], files: { "count.awk": script("count.awk"), a: PROSE } },
  { name: "ed", argv: ["ed", "-s", "a"], stdin: "3,7d\n1s/[0-9]/N/g\n/quaest/p\n$a\nlast line\n.\ng/vel/m0\nw b\nq\n", files: { a: text(3000) } },
  { name: "vim", argv: ["vim.tiny", "-es", "-u", "NONE", "a", "-c", "normal ggdd2jyyGp:1", "-c", "%s/ka/KA/g", "-c", "w! b", "-c", "q!"], env: { TERM: "dumb" }, files: { a: text(5000) } },
  { name: "ripgrep", argv: ["rg", "-j3", "--sort", "path", "-c", "quaest|dorka", "."], files: { "d/e/a": PROSE, "d/e/b": "nothing", "d/c": noise(10_000), "f.txt": text(300_000) } },
  { name: "fzf", argv: ["fzf", "--filter", "ka shapo !vel"], stdin: PROSE },
  { name: "fd", argv: ["fdfind", "-j3", "^g\\.txt$", "."], files: { "d/e/f/g.txt": "x", "d/g": "", "h/i.txt": "yy" } },
  { name: "readelf", argv: ["readelf", "-aW", "/usr/bin/dash"] },
  { name: "shellcheck", argv: ["shellcheck", "--color=never", "b.bash", "p.bash"], files: { "b.bash": script("bash.sh"), "p.bash": script("pipes.sh") } },
  { name: "hexdump", argv: ["hexdump", "-C", "a"], files: { a: noise(3000) } },
];

const shells: readonly ParityEntry[] = [
  { name: "dash", argv: ["dash", "s.sh"], files: { "s.sh": script("posix.sh"), a: PROSE } },
  { name: "bash", argv: ["bash", "s.sh"], files: { "s.sh": script("posix.sh"), a: PROSE } },
  { name: "bash-pipes", argv: ["bash", "p.sh"], files: { "p.sh": script("pipes.sh"), a: PROSE } },
  { name: "bash-arrays", argv: ["bash", "l.sh", "one", "two words"], files: { "l.sh": script("bash.sh") } },
  { name: "bash-jobs", argv: ["bash", "j.sh"], files: { "j.sh": script("jobs.sh") } },
  { name: "bash-traps", argv: ["bash", "t.sh"], files: { "t.sh": script("traps.sh") } },
  { name: "ksh", argv: ["ksh93", "k.ksh"], files: { "k.ksh": script("ksh.ksh"), a: PROSE } },
  { name: "busybox", argv: ["busybox", "sh", "b.sh"], files: { "b.sh": script("busybox.sh"), a: PROSE } },
];

const archives: readonly ParityEntry[] = [
  { name: "gzip", argv: ["gzip", "-9nk", "a"], files: { a: PROSE } },
  { name: "bzip2", argv: ["bzip2", "-k", "a"], files: { a: PROSE } },
  { name: "xz", argv: ["xz", "-6k", "-T1", "a"], files: { a: PROSE } },
  { name: "xz-threads", argv: ["xz", "-k", "-T4", "--block-size=300k", "a"], files: { a: text(1_000_000) } },
  { name: "zstd", argv: ["zstd", "-q", "-12", "--single-thread", "a"], files: { a: text(500_000) } },
  { name: "zstd-threads", argv: ["zstd", "-q", "-T3", "-B300K", "a"], files: { a: text(2_000_000) } },
  { name: "lz4", argv: ["lz4", "-q", "a", "a.lz4"], files: { a: text(500_000) } },
  { name: "round-trips", argv: ["bash", "r.sh"], files: { "r.sh": script("round-trips.sh"), "d/a": PROSE, "d/b": noise(300_000), "d/e/f": "" } },
  { name: "zip", argv: ["bash", "-c", "find d | sort | zip -X -q a.zip -@ && unzip -t a.zip && unzip -l a.zip | tail -1 && rm -r d && unzip -q a.zip"], files: { "d/a": PROSE, "d/b": noise(50_000), "d/e/f": "" } },
  { name: "brotli", argv: ["brotli", "-k", "-q", "9", "a"], files: { a: text(400_000) } },
  { name: "7z", argv: ["/usr/lib/p7zip/7zr", "a", "-bd", "-bso0", "-mmt=2", "-mtm=off", "a.7z", "a", "b"], files: { a: PROSE, b: noise(50_000) } },
  { name: "rsync", argv: ["bash", "r.sh"], files: { "r.sh": script("rsync.sh"), "d/a": PROSE, "d/e/f/g.sh": "#!/bin/sh\n", "d/h": noise(5000), "d/e/g": "g\n" } },
  { name: "cpio", argv: ["bash", "c.sh"], files: { "c.sh": script("cpio.sh"), "d/a": PROSE, "d/e/f": "f\n" } },
];

const languages: readonly ParityEntry[] = [
  { name: "lua", argv: ["lua5.4", "l.lua"], files: { "l.lua": script("lua.lua") } },
  { name: "perl", argv: ["perl", "p.pl", "a"], files: { "p.pl": script("perl.pl"), a: PROSE } },
  { name: "perl-fork", argv: ["perl", "f.pl"], files: { "f.pl": script("perl-fork.pl") } },
  { name: "python-json", argv: ["python3.11", "j.py"], env: PYTHON, files: { "j.py": script("json.py"), "in.json": records(4000) } },
  { name: "python-hashlib", argv: ["python3.11", "h.py"], env: PYTHON, files: { "h.py": script("hashlib.py"), a: PROSE } },
  { name: "python-threads", argv: ["python3.11", "t.py"], env: PYTHON, files: { "t.py": script("threads.py") } },
  { name: "python-subprocess", argv: ["python3.11", "s.py"], env: PYTHON, files: { "s.py": script("subprocess.py"), a: PROSE } },
  { name: "python-asyncio", argv: ["python3.11", "a.py"], env: PYTHON, files: { "a.py": script("asyncio.py") } },
  { name: "python-files", argv: ["python3.11", "f.py"], env: PYTHON, files: { "f.py": script("files.py") } },
  { name: "python-multiprocessing", argv: ["python3.11", "m.py"], env: PYTHON, files: { "m.py": script("multiprocessing.py") } },
  { name: "python-error", argv: ["python3.11", "-c", "import os\ndef f(n): return f(n + 1)\nf(0)"], env: PYTHON },
  { name: "python-crash", argv: ["python3.11", "-c", "import ctypes; print('last', flush=True); ctypes.string_at(16)"], env: PYTHON },
  { name: "ruby", argv: ["ruby3.1", "--disable-gems", "r.rb"], files: { "r.rb": script("ruby.rb"), "in.json": records(3000) } },
  { name: "php", argv: ["php8.2", "p.php"], files: { "p.php": script("php.php"), "in.json": records(3000) } },
  { name: "node", argv: ["node", "n.cjs"], files: { "n.cjs": script("node.cjs"), "in.json": records(3000) } },
  { name: "guile", argv: ["/usr/lib/aarch64-linux-gnu/guile/3.0/bin/guile", "--no-auto-compile", "-s", "g.scm"], files: { "g.scm": script("guile.scm"), a: PROSE } },
  { name: "tcl", argv: ["tclsh8.6", "t.tcl"], files: { "t.tcl": script("tcl.tcl"), a: PROSE } },
  { name: "nasm", argv: ["nasm", "-f", "elf64", "-l", "a.lst", "a.asm", "-o", "a.o"], files: { "a.asm": "section .data\nmsg db 'hello',10\nsection .text\nglobal _start\n_start:\n%rep 200\n mov rax, 1\n lea rsi, [rel msg]\n%endrep\n syscall\n" } },
  { name: "luajit", argv: ["luajit", "l.lua"], files: { "l.lua": script("luajit.lua"), a: PROSE } },
  { name: "sbcl", argv: ["sbcl", "--noinform", "--no-sysinit", "--no-userinit", "--load", "s.lisp"], files: { "s.lisp": script("sbcl.lisp"), a: PROSE } },
  { name: "java", argv: ["/usr/lib/jvm/java-17-openjdk-arm64/bin/keytool", "-J-XX:+UseSerialGC", "-J-XX:TieredStopAtLevel=1", "-printcert", "-file", "c.pem"], files: { "c.pem": script("certificate.pem") } },
  { name: "duktape", argv: ["duk", "b.js"], files: { "b.js": script("bench.js") } },
  { name: "tcc-object", argv: ["tcc", "-O2", "-c", "btree.c", "-o", "btree.o"], files: { "btree.c": own("btree.c"), "guest.h": own("guest.h") } },
  { name: "tcc-program", argv: ["tcc", "btree.c", "-o", "btree"], files: { "btree.c": own("btree.c"), "guest.h": own("guest.h") } },
  // tcc rounds what it passes to mprotect to 4096 bytes.
  { name: "tcc-run", argv: ["tcc", "-run", "primes.c", "20000"], only4k: true, files: { "primes.c": script("primes.c") } },
  {
    name: "gcc-cc1",
    argv: ["/usr/lib/gcc/aarch64-linux-gnu/12/cc1", "-quiet", "-O2", "-imultiarch", "aarch64-linux-gnu", "hashjoin.c", "-o", "hashjoin.s"],
    files: { "hashjoin.c": own("hashjoin.c"), "guest.h": own("guest.h") },
  },
];

const services: readonly ParityEntry[] = [
  { name: "sqlite", argv: ["sqlite3", "small.db"], stdin: script("sqlite.sql") },
  { name: "sqlite-50mb", argv: ["sqlite3", "large.db"], stdin: script("sqlite-large.sql") },
  { name: "openssl-dgst", argv: ["openssl", "dgst", "-sha256", "-sha256", "a"], files: { a: noise(2_000_000) } },
  { name: "openssl-enc", argv: ["openssl", "enc", "-aes-256-ctr", "-K", "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", "-iv", "000102030405060708090a0b0c0d0e0f", "-in", "a", "-out", "b"], files: { a: noise(1_000_000) } },
  { name: "openssl-keys", argv: ["bash", "k.sh"], files: { "k.sh": script("openssl.sh") } },
  { name: "openssl-speed", argv: ["bash", "s.sh"], files: { "s.sh": "openssl speed -seconds 1 -bytes 4096 sha256 >out 2>err; echo $?; wc -l <out; rm out err\n" } },
  { name: "nginx", argv: ["bash", "n.sh"], files: { "n.sh": script("nginx.sh"), a: PROSE } },
  { name: "git", argv: ["bash", "g.sh"], files: { "g.sh": script("git.sh"), a: PROSE } },
  { name: "ninja", argv: ["bash", "-c", "ninja -j3; rm .ninja_log"], files: { "build.ninja": "rule copy\n  command = cat $in > $out\nbuild b: copy a\nbuild c: copy b a\nbuild d: copy c b\n", a: text(5000) } },
  { name: "gpg", argv: ["bash", "-c", "gpg --no-options --homedir . --print-mds a; rm pubring.kbx"], files: { a: PROSE } },
  { name: "memcached", argv: ["bash", "m.sh"], files: { "m.sh": script("memcached.sh") } },
  { name: "haproxy", argv: ["bash", "h.sh"], files: { "h.sh": script("haproxy.sh") } },
  { name: "socat", argv: ["bash", "s.sh"], files: { "s.sh": script("socat.sh"), a: PROSE } },
  { name: "ssh-keygen", argv: ["bash", "k.sh"], files: { "k.sh": script("ssh-keygen.sh"), a: PROSE } },
  { name: "allocators", argv: ["bash", "p.sh"], files: { "p.sh": script("preload.sh"), a: text(60_000) } },
  { name: "redis", argv: ["bash", "r.sh"], files: { "r.sh": script("redis.sh") } },
];

export const PROGRAMS: readonly ParityEntry[] = [...coreutils, ...textTools, ...shells, ...archives, ...languages, ...services];
