/*
 * btree [KEYS]: inserts KEYS distinct random keys into a B-tree of minimum degree 16 (nodes from malloc), looks every one up, then walks the tree
 * in order. The tree grows by splitting full nodes on the way down.
 */
#include "guest.h"

enum { DEGREE = 16, MAX_KEYS = 2 * DEGREE - 1 };

struct node {
    uint32_t count;
    uint32_t leaf;
    uint64_t keys[MAX_KEYS];
    struct node *children[MAX_KEYS + 1];
};

static struct node *new_node(int leaf)
{
    struct node *node = calloc(1, sizeof(struct node));
    if (node == NULL)
        fail("btree: out of memory");
    node->leaf = leaf;
    return node;
}

/* Index of the first key that is not below `key`. */
static uint32_t lower_bound(const struct node *node, uint64_t key)
{
    uint32_t low = 0, high = node->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (node->keys[middle] < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Splits the full child number `index` of a parent that has room. */
static void split_child(struct node *parent, uint32_t index)
{
    struct node *left = parent->children[index];
    struct node *right = new_node(left->leaf);
    right->count = DEGREE - 1;
    memcpy(right->keys, left->keys + DEGREE, (DEGREE - 1) * sizeof(uint64_t));
    if (!left->leaf)
        memcpy(right->children, left->children + DEGREE, DEGREE * sizeof(struct node *));
    left->count = DEGREE - 1;
    memmove(parent->children + index + 2, parent->children + index + 1, (parent->count - index) * sizeof(struct node *));
    memmove(parent->keys + index + 1, parent->keys + index, (parent->count - index) * sizeof(uint64_t));
    parent->keys[index] = left->keys[DEGREE - 1];
    parent->children[index + 1] = right;
    parent->count++;
}

static struct node *insert(struct node *root, uint64_t key)
{
    if (root->count == MAX_KEYS) {
        struct node *grown = new_node(0);
        grown->children[0] = root;
        split_child(grown, 0);
        root = grown;
    }
    struct node *node = root;
    while (!node->leaf) {
        uint32_t index = lower_bound(node, key);
        if (node->children[index]->count == MAX_KEYS) {
            split_child(node, index);
            if (node->keys[index] < key)
                index++;
        }
        node = node->children[index];
    }
    uint32_t index = lower_bound(node, key);
    memmove(node->keys + index + 1, node->keys + index, (node->count - index) * sizeof(uint64_t));
    node->keys[index] = key;
    node->count++;
    return root;
}

static int contains(const struct node *node, uint64_t key)
{
    for (;;) {
        uint32_t index = lower_bound(node, key);
        if (index < node->count && node->keys[index] == key)
            return 1;
        if (node->leaf)
            return 0;
        node = node->children[index];
    }
}

struct walk {
    uint64_t count;
    uint64_t last;
    uint64_t sum;
};

static void visit(struct walk *walk, uint64_t key)
{
    if (walk->count > 0 && key <= walk->last)
        fail("btree: keys out of order");
    walk->count++;
    walk->last = key;
    walk->sum = mix(walk->sum, key);
}

static void in_order(const struct node *node, struct walk *walk)
{
    for (uint32_t i = 0; i < node->count; i++) {
        if (!node->leaf)
            in_order(node->children[i], walk);
        visit(walk, node->keys[i]);
    }
    if (!node->leaf)
        in_order(node->children[node->count], walk);
}

int main(int argc, char **argv)
{
    uint64_t keys = size_argument(argc, argv, 1, 32 * KB, 1);
    /* xorshift64* has the period 2^64 - 1 and never repeats a state, so its keys are distinct. */
    struct random random = { 99991 };
    struct node *root = new_node(1);
    for (uint64_t i = 0; i < keys; i++)
        root = insert(root, random_next(&random));

    random.state = 99991;
    for (uint64_t i = 0; i < keys; i++)
        if (!contains(root, random_next(&random)))
            fail("btree: key %" PRIu64 " is lost", i);
    for (uint64_t i = 0; i < keys; i++)
        if (contains(root, random_next(&random)))
            fail("btree: a key was found that was never inserted");

    struct walk walk = { 0, 0, 0 };
    in_order(root, &walk);
    if (walk.count != keys)
        fail("btree: %" PRIu64 " keys in order, expected %" PRIu64, walk.count, keys);
    return report("btree", keys, walk.sum);
}
