/* A shared library for c-library.c: thread-local storage, relocated data, a constructor, and a call back into the C library. */
#include <stdio.h>
#include <string.h>

static __thread int calls = 100;
static const char *const words[] = { "zero", "one", "two" };
static int start;

__attribute__((constructor)) static void open_up(void)
{
    start = (int)strlen(words[0]) + (int)strlen(words[2]);
    printf("library opens\n");
}

int count(int step)
{
    calls += step;
    return calls + start;
}
