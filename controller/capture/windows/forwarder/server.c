#include "server.h"

#include <stdio.h>
#include <string.h>

#define CONNECT_MILLISECONDS 10000
#define ANSWER_MILLISECONDS 30000
#define EXAMPLE "for example https://pwsync.example.com:8443"

static bool set_protocols(HINTERNET session, DWORD protocols) {
    return WinHttpSetOption(session, WINHTTP_OPTION_SECURE_PROTOCOLS, &protocols, sizeof protocols);
}

HINTERNET session_open(void) {
    HINTERNET session = WinHttpOpen(L"pwsync-forwarder", WINHTTP_ACCESS_TYPE_NO_PROXY, NULL, NULL, 0);
    if (session == NULL) {
        return NULL;
    }
    bool is_safe = set_protocols(session, WINHTTP_FLAG_SECURE_PROTOCOL_TLS1_2 | WINHTTP_FLAG_SECURE_PROTOCOL_TLS1_3) ||
                   set_protocols(session, WINHTTP_FLAG_SECURE_PROTOCOL_TLS1_2); /* before Windows Server 2022 */
    if (is_safe && WinHttpSetTimeouts(session, CONNECT_MILLISECONDS, CONNECT_MILLISECONDS, ANSWER_MILLISECONDS,
                                      ANSWER_MILLISECONDS)) {
        return session;
    }
    DWORD error = GetLastError();
    WinHttpCloseHandle(session);
    SetLastError(error);
    return NULL;
}

/* An address of 127.0.0.0/8, and no name that begins like one. */
static bool is_loopback(const WCHAR *host) {
    return wcsncmp(host, L"127.", 4) == 0 && wcsspn(host, L"0123456789.") == wcslen(host);
}

static bool is_this_machine(const WCHAR *host) {
    return _wcsicmp(host, L"localhost") == 0 || is_loopback(host) || wcscmp(host, L"[::1]") == 0 ||
           wcscmp(host, L"::1") == 0;
}

/* Takes the address apart; returns what is wrong with it, or NULL. */
static const char *take_apart(const WCHAR *url, WCHAR host[HOST_MAX], URL_COMPONENTS *parts) {
    WCHAR path[8] = L"", extra[8] = L"", user[8] = L"";
    *parts = (URL_COMPONENTS){
        .dwStructSize = sizeof *parts,
        .lpszHostName = host,
        .dwHostNameLength = HOST_MAX,
        .lpszUrlPath = path,
        .dwUrlPathLength = 8,
        .lpszExtraInfo = extra,
        .dwExtraInfoLength = 8,
        .lpszUserName = user,
        .dwUserNameLength = 8,
    };
    if (!WinHttpCrackUrl(url, 0, 0, parts) || host[0] == 0) {
        return "is no web address of a controller, " EXAMPLE;
    }
    if ((path[0] != 0 && wcscmp(path, L"/") != 0) || extra[0] != 0 || user[0] != 0) {
        return "has more than scheme, host and port, " EXAMPLE;
    }
    if (parts->nScheme != INTERNET_SCHEME_HTTPS && !is_this_machine(host)) {
        return "is of another machine, and has to begin with https://";
    }
    return NULL;
}

bool server_open(struct server *server, HINTERNET session, const WCHAR *url, struct problem *problem) {
    URL_COMPONENTS parts;
    WCHAR host[HOST_MAX] = L"";
    const char *wrong = take_apart(url, host, &parts);
    char shown[HOST_MAX];
    if (wrong != NULL) {
        const WCHAR *at = wcsrchr(url, L'@'); /* before it may stand a password, which nobody is shown */
        utf8_of(shown, sizeof shown, at == NULL ? url : at);
        problem_say(problem, "the address '%s%s' %s", at == NULL ? "" : "...", shown, wrong);
        return false;
    }
    utf8_of(shown, sizeof shown, host);
    snprintf(server->name, sizeof server->name, "%s:%u", shown, parts.nPort);
    server->is_secure = parts.nScheme == INTERNET_SCHEME_HTTPS;
    server->connection = WinHttpConnect(session, host, parts.nPort, 0);
    if (server->connection == NULL) {
        problem_of_windows(problem, "WinHTTP does not take an address", GetLastError());
    }
    return server->connection != NULL;
}

void server_close(struct server *server) {
    if (server->connection != NULL) {
        WinHttpCloseHandle(server->connection);
    }
    server->connection = NULL;
}

/* No redirections, no cookies, and no proof of this machine's account to whoever asks for one. */
static bool prepare(HINTERNET call, const struct server *server, PCCERT_CONTEXT certificate) {
    DWORD disabled = WINHTTP_DISABLE_REDIRECTS | WINHTTP_DISABLE_COOKIES | WINHTTP_DISABLE_AUTHENTICATION;
    if (!WinHttpSetOption(call, WINHTTP_OPTION_DISABLE_FEATURE, &disabled, sizeof disabled)) {
        return false;
    }
    if (!server->is_secure) {
        return true;
    }
    return certificate == NULL
               ? WinHttpSetOption(call, WINHTTP_OPTION_CLIENT_CERT_CONTEXT, WINHTTP_NO_CLIENT_CERT_CONTEXT, 0)
               : WinHttpSetOption(call, WINHTTP_OPTION_CLIENT_CERT_CONTEXT, (void *)certificate, sizeof *certificate);
}

static DWORD number_of(HINTERNET call, DWORD header) {
    DWORD value = 0, size = sizeof value;
    if (!WinHttpQueryHeaders(call, header | WINHTTP_QUERY_FLAG_NUMBER, WINHTTP_HEADER_NAME_BY_INDEX, &value, &size,
                             WINHTTP_NO_HEADER_INDEX)) {
        return 0;
    }
    return value;
}

static bool read_reply(HINTERNET call, struct reply *reply) {
    DWORD got = 0;
    reply->status = number_of(call, WINHTTP_QUERY_STATUS_CODE);
    reply->retry_after = number_of(call, WINHTTP_QUERY_RETRY_AFTER); /* its other form, a date, does not matter here */
    reply->size = 0;
    do {
        if (reply->size == REPLY_MAX) {
            SetLastError(ERROR_WINHTTP_INVALID_SERVER_RESPONSE); /* no answer of a controller is nearly as long */
            return false;
        }
        if (!WinHttpReadData(call, reply->body + reply->size, REPLY_MAX - reply->size, &got)) {
            return false;
        }
        reply->size += got;
    } while (got > 0);
    return true;
}

/* Returns an error of Windows. */
static DWORD exchange(const struct server *server, const struct request *request, struct reply *reply) {
    HINTERNET call = WinHttpOpenRequest(server->connection, L"POST", request->path, NULL, WINHTTP_NO_REFERER,
                                        WINHTTP_DEFAULT_ACCEPT_TYPES, server->is_secure ? WINHTTP_FLAG_SECURE : 0);
    if (call == NULL) {
        return GetLastError();
    }
    bool is_answered = prepare(call, server, request->certificate) &&
                       WinHttpSendRequest(call, request->headers, (DWORD)-1L, (void *)request->body, request->size,
                                          request->size, 0) &&
                       WinHttpReceiveResponse(call, NULL) && read_reply(call, reply);
    DWORD error = is_answered ? ERROR_SUCCESS : GetLastError();
    WinHttpCloseHandle(call);
    return error;
}

static const char *words_of(DWORD error) {
    switch (error) {
    case ERROR_WINHTTP_NAME_NOT_RESOLVED:
        return "its name is not known";
    case ERROR_WINHTTP_CANNOT_CONNECT:
        return "no connection";
    case ERROR_WINHTTP_TIMEOUT:
        return "it takes too long";
    case ERROR_WINHTTP_CONNECTION_ERROR:
        return "the connection broke";
    case ERROR_WINHTTP_SECURE_FAILURE:
    case ERROR_WINHTTP_SECURE_CHANNEL_ERROR:
        return "its certificate is not trusted here, or TLS failed";
    case ERROR_WINHTTP_CLIENT_AUTH_CERT_NEEDED:
    case ERROR_WINHTTP_CLIENT_CERT_NO_ACCESS_PRIVATE_KEY:
    case ERROR_WINHTTP_CLIENT_CERT_NO_PRIVATE_KEY:
        return "the client certificate cannot be used";
    default:
        return "WinHTTP failed";
    }
}

bool server_post(const struct server *server, const struct request *request, struct reply *reply,
                 struct problem *problem) {
    DWORD error = exchange(server, request, reply);
    if (error == ERROR_WINHTTP_CONNECTION_ERROR) { /* it had closed a connection that was kept open */
        error = exchange(server, request, reply);
    }
    if (error != ERROR_SUCCESS) {
        problem_say(problem, "the controller at %s gives no answer: %s (error %lu)", server->name, words_of(error),
                    error);
    }
    return error == ERROR_SUCCESS;
}
