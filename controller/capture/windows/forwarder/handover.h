/* One change of the spool: sent, left out, set aside, given up, passed over, or kept since nothing can be sent now. */
#ifndef PWSYNC_HANDOVER_H
#define PWSYNC_HANDOVER_H

#include <stdbool.h>
#include <windows.h>

#include "backoff.h"
#include "options.h"
#include "problem.h"
#include "queue.h"
#include "sending.h"
#include "state.h"
#include "undecided.h"

struct forwarder {
    const struct options *options;
    const WCHAR *spool;
    HANDLE stop;
    struct sender sender;
    struct queue queue;
    struct undecided undecided;
    struct backoff backoff;
    struct state state;
    struct state noted;
    ULONGLONG looked_at; /* milliseconds of GetTickCount64 */
    ULONGLONG watch_at;
    DWORD metrics_error;
};

/* Nothing can be sent now. */
struct held {
    struct problem why;
    DWORD at_least; /* seconds that the controller asks to wait */
};

/* Deals with one change. Returns false when nothing can be sent now, and why. */
bool hand_over(struct forwarder *forwarder, ULONGLONG number, struct held *held);

#endif
