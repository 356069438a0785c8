/* One controller, over HTTPS by WinHTTP: TLS 1.2 or later, the certificate always verified by this machine's roots. */
#ifndef PWSYNC_SERVER_H
#define PWSYNC_SERVER_H

#include <stdbool.h>
#include <windows.h>
#include <wincrypt.h>
#include <winhttp.h>

#include "problem.h"

#define HOST_MAX 256
#define REPLY_MAX 65536

struct server {
    HINTERNET connection;
    bool is_secure;
    char name[HOST_MAX + 8]; /* host:port, for messages */
};

struct request {
    const WCHAR *path;
    const WCHAR *headers;
    const char *body;
    DWORD size;
    PCCERT_CONTEXT certificate; /* of the client, or NULL */
};

struct reply {
    DWORD status;
    DWORD retry_after; /* seconds; 0 when it says nothing of that */
    DWORD size;
    char body[REPLY_MAX];
};

/* Opens what all servers share; NULL with an error of Windows. */
HINTERNET session_open(void);

/* Takes the address of a controller, as https://pwsync.example.com:8443; no connection is made yet. */
bool server_open(struct server *server, HINTERNET session, const WCHAR *url, struct problem *problem);

/* Posts; returns whether there was an answer. Without one, the call may have arrived all the same. */
bool server_post(const struct server *server, const struct request *request, struct reply *reply,
                 struct problem *problem);

/* Gives back the connection. */
void server_close(struct server *server);

#endif
