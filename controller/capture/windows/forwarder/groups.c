#include "groups.h"

#include "membership.h"

/* YES when one is; NO when none is; else nobody knows. */
static enum knowledge any_of(const enum knowledge *answers, size_t count) {
    enum knowledge any = NO;
    for (size_t i = 0; i < count; i++) {
        if (answers[i] == YES) {
            return YES;
        }
        if (answers[i] != NO) {
            any = UNKNOWN;
        }
    }
    return any;
}

enum decision groups_decide(const struct groups *groups, const WCHAR *account, struct problem *problem) {
    enum knowledge answers[GROUPS_MAX];
    size_t count = groups->including + groups->excluding;
    if (count == 0) {
        return SEND;
    }
    if (!membership_ask(account, groups->names, count, answers, problem)) {
        return WAIT_FOR_ALL;
    }
    enum knowledge is_included = groups->including == 0 ? YES : any_of(answers, groups->including);
    enum knowledge is_excluded = any_of(answers + groups->including, groups->excluding);
    if (is_excluded == YES || is_included == NO) {
        return LEAVE_OUT;
    }
    return is_excluded == NO && is_included == YES ? SEND : WAIT;
}
