/* touch [BYTES] [write|read] [ROUNDS]: writes one byte to every page of fresh anonymous memory once, in order (or reads it), and so in each round; for counting faults. */
#include "guest.h"

int main(int argc, char **argv)
{
    uint64_t bytes = size_argument(argc, argv, 1, MB, 1), rounds = size_argument(argc, argv, 3, 1, 1);
    int reads = argc > 2 && strcmp(argv[2], "read") == 0;
    if (argc > 2 && !reads && strcmp(argv[2], "write") != 0)
        fail("touch: %s is neither \"write\" nor \"read\"", argv[2]);

    uint64_t sum = 0;
    for (uint64_t round = 0; round < rounds; round++) {
        volatile unsigned char *memory = map_anonymous(bytes);
        for (uint64_t offset = 0; offset < bytes; offset += TOUCH_STEP) {
            if (reads) {
                if (memory[offset] != 0)
                    fail("touch: fresh memory is not zero at %" PRIu64, offset);
            } else {
                memory[offset] = 1;
            }
            sum++;
        }
        /* The end of the process unmaps what is mapped last. */
        if (round + 1 < rounds && munmap((void *)memory, bytes) != 0)
            fail("munmap: %s", strerror(errno));
    }
    return report(reads ? "touch-read" : "touch", bytes, sum);
}
