/* How capture is, seen from outside: what waits, and what a person must look at. */
#ifndef PWSYNC_STATUS_H
#define PWSYNC_STATUS_H

#include <stdbool.h>
#include <windows.h>

#include "missed.h"
#include "options.h"
#include "problem.h"
#include "state.h"

#define ALARMS_MAX 8

enum form { TEXT, JSON, METRICS };

struct status {
    size_t waiting;
    double oldest; /* seconds since the oldest of them occurred */
    size_t refused;
    size_t damaged;
    size_t used; /* changes of any kind */
    DWORD most;
    bool is_forwarding;
    struct state state;
    struct missed missed;
    size_t alarm_count;
    struct problem alarms[ALARMS_MAX];
};

/* Looks at the spool. Returns an error of Windows. */
DWORD status_look(struct status *status, const struct options *options);

/* Shows it on standard output. */
void status_show(const struct status *status, enum form form);

/* Writes the metrics to MetricsFile. Returns an error of Windows. */
DWORD status_write_metrics(const struct options *options);

#endif
