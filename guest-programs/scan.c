/* scan [BYTES] [PASSES]: touches every page first, so that all faults are over, then reads every 8-byte word in order PASSES times. */
#include "guest.h"

int main(int argc, char **argv)
{
    uint64_t bytes = size_argument(argc, argv, 1, 4 * MB, 8);
    uint64_t passes = size_argument(argc, argv, 2, 4, 1);
    uint64_t words = bytes / 8;
    volatile uint64_t *array = map_anonymous(bytes);

    uint64_t written = 0;
    for (uint64_t i = 0; i < words; i += TOUCH_STEP / 8) {
        array[i] = i + 1;
        written += i + 1;
    }

    uint64_t sum = 0;
    for (uint64_t pass = 0; pass < passes; pass++)
        for (uint64_t i = 0; i < words; i++)
            sum += array[i];
    if (sum != passes * written)
        fail("scan: sum %" PRIu64 ", expected %" PRIu64, sum, passes * written);
    return report("scan", bytes, sum);
}
