/* Who may use what the forwarder needs: the system, administrators, and the service's own account. */
#ifndef PWSYNC_PROTECTION_H
#define PWSYNC_PROTECTION_H

#include <stdbool.h>
#include <windows.h>

#include "problem.h"

/* Makes the folder of the spool, and the one above it, when they are missing; lets nobody else into the spool. */
bool protect_spool(const WCHAR *spool, struct problem *problem);

/* Lets nobody else read a file; the service may read it. */
bool protect_file(const WCHAR *file, struct problem *problem);

#endif
