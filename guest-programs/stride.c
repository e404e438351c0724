/* stride [BYTES] [STRIDE] [PASSES]: adds one to the word at every STRIDE bytes; a page-sized stride asks one TLB entry per access. */
#include "guest.h"

int main(int argc, char **argv)
{
    uint64_t bytes = size_argument(argc, argv, 1, 4 * MB, 8);
    uint64_t stride = size_argument(argc, argv, 2, TOUCH_STEP, 8);
    uint64_t passes = size_argument(argc, argv, 3, 16, 1);
    if (stride % 8 != 0)
        fail("stride: %" PRIu64 " is not a multiple of 8", stride);
    char *memory = map_anonymous(bytes);

    uint64_t steps = 0;
    for (uint64_t pass = 0; pass < passes; pass++)
        for (uint64_t offset = 0; offset + 8 <= bytes; offset += stride) {
            *(volatile uint64_t *)(memory + offset) += offset + 1;
            steps++;
        }

    uint64_t sum = steps;
    for (uint64_t offset = 0; offset + 8 <= bytes; offset += stride) {
        uint64_t value = *(volatile uint64_t *)(memory + offset);
        if (value != passes * (offset + 1))
            fail("stride: word at %" PRIu64 " is %" PRIu64, offset, value);
        sum = mix(sum, value);
    }
    return report("stride", bytes, sum);
}
