/* How long to wait after each failure in a row: twice as long each time, and never all machines at once. */
#ifndef PWSYNC_BACKOFF_H
#define PWSYNC_BACKOFF_H

#include <windows.h>

struct backoff {
    DWORD next; /* milliseconds */
};

/* It went well. */
void backoff_reset(struct backoff *backoff);

/* How many milliseconds to wait now; not less than the seconds that the controller asks for, of which a minute counts.
 */
DWORD backoff_next(struct backoff *backoff, DWORD at_least);

#endif
