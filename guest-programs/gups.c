/*
 * gups [BYTES] [UPDATES]: random read-modify-write of 8-byte words in a table (rounded down to a power of two), as in
 * HPC Challenge RandomAccess. The update is an exclusive or, so a second run of the same sequence must restore the table.
 */
#include "guest.h"

static void update(uint64_t *table, uint64_t mask, uint64_t updates)
{
    struct random random = { 88172645463325252 };
    for (uint64_t i = 0; i < updates; i++) {
        uint64_t value = random_next(&random);
        table[(value >> 20) & mask] ^= value;
    }
}

int main(int argc, char **argv)
{
    uint64_t bytes = size_argument(argc, argv, 1, MB, 8);
    uint64_t words = 1;
    while (words * 2 <= bytes / 8)
        words *= 2;
    uint64_t updates = size_argument(argc, argv, 2, 2 * words, 1);
    uint64_t *table = map_anonymous(words * 8);
    for (uint64_t i = 0; i < words; i++)
        table[i] = i;

    update(table, words - 1, updates);
    uint64_t sum = 0;
    for (uint64_t i = 0; i < words; i++)
        sum = mix(sum, table[i]);

    update(table, words - 1, updates);
    for (uint64_t i = 0; i < words; i++)
        if (table[i] != i)
            fail("gups: word %" PRIu64 " is %" PRIu64 " after undoing every update", i, table[i]);
    return report("gups", bytes, sum);
}
