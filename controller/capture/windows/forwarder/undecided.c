#include "undecided.h"

#include <string.h>

/* Returns the place of an account, as Windows compares names; the count when it is not there. */
static size_t find(const struct undecided *undecided, const WCHAR *account) {
    size_t i = 0;
    while (i < undecided->count &&
           CompareStringOrdinal(undecided->accounts[i].account, -1, account, -1, TRUE) != CSTR_EQUAL) {
        i++;
    }
    return i;
}

bool undecided_waits(const struct undecided *undecided, const WCHAR *account, ULONGLONG now) {
    size_t i = find(undecided, account);
    return i < undecided->count && now < undecided->accounts[i].ask_again;
}

bool undecided_has(const struct undecided *undecided, const WCHAR *account) {
    return find(undecided, account) < undecided->count;
}

bool undecided_add(struct undecided *undecided, const WCHAR *account, ULONGLONG ask_again) {
    size_t i = find(undecided, account);
    if (i == UNDECIDED_MAX) {
        return false;
    }
    wcscpy(undecided->accounts[i].account, account);
    undecided->accounts[i].ask_again = ask_again;
    undecided->count = max(undecided->count, i + 1);
    return true;
}

void undecided_remove(struct undecided *undecided, const WCHAR *account) {
    size_t i = find(undecided, account);
    if (i < undecided->count) {
        undecided->accounts[i] = undecided->accounts[--undecided->count];
    }
}
