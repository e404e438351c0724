/* touch [BYTES] [read]: writes one byte to every page of fresh anonymous memory once, in order (or reads it); for counting faults. */
#include "guest.h"

int main(int argc, char **argv)
{
    uint64_t bytes = size_argument(argc, argv, 1, MB, 1);
    int reads = argc > 2 && strcmp(argv[2], "read") == 0;
    if (argc > 2 && !reads)
        fail("touch: %s is not \"read\"", argv[2]);
    volatile unsigned char *memory = map_anonymous(bytes);

    uint64_t sum = 0;
    for (uint64_t offset = 0; offset < bytes; offset += TOUCH_STEP) {
        if (reads) {
            if (memory[offset] != 0)
                fail("touch: fresh memory is not zero at %" PRIu64, offset);
            sum++;
        } else {
            memory[offset] = 1;
            sum++;
        }
    }
    return report(reads ? "touch-read" : "touch", bytes, sum);
}
