#include "options.h"

#include <string.h>

#define DEFAULT_MAX_AGE_MINUTES 1440

/* Reads a value; returns an error of Windows. A value that is missing is empty. */
static DWORD read_value(const WCHAR *name, DWORD type, void *value, DWORD size) {
    memset(value, 0, size);
    DWORD error = (DWORD)RegGetValueW(HKEY_LOCAL_MACHINE, SETTINGS_KEY, name, type, NULL, value, &size);
    return error == ERROR_FILE_NOT_FOUND ? ERROR_SUCCESS : error;
}

/* Finds the entries of a list, which end with an empty one; returns how many there are, more than 'most' when too many.
 */
static size_t split(const WCHAR list[LIST_ROOM], const WCHAR **entries, size_t most) {
    size_t count = 0;
    for (const WCHAR *entry = list; *entry != 0; entry += wcslen(entry) + 1, count++) {
        if (count < most) {
            entries[count] = entry;
        }
    }
    return count;
}

static int digit_of(WCHAR c) {
    const WCHAR *digits = L"0123456789abcdef", *found = wcschr(digits, towlower(c));
    return c == 0 || found == NULL ? -1 : (int)(found - digits);
}

/* Reads forty hexadecimal digits, as other programs show them: with or without spaces. */
static bool read_thumbprint(const WCHAR *text, BYTE thumbprint[THUMBPRINT_SIZE]) {
    size_t count = 0;
    for (; *text != 0; text++) {
        int digit = digit_of(*text);
        if (*text == L' ') {
            continue;
        }
        if (digit < 0 || count == 2 * THUMBPRINT_SIZE) {
            return false;
        }
        thumbprint[count / 2] = (BYTE)(thumbprint[count / 2] << 4 | digit);
        count++;
    }
    return count == 2 * THUMBPRINT_SIZE;
}

struct wanted {
    const WCHAR *name;
    DWORD type;
    void *value;
    DWORD size;
};

static bool read_values(struct options *options, WCHAR thumbprint[64], struct problem *problem) {
    const struct wanted all[] = {
        {L"Servers", RRF_RT_REG_MULTI_SZ, options->server_list, sizeof options->server_list},
        {L"IncludeGroups", RRF_RT_REG_MULTI_SZ, options->include_list, sizeof options->include_list},
        {L"ExcludeGroups", RRF_RT_REG_MULTI_SZ, options->exclude_list, sizeof options->exclude_list},
        {L"TokenFile", RRF_RT_REG_SZ, options->token_file, sizeof options->token_file},
        {L"MetricsFile", RRF_RT_REG_SZ, options->metrics_file, sizeof options->metrics_file},
        {L"Certificate", RRF_RT_REG_SZ, thumbprint, 64 * sizeof(WCHAR)},
        {L"MaxAgeMinutes", RRF_RT_REG_DWORD, &options->max_age_minutes, sizeof options->max_age_minutes},
    };
    DWORD error = settings_read(&options->capture);
    if (error != ERROR_SUCCESS) {
        problem_of_windows(problem, "the settings of the filter in HKLM\\SOFTWARE\\pwsync\\Capture cannot be used",
                           error);
        return false;
    }
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        error = read_value(all[i].name, all[i].type, all[i].value, all[i].size);
        if (error != ERROR_SUCCESS) {
            problem_say(problem,
                        "the value %ls of HKLM\\SOFTWARE\\pwsync\\Capture cannot be read: it is of another type, "
                        "or too long (error %lu)",
                        all[i].name, error);
            return false;
        }
    }
    return true;
}

static bool read_groups(struct options *options) {
    struct groups *groups = &options->groups;
    groups->including = split(options->include_list, groups->names, GROUPS_MAX);
    if (groups->including > GROUPS_MAX) {
        return false;
    }
    groups->excluding = split(options->exclude_list, groups->names + groups->including, GROUPS_MAX - groups->including);
    return groups->including + groups->excluding <= GROUPS_MAX;
}

/* What is wrong with the values, or NULL. */
static const char *check(struct options *options, const WCHAR *thumbprint) {
    options->server_count = split(options->server_list, options->servers, SERVERS_MAX);
    if (options->server_count == 0 || options->server_count > SERVERS_MAX) {
        return "Servers has to name one to eight controllers";
    }
    options->has_certificate = thumbprint[0] != 0;
    if (options->has_certificate == (options->token_file[0] != 0)) {
        return "give exactly one of TokenFile and Certificate: how the agent proves who it is";
    }
    if (options->has_certificate && !read_thumbprint(thumbprint, options->thumbprint)) {
        return "Certificate is no thumbprint of forty hexadecimal digits";
    }
    if (!read_groups(options)) {
        return "IncludeGroups and ExcludeGroups name more than 64 groups";
    }
    if (options->max_age_minutes == 0) {
        options->max_age_minutes = DEFAULT_MAX_AGE_MINUTES;
    }
    return NULL;
}

bool options_read(struct options *options, struct problem *problem) {
    WCHAR thumbprint[64] = L"";
    memset(options, 0, sizeof *options);
    if (!read_values(options, thumbprint, problem)) {
        return false;
    }
    const char *wrong = check(options, thumbprint);
    if (wrong != NULL) {
        problem_say(problem, "the settings in HKLM\\SOFTWARE\\pwsync\\Capture cannot be used: %s", wrong);
    }
    return wrong == NULL;
}
