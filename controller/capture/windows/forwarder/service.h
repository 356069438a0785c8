/* The forwarder as a service of Windows. */
#ifndef PWSYNC_SERVICE_H
#define PWSYNC_SERVICE_H

#include <windows.h>

#define SERVICE_NAME L"pwsync-forwarder"
#define SERVICE_ACCOUNT L"NT SERVICE\\pwsync-forwarder"

/* Is the service, until the service control manager stops it. Returns an error of Windows. */
DWORD service_run(void);

#endif
