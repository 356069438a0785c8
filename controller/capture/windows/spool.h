/*
 * The spool: one file for each captured change (decision 0043), written in one step and flushed.
 *
 *   01795644630123456700.change   waits to be sent; the twenty digits are its order, and unique
 *   01795644630123456700.refused  set aside: the controller does not take it
 *   01795644630123456700.damaged  set aside: it cannot be read
 *   01795644630123456700.change.new  being written: not a change yet
 *
 * A number is that of nanoseconds since 1970, or one more than the highest number in the folder, whichever is more.
 * The password filter alone writes changes; the forwarder sends, renames and deletes those that end in .change. All
 * of them count against MaxChanges. Other files of the folder are the forwarder's own business.
 */
#ifndef PWSYNC_SPOOL_H
#define PWSYNC_SPOOL_H

#include <windows.h>

#include "misses.h"
#include "settings.h"

#define NUMBER_DIGITS 20
#define ENDING_CHANGE L".change"
#define ENDING_REFUSED L".refused"
#define ENDING_DAMAGED L".damaged"
#define ENDING_NEW L".new"

/* Makes what spool_put needs. Returns an error of Windows. */
DWORD spool_initialise(void);

/* Adds a record, of a change at this time. When the reason is CAPTURED, it survives a crash. */
struct outcome spool_put(const struct settings *settings, ULONGLONG filetime, const char *record, ULONG size);

/* The number with which a name begins that is a change of any kind; 0 for all other names. */
ULONGLONG spool_number(const WCHAR *name);

#endif
