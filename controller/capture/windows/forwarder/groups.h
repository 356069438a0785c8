/*
 * Whose changes are sent: members of one of the groups of IncludeGroups (everybody, when there are none) who are in
 * none of ExcludeGroups. What cannot be told is neither sent nor dropped: the change waits.
 */
#ifndef PWSYNC_GROUPS_H
#define PWSYNC_GROUPS_H

#include <windows.h>

#include "problem.h"

#define GROUPS_MAX 64 /* of both kinds together */

struct groups {
    const WCHAR *names[GROUPS_MAX]; /* those that include, then those that exclude */
    size_t including;
    size_t excluding;
};

enum decision {
    SEND,
    LEAVE_OUT,
    WAIT,        /* it cannot be told of this account */
    WAIT_FOR_ALL /* it can be told of none: the directory is away */
};

/* Decides about an account; the problem says why it waits. */
enum decision groups_decide(const struct groups *groups, const WCHAR *account, struct problem *problem);

#endif
