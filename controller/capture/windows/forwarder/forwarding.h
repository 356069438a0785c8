/* The forwarder: sends what is in the spool, oldest first and one after the other, for as long as it makes sense. */
#ifndef PWSYNC_FORWARDING_H
#define PWSYNC_FORWARDING_H

#include <windows.h>

#include "options.h"
#include "problem.h"

/* Sends what comes, until 'stop' is signalled. Returns whether it could begin. */
bool forwarding_run(const struct options *options, HANDLE stop, struct problem *problem);

#endif
