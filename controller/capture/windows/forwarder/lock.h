/* One forwarder alone works on a spool. */
#ifndef PWSYNC_LOCK_H
#define PWSYNC_LOCK_H

#include <stdbool.h>
#include <windows.h>

#include "problem.h"

/* Is the only forwarder of a spool until the handle is closed; INVALID_HANDLE_VALUE when there is another. */
HANDLE lock_take(const WCHAR *spool, struct problem *problem);

/* Whether a forwarder works on a spool. */
bool lock_is_taken(const WCHAR *spool);

#endif
