/*
 * A captured change as the filter has written it (../record.h). The form is exact: whatever differs is damaged. What is
 * sent is copied from it as it stands, escapes and all.
 */
#ifndef PWSYNC_CAPTURED_H
#define PWSYNC_CAPTURED_H

#include <stdbool.h>
#include <windows.h>

#include "../record.h"

#define BODY_MAX (RECORD_MAX + 64)

struct slice {
    const char *start;
    size_t size;
};

struct captured {
    char domain[DOMAIN_MAX + 1];
    struct slice name;   /* as JSON has it */
    struct slice moment; /* RFC 3339 */
    struct slice sealed; /* Base64 */
    ULONGLONG occurred;  /* FILETIME: 100 ns since 1601, UTC */
    WCHAR account[NAME_MAX_UNITS + 1];
    char shown[3 * NAME_MAX_UNITS + DOMAIN_MAX + 2]; /* DOMAIN\name in UTF-8, for messages */
};

/* Reads a record; its slices point into it. Returns whether it is whole. */
bool captured_read(struct captured *captured, const char *record, size_t size);

/* Writes the body of the report; returns its size. */
DWORD captured_body(const struct captured *captured, char body[BODY_MAX]);

/* The time that "2026-11-28T22:10:30.123456+00:00" tells; 0 when it is no such time. */
ULONGLONG moment_read(struct slice text);

#endif
