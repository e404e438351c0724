/*
 * bfs [VERTICES]: breadth-first search over a random undirected graph in compressed rows, average degree 16 (eight edges drawn per vertex).
 * Checked edge by edge: the levels of two neighbours differ by at most one, and every reached vertex but the root has a
 * neighbour one level nearer.
 */
#include "guest.h"

enum { EDGES_PER_VERTEX = 8 };
#define UNREACHED UINT32_MAX

int main(int argc, char **argv)
{
    uint64_t vertices = size_argument(argc, argv, 1, 8 * KB, 1);
    uint64_t edges = vertices * EDGES_PER_VERTEX;
    if (edges * 2 > UINT32_MAX)
        fail("bfs: %" PRIu64 " vertices are too many", vertices);
    uint32_t *from = map_anonymous(edges * sizeof(uint32_t));
    uint32_t *to = map_anonymous(edges * sizeof(uint32_t));
    uint32_t *row = map_anonymous((vertices + 1) * sizeof(uint32_t));
    uint32_t *fill = map_anonymous(vertices * sizeof(uint32_t));
    uint32_t *neighbours = map_anonymous(2 * edges * sizeof(uint32_t));
    uint32_t *level = map_anonymous(vertices * sizeof(uint32_t));
    uint32_t *queue = map_anonymous(vertices * sizeof(uint32_t));

    struct random random = { 31337 };
    for (uint64_t i = 0; i < edges; i++) {
        from[i] = (uint32_t)random_below(&random, vertices);
        to[i] = (uint32_t)random_below(&random, vertices);
        row[from[i] + 1]++;
        row[to[i] + 1]++;
    }
    for (uint64_t v = 0; v < vertices; v++) {
        row[v + 1] += row[v];
        fill[v] = row[v];
        level[v] = UNREACHED;
    }
    for (uint64_t i = 0; i < edges; i++) {
        neighbours[fill[from[i]]++] = to[i];
        neighbours[fill[to[i]]++] = from[i];
    }

    uint64_t head = 0, tail = 0;
    level[0] = 0;
    queue[tail++] = 0;
    while (head < tail) {
        uint32_t v = queue[head++];
        for (uint32_t i = row[v]; i < row[v + 1]; i++) {
            uint32_t w = neighbours[i];
            if (level[w] != UNREACHED)
                continue;
            level[w] = level[v] + 1;
            queue[tail++] = w;
        }
    }

    uint64_t sum = tail;
    for (uint32_t v = 0; v < vertices; v++) {
        int nearer = v == 0;
        for (uint32_t i = row[v]; i < row[v + 1]; i++) {
            uint32_t w = neighbours[i];
            if ((level[v] == UNREACHED) != (level[w] == UNREACHED))
                fail("bfs: an edge leaves what was reached, at vertex %u", v);
            if (level[v] != UNREACHED && (level[v] > level[w] + 1 || level[w] > level[v] + 1))
                fail("bfs: an edge skips a level, at vertex %u", v);
            if (level[w] != UNREACHED && level[w] + 1 == level[v])
                nearer = 1;
        }
        if (level[v] != UNREACHED && !nearer)
            fail("bfs: vertex %u has no parent", v);
        sum = mix(sum, level[v]);
    }
    return report("bfs", vertices, sum);
}
