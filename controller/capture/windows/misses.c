#include "misses.h"

#include "record.h"

static const WCHAR *const NAMES[] = {
    [CAPTURED] = L"",
    [MISSED_SETTINGS] = L"settings",
    [MISSED_SEALING] = L"sealing",
    [MISSED_SPOOL_FULL] = L"spoolFull",
    [MISSED_DISK_FULL] = L"diskFull",
    [MISSED_SPOOL] = L"spool",
    [MISSED_BUSY] = L"busy",
    [MISSED_UNUSABLE] = L"unusable",
};

static volatile LONG uncounted; /* of which the registry does not know yet */
static SRWLOCK writing = SRWLOCK_INIT;

static DWORD set_number(HKEY key, const WCHAR *name, DWORD number) {
    return (DWORD)RegSetValueExW(key, name, 0, REG_DWORD, (const BYTE *)&number, sizeof number);
}

static void set_text(HKEY key, const WCHAR *name, const WCHAR *text) {
    DWORD units = 0;
    while (text[units] != 0) {
        units++;
    }
    (void)RegSetValueExW(key, name, 0, REG_SZ, (const BYTE *)text, (units + 1) * (DWORD)sizeof text[0]);
}

static DWORD add(HKEY key, DWORD more) {
    DWORD count = 0;
    DWORD size = sizeof count;
    DWORD type = 0;
    if (RegQueryValueExW(key, L"Count", NULL, &type, (BYTE *)&count, &size) != ERROR_SUCCESS || type != REG_DWORD) {
        count = 0;
    }
    return set_number(key, L"Count", count + more);
}

/* The count matters; the rest is for people. */
static void describe(HKEY key, struct outcome outcome, ULONGLONG filetime) {
    char moment[MOMENT_SIZE + 1];
    WCHAR at[MOMENT_SIZE + 1];
    moment_write(moment, filetime);
    for (ULONG place = 0; place <= MOMENT_SIZE; place++) {
        at[place] = (WCHAR)moment[place];
    }
    set_text(key, L"Reason", NAMES[outcome.reason]);
    (void)set_number(key, L"Error", outcome.error);
    set_text(key, L"At", at);
}

/* Returns whether the registry took it. */
static BOOL write_count(struct outcome outcome, ULONGLONG filetime) {
    HKEY key = NULL;
    DWORD access = KEY_QUERY_VALUE | KEY_SET_VALUE;
    if (RegCreateKeyExW(HKEY_LOCAL_MACHINE, MISSES_KEY, 0, NULL, 0, access, NULL, &key, NULL) != ERROR_SUCCESS) {
        return FALSE;
    }
    LONG more = InterlockedExchange(&uncounted, 0);
    DWORD error = add(key, (DWORD)more);
    if (error == ERROR_SUCCESS) {
        describe(key, outcome, filetime);
    } else {
        InterlockedExchangeAdd(&uncounted, more);
    }
    RegCloseKey(key);
    return error == ERROR_SUCCESS;
}

/* Never waits: whoever is writing already looks again afterwards. */
void misses_count(struct outcome outcome, ULONGLONG filetime) {
    BOOL is_taken = TRUE;
    InterlockedIncrement(&uncounted);
    while (is_taken && uncounted != 0 && TryAcquireSRWLockExclusive(&writing)) {
        is_taken = write_count(outcome, filetime);
        ReleaseSRWLockExclusive(&writing);
    }
}
