/* Random operations on one region, a record after each: random SEED STEPS PAGES KINDS [FILE].
 * Kinds: f fork, l mlock, p MADV_PAGEOUT, s shared anonymous memory, F MADV_FREE, d the file is dropped from the page cache first.
 * The same seed makes the same operations everywhere. */
#include "gt.h"
#include <setjmp.h>
#include <signal.h>
#include <sys/syscall.h>
#define REGION base, (size_t)pages * PS

static uint32_t state;
static int pages, block, from, count, file = -1, tmpfs, depth, child, faulted;
static const char *kinds, *prefix = "";
static char *base;
static sigjmp_buf escape;

static uint32_t rnd(uint32_t bound)
{
	state ^= state << 13; state ^= state >> 17; state ^= state << 5;
	return (uint32_t)(((uint64_t)state * bound) >> 32);
}
static int has(char kind) { return strchr(kinds, kind) != 0; }
static void on_fault(int signal) { faulted++; siglongjmp(escape, 1); }
static void touch(char *at, int write, int value)
{
	if (sigsetjmp(escape, 1)) return;
	if (write) *(volatile char *)at = value; else (void)*(volatile char *)at;
}
/* often aligned to contpte blocks */
static void choose_range(void)
{
	int how = rnd(4);
	from = rnd(pages); if (how == 0) from = from / block * block;
	count = rnd(3) ? 1 + rnd(block * 3 / 2) : 1 + rnd(pages);
	if (how == 1) { from = from / block * block; count = (1 + rnd(3)) * block; }
	if (from + count > pages) count = pages - from;
}
static void step(int nr);
static int forked(int nr, int stays)
{
	int done[2], go[2], steps = 1 + rnd(5); uint32_t seed = rnd(0x7fffffff) | 1; char c = 0, name[32];
	if (child) { kill(child, 9); waitpid(child, 0, 0); child = 0; }
	if (pipe(done) || pipe(go)) die("pipe");
	int pid = fork();
	if (!pid) {
		read(go[0], &c, 1);
		close(fd_pm); gt_fds(); depth++; child = 0; state = seed; outn = 0;
		snprintf(name, sizeof name, "%s%d/", prefix, nr); prefix = name;
		gt_begin(REGION); step(-1);
		for (int i = 0; i < steps; i++) step(i);
		write(done[1], "x", 1);
		while (stays) sleep(1000);
		_exit(0);
	}
	write(go[1], &c, 1);
	if (read(done[0], &c, 1) != 1) die("child");
	close(done[0]); close(done[1]); close(go[0]); close(go[1]);
	if (stays) child = pid; else waitpid(pid, 0, 0);
	gt_begin(REGION);
	return stays;
}
static void step(int nr)
{
	static const int ADVICE[] = { MADV_DONTNEED, 20 /* COLD */, 22 /* POPULATE_READ */, 23 /* POPULATE_WRITE */, MADV_WILLNEED, MADV_HUGEPAGE, MADV_NOHUGEPAGE };
	static const int FLAGS[] = { MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL, MADV_DONTFORK, MADV_DOFORK, MADV_WIPEONFORK, MADV_KEEPONFORK };
	static const int PROT[] = { PROT_READ, PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE, PROT_NONE };
	const char *op = "nothing"; char name[128]; long rc = 0; int arg = 0, write, value;
	if (nr < 0) { snprintf(name, sizeof name, "%sforked", prefix); gt_end(name); return; }
	choose_range();
	char *at = base + (size_t)from * PS; size_t len = (size_t)count * PS;
	int stride = (int[]){ 1, 1, 1, 3, block }[rnd(5)]; value = 1 + rnd(255); faulted = 0;
	switch (rnd(26)) {
	case 0: case 1: case 2: case 3: case 4: case 5:
		write = rnd(3) != 0; op = write ? "write" : "read"; arg = stride;
		gt_begin(REGION); for (volatile int i = 0; i < count; i += stride) touch(at + i * PS, write, value); break;
	case 6: case 7: op = "mprotect"; arg = PROT[rnd(4)]; gt_begin(REGION); rc = mprotect(at, len, arg); break;
	case 8: op = "munmap"; gt_begin(REGION); rc = munmap(at, len); break;
	case 9: case 10: {
		int how = rnd(4), flags = MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, fd = -1; off_t off = (rnd(2) ? from : rnd(block)) * (off_t)PS; op = "mmap";
		if (how == 0 && has('s')) { flags = MAP_FIXED | MAP_SHARED | MAP_ANONYMOUS; op = "mmap_shared"; }
		if (how == 1 && file >= 0) { flags = MAP_FIXED | MAP_SHARED; fd = file; op = "mmap_file_shared"; }
		if (how == 2 && file >= 0) { flags = MAP_FIXED | MAP_PRIVATE; fd = file; op = "mmap_file_private"; }
		gt_begin(REGION); rc = mmap(at, len, PROT_READ | PROT_WRITE, flags, fd, fd < 0 ? 0 : off) == MAP_FAILED; break; }
	case 11: op = "mremap"; arg = rnd(pages - count + 1); if (arg < from + count && from < arg + count) arg = -1;
		gt_begin(REGION); if (arg >= 0) rc = mremap(at, len, len, MREMAP_MAYMOVE | MREMAP_FIXED, base + (size_t)arg * PS) == MAP_FAILED; break;
	case 12: case 13: case 14: op = "madvise"; arg = ADVICE[rnd(7)]; if (has('F') && !rnd(4)) arg = MADV_FREE;
		gt_begin(REGION); rc = madvise(at, len, arg) ? -errno : 0; break;
	case 15: case 16: op = "madvise"; arg = has('p') ? MADV_PAGEOUT : MADV_DONTNEED; gt_begin(REGION); rc = madvise(at, len, arg) ? -errno : 0; break;
	case 17: op = rnd(2) ? "mlock" : "munlock"; gt_begin(REGION); if (has('l')) rc = op[1] == 'l' ? mlock(at, len) : munlock(at, len); break;
	case 18: if (has('f') && depth < 2) { op = "fork"; arg = forked(nr, depth ? 0 : rnd(2)); break; } gt_begin(REGION); break;
	case 19: gt_begin(REGION); if (child) { op = "reap"; kill(child, 9); waitpid(child, 0, 0); child = 0; } else if (file >= 0) { op = "fsync"; rc = fsync(file); } break;
	case 20: op = "mremap_shrink"; gt_begin(REGION); rc = mremap(at, len, (count + 1) / 2 * PS, 0) == MAP_FAILED ? -errno : 0; break;
	case 21: op = "madvise"; arg = FLAGS[rnd(7)]; gt_begin(REGION); rc = madvise(at, len, arg) ? -errno : 0; break;
	case 22: op = "mmap_populate"; arg = rnd(2) ? PROT_WRITE : 0; gt_begin(REGION);
		rc = mmap(at, len, PROT_READ | arg, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0) == MAP_FAILED; break;
	case 23: gt_begin(REGION); if (file >= 0) { op = "ftruncate"; rc = ftruncate(file, (off_t)(from + count) * PS + rnd(2) * 1000); } break;
	case 24: gt_begin(REGION); if (file >= 0) { op = "fadvise"; rc = posix_fadvise(file, (off_t)from * PS, len, arg = rnd(6)); } break;
	case 25: gt_begin(REGION); if (file >= 0 && tmpfs) { op = "punch"; rc = syscall(SYS_fallocate, file, 3, (off_t)from * PS, len); } break;
	}
	snprintf(name, sizeof name, "%s%d %s %d+%d %d%s = %ld, %d signals", prefix, nr, op, from, count, arg, arg == MADV_FREE && op[2] == 'd' ? " (MADV_FREE)" : "", rc, faulted);
	gt_end(name);
}
int main(int ac, char **av)
{
	char prog[96]; struct sigaction action; int steps = atoi(av[2]);
	pages = atoi(av[3]); kinds = av[4];
	snprintf(prog, sizeof prog, "random:%s:%s:%s:%s%s%s", av[1], av[2], av[3], av[4], ac > 5 ? ":" : "", ac > 5 ? av[5] : "");
	gt_init(prog); block = CB / PS;
	memset(&action, 0, sizeof action); action.sa_handler = on_fault; sigaction(SIGSEGV, &action, 0); sigaction(SIGBUS, &action, 0);
	state = strtoul(av[1], 0, 0) * 2654435761u ^ 0x6c078965; if (!state) state = 1;
	rnd(2); rnd(2);
	if (ac > 5) {
		tmpfs = strstr(av[5], "/t_") != 0;
		if ((file = open(av[5], O_RDWR | O_CREAT | O_TRUNC, 0644)) < 0) die("open");
		for (size_t at = 0; at < pages * PS; at += 65536) if (pwrite(file, ents, 65536, at) != 65536) die("pwrite");
		fsync(file); if (has('d')) posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
	}
	base = gt_anon(BASE, (size_t)pages * PS);
	touch(base, 1, 1); touch((char *)&escape, 1, 0);
	for (int i = 0; i < steps; i++) step(i);
	if (child) { kill(child, 9); waitpid(child, 0, 0); }
	return 0;
}
