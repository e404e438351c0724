/*
 * mallocchurn [OPERATIONS]: malloc, realloc and free in random order over 1024 slots, mostly small blocks, some beyond
 * malloc's mmap threshold. Each block is filled with a pattern of its slot, which is checked before the block changes.
 */
#include "guest.h"

enum { SLOTS = 1024 };

struct slot {
    unsigned char *block;
    uint64_t bytes;
    unsigned char pattern;
};

static uint64_t random_bytes(struct random *random)
{
    uint64_t kind = random_below(random, 100);
    if (kind < 80)
        return 1 + random_below(random, 512);
    if (kind < 98)
        return 1 + random_below(random, 16 * KB);
    return 1 + random_below(random, 512 * KB);
}

static void fill(struct slot *slot, unsigned char pattern)
{
    slot->pattern = pattern;
    memset(slot->block, pattern, slot->bytes);
}

static void check(const struct slot *slot, uint64_t bytes)
{
    for (uint64_t i = 0; i < bytes; i++)
        if (slot->block[i] != slot->pattern)
            fail("mallocchurn: byte %" PRIu64 " of %" PRIu64 " is %u, expected %u", i, bytes, slot->block[i], slot->pattern);
}

int main(int argc, char **argv)
{
    uint64_t operations = size_argument(argc, argv, 1, 10000, 1);
    static struct slot slots[SLOTS];
    struct random random = { 5150 };
    uint64_t sum = 0;

    for (uint64_t operation = 0; operation < operations; operation++) {
        struct slot *slot = &slots[random_below(&random, SLOTS)];
        if (slot->block == NULL) {
            slot->bytes = random_bytes(&random);
            slot->block = malloc(slot->bytes);
        } else if (random_below(&random, 3) == 0) {
            uint64_t bytes = random_bytes(&random);
            slot->block = realloc(slot->block, bytes);
            if (slot->block != NULL)
                check(slot, bytes < slot->bytes ? bytes : slot->bytes);
            slot->bytes = bytes;
        } else {
            check(slot, slot->bytes);
            free(slot->block);
            sum = mix(sum, slot->bytes);
            *slot = (struct slot){ NULL, 0, 0 };
            continue;
        }
        if (slot->block == NULL)
            fail("mallocchurn: out of memory");
        fill(slot, (unsigned char)random_next(&random));
        sum = mix(sum, slot->bytes + slot->pattern);
    }
    for (int i = 0; i < SLOTS; i++) {
        if (slots[i].block == NULL)
            continue;
        check(&slots[i], slots[i].bytes);
        free(slots[i].block);
    }
    return report("mallocchurn", operations, sum);
}
