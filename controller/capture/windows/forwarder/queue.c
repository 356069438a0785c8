#include "queue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void write_path(WCHAR path[FILE_PATH_MAX], const WCHAR *spool, ULONGLONG number, const WCHAR *ending) {
    swprintf(path, FILE_PATH_MAX, L"%ls\\%020I64u%ls", spool, number, ending);
}

static bool has_ending(const WCHAR *name, const WCHAR *ending) {
    return spool_number(name) != 0 && _wcsicmp(name + NUMBER_DIGITS, ending) == 0;
}

static DWORD add_number(struct queue *queue, ULONGLONG number) {
    if (queue->count == queue->room) {
        size_t room = queue->room == 0 ? 256 : 2 * queue->room;
        ULONGLONG *numbers = realloc(queue->numbers, room * sizeof *numbers);
        if (numbers == NULL) {
            return ERROR_NOT_ENOUGH_MEMORY;
        }
        queue->numbers = numbers;
        queue->room = room;
    }
    queue->numbers[queue->count++] = number;
    return ERROR_SUCCESS;
}

static DWORD add_file(struct queue *queue, const WCHAR *name) {
    if (has_ending(name, ENDING_CHANGE)) {
        return add_number(queue, spool_number(name));
    }
    if (has_ending(name, ENDING_REFUSED)) {
        queue->refused++;
    }
    if (has_ending(name, ENDING_DAMAGED)) {
        queue->damaged++;
    }
    return ERROR_SUCCESS;
}

static int compare(const void *one, const void *other) {
    ULONGLONG a = *(const ULONGLONG *)one, b = *(const ULONGLONG *)other;
    return (a > b) - (a < b);
}

/* Calls add_file for each file; returns an error of Windows. */
static DWORD list(struct queue *queue, const WCHAR *spool) {
    WCHAR pattern[FILE_PATH_MAX];
    WIN32_FIND_DATAW found;
    swprintf(pattern, FILE_PATH_MAX, L"%ls\\*", spool);
    HANDLE search = FindFirstFileExW(pattern, FindExInfoBasic, &found, FindExSearchNameMatch, NULL, 0);
    if (search == INVALID_HANDLE_VALUE) {
        return GetLastError();
    }
    DWORD error = ERROR_SUCCESS;
    do {
        error = add_file(queue, found.cFileName);
    } while (error == ERROR_SUCCESS && FindNextFileW(search, &found));
    if (error == ERROR_SUCCESS && GetLastError() != ERROR_NO_MORE_FILES) {
        error = GetLastError();
    }
    FindClose(search);
    return error;
}

DWORD queue_look(struct queue *queue, const WCHAR *spool) {
    queue->count = queue->refused = queue->damaged = 0;
    DWORD error = list(queue, spool);
    if (queue->count > 0) {
        qsort(queue->numbers, queue->count, sizeof *queue->numbers, compare);
    }
    return error;
}

void queue_free(struct queue *queue) {
    free(queue->numbers);
    memset(queue, 0, sizeof *queue);
}

DWORD queue_read(const WCHAR *spool, ULONGLONG number, char record[RECORD_MAX], DWORD *size) {
    WCHAR path[FILE_PATH_MAX];
    LARGE_INTEGER found;
    write_path(path, spool, number, ENDING_CHANGE);
    HANDLE file = CreateFileW(path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_DELETE, NULL, OPEN_EXISTING, 0, NULL);
    if (file == INVALID_HANDLE_VALUE) {
        return GetLastError();
    }
    bool is_read = GetFileSizeEx(file, &found) && ReadFile(file, record, RECORD_MAX, size, NULL);
    DWORD error = is_read ? ERROR_SUCCESS : GetLastError();
    CloseHandle(file);
    return is_read && found.QuadPart != *size ? ERROR_INVALID_DATA : error;
}

DWORD queue_remove(const WCHAR *spool, ULONGLONG number) {
    WCHAR path[FILE_PATH_MAX];
    write_path(path, spool, number, ENDING_CHANGE);
    return DeleteFileW(path) || GetLastError() == ERROR_FILE_NOT_FOUND ? ERROR_SUCCESS : GetLastError();
}

static DWORD rename_change(const WCHAR *spool, ULONGLONG number, const WCHAR *before, const WCHAR *after) {
    WCHAR old[FILE_PATH_MAX], new[FILE_PATH_MAX];
    write_path(old, spool, number, before);
    write_path(new, spool, number, after);
    return MoveFileExW(old, new, MOVEFILE_REPLACE_EXISTING) ? ERROR_SUCCESS : GetLastError();
}

DWORD queue_set_aside(const WCHAR *spool, ULONGLONG number, const WCHAR *ending) {
    return rename_change(spool, number, ENDING_CHANGE, ending);
}

DWORD queue_put_back(const WCHAR *spool, size_t *count) {
    WCHAR pattern[FILE_PATH_MAX];
    WIN32_FIND_DATAW found;
    DWORD error = ERROR_SUCCESS;
    *count = 0;
    swprintf(pattern, FILE_PATH_MAX, L"%ls\\*%ls", spool, ENDING_REFUSED);
    HANDLE search = FindFirstFileW(pattern, &found);
    if (search == INVALID_HANDLE_VALUE) {
        return GetLastError() == ERROR_FILE_NOT_FOUND ? ERROR_SUCCESS : GetLastError();
    }
    do {
        if (!has_ending(found.cFileName, ENDING_REFUSED)) {
            continue;
        }
        error = rename_change(spool, spool_number(found.cFileName), ENDING_REFUSED, ENDING_CHANGE);
        *count += error == ERROR_SUCCESS;
    } while (error == ERROR_SUCCESS && FindNextFileW(search, &found));
    FindClose(search);
    return error;
}
