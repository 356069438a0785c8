#include "backoff.h"

#include <stdlib.h>

#define FIRST 1000
#define LONGEST 60000

/* A number from 0 to 1. */
static double jitter(void) {
    unsigned value = 0;
    return rand_s(&value) == 0 ? (double)value / 4294967295.0 : 0.5;
}

void backoff_reset(struct backoff *backoff) {
    backoff->next = FIRST;
}

DWORD backoff_next(struct backoff *backoff, DWORD at_least) {
    double own = backoff->next * (0.75 + 0.5 * jitter());
    double asked = min(at_least, LONGEST / 1000) * 1000.0 * (1 + 0.25 * jitter());
    backoff->next = min(backoff->next * 2, LONGEST);
    return (DWORD)max(own, asked);
}
