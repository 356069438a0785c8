/*
 * Changes that were not captured. They are counted in the registry: it takes a number also when a disk is full or a
 * folder is gone, without a call to another process.
 *
 * HKEY_LOCAL_MACHINE\SOFTWARE\pwsync\Capture\Misses
 *   Count   REG_DWORD  all since the installation
 *   Reason  REG_SZ     of the last: settings, sealing, spoolFull, diskFull, spool, busy, unusable
 *   Error   REG_DWORD  of the last: error of Windows, or NTSTATUS
 *   At      REG_SZ     of the last: RFC 3339
 */
#ifndef PWSYNC_MISSES_H
#define PWSYNC_MISSES_H

#include <windows.h>

#define MISSES_KEY L"SOFTWARE\\pwsync\\Capture\\Misses"

enum reason {
    CAPTURED,          /* or left out on purpose */
    MISSED_SETTINGS,   /* the registry has none that can be used */
    MISSED_SEALING,    /* BCrypt refuses */
    MISSED_SPOOL_FULL, /* MaxChanges */
    MISSED_DISK_FULL,  /* MinFreeMiB, or the disk itself */
    MISSED_SPOOL,      /* the file system refuses otherwise */
    MISSED_BUSY,       /* another thread was writing for too long */
    MISSED_UNUSABLE    /* no such name or password can be: too long, or no text */
};

struct outcome {
    enum reason reason;
    ULONG error;
};

/* Counts a change that was missed. */
void misses_count(struct outcome outcome, ULONGLONG filetime);

#endif
