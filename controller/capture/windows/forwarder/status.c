#include "status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "captured.h"
#include "lock.h"
#include "queue.h"
#include "status_forms.h"

#define ALMOST_FULL 80 /* percent of MaxChanges from which on it is an alarm */
#define METRICS_ROOM 4096

static void add_alarm(struct status *status, const char *format, ...) __attribute__((format(gnu_printf, 2, 3)));

static void add_alarm(struct status *status, const char *format, ...) {
    va_list values;
    va_start(values, format);
    if (status->alarm_count < ALARMS_MAX) {
        vsnprintf(status->alarms[status->alarm_count++].words, PROBLEM_SIZE, format, values);
    }
    va_end(values);
}

static void find_alarms(struct status *status) {
    const struct state *state = &status->state;
    const struct missed *missed = &status->missed;
    if (!status->is_forwarding) {
        add_alarm(status, "no forwarder runs: start the service pwsync-forwarder");
    }
    if (state->problem.words[0] != '\0') {
        add_alarm(status, "nothing can be sent: %.300s", state->problem.words);
    }
    if (state->undecided > 0) {
        add_alarm(status, "%llu wait, since nobody can tell whether to send them: %.300s", state->undecided,
                  state->undecided_why.words);
    }
    if (status->refused > 0) {
        add_alarm(status, "%zu set aside as refused: see forwarder.log; mend the cause, then 'pwsync-forwarder retry'",
                  status->refused);
    }
    if (status->damaged > 0) {
        add_alarm(status, "%zu set aside as damaged: look at the disk; let these users change their passwords again",
                  status->damaged);
    }
    if (status->used * 100 >= (size_t)status->most * ALMOST_FULL) {
        add_alarm(status, "the spool holds %zu of at most %lu changes: when it is full, none is taken", status->used,
                  status->most);
    }
    if (missed->count > missed->acknowledged) {
        add_alarm(
            status,
            "%llu changes were not captured, the last at %s (%s, error %lu): let these users change their passwords "
            "again, then 'pwsync-forwarder acknowledge'",
            missed->count - missed->acknowledged, missed->at, missed->reason, missed->error);
    }
}

/* Seconds since the change of this number occurred; 0 when it cannot be read, or is sent meanwhile. */
static double age_of(const WCHAR *spool, ULONGLONG number) {
    char record[RECORD_MAX];
    struct captured captured;
    FILETIME now;
    DWORD size = 0;
    if (queue_read(spool, number, record, &size) != ERROR_SUCCESS || !captured_read(&captured, record, size)) {
        return 0;
    }
    GetSystemTimePreciseAsFileTime(&now);
    ULONGLONG ticks = (ULONGLONG)now.dwHighDateTime << 32 | now.dwLowDateTime;
    return ticks > captured.occurred ? (double)(ticks - captured.occurred) / 1e7 : 0;
}

DWORD status_look(struct status *status, const struct options *options) {
    struct queue queue = {0};
    const WCHAR *spool = options->capture.spool;
    memset(status, 0, sizeof *status);
    DWORD error = queue_look(&queue, spool);
    if (error == ERROR_SUCCESS) {
        status->waiting = queue.count;
        status->oldest = queue.count > 0 ? age_of(spool, queue.numbers[0]) : 0;
        status->refused = queue.refused;
        status->damaged = queue.damaged;
        status->used = queue.count + queue.refused + queue.damaged;
        status->most = options->capture.max_changes;
        status->is_forwarding = lock_is_taken(spool);
        state_load(&status->state, spool);
        missed_read(&status->missed);
        find_alarms(status);
    }
    queue_free(&queue);
    return error;
}

void status_show(const struct status *status, enum form form) {
    char text[METRICS_ROOM];
    switch (form) {
    case JSON:
        status_print_json(status);
        return;
    case METRICS:
        status_format_metrics(status, text, sizeof text);
        fputs(text, stdout);
        return;
    case TEXT:
        status_print_text(status);
    }
}

DWORD status_write_metrics(const struct options *options) {
    static struct status status;
    static char text[METRICS_ROOM];
    DWORD error = status_look(&status, options);
    if (error != ERROR_SUCCESS) {
        return error;
    }
    status_format_metrics(&status, text, sizeof text);
    return file_replace(options->metrics_file, text, (DWORD)strlen(text));
}
