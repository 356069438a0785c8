/* The spool (../spool.h) as the forwarder sees it: what waits, oldest first, and what was set aside. */
#ifndef PWSYNC_QUEUE_H
#define PWSYNC_QUEUE_H

#include <stdbool.h>
#include <windows.h>

#include "../record.h"
#include "../spool.h"

#define FILE_PATH_MAX (SPOOL_PATH_MAX + 64)

struct queue {
    ULONGLONG *numbers; /* of what waits, in their order */
    size_t count;
    size_t room;
    size_t refused;
    size_t damaged;
};

/* Looks which files there are. Returns an error of Windows. */
DWORD queue_look(struct queue *queue, const WCHAR *spool);

/* Gives back what queue_look has allocated. */
void queue_free(struct queue *queue);

/* Reads a change. Returns an error of Windows: ERROR_INVALID_DATA when the file is larger than any record. */
DWORD queue_read(const WCHAR *spool, ULONGLONG number, char record[RECORD_MAX], DWORD *size);

/* Deletes a change. Should the machine stop now, it may come back, and is sent twice: that does no harm. */
DWORD queue_remove(const WCHAR *spool, ULONGLONG number);

/* Keeps a change with another ending, so that it is not sent. Returns an error of Windows. */
DWORD queue_set_aside(const WCHAR *spool, ULONGLONG number, const WCHAR *ending);

/* Lets everything that was refused be sent again. Returns an error of Windows. */
DWORD queue_put_back(const WCHAR *spool, size_t *count);

#endif
