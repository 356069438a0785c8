/* Makes the service known to Windows, and unknown again. */
#ifndef PWSYNC_INSTALLING_H
#define PWSYNC_INSTALLING_H

#include <stdbool.h>
#include <windows.h>

#include "options.h"
#include "problem.h"

/* Makes or renews the service, its folder, its rights and its source of events. It does not start it. */
bool service_install(const struct options *options, struct problem *problem);

/* Stops and removes the service. Spool, settings and token stay. */
bool service_uninstall(struct problem *problem);

#endif
