/*
 * mmcall KIND [BYTES]: writes every page of fresh anonymous memory, then has the kernel do one thing to all of it:
 *   keep     nothing; what the other kinds cost is what they cost more than this
 *   fork     fork a child that ends at once
 *   unmap    munmap
 *   halves   MADV_DONTNEED on the second half of every 64 KiB, or on every second page where pages are that large
 *   protect  mprotect read-only, then read-write again
 */
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"

#define BLOCK (64 * KB)

static void fork_once(void)
{
    pid_t child = fork();
    if (child < 0)
        fail("mmcall: fork: %s", strerror(errno));
    if (child == 0)
        _exit(7);
    int status;
    if (waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 7)
        fail("mmcall: the child did not end as it should");
}

static void discard_halves(unsigned char *memory, uint64_t bytes)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    uint64_t half = page > BLOCK / 2 ? page : BLOCK / 2;
    for (uint64_t offset = half; offset + half <= bytes; offset += 2 * half)
        if (madvise(memory + offset, half, MADV_DONTNEED) != 0)
            fail("mmcall: madvise: %s", strerror(errno));
}

static void protect_twice(unsigned char *memory, uint64_t bytes)
{
    if (mprotect(memory, bytes, PROT_READ) != 0 || mprotect(memory, bytes, PROT_READ | PROT_WRITE) != 0)
        fail("mmcall: mprotect: %s", strerror(errno));
}

int main(int argc, char **argv)
{
    const char *kind = argc > 1 ? argv[1] : "keep";
    uint64_t bytes = size_argument(argc, argv, 2, MB, BLOCK);
    bytes -= bytes % BLOCK;
    unsigned char *memory = map_anonymous(bytes);
    for (uint64_t offset = 0; offset < bytes; offset += TOUCH_STEP)
        *(volatile unsigned char *)(memory + offset) = 1;

    if (strcmp(kind, "fork") == 0)
        fork_once();
    else if (strcmp(kind, "unmap") == 0) {
        if (munmap(memory, bytes) != 0)
            fail("mmcall: munmap: %s", strerror(errno));
    } else if (strcmp(kind, "halves") == 0)
        discard_halves(memory, bytes);
    else if (strcmp(kind, "protect") == 0)
        protect_twice(memory, bytes);
    else if (strcmp(kind, "keep") != 0)
        fail("mmcall: %s is no kind", kind);
    return report("mmcall", bytes, bytes / TOUCH_STEP);
}
