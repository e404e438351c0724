/* hello [WORD...]: prints a greeting and its arguments; the smallest program with libc start-up and stdio. */
#include "guest.h"

int main(int argc, char **argv)
{
    printf("hello");
    for (int i = 1; i < argc; i++)
        printf(" %s", argv[i]);
    printf("\n");
    return 0;
}
