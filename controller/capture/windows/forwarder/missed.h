/* Changes that the filter could not capture (../misses.h), and how many of them a person has acknowledged. */
#ifndef PWSYNC_MISSED_H
#define PWSYNC_MISSED_H

#include <windows.h>

#include "../record.h"

struct missed {
    ULONGLONG count;
    ULONGLONG acknowledged;
    DWORD error;
    char reason[32];
    char at[MOMENT_SIZE + 8];
};

/* Reads what is known; what is missing counts as nothing. */
void missed_read(struct missed *missed);

/* A person has seen those that there are. Returns an error of Windows. */
DWORD missed_acknowledge(void);

#endif
