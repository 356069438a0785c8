#include "handover.h"

#include <string.h>

#include "captured.h"
#include "journal.h"

#define ASK_AGAIN 30000 /* milliseconds, about an account whose groups cannot be told */
#define TICKS_OF_A_MINUTE 600000000ULL

static ULONGLONG filetime_now(void) {
    FILETIME now;
    GetSystemTimePreciseAsFileTime(&now);
    return (ULONGLONG)now.dwHighDateTime << 32 | now.dwLowDateTime;
}

/* Returns false, with the reason, when an error of Windows kept the file from being changed. */
static bool is_done(DWORD error, struct held *held) {
    if (error != ERROR_SUCCESS) {
        problem_of_windows(&held->why, "a file of the spool cannot be read, renamed or deleted", error);
    }
    return error == ERROR_SUCCESS;
}

static bool set_aside(struct forwarder *forwarder, ULONGLONG number, const WCHAR *ending, const char *words,
                      struct held *held) {
    if (!is_done(queue_set_aside(forwarder->spool, number, ending), held)) {
        return false;
    }
    forwarder->state.refused++;
    journal_say(ALARM, "A change was set aside: file=%020llu%ls problem=%s", number, ending, words);
    return true;
}

static bool give_up(struct forwarder *forwarder, ULONGLONG number, const struct captured *captured, struct held *held) {
    if (!is_done(queue_remove(forwarder->spool, number), held)) {
        return false;
    }
    undecided_remove(&forwarder->undecided, captured->account); /* else those of deleted accounts would fill it up */
    forwarder->state.expired++;
    journal_say(ALARM, "A change was too old and is given up: account=%s occurred_at=%.*s", captured->shown,
                (int)captured->moment.size, captured->moment.start);
    return true;
}

static bool leave_out(struct forwarder *forwarder, ULONGLONG number, const struct captured *captured,
                      struct held *held) {
    if (!is_done(queue_remove(forwarder->spool, number), held)) {
        return false;
    }
    forwarder->state.left_out++;
    journal_say(INFO, "A change is left out by the groups of its account: account=%s", captured->shown);
    return true;
}

static bool note_sent(struct forwarder *forwarder, ULONGLONG number, const struct captured *captured,
                      const struct sent *sent, struct held *held) {
    if (!is_done(queue_remove(forwarder->spool, number), held)) {
        return false;
    }
    forwarder->state.sent++;
    moment_write(forwarder->state.last_sent_at, filetime_now());
    journal_say(INFO, "A change was handed over: account=%s tracking_id=%s", captured->shown, sent->tracking_id);
    return true;
}

/* Returns false when nothing can be sent now. */
static bool send_change(struct forwarder *forwarder, ULONGLONG number, const struct captured *captured,
                        struct held *held) {
    struct sent sent;
    sender_send(&forwarder->sender, captured, &sent);
    switch (sent.verdict) {
    case TAKEN:
        return note_sent(forwarder, number, captured, &sent, held);
    case TOO_OLD:
        return give_up(forwarder, number, captured, held);
    case CHANGE_REFUSED:
        return set_aside(forwarder, number, ENDING_REFUSED, sent.problem.words, held);
    case AGENT_REFUSED:
    case NO_ANSWER:
        break;
    }
    held->why = sent.problem;
    held->at_least = sent.at_least;
    return false;
}

/* Passes a change over; returns false when there are so many such accounts that all have to wait. */
static bool pass_over(struct forwarder *forwarder, const struct captured *captured, const struct problem *why,
                      struct held *held) {
    forwarder->state.undecided++;
    if (why == NULL) {
        return true;
    }
    if (!undecided_has(&forwarder->undecided, captured->account)) {
        journal_say(WARNING, "A change waits, since nobody can tell whether to send it: account=%s problem=%s",
                    captured->shown, why->words);
    }
    forwarder->state.undecided_why = *why;
    held->why = *why;
    return undecided_add(&forwarder->undecided, captured->account, forwarder->looked_at + ASK_AGAIN);
}

/* Decides by the groups of the account; returns false when nothing can be sent now. */
static bool decide(struct forwarder *forwarder, ULONGLONG number, const struct captured *captured, struct held *held) {
    struct problem why = {""};
    if (undecided_waits(&forwarder->undecided, captured->account, forwarder->looked_at)) {
        return pass_over(forwarder, captured, NULL, held);
    }
    switch (groups_decide(&forwarder->options->groups, captured->account, &why)) {
    case WAIT_FOR_ALL:
        held->why = why;
        return false;
    case WAIT:
        return pass_over(forwarder, captured, &why, held);
    case LEAVE_OUT:
        undecided_remove(&forwarder->undecided, captured->account);
        return leave_out(forwarder, number, captured, held);
    case SEND:
        break;
    }
    undecided_remove(&forwarder->undecided, captured->account);
    return send_change(forwarder, number, captured, held);
}

bool hand_over(struct forwarder *forwarder, ULONGLONG number, struct held *held) {
    static char record[RECORD_MAX];
    static struct captured captured;
    DWORD size = 0;
    DWORD error = queue_read(forwarder->spool, number, record, &size);
    if (error != ERROR_INVALID_DATA && !is_done(error, held)) {
        return false;
    }
    if (error == ERROR_INVALID_DATA || !captured_read(&captured, record, size)) {
        return set_aside(forwarder, number, ENDING_DAMAGED, "it has another form", held);
    }
    if (filetime_now() > captured.occurred + forwarder->options->max_age_minutes * TICKS_OF_A_MINUTE) {
        return give_up(forwarder, number, &captured, held);
    }
    return decide(forwarder, number, &captured, held);
}
