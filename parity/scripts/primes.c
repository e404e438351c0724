/* Counts primes with a sieve: something for a C compiler to compile, and to run. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <math.h>

struct node { int prime; struct node *next; };

int main(int argc, char **argv)
{
    int limit = argc > 1 ? atoi(argv[1]) : 100;
    char *composite = calloc(limit + 1, 1);
    struct node *head = NULL;
    int count = 0;
    for (int i = 2; i <= limit; i++) {
        if (composite[i])
            continue;
        for (long j = (long)i * i; j <= limit; j += i)
            composite[j] = 1;
        struct node *node = malloc(sizeof *node);
        node->prime = i;
        node->next = head;
        head = node;
        count++;
    }
    double sum = 0;
    for (struct node *node = head; node; node = node->next)
        sum += 1.0 / node->prime;
    printf("%d primes, the last is %d, %.9f\n", count, head->prime, sum);
    fprintf(stderr, "%s\n", strrchr("a/b/c", '/'));
    return count % 100;
}
