/*
 * Asks a directory for groups as the forwarder does: ask_groups ACCOUNT GROUP... prints, for each group, "yes", "no" or
 * "unknown", and then the problem; or "away". Only who asks, and where, is otherwise: a user with a password
 * (environment: BIND_DN, BIND_PASSWORD) at 127.0.0.1, not signed. Wine has no account of a machine in a domain.
 */
#include <stdio.h>
#include <windows.h>

#include <winldap.h>

#include <winber.h>

static BOOL name_host(WCHAR *host) {
    wcscpy(host, L"127.0.0.1");
    return TRUE;
}

static ULONG set_option_of(LDAP *ldap, int option, void *value) {
    return option == LDAP_OPT_SIGN || option == LDAP_OPT_ENCRYPT ? LDAP_SUCCESS : ldap_set_optionW(ldap, option, value);
}

#define GetComputerNameExW(format, host, size) ((void)(size), name_host(host))
#define ldap_set_optionW(ldap, option, value) set_option_of(ldap, option, value)
#define ldap_bind_sW(ldap, dn, credentials, method) \
    ldap_simple_bind_sW(ldap, _wgetenv(L"BIND_DN"), _wgetenv(L"BIND_PASSWORD"))

#include "membership_directory.c"
#include "problem.c"

#define GROUPS_ROOM 16

int wmain(int count, WCHAR **arguments) {
    static const char *const words[] = {[NO] = "no", [YES] = "yes", [UNKNOWN] = "unknown"};
    enum knowledge answers[GROUPS_ROOM];
    struct problem problem = {""};
    size_t groups = (size_t)count - 2;
    if (count < 3 || groups > GROUPS_ROOM) {
        return 2;
    }
    if (!membership_ask(arguments[1], (const WCHAR *const *)arguments + 2, groups, answers, &problem)) {
        printf("away: %s\n", problem.words);
        return 0;
    }
    for (size_t i = 0; i < groups; i++) {
        printf("%s ", words[answers[i]]);
    }
    printf("%s\n", problem.words);
    membership_close();
    return 0;
}
