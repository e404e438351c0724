/* spin: says that it runs, then never ends; for instruction limits, time-outs and Ctrl-C. */
#include "guest.h"

int main(void)
{
    printf("spinning\n");
    fflush(stdout);
    for (volatile uint64_t turns = 0;; turns++)
        ;
}
