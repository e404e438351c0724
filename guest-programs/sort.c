/* sort [COUNT]: quicksort of COUNT random 64-bit keys, with insertion sort for short runs. */
#include "guest.h"

static void insertion_sort(uint64_t *keys, uint64_t count)
{
    for (uint64_t i = 1; i < count; i++) {
        uint64_t key = keys[i];
        uint64_t j = i;
        for (; j > 0 && keys[j - 1] > key; j--)
            keys[j] = keys[j - 1];
        keys[j] = key;
    }
}

static uint64_t median_of_three(uint64_t a, uint64_t b, uint64_t c)
{
    if (a < b)
        return b < c ? b : a < c ? c : a;
    return a < c ? a : b < c ? c : b;
}

/* Hoare's partition; recursion into the shorter side bounds the stack to log2(count). */
static void quicksort(uint64_t *keys, uint64_t count)
{
    while (count > 16) {
        uint64_t pivot = median_of_three(keys[0], keys[count / 2], keys[count - 1]);
        uint64_t *low = keys, *high = keys + count - 1;
        for (;;) {
            while (*low < pivot)
                low++;
            while (*high > pivot)
                high--;
            if (low >= high)
                break;
            uint64_t swap = *low;
            *low++ = *high;
            *high-- = swap;
        }
        /* Everything before `low` is at most the pivot, everything from it on at least the pivot. */
        uint64_t left = (uint64_t)(low - keys);
        if (left < count - left) {
            quicksort(keys, left);
            keys += left;
            count -= left;
        } else {
            quicksort(keys + left, count - left);
            count = left;
        }
    }
    insertion_sort(keys, count);
}

int main(int argc, char **argv)
{
    uint64_t count = size_argument(argc, argv, 1, 64 * KB, 1);
    uint64_t *keys = map_anonymous(count * sizeof(uint64_t));
    struct random random = { 2463534242 };
    uint64_t added = 0, xored = 0;
    for (uint64_t i = 0; i < count; i++) {
        keys[i] = random_next(&random);
        added += keys[i];
        xored ^= keys[i];
    }

    quicksort(keys, count);

    uint64_t sum = 0;
    for (uint64_t i = 0; i < count; i++) {
        if (i > 0 && keys[i - 1] > keys[i])
            fail("sort: key %" PRIu64 " is out of order", i);
        added -= keys[i];
        xored ^= keys[i];
        sum = mix(sum, keys[i]);
    }
    if (added != 0 || xored != 0)
        fail("sort: the keys changed");
    return report("sort", count, sum);
}
