/*
 * Asks the domain controller of this machine over LDAP, as the service's own account. 'tokenGroups' (MS-ADTS
 * 3.1.1.4.5.19) names all groups of an account by their SIDs: also its primary group, and those that it is in by way of
 * other groups.
 */
#include <string.h>
#include <windows.h>
#include <winldap.h>
#include <winber.h>

#include "../record.h"
#include "membership.h"

#define HOST_MAX 256
#define TREE_MAX 512
#define FILTER_MAX (3 * NAME_MAX_UNITS + 96)
/* An account, or a security group (MS-ADTS 2.2.12): 'tokenGroups' never names a group that is for mail alone. */
#define ANY L"(&(objectClass=*)"
#define SECURITY_GROUP L"(&(groupType:1.2.840.113556.1.4.803:=2147483648)"
#define SECONDS 15

/* The one entry that a search has found, and the values of one attribute. free_found gives it back. */
struct found {
    LDAPMessage *answer;
    WCHAR *dn;
    struct berval **values;
};

static LDAP *directory;
static WCHAR tree[TREE_MAX]; /* the DN of the domain */

static void free_found(struct found *found) {
    if (found->values != NULL) {
        ldap_value_free_len(found->values);
    }
    if (found->dn != NULL) {
        ldap_memfreeW(found->dn);
    }
    if (found->answer != NULL) {
        ldap_msgfree(found->answer);
    }
    memset(found, 0, sizeof *found);
}

void membership_close(void) {
    if (directory != NULL) {
        ldap_unbind(directory);
    }
    directory = NULL;
}

/* Returns an error of LDAP: LDAP_NO_SUCH_OBJECT unless there is exactly one entry, with values that may be read. */
static ULONG find(const WCHAR *base, ULONG scope, const WCHAR *filter, WCHAR *attribute, struct found *found) {
    WCHAR *attributes[] = {attribute, NULL};
    struct l_timeval patience = {SECONDS, 0};
    memset(found, 0, sizeof *found);
    ULONG error = ldap_search_ext_sW(directory, (WCHAR *)base, scope, (WCHAR *)filter, attributes, 0, NULL, NULL,
                                     &patience, 2, &found->answer);
    if (error != LDAP_SUCCESS && error != LDAP_SIZELIMIT_EXCEEDED) {
        return error;
    }
    if (found->answer == NULL || ldap_count_entries(directory, found->answer) != 1) {
        return LDAP_NO_SUCH_OBJECT;
    }
    LDAPMessage *entry = ldap_first_entry(directory, found->answer);
    found->dn = ldap_get_dnW(directory, entry);
    found->values = ldap_get_values_lenW(directory, entry, attribute);
    return found->dn == NULL || found->values == NULL || found->values[0] == NULL ? LDAP_NO_SUCH_OBJECT : LDAP_SUCCESS;
}

/* Asks rootDSE for the DN of the domain. */
static ULONG find_tree(void) {
    WCHAR attribute[] = L"defaultNamingContext";
    struct found found;
    ULONG error = find(L"", LDAP_SCOPE_BASE, L"(objectClass=*)", attribute, &found);
    if (error == LDAP_SUCCESS) {
        const struct berval *value = found.values[0];
        int size = MultiByteToWideChar(CP_UTF8, 0, value->bv_val, (int)value->bv_len, tree, TREE_MAX - 1);
        tree[size] = 0;
        error = size > 0 ? LDAP_SUCCESS : LDAP_DECODING_ERROR;
    }
    free_found(&found);
    return error;
}

static ULONG set_option(int option, const void *value) {
    return ldap_set_optionW(directory, option, (void *)value);
}

/* Signed and encrypted: nobody between answers in the place of the directory. */
static ULONG prepare(void) {
    static const ULONG version = LDAP_VERSION3, seconds = SECONDS;
    ULONG error = set_option(LDAP_OPT_PROTOCOL_VERSION, &version);
    if (error == LDAP_SUCCESS) {
        error = set_option(LDAP_OPT_SIGN, LDAP_OPT_ON);
    }
    if (error == LDAP_SUCCESS) {
        error = set_option(LDAP_OPT_ENCRYPT, LDAP_OPT_ON);
    }
    if (error == LDAP_SUCCESS) {
        error = set_option(LDAP_OPT_REFERRALS, LDAP_OPT_OFF);
    }
    (void)set_option(LDAP_OPT_SEND_TIMEOUT, &seconds); /* Wine does not know it: then the network's own counts */
    return error;
}

/* Connects to this machine by its full name, of which Kerberos has a ticket; returns an error of LDAP. */
static ULONG connect_directory(void) {
    WCHAR host[HOST_MAX];
    DWORD size = HOST_MAX;
    struct l_timeval patience = {SECONDS, 0};
    if (!GetComputerNameExW(ComputerNameDnsFullyQualified, host, &size)) {
        return LDAP_LOCAL_ERROR;
    }
    directory = ldap_initW(host, LDAP_PORT);
    if (directory == NULL) {
        return LDAP_CONNECT_ERROR;
    }
    ULONG error = prepare();
    if (error == LDAP_SUCCESS) {
        error = ldap_connect(directory, &patience);
    }
    if (error == LDAP_SUCCESS) {
        error = ldap_bind_sW(directory, NULL, NULL, LDAP_AUTH_NEGOTIATE);
    }
    return error == LDAP_SUCCESS ? find_tree() : error;
}

/* Writes the filter that finds one of a kind by its name (RFC 4515: special characters escaped). */
static bool write_filter(WCHAR filter[FILTER_MAX], const WCHAR *kind, const WCHAR *name) {
    static const WCHAR digits[] = L"0123456789abcdef";
    WCHAR *at = filter + wcslen(wcscat(wcscpy(filter, kind), L"(sAMAccountName="));
    if (wcslen(name) > NAME_MAX_UNITS) {
        return false;
    }
    for (; *name != 0; name++) {
        if (wcschr(L"*()\\", *name) == NULL) {
            *at++ = *name;
            continue;
        }
        *at++ = L'\\';
        *at++ = digits[*name >> 4];
        *at++ = digits[*name & 15];
    }
    wcscpy(at, L"))");
    return true;
}

static ULONG find_by_name(const WCHAR *kind, const WCHAR *name, struct found *found) {
    WCHAR filter[FILTER_MAX], attribute[] = L"objectSid";
    memset(found, 0, sizeof *found);
    return write_filter(filter, kind, name) ? find(tree, LDAP_SCOPE_SUBTREE, filter, attribute, found)
                                            : LDAP_NO_SUCH_OBJECT;
}

/* All groups of an account. */
static ULONG find_groups_of(const WCHAR *account, struct found *groups) {
    WCHAR attribute[] = L"tokenGroups";
    struct found found;
    memset(groups, 0, sizeof *groups);
    ULONG error = find_by_name(ANY, account, &found);
    if (error == LDAP_SUCCESS) {
        error = find(found.dn, LDAP_SCOPE_BASE, L"(objectClass=*)", attribute, groups);
    }
    free_found(&found);
    return error;
}

static enum knowledge is_among(struct berval *const *sids, const struct berval *sid) {
    for (; *sids != NULL; sids++) {
        if ((*sids)->bv_len == sid->bv_len && memcmp((*sids)->bv_val, sid->bv_val, sid->bv_len) == 0) {
            return YES;
        }
    }
    return NO;
}

static void say_not_found(struct problem *problem, const char *what, const WCHAR *name) {
    char shown[3 * NAME_MAX_UNITS + 1];
    utf8_of(shown, sizeof shown, name);
    problem_say(problem, "the directory tells nothing of the %s %s: it is not there, or may not be read", what, shown);
}

/* Answers for all groups; returns an error of LDAP when the directory has given none. */
static ULONG answer_each(const struct found *own, const WCHAR *const *groups, size_t count, enum knowledge *answers,
                         struct problem *problem) {
    for (size_t i = 0; i < count; i++) {
        struct found group;
        ULONG error = find_by_name(SECURITY_GROUP, groups[i], &group);
        if (error == LDAP_SUCCESS) {
            answers[i] = is_among(own->values, group.values[0]);
        } else if (error == LDAP_NO_SUCH_OBJECT) {
            say_not_found(problem, "security group", groups[i]);
        }
        free_found(&group);
        if (error != LDAP_SUCCESS && error != LDAP_NO_SUCH_OBJECT) {
            return error;
        }
    }
    return LDAP_SUCCESS;
}

bool membership_ask(const WCHAR *account, const WCHAR *const *groups, size_t count, enum knowledge *answers,
                    struct problem *problem) {
    struct found own = {0};
    for (size_t i = 0; i < count; i++) {
        answers[i] = UNKNOWN;
    }
    ULONG error = directory == NULL ? connect_directory() : LDAP_SUCCESS;
    if (error == LDAP_SUCCESS) {
        error = find_groups_of(account, &own);
        if (error == LDAP_SUCCESS) {
            error = answer_each(&own, groups, count, answers, problem);
        } else if (error == LDAP_NO_SUCH_OBJECT) {
            say_not_found(problem, "account", account);
            error = LDAP_SUCCESS;
        }
        free_found(&own);
    }
    if (error != LDAP_SUCCESS) {
        membership_close();
        problem_say(problem, "the directory does not tell who is in which group: error %lu of LDAP", error);
    }
    return error == LDAP_SUCCESS;
}
