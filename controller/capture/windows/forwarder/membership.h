/*
 * Which groups an account is in. membership_directory.c asks the domain controller; tests of the system link a source
 * in its place that reads a file, since Wine has no Active Directory.
 */
#ifndef PWSYNC_MEMBERSHIP_H
#define PWSYNC_MEMBERSHIP_H

#include <stdbool.h>
#include <windows.h>

#include "problem.h"

enum knowledge { NO, YES, UNKNOWN };

/*
 * Tells of each group whether the account is a member, itself or by way of other groups. UNKNOWN is never guessed away:
 * the account or the group is not found, or cannot be read; the problem then says which. Returns false when nothing
 * can be told of any account, since the directory gives no answer.
 */
bool membership_ask(const WCHAR *account, const WCHAR *const *groups, size_t count, enum knowledge *answers,
                    struct problem *problem);

/* Gives back the connection. */
void membership_close(void);

#endif
