#include "status_forms.h"

#include <stdio.h>
#include <string.h>

void status_print_text(const struct status *status) {
    printf("%zu waiting, %llu sent, %zu of %lu kept\n", status->waiting, status->state.sent, status->used,
           status->most);
    for (size_t i = 0; i < status->alarm_count; i++) {
        printf("ALARM: %s\n", status->alarms[i].words);
    }
}

/* Prints a string of JSON in ASCII; bytes that are no UTF-8 become U+FFFD. */
static void print_string(const char *text) {
    WCHAR units[PROBLEM_SIZE];
    if (MultiByteToWideChar(CP_UTF8, 0, text, -1, units, PROBLEM_SIZE) == 0) {
        units[0] = 0;
    }
    putchar('"');
    for (const WCHAR *unit = units; *unit != 0; unit++) {
        if (*unit == L'"' || *unit == L'\\') {
            printf("\\%c", (char)*unit);
        } else if (*unit >= L' ' && *unit < 0x7f) {
            putchar((char)*unit);
        } else {
            printf("\\u%04x", *unit);
        }
    }
    putchar('"');
}

void status_print_json(const struct status *status) {
    const struct state *state = &status->state;
    printf("{\"waiting\": %zu, \"oldestSeconds\": %.3f, ", status->waiting, status->oldest);
    printf("\"setAside\": {\"refused\": %zu, \"damaged\": %zu}, ", status->refused, status->damaged);
    printf("\"used\": %zu, \"maxChanges\": %lu, ", status->used, status->most);
    printf("\"forwarding\": %s, \"sent\": %llu, ", status->is_forwarding ? "true" : "false", state->sent);
    printf("\"refused\": %llu, \"expired\": %llu, ", state->refused, state->expired);
    printf("\"leftOut\": %llu, \"undecided\": %llu, ", state->left_out, state->undecided);
    printf("\"notCaptured\": %llu, \"lastSentAt\": ", status->missed.count);
    if (state->last_sent_at[0] == '\0') {
        printf("null");
    } else {
        print_string(state->last_sent_at);
    }
    printf(", \"alarms\": [");
    for (size_t i = 0; i < status->alarm_count; i++) {
        printf("%s", i > 0 ? ", " : "");
        print_string(status->alarms[i].words);
    }
    printf("]}\n");
}

struct metric {
    const char *name;
    const char *kind;
    const char *meaning;
    double value;
};

void status_format_metrics(const struct status *status, char *text, size_t room) {
    const struct state *state = &status->state;
    const struct metric all[] = {
        {"waiting", "gauge", "Captured changes to be sent.", (double)status->waiting},
        {"oldest_seconds", "gauge", "Age of the oldest change to be sent.", status->oldest},
        {"set_aside", "gauge", "Changes that a person must look at.", (double)(status->refused + status->damaged)},
        {"undecided", "gauge", "Changes that wait since their groups cannot be told.", (double)state->undecided},
        {"spool_used", "gauge", "Changes of any kind in the spool.", (double)status->used},
        {"spool_max", "gauge", "How many changes the spool holds at most.", status->most},
        {"forwarding", "gauge", "Whether a forwarder runs.", status->is_forwarding},
        {"alarms", "gauge", "How many things a person must look at.", (double)status->alarm_count},
        {"sent_total", "counter", "Changes handed over.", (double)state->sent},
        {"refused_total", "counter", "Changes that were set aside.", (double)state->refused},
        {"expired_total", "counter", "Changes given up because of their age.", (double)state->expired},
        {"left_out_total", "counter", "Changes left out by the groups of their accounts.", (double)state->left_out},
        {"missed_total", "counter", "Changes that were not captured.", (double)status->missed.count},
    };
    size_t used = 0;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        used += (size_t)snprintf(text + used, room - used,
                                 "# HELP pwsync_capture_%s %s\n# TYPE pwsync_capture_%s %s\npwsync_capture_%s %.15g\n",
                                 all[i].name, all[i].meaning, all[i].name, all[i].kind, all[i].name, all[i].value);
    }
}
