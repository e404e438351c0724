/*
 * forkwrite [BYTES]: writes memory, forks; the child checks what it inherited and writes the first half, the parent writes all;
 * then each must find its own values only. Copy on write, and reuse once a page is not shared any more.
 */
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"

static void write_pages(volatile uint64_t *memory, uint64_t bytes, uint64_t salt)
{
    for (uint64_t offset = 0; offset + 8 <= bytes; offset += TOUCH_STEP)
        memory[offset / 8] = offset + salt;
}

/* Checks the pages in [start, bytes) and adds them to `sum`. */
static uint64_t check_pages(volatile uint64_t *memory, uint64_t start, uint64_t bytes, uint64_t salt, uint64_t sum, const char *who)
{
    for (uint64_t offset = start; offset + 8 <= bytes; offset += TOUCH_STEP) {
        if (memory[offset / 8] != offset + salt)
            fail("forkwrite: %s reads %" PRIu64 " at %" PRIu64 ", expected %" PRIu64, who, memory[offset / 8], offset, offset + salt);
        sum = mix(sum, memory[offset / 8]);
    }
    return sum;
}

int main(int argc, char **argv)
{
    uint64_t bytes = size_argument(argc, argv, 1, MB, 2 * TOUCH_STEP);
    uint64_t half = bytes / 2 / TOUCH_STEP * TOUCH_STEP;
    volatile uint64_t *memory = map_anonymous(bytes);
    write_pages(memory, bytes, 1);

    pid_t child = fork();
    if (child < 0)
        fail("forkwrite: fork: %s", strerror(errno));
    if (child == 0) {
        check_pages(memory, 0, bytes, 1, 0, "child after fork");
        write_pages(memory, half, 2);
        check_pages(memory, 0, half, 2, 0, "child after its writes");
        check_pages(memory, half, bytes, 1, 0, "child behind its writes");
        _exit(7);
    }

    write_pages(memory, bytes, 3);
    int status;
    if (waitpid(child, &status, 0) != child)
        fail("forkwrite: waitpid: %s", strerror(errno));
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 7)
        fail("forkwrite: the child ended with status %#x", (unsigned)status);
    write_pages(memory, bytes, 4);
    return report("forkwrite", bytes, check_pages(memory, 0, bytes, 4, 0, "parent"));
}
