/* Accounts whose groups cannot be told now. Their changes wait, in their order, and others go past them. */
#ifndef PWSYNC_UNDECIDED_H
#define PWSYNC_UNDECIDED_H

#include <stdbool.h>
#include <windows.h>

#include "../record.h"

#define UNDECIDED_MAX 500

struct undecided {
    size_t count;
    struct {
        WCHAR account[NAME_MAX_UNITS + 1];
        ULONGLONG ask_again; /* milliseconds of GetTickCount64 */
    } accounts[UNDECIDED_MAX];
};

/*
 * Whether changes of this account are passed over. 'now' has to be the same for all changes of one look at the spool:
 * otherwise a later one could go past an earlier one.
 */
bool undecided_waits(const struct undecided *undecided, const WCHAR *account, ULONGLONG now);

/* Whether it was passed over before. */
bool undecided_has(const struct undecided *undecided, const WCHAR *account);

/* Passes an account over until it is to be asked again. Returns false when there are too many of them. */
bool undecided_add(struct undecided *undecided, const WCHAR *account, ULONGLONG ask_again);

/* It is known now. */
void undecided_remove(struct undecided *undecided, const WCHAR *account);

#endif
