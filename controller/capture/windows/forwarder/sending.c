#include "sending.h"

#include <stdio.h>
#include <string.h>

#include "token.h"

#define PATH_ROOM (3 * DOMAIN_MAX + 32)
#define HEADERS_ROOM (TOKEN_MAX + 96)

/* One thread sends, one change after the other. */
static struct reply reply;
static char body[BODY_MAX];

static void write_path(WCHAR path[PATH_ROOM], const char *domain) {
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-~";
    char quoted[3 * DOMAIN_MAX + 1] = "";
    for (char *at = quoted; *domain != '\0'; domain++) {
        at += sprintf(at, strchr(plain, *domain) != NULL ? "%c" : "%%%02X", (unsigned char)*domain);
    }
    swprintf(path, PATH_ROOM, L"/v1/domains/%s/captures", quoted);
}

/* Returns whether there is a token where one is wanted. */
static bool write_headers(const struct sender *sender, WCHAR headers[HEADERS_ROOM], struct problem *problem) {
    WCHAR token[TOKEN_MAX + 1] = L"";
    if (sender->token_file != NULL && !token_read(sender->token_file, token, problem)) {
        return false;
    }
    swprintf(headers, HEADERS_ROOM, L"Content-Type: application/json%ls%ls",
             token[0] ? L"\r\nAuthorization: Bearer " : L"", token);
    SecureZeroMemory(token, sizeof token);
    return true;
}

/* What is said in an answer that is no success (RFC 9457). */
static void read_words(struct sent *sent) {
    char words[ANSWER_TEXT];
    if ((answer_text(reply.body, reply.size, "detail", words) && words[0] != '\0') ||
        (answer_text(reply.body, reply.size, "title", words) && words[0] != '\0')) {
        problem_say(&sent->problem, "%s", words);
    } else {
        problem_say(&sent->problem, "the controller answers with status %lu", reply.status);
    }
}

/* What an answer means. NO_ANSWER: another controller may answer better. */
static enum verdict judge(struct sent *sent) {
    char reason[ANSWER_TEXT];
    if (reply.status >= 200 && reply.status < 300) {
        if (answer_text(reply.body, reply.size, "trackingId", sent->tracking_id) && sent->tracking_id[0] != '\0') {
            return TAKEN;
        }
        problem_say(&sent->problem, "what answers is no controller: status %lu without a tracking ID", reply.status);
        return NO_ANSWER;
    }
    read_words(sent);
    if (reply.status < 400 || reply.status == 408 || reply.status == 429 || reply.status >= 500) {
        return NO_ANSWER;
    }
    if (!answer_text(reply.body, reply.size, "reason", reason)) {
        reason[0] = '\0';
    }
    if (strcmp(reason, "expired") == 0) {
        return TOO_OLD;
    }
    if (reply.status == 401 || reply.status == 404 || (reply.status == 403 && strcmp(reason, "sealBroken") != 0)) {
        return AGENT_REFUSED;
    }
    return CHANGE_REFUSED;
}

/* Asks one after the other until one answers. */
static void ask_each(struct sender *sender, const struct request *request, struct sent *sent) {
    struct problem problems = {""};
    DWORD least = MAXDWORD;
    for (size_t step = 0; step < sender->count; step++) {
        size_t index = (sender->first + step) % sender->count;
        reply.retry_after = 0;
        sent->verdict = server_post(&sender->servers[index], request, &reply, &sent->problem) ? judge(sent) : NO_ANSWER;
        if (sent->verdict != NO_ANSWER) {
            sender->first = index;
            return;
        }
        problem_add(&problems, &sent->problem);
        least = min(least, reply.retry_after);
    }
    sent->problem = problems;
    sent->at_least = least;
}

void sender_send(struct sender *sender, const struct captured *captured, struct sent *sent) {
    WCHAR path[PATH_ROOM], headers[HEADERS_ROOM];
    memset(sent, 0, sizeof *sent);
    sent->verdict = AGENT_REFUSED;
    if (!write_headers(sender, headers, &sent->problem)) {
        return;
    }
    write_path(path, captured->domain);
    struct request request = {path, headers, body, captured_body(captured, body), sender->certificate};
    ask_each(sender, &request, sent);
    SecureZeroMemory(headers, sizeof headers);
}

void sender_close(struct sender *sender) {
    for (size_t i = 0; i < sender->count; i++) {
        server_close(&sender->servers[i]);
    }
    if (sender->session != NULL) {
        WinHttpCloseHandle(sender->session);
    }
    if (sender->certificate != NULL) {
        CertFreeCertificateContext(sender->certificate);
    }
    memset(sender, 0, sizeof *sender);
}
