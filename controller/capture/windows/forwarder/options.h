/*
 * Settings of the forwarder, in the same key of the registry as those of the filter (../settings.h):
 *
 *   Servers         REG_MULTI_SZ  addresses of controllers of one installation, in the order in which they are tried
 *   TokenFile       REG_SZ        a file that holds the token, and nothing else; or
 *   Certificate     REG_SZ        thumbprint (SHA-1) of a client certificate in the machine's store 'Personal'
 *   MaxAgeMinutes   REG_DWORD     the System's maxSyncAge: how long a change is kept and tried; 1,440 when missing
 *   IncludeGroups   REG_MULTI_SZ  only members of these are sent; everybody when missing
 *   ExcludeGroups   REG_MULTI_SZ  members of these are not sent
 *   MetricsFile     REG_SZ        where metrics are written, for Prometheus; nowhere when missing
 */
#ifndef PWSYNC_OPTIONS_H
#define PWSYNC_OPTIONS_H

#include <stdbool.h>
#include <windows.h>

#include "../settings.h"
#include "groups.h"
#include "problem.h"
#include "sending.h"

#define LIST_ROOM 4096
#define THUMBPRINT_SIZE 20

struct options {
    struct settings capture;
    const WCHAR *servers[SERVERS_MAX];
    size_t server_count;
    WCHAR token_file[MAX_PATH];
    BYTE thumbprint[THUMBPRINT_SIZE];
    bool has_certificate;
    DWORD max_age_minutes;
    struct groups groups;
    WCHAR metrics_file[MAX_PATH];
    WCHAR server_list[LIST_ROOM];
    WCHAR include_list[LIST_ROOM];
    WCHAR exclude_list[LIST_ROOM];
};

/* Reads them; returns whether they can be used. */
bool options_read(struct options *options, struct problem *problem);

#endif
