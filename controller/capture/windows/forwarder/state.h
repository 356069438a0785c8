/* What the forwarder has done, in a small file of the spool, for whoever looks from outside. */
#ifndef PWSYNC_STATE_H
#define PWSYNC_STATE_H

#include <windows.h>

#include "../record.h"
#include "problem.h"

#define STATE_FILE L"forwarder.state"

struct state {
    ULONGLONG sent;      /* a controller has them durably */
    ULONGLONG refused;   /* set aside: not taken, or damaged */
    ULONGLONG expired;   /* older than MaxAgeMinutes */
    ULONGLONG left_out;  /* by their groups */
    ULONGLONG undecided; /* wait now, since their groups cannot be told */
    ULONGLONG missed;    /* that the journal was told of */
    char last_sent_at[MOMENT_SIZE + 1];
    struct problem undecided_why; /* why, of the last of them */
    struct problem problem;       /* why nothing can be sent now; empty when all is well */
};

/* Reads it. What is missing or damaged counts as nothing: these are only counts. */
void state_load(struct state *state, const WCHAR *spool);

/* Writes it in one step. Returns an error of Windows. */
DWORD state_save(const struct state *state, const WCHAR *spool);

/* Writes a file in one step, in the place of another. Returns an error of Windows. */
DWORD file_replace(const WCHAR *path, const char *content, DWORD size);

#endif
