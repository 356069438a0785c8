#include "spool.h"

#include "freestanding.h"
#include "text.h"

#define PATIENCE 5000 /* milliseconds that one thread waits for another */
#define UNIX_EPOCH 116444736000000000ULL
#define PATH_MAX_UNITS (SPOOL_PATH_MAX + 1 + NUMBER_DIGITS + 7 + 4 + 1)

static void *volatile turn; /* a mutex */

/* What is known of the folder, by whoever has the turn. */
static struct {
    WCHAR path[SPOOL_PATH_MAX + 1];
    ULONGLONG highest;
    ULONG count; /* at least as many as there are: the forwarder takes some away */
    BOOL is_known;
} seen;

DWORD spool_initialise(void) {
    if (turn != NULL) {
        return ERROR_SUCCESS;
    }
    HANDLE made = CreateMutexW(NULL, FALSE, NULL);
    if (made == NULL) {
        return GetLastError();
    }
    if (InterlockedCompareExchangePointer(&turn, made, NULL) != NULL) {
        CloseHandle(made);
    }
    return ERROR_SUCCESS;
}

static BOOL equal(const WCHAR *one, const WCHAR *other) {
    while (*one != 0 && *one == *other) {
        one++;
        other++;
    }
    return *one == *other;
}

static ULONG append(WCHAR *at, const WCHAR *text) {
    ULONG units = 0;
    for (; text[units] != 0; units++) {
        at[units] = text[units];
    }
    at[units] = 0;
    return units;
}

static ULONGLONG number_of(const WCHAR *name) {
    ULONGLONG number = 0;
    for (ULONG at = 0; at < NUMBER_DIGITS; at++) {
        if (name[at] < '0' || name[at] > '9') {
            return 0;
        }
        number = number * 10 + (ULONGLONG)(name[at] - '0');
    }
    return number;
}

ULONGLONG spool_number(const WCHAR *name) {
    ULONGLONG number = number_of(name);
    if (number == 0) {
        return 0;
    }
    const WCHAR *ending = name + NUMBER_DIGITS;
    return equal(ending, ENDING_CHANGE) || equal(ending, ENDING_REFUSED) || equal(ending, ENDING_DAMAGED) ? number : 0;
}

static void write_path(WCHAR path[PATH_MAX_UNITS], const WCHAR *folder, const WCHAR *name) {
    ULONG units = append(path, folder);
    units += append(path + units, L"\\");
    append(path + units, name);
}

/* What was being written when LSASS ended is no change. */
static void look_at(const WCHAR *folder, const WCHAR *name) {
    ULONGLONG number = spool_number(name);
    if (number != 0) {
        seen.count++;
        seen.highest = number > seen.highest ? number : seen.highest;
    } else if (number_of(name) != 0 && equal(name + NUMBER_DIGITS, ENDING_CHANGE ENDING_NEW)) {
        WCHAR path[PATH_MAX_UNITS];
        write_path(path, folder, name);
        (void)DeleteFileW(path);
    }
}

static DWORD look(const WCHAR *folder) {
    WIN32_FIND_DATAW found;
    WCHAR pattern[PATH_MAX_UNITS];
    memset(&seen, 0, sizeof seen);
    append(seen.path, folder);
    write_path(pattern, folder, L"*");
    HANDLE search = FindFirstFileExW(pattern, FindExInfoBasic, &found, FindExSearchNameMatch, NULL,
                                     FIND_FIRST_EX_LARGE_FETCH);
    if (search == INVALID_HANDLE_VALUE) {
        return GetLastError();
    }
    do {
        look_at(folder, found.cFileName);
    } while (FindNextFileW(search, &found));
    DWORD error = GetLastError();
    FindClose(search);
    seen.is_known = error == ERROR_NO_MORE_FILES;
    return seen.is_known ? ERROR_SUCCESS : error;
}

static DWORD write_file(const WCHAR *path, const char *record, ULONG size) {
    DWORD written = 0;
    DWORD error = ERROR_SUCCESS;
    HANDLE file = CreateFileW(path, GENERIC_WRITE, 0, NULL, CREATE_NEW, FILE_ATTRIBUTE_NORMAL, NULL);
    if (file == INVALID_HANDLE_VALUE) {
        return GetLastError();
    }
    if (!WriteFile(file, record, size, &written, NULL) || !FlushFileBuffers(file)) {
        error = GetLastError();
    } else if (written != size) {
        error = ERROR_DISK_FULL;
    }
    if (!CloseHandle(file) && error == ERROR_SUCCESS) {
        error = GetLastError();
    }
    return error;
}

/* A file is whole or it is not there. */
static DWORD write_change(const WCHAR *folder, ULONGLONG number, const char *record, ULONG size) {
    char digits[NUMBER_DIGITS];
    WCHAR name[NUMBER_DIGITS + 7 + 1];
    WCHAR path[PATH_MAX_UNITS];
    WCHAR unfinished[PATH_MAX_UNITS];
    text_decimal(number, NUMBER_DIGITS, digits);
    for (ULONG at = 0; at < NUMBER_DIGITS; at++) {
        name[at] = (WCHAR)digits[at];
    }
    append(name + NUMBER_DIGITS, ENDING_CHANGE);
    write_path(path, folder, name);
    append(unfinished + append(unfinished, path), ENDING_NEW);
    DWORD error = write_file(unfinished, record, size);
    if (error == ERROR_SUCCESS && !MoveFileExW(unfinished, path, MOVEFILE_WRITE_THROUGH)) {
        error = GetLastError();
    }
    if (error != ERROR_SUCCESS) {
        (void)DeleteFileW(unfinished);
    }
    return error;
}

static struct outcome missed(DWORD error) {
    BOOL is_full = error == ERROR_DISK_FULL || error == ERROR_HANDLE_DISK_FULL;
    return (struct outcome){is_full ? MISSED_DISK_FULL : MISSED_SPOOL, error};
}

static struct outcome put_in_turn(const struct settings *settings, ULONGLONG filetime, const char *record, ULONG size) {
    ULARGE_INTEGER free;
    DWORD error = ERROR_SUCCESS;
    if (!seen.is_known || seen.count >= settings->max_changes || !equal(seen.path, settings->spool)) {
        error = look(settings->spool);
    }
    if (error != ERROR_SUCCESS) {
        return missed(error);
    }
    if (seen.count >= settings->max_changes) {
        return (struct outcome){MISSED_SPOOL_FULL, ERROR_NOT_ENOUGH_QUOTA};
    }
    if (!GetDiskFreeSpaceExW(settings->spool, &free, NULL, NULL)) {
        return missed(GetLastError());
    }
    if (free.QuadPart >> 20 < settings->min_free_mib) {
        return missed(ERROR_DISK_FULL);
    }
    ULONGLONG now = (filetime - UNIX_EPOCH) * 100;
    ULONGLONG number = now > seen.highest ? now : seen.highest + 1;
    error = write_change(settings->spool, number, record, size);
    seen.is_known = error == ERROR_SUCCESS;
    if (error != ERROR_SUCCESS) {
        return missed(error);
    }
    seen.highest = number;
    seen.count++;
    return (struct outcome){CAPTURED, 0};
}

struct outcome spool_put(const struct settings *settings, ULONGLONG filetime, const char *record, ULONG size) {
    DWORD error = spool_initialise();
    if (error != ERROR_SUCCESS) {
        return (struct outcome){MISSED_SPOOL, error};
    }
    DWORD waited = WaitForSingleObject(turn, PATIENCE);
    if (waited != WAIT_OBJECT_0 && waited != WAIT_ABANDONED) {
        return (struct outcome){MISSED_BUSY, waited};
    }
    if (waited == WAIT_ABANDONED) {
        seen.is_known = FALSE; /* a thread was ended while it had the turn */
    }
    struct outcome outcome = put_in_turn(settings, filetime, record, size);
    ReleaseMutex(turn);
    return outcome;
}
