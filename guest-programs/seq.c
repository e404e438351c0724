/* seq [BYTES] [PASSES]: writes an array once in order, then reads every 8-byte word in order PASSES times. */
#include "guest.h"

int main(int argc, char **argv)
{
    uint64_t bytes = size_argument(argc, argv, 1, MB, 8);
    uint64_t passes = size_argument(argc, argv, 2, 4, 1);
    uint64_t words = bytes / 8;
    /* volatile: one load or store per word, whatever the compiler would make of the loop. */
    volatile uint64_t *array = map_anonymous(words * 8);

    for (uint64_t i = 0; i < words; i++)
        array[i] = 3 * i + 1;

    uint64_t sum = 0;
    for (uint64_t pass = 0; pass < passes; pass++)
        for (uint64_t i = 0; i < words; i++)
            sum += array[i];

    uint64_t pairs = words % 2 == 0 ? words / 2 * (words - 1) : (words - 1) / 2 * words;
    uint64_t expected = passes * (3 * pairs + words);
    if (sum != expected)
        fail("seq: sum %" PRIu64 ", expected %" PRIu64, sum, expected);
    return report("seq", bytes, sum);
}
