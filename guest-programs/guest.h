/*
 * What every guest program shares: arguments, a generator, a checksum, and how a program reports.
 *
 * A program checks its own result. Right: one line "name size checksum" and status 0. Wrong: a message and status 1.
 * Nothing here depends on addresses, time, the page size or the C library, so the line is the same on every machine.
 */
#ifndef GUEST_H
#define GUEST_H

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define KB ((uint64_t)1 << 10)
#define MB ((uint64_t)1 << 20)
#define GB ((uint64_t)1 << 30)

/* The step of programs that touch pages: the smallest page of arm64, so that the work is the same at every page size. */
#define TOUCH_STEP 4096

/* A result that is wrong, or a call that failed: says so and ends the program with status 1. */
__attribute__((noreturn, format(printf, 1, 2), unused)) static void fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fflush(stdout);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

/* A number with an optional suffix k, m or g (powers of 1024); anything else ends the program. */
__attribute__((unused)) static uint64_t parse_size(const char *text)
{
    char *end;
    errno = 0;
    uint64_t value = strtoull(text, &end, 0);
    if (errno != 0 || end == text || *text == '-')
        fail("not a size: %s", text);
    uint64_t unit = 1;
    if (*end == 'k' || *end == 'K')
        unit = KB, end++;
    else if (*end == 'm' || *end == 'M')
        unit = MB, end++;
    else if (*end == 'g' || *end == 'G')
        unit = GB, end++;
    if (*end != '\0' || value > UINT64_MAX / unit)
        fail("not a size: %s", text);
    return value * unit;
}

/* Argument number `index` as a size of at least `minimum`, or `otherwise` if it is not given. */
__attribute__((unused)) static uint64_t size_argument(int argc, char **argv, int index, uint64_t otherwise, uint64_t minimum)
{
    uint64_t value = index < argc ? parse_size(argv[index]) : otherwise;
    if (value < minimum)
        fail("%s: argument %d is %" PRIu64 ", at least %" PRIu64 " is needed", argv[0], index, value, minimum);
    return value;
}

/* Anonymous private memory, zeroed, not touched yet. */
__attribute__((unused)) static void *map_anonymous(uint64_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        fail("mmap of %" PRIu64 " bytes: %s", bytes, strerror(errno));
    return memory;
}

/* xorshift64* (Vigna, "An experimental exploration of Marsaglia's xorshift generators, scrambled", 2016). State is never 0. */
struct random {
    uint64_t state;
};

__attribute__((unused)) static inline uint64_t random_next(struct random *random)
{
    uint64_t x = random->state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    random->state = x;
    return x * UINT64_C(0x2545f4914f6cdd1d);
}

/* A number below `bound` from the upper half of the generator's output; the bias is below bound / 2^32. */
__attribute__((unused)) static inline uint64_t random_below(struct random *random, uint64_t bound)
{
    return ((random_next(random) >> 32) * bound) >> 32;
}

/* Adds `value` to a checksum in which order matters. */
__attribute__((unused)) static inline uint64_t mix(uint64_t sum, uint64_t value)
{
    sum ^= value;
    sum *= UINT64_C(0x9e3779b97f4a7c15);
    return sum ^ (sum >> 29);
}

/* The last act of main: the line that says that the result was right. */
__attribute__((unused)) static int report(const char *name, uint64_t size, uint64_t sum)
{
    printf("%s %" PRIu64 " %016" PRIx64 "\n", name, size, sum);
    return fflush(stdout) == 0 ? 0 : 1;
}

#endif
