/* list [BYTES] [LAPS]: follows a linked list of 64-byte nodes that visits all of them in random order, LAPS times round. */
#include "guest.h"

struct node {
    struct node *next;
    uint64_t value;
    uint64_t padding[6];
};

int main(int argc, char **argv)
{
    uint64_t bytes = size_argument(argc, argv, 1, MB, 2 * sizeof(struct node));
    uint64_t laps = size_argument(argc, argv, 2, 4, 1);
    uint64_t count = bytes / sizeof(struct node);
    if (count > UINT32_MAX)
        fail("list: %" PRIu64 " nodes are too many", count);
    struct node *nodes = map_anonymous(count * sizeof(struct node));
    uint32_t *order = map_anonymous(count * sizeof(uint32_t));

    /* Sattolo's shuffle: a permutation that is one single cycle. */
    struct random random = { 1234567 };
    for (uint64_t i = 0; i < count; i++)
        order[i] = i;
    for (uint64_t i = count - 1; i > 0; i--) {
        uint64_t j = random_below(&random, i);
        uint32_t swap = order[i];
        order[i] = order[j];
        order[j] = swap;
    }
    for (uint64_t i = 0; i < count; i++) {
        nodes[i].next = &nodes[order[i]];
        nodes[i].value = i;
    }

    uint64_t sum = 0;
    const struct node *at = nodes;
    for (uint64_t lap = 0; lap < laps; lap++) {
        uint64_t values = 0;
        for (uint64_t step = 0; step < count; step++) {
            values += at->value;
            sum = mix(sum, at->value);
            at = at->next;
        }
        if (at != nodes)
            fail("list: lap %" PRIu64 " did not come back to its start", lap);
        if (values != count * (count - 1) / 2)
            fail("list: lap %" PRIu64 " did not visit every node once", lap);
    }
    return report("list", bytes, sum);
}
