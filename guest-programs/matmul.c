/*
 * matmul [N]: product of two N x N matrices of doubles, with the textbook loop that walks the second one by columns. The
 * entries are small integers, so every sum is exact and the result does not depend on rounding.
 * Checked by Freivalds' method: A(Bx) must equal Cx for a vector x.
 */
#include "guest.h"

static void multiply_vector(const double *matrix, const double *vector, double *result, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        double sum = 0;
        for (uint64_t j = 0; j < n; j++)
            sum += matrix[i * n + j] * vector[j];
        result[i] = sum;
    }
}

int main(int argc, char **argv)
{
    uint64_t n = size_argument(argc, argv, 1, 96, 1);
    if (n > 16384)
        fail("matmul: %" PRIu64 " is too large for exact sums in time", n);
    double *a = map_anonymous(n * n * sizeof(double));
    double *b = map_anonymous(n * n * sizeof(double));
    double *c = map_anonymous(n * n * sizeof(double));
    double *vectors = map_anonymous(4 * n * sizeof(double));

    struct random random = { 42 };
    for (uint64_t i = 0; i < n * n; i++) {
        a[i] = (double)random_below(&random, 100);
        b[i] = (double)random_below(&random, 100);
    }

    for (uint64_t i = 0; i < n; i++)
        for (uint64_t j = 0; j < n; j++) {
            double sum = 0;
            for (uint64_t k = 0; k < n; k++)
                sum += a[i * n + k] * b[k * n + j];
            c[i * n + j] = sum;
        }

    double *x = vectors, *bx = x + n, *abx = bx + n, *cx = abx + n;
    for (uint64_t i = 0; i < n; i++)
        x[i] = (double)random_below(&random, 100);
    multiply_vector(b, x, bx, n);
    multiply_vector(a, bx, abx, n);
    multiply_vector(c, x, cx, n);
    for (uint64_t i = 0; i < n; i++)
        if (abx[i] != cx[i])
            fail("matmul: row %" PRIu64 " is wrong", i);

    uint64_t sum = 0;
    for (uint64_t i = 0; i < n * n; i++)
        sum = mix(sum, (uint64_t)c[i]);
    return report("matmul", n, sum);
}
