/* What a C runtime would bring. */
#ifndef PWSYNC_FREESTANDING_H
#define PWSYNC_FREESTANDING_H

#include <windows.h>

void *memcpy(void *to, const void *from, size_t size);
void *memset(void *at, int value, size_t size);

/* Makes the value that protects stacks against overflow. */
void guard_initialise(void);

/* The time now: units of 100 ns since 1601. */
ULONGLONG now_filetime(void);

#endif
