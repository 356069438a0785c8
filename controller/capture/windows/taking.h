/* Taking a change: a password in clear comes in, what goes on is sealed. */
#ifndef PWSYNC_TAKING_H
#define PWSYNC_TAKING_H

#include <windows.h>
#include <ntsecapi.h>

#include "misses.h"

/* Takes a change at this time, unless it is of an account that is left out. */
struct outcome take(const UNICODE_STRING *name, ULONG rid, const UNICODE_STRING *password, ULONGLONG filetime);

#endif
