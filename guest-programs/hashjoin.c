/*
 * hashjoin [TUPLES]: builds a chained hash table over TUPLES rows with distinct keys and probes it with four times as many
 * rows, of which about half match. Every match is checked against the payload that belongs to its key.
 */
#include "guest.h"

#define NONE UINT32_MAX

struct row {
    uint64_t key;
    uint64_t payload;
};

/* A bijection of 64-bit numbers: distinct ids give distinct, scattered keys. */
static uint64_t key_of(uint64_t id)
{
    id ^= id >> 31;
    id *= UINT64_C(0x7fb5d329728ea185);
    id ^= id >> 27;
    return id * UINT64_C(0x81dadef4bc2dd44d);
}

static uint64_t payload_of(uint64_t id)
{
    return 7 * id + 5;
}

int main(int argc, char **argv)
{
    uint64_t tuples = size_argument(argc, argv, 1, 16 * KB, 1);
    if (tuples >= NONE / 4)
        fail("hashjoin: %" PRIu64 " tuples are too many", tuples);
    uint64_t buckets = 1;
    while (buckets < tuples)
        buckets *= 2;
    struct row *rows = map_anonymous(tuples * sizeof(struct row));
    uint32_t *next = map_anonymous(tuples * sizeof(uint32_t));
    uint32_t *heads = map_anonymous(buckets * sizeof(uint32_t));

    for (uint64_t i = 0; i < buckets; i++)
        heads[i] = NONE;
    for (uint64_t id = 0; id < tuples; id++) {
        rows[id] = (struct row){ key_of(id), payload_of(id) };
        uint64_t bucket = (rows[id].key >> 32) & (buckets - 1);
        next[id] = heads[bucket];
        heads[bucket] = (uint32_t)id;
    }

    struct random random = { 777 };
    uint64_t matches = 0, expected = 0, sum = 0;
    for (uint64_t probe = 0; probe < 4 * tuples; probe++) {
        uint64_t id = random_below(&random, 2 * tuples);
        uint64_t key = key_of(id);
        if (id < tuples)
            expected++;
        for (uint32_t at = heads[(key >> 32) & (buckets - 1)]; at != NONE; at = next[at]) {
            if (rows[at].key != key)
                continue;
            if (rows[at].payload != payload_of(id))
                fail("hashjoin: id %" PRIu64 " joined a foreign row", id);
            matches++;
            sum = mix(sum, rows[at].payload);
        }
    }
    if (matches != expected)
        fail("hashjoin: %" PRIu64 " matches, expected %" PRIu64, matches, expected);
    return report("hashjoin", tuples, sum);
}
