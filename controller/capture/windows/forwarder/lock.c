#include "lock.h"

#include <stdio.h>

#include "queue.h"

#define LOCK_FILE L"forwarder.lock"

static HANDLE open_lock(const WCHAR *spool, DWORD creation) {
    WCHAR path[FILE_PATH_MAX];
    swprintf(path, FILE_PATH_MAX, L"%ls\\" LOCK_FILE, spool);
    return CreateFileW(path, GENERIC_READ | GENERIC_WRITE, 0, NULL, creation, FILE_ATTRIBUTE_NORMAL, NULL);
}

HANDLE lock_take(const WCHAR *spool, struct problem *problem) {
    HANDLE lock = open_lock(spool, OPEN_ALWAYS);
    DWORD error = GetLastError();
    if (lock != INVALID_HANDLE_VALUE) {
        return lock;
    }
    if (error == ERROR_SHARING_VIOLATION) {
        problem_say(problem, "another forwarder works on this spool: end it first");
    } else {
        problem_of_windows(problem, "the folder of the spool cannot be used", error);
    }
    return INVALID_HANDLE_VALUE;
}

bool lock_is_taken(const WCHAR *spool) {
    HANDLE lock = open_lock(spool, OPEN_EXISTING);
    if (lock == INVALID_HANDLE_VALUE) {
        return GetLastError() == ERROR_SHARING_VIOLATION;
    }
    CloseHandle(lock);
    return false;
}
