#include "forwarding.h"

#include <string.h>

#include "certificate.h"
#include "handover.h"
#include "journal.h"
#include "lock.h"
#include "membership.h"
#include "missed.h"
#include "status.h"

#define LOOK_EVERY 500    /* milliseconds between two looks into an empty spool */
#define WATCH_EVERY 15000 /* metrics, and changes that were not captured */

static bool is_stopped(const struct forwarder *forwarder, DWORD milliseconds) {
    return WaitForSingleObject(forwarder->stop, milliseconds) != WAIT_TIMEOUT;
}

/* Sends all that waits, until it is held up; returns whether it was. */
static bool send_all(struct forwarder *forwarder, struct held *held) {
    DWORD error = queue_look(&forwarder->queue, forwarder->spool);
    if (error != ERROR_SUCCESS) {
        problem_of_windows(&held->why, "the spool cannot be read", error);
        return true;
    }
    forwarder->looked_at = GetTickCount64();
    forwarder->state.undecided = 0;
    for (size_t i = 0; i < forwarder->queue.count && !is_stopped(forwarder, 0); i++) {
        if (!hand_over(forwarder, forwarder->queue.numbers[i], held)) {
            return true;
        }
    }
    return false;
}

/* A full disk must not keep changes from being sent; the counts go on in memory. */
static void note(struct forwarder *forwarder) {
    if (forwarder->state.undecided == 0) {
        forwarder->state.undecided_why.words[0] = '\0';
    }
    if (memcmp(&forwarder->state, &forwarder->noted, sizeof forwarder->state) != 0 &&
        state_save(&forwarder->state, forwarder->spool) == ERROR_SUCCESS) {
        forwarder->noted = forwarder->state;
    }
}

/* Returns how many milliseconds to wait until the next look. */
static DWORD send_waiting(struct forwarder *forwarder) {
    struct held held = {{""}, 0};
    DWORD milliseconds = LOOK_EVERY;
    if (send_all(forwarder, &held)) {
        milliseconds = backoff_next(&forwarder->backoff, held.at_least);
        if (strcmp(forwarder->state.problem.words, held.why.words) != 0) {
            journal_say(WARNING, "Captured changes wait: problem=%s", held.why.words);
        }
        forwarder->state.problem = held.why;
    } else {
        backoff_reset(&forwarder->backoff);
        memset(&forwarder->state.problem, 0, sizeof forwarder->state.problem);
    }
    note(forwarder);
    return milliseconds;
}

/* Tells of changes that the filter could not capture, and writes the metrics. */
static void watch(struct forwarder *forwarder) {
    struct missed missed;
    if (GetTickCount64() < forwarder->watch_at) {
        return;
    }
    forwarder->watch_at = GetTickCount64() + WATCH_EVERY;
    missed_read(&missed);
    if (missed.count > forwarder->state.missed) {
        journal_say(ALARM, "Changes were not captured: count=%llu at=%s reason=%s error=%lu",
                    missed.count - forwarder->state.missed, missed.at, missed.reason, missed.error);
    }
    forwarder->state.missed = missed.count;
    if (forwarder->options->metrics_file[0] == 0) {
        return;
    }
    DWORD error = status_write_metrics(forwarder->options);
    if (error != ERROR_SUCCESS && error != forwarder->metrics_error) {
        journal_say(WARNING, "The metrics cannot be written: error=%lu", error);
    }
    forwarder->metrics_error = error;
}

static bool open_sender(struct sender *sender, const struct options *options, struct problem *problem) {
    sender->token_file = options->has_certificate ? NULL : options->token_file;
    sender->session = session_open();
    if (sender->session == NULL) {
        problem_of_windows(problem, "WinHTTP cannot be used", GetLastError());
        return false;
    }
    if (options->has_certificate && !certificate_find(options->thumbprint, &sender->certificate, problem)) {
        return false;
    }
    for (; sender->count < options->server_count; sender->count++) {
        struct server *server = &sender->servers[sender->count];
        if (!server_open(server, sender->session, options->servers[sender->count], problem)) {
            return false;
        }
        if (options->has_certificate && !server->is_secure) {
            problem_say(problem, "a client certificate is shown over https:// only");
            return false;
        }
    }
    return true;
}

bool forwarding_run(const struct options *options, HANDLE stop, struct problem *problem) {
    static struct forwarder forwarder;
    HANDLE lock = lock_take(options->capture.spool, problem);
    if (lock == INVALID_HANDLE_VALUE) {
        return false;
    }
    memset(&forwarder, 0, sizeof forwarder);
    forwarder.options = options;
    forwarder.spool = options->capture.spool;
    forwarder.stop = stop;
    state_load(&forwarder.state, forwarder.spool);
    forwarder.noted = forwarder.state;
    bool is_open = open_sender(&forwarder.sender, options, problem);
    if (is_open) {
        DWORD milliseconds;
        backoff_reset(&forwarder.backoff);
        journal_event("The forwarder has started");
        do {
            milliseconds = send_waiting(&forwarder);
            watch(&forwarder);
        } while (!is_stopped(&forwarder, milliseconds));
        journal_event("The forwarder has stopped");
    }
    sender_close(&forwarder.sender);
    membership_close();
    queue_free(&forwarder.queue);
    CloseHandle(lock);
    return is_open;
}
