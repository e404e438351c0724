/* filemap [FILE]: maps a file (its own executable if none is given), sums its bytes, and checks the sum against read(). */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guest.h"

static uint64_t sum_by_read(int file)
{
    static unsigned char buffer[64 * 1024];
    uint64_t sum = 0;
    ssize_t got;
    while ((got = read(file, buffer, sizeof buffer)) > 0)
        for (ssize_t i = 0; i < got; i++)
            sum = mix(sum, buffer[i]);
    if (got < 0)
        fail("filemap: read: %s", strerror(errno));
    return sum;
}

int main(int argc, char **argv)
{
    const char *path = argc > 1 ? argv[1] : "/proc/self/exe";
    int file = open(path, O_RDONLY);
    if (file < 0)
        fail("filemap: %s: %s", path, strerror(errno));
    struct stat status;
    if (fstat(file, &status) != 0)
        fail("filemap: fstat: %s", strerror(errno));
    uint64_t bytes = (uint64_t)status.st_size;
    const volatile unsigned char *memory = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, file, 0);
    if (memory == MAP_FAILED)
        fail("filemap: mmap: %s", strerror(errno));

    uint64_t sum = 0;
    for (uint64_t i = 0; i < bytes; i++)
        sum = mix(sum, memory[i]);
    uint64_t expected = sum_by_read(file);
    if (sum != expected)
        fail("filemap: the mapping sums to %016" PRIx64 ", read() to %016" PRIx64, sum, expected);
    return report("filemap", bytes, sum);
}
