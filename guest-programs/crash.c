/*
 * crash KIND [N]: ends in the way that its argument names, after a line on stdout.
 * KIND: segv-null, segv-write-text, segv-exec, segv-readonly, bus, ill, trap, fpe, abort, stack-overflow, exit N, kill N.
 * arm64 does not trap an integer division by zero, so fpe raises the signal.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guest.h"

static void segv_null(void)
{
    volatile char *volatile nowhere = NULL;
    *nowhere = 1;
}

static void segv_write_text(void)
{
    volatile char *volatile text = (volatile char *)(uintptr_t)segv_null;
    *text = 0;
}

static void segv_exec(void)
{
    uint32_t *page = map_anonymous(TOUCH_STEP);
    page[0] = 0xd65f03c0; /* ret */
    void (*code)(void) = (void (*)(void))(uintptr_t)page;
    code();
}

static void segv_readonly(void)
{
    volatile char *page = map_anonymous(64 * KB);
    page[0] = 1;
    if (mprotect((void *)(uintptr_t)page, 64 * KB, PROT_READ) != 0)
        fail("crash: mprotect: %s", strerror(errno));
    page[0] = 2;
}

/* A page of a file mapping that lies behind the end of the file, at every page size up to 64 KiB. */
static void bus(void)
{
    int file = open("/proc/self/exe", O_RDONLY);
    struct stat status;
    if (file < 0 || fstat(file, &status) != 0)
        fail("crash: own executable: %s", strerror(errno));
    uint64_t end = ((uint64_t)status.st_size + 64 * KB - 1) / (64 * KB) * (64 * KB);
    const volatile char *memory = mmap(NULL, end + 64 * KB, PROT_READ, MAP_PRIVATE, file, 0);
    if (memory == MAP_FAILED)
        fail("crash: mmap: %s", strerror(errno));
    (void)memory[end];
}

/* More levels than any stack holds. */
__attribute__((noinline)) static int deeper(uint64_t levels)
{
    volatile char frame[4096];
    frame[0] = (char)levels;
    return levels == 0 ? 0 : deeper(levels - 1) + frame[0];
}

int main(int argc, char **argv)
{
    const char *kind = argc > 1 ? argv[1] : "";
    int number = argc > 2 ? atoi(argv[2]) : 0;
    printf("crash %s\n", kind);
    fflush(stdout);

    if (strcmp(kind, "segv-null") == 0)
        segv_null();
    else if (strcmp(kind, "segv-write-text") == 0)
        segv_write_text();
    else if (strcmp(kind, "segv-exec") == 0)
        segv_exec();
    else if (strcmp(kind, "segv-readonly") == 0)
        segv_readonly();
    else if (strcmp(kind, "bus") == 0)
        bus();
    else if (strcmp(kind, "ill") == 0)
        __asm__ volatile("udf #0");
    else if (strcmp(kind, "trap") == 0)
        __asm__ volatile("brk #1000");
    else if (strcmp(kind, "fpe") == 0)
        raise(SIGFPE);
    else if (strcmp(kind, "abort") == 0)
        abort();
    else if (strcmp(kind, "stack-overflow") == 0)
        return deeper(UINT64_MAX);
    else if (strcmp(kind, "exit") == 0)
        return number;
    else if (strcmp(kind, "kill") == 0)
        kill(getpid(), number);
    else
        fail("crash: no kind of crash is called \"%s\"", kind);
    fail("crash: %s did not end the program", kind);
}
