#include "settings.h"

#include "freestanding.h"
#include "text.h"

#define TEXT_MAX 256
static const WCHAR KEY_PREFIX[] = L"pwsync-capture-1 ";
#define KEY_PREFIX_UNITS (ULONG)(sizeof KEY_PREFIX / sizeof KEY_PREFIX[0] - 1)
#define KEY_SIZE (KEY_ID_SIZE + PUBLIC_SIZE)

/* Reads a text; units tells its length without the zeros at its end. */
static DWORD read_text(HKEY key, const WCHAR *name, WCHAR text[TEXT_MAX], ULONG *units) {
    DWORD type = 0;
    DWORD size = (TEXT_MAX - 1) * sizeof text[0];
    DWORD error = (DWORD)RegQueryValueExW(key, name, NULL, &type, (BYTE *)text, &size);
    if (error != ERROR_SUCCESS) {
        return error;
    }
    if (type != REG_SZ) {
        return ERROR_INVALID_DATATYPE;
    }
    *units = size / (DWORD)sizeof text[0];
    while (*units > 0 && text[*units - 1] == 0) {
        (*units)--;
    }
    text[*units] = 0;
    return ERROR_SUCCESS;
}

static DWORD read_number(HKEY key, const WCHAR *name, DWORD otherwise, DWORD *number) {
    DWORD type = 0;
    DWORD size = sizeof *number;
    DWORD error = (DWORD)RegQueryValueExW(key, name, NULL, &type, (BYTE *)number, &size);
    if (error == ERROR_FILE_NOT_FOUND) {
        *number = otherwise;
        return ERROR_SUCCESS;
    }
    return error == ERROR_SUCCESS && type != REG_DWORD ? ERROR_INVALID_DATATYPE : error;
}

static BOOL may_stand_in_domain(char letter) {
    static const char others[] = "!@#$%^&()_'{}.~-";
    if ((letter >= 'A' && letter <= 'Z') || (letter >= '0' && letter <= '9')) {
        return TRUE;
    }
    for (const char *other = others; *other != 0; other++) {
        if (letter == *other) {
            return TRUE;
        }
    }
    return FALSE;
}

/* As controller/model/accounts.py has it: ASCII, in upper case. */
static DWORD read_domain(HKEY key, char domain[DOMAIN_MAX + 1]) {
    WCHAR text[TEXT_MAX];
    ULONG units = 0;
    DWORD error = read_text(key, L"Domain", text, &units);
    if (error != ERROR_SUCCESS) {
        return error;
    }
    if (units == 0 || units > DOMAIN_MAX) {
        return ERROR_INVALID_DOMAINNAME;
    }
    for (ULONG at = 0; at < units; at++) {
        domain[at] = (char)(text[at] >= 'a' && text[at] <= 'z' ? text[at] - 'a' + 'A' : text[at]);
        if (text[at] >= 0x80 || !may_stand_in_domain(domain[at])) {
            return ERROR_INVALID_DOMAINNAME;
        }
    }
    domain[units] = 0;
    return ERROR_SUCCESS;
}

static DWORD read_key(HKEY key, struct settings *settings) {
    WCHAR text[TEXT_MAX];
    BYTE bytes[KEY_SIZE];
    ULONG units = 0;
    DWORD error = read_text(key, L"Key", text, &units);
    if (error != ERROR_SUCCESS) {
        return error;
    }
    if (units < KEY_PREFIX_UNITS) {
        return ERROR_INVALID_DATA;
    }
    for (ULONG at = 0; at < KEY_PREFIX_UNITS; at++) {
        if (text[at] != KEY_PREFIX[at]) {
            return ERROR_INVALID_DATA;
        }
    }
    if (!text_from_base64(text + KEY_PREFIX_UNITS, units - KEY_PREFIX_UNITS, bytes, KEY_SIZE) ||
        bytes[KEY_ID_SIZE] != 4) {
        return ERROR_INVALID_DATA;
    }
    memcpy(settings->key_id, bytes, KEY_ID_SIZE);
    memcpy(settings->public_key, bytes + KEY_ID_SIZE, PUBLIC_SIZE);
    return ERROR_SUCCESS;
}

static DWORD read_spool(HKEY key, WCHAR spool[SPOOL_PATH_MAX + 1]) {
    WCHAR text[TEXT_MAX];
    ULONG units = 0;
    DWORD error = read_text(key, L"Spool", text, &units);
    if (error != ERROR_SUCCESS) {
        return error;
    }
    while (units > 0 && text[units - 1] == '\\') {
        units--;
    }
    /* From the root of a drive of this machine: LSASS must not wait for another one. */
    if (units < 3 || units > SPOOL_PATH_MAX || text[1] != ':' || text[2] != '\\') {
        return ERROR_BAD_PATHNAME;
    }
    const WCHAR root[] = {text[0], ':', '\\', 0};
    if (GetDriveTypeW(root) == DRIVE_REMOTE) {
        return ERROR_BAD_PATHNAME;
    }
    memcpy(spool, text, units * sizeof spool[0]);
    spool[units] = 0;
    return ERROR_SUCCESS;
}

static DWORD read_all(HKEY key, struct settings *settings) {
    DWORD error = read_domain(key, settings->domain);
    if (error == ERROR_SUCCESS) {
        error = read_key(key, settings);
    }
    if (error == ERROR_SUCCESS) {
        error = read_spool(key, settings->spool);
    }
    if (error == ERROR_SUCCESS) {
        error = read_number(key, L"MaxChanges", 10000, &settings->max_changes);
    }
    if (error == ERROR_SUCCESS) {
        error = read_number(key, L"MinFreeMiB", 256, &settings->min_free_mib);
    }
    return error;
}

DWORD settings_read(struct settings *settings) {
    HKEY key = NULL;
    DWORD error = (DWORD)RegOpenKeyExW(HKEY_LOCAL_MACHINE, SETTINGS_KEY, 0, KEY_QUERY_VALUE, &key);
    if (error != ERROR_SUCCESS) {
        return error;
    }
    error = read_all(key, settings);
    RegCloseKey(key);
    return error;
}
