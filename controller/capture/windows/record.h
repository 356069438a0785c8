/*
 * A captured change as it stands in the spool: names and time in clear, the password sealed. It is one object of JSON
 * in ASCII, in exactly this form (controller/capture/record.py writes and reads the same):
 *
 *   {"lane": "domain/CORP", "account": "alice", "occurredAt": "2026-11-28T22:10:30.123456+00:00",
 *    "sealedPassword": "..."}
 *
 * with one space where the line breaks here. The name is as Windows spells it; what is not ASCII in it is escaped as
 * \uXXXX, one for each UTF-16 unit.
 */
#ifndef PWSYNC_RECORD_H
#define PWSYNC_RECORD_H

#include <windows.h>

#include "settings.h"

#define NAME_MAX_UNITS 256
#define PASSWORD_MAX_POINTS 256 /* characters; MAX_PASSWORD_LENGTH of controller/model/secret.py */
#define MOMENT_SIZE 32          /* of occurredAt, always in UTC and with six digits after the point */
#define BLOCK_SIZE (4 + 4 * PASSWORD_MAX_POINTS)
#define SEALED_SIZE (1 + KEY_ID_SIZE + PUBLIC_SIZE + BLOCK_SIZE + 16)
#define RECORD_MAX 4096

struct change {
    const char *domain;
    const WCHAR *name;
    ULONG name_units;
    char moment[MOMENT_SIZE + 1];
    BYTE sealed[SEALED_SIZE];
};

/* Writes RFC 3339 into moment: the time of a FILETIME, whose units are 100 ns since 1601. */
void moment_write(char moment[MOMENT_SIZE + 1], ULONGLONG filetime);

/* Writes the record of a change; returns its size, at most RECORD_MAX. */
ULONG record_encode(const struct change *change, char record[RECORD_MAX]);

#endif
