/* Hands one change to the first controller that answers. */
#ifndef PWSYNC_SENDING_H
#define PWSYNC_SENDING_H

#include <stdbool.h>
#include <windows.h>

#include "answer.h"
#include "captured.h"
#include "problem.h"
#include "server.h"

#define SERVERS_MAX 8

/* Controllers of one installation. The one that answered last is asked first. */
struct sender {
    HINTERNET session;
    struct server servers[SERVERS_MAX];
    size_t count;
    size_t first;
    const WCHAR *token_file;    /* or NULL */
    PCCERT_CONTEXT certificate; /* or NULL */
};

enum verdict {
    TAKEN,          /* it is durable there */
    NO_ANSWER,      /* of any of them; it may have arrived */
    AGENT_REFUSED,  /* a person must mend something on the controller's side first */
    CHANGE_REFUSED, /* this change will not be taken */
    TOO_OLD
};

struct sent {
    enum verdict verdict;
    DWORD at_least; /* seconds that the controllers ask to wait */
    char tracking_id[ANSWER_TEXT];
    struct problem problem;
};

/* Reports a change. */
void sender_send(struct sender *sender, const struct captured *captured, struct sent *sent);

/* Gives back the connections. */
void sender_close(struct sender *sender);

#endif
