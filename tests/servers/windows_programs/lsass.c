/*
 * Calls the password filter as LSASS does: loads it, calls InitializeChangeNotify once, and then tells it of changes.
 *
 *   lsass.exe C:\path\pwsync-filter.dll
 *
 * Says "loaded" and which agreement the filter has (agreement.h). Then it reads orders, one on each line, and answers
 * each with one line. Texts are hexadecimal UTF-16, the least significant byte first; - is an empty one.
 *
 *   change RID NAME PASSWORD              what both exports return
 *   invalid                               strings as they should not be
 *   burst THREADS COUNT NAME PASSWORD     so many changes by so many threads at the same time
 *   repeat COUNT NAME PASSWORD            so many one after the other; nanoseconds for each
 *   measure                               handles, bytes on heaps, and bytes of the process
 *   search BYTES                          how often they are in memory: while they were put there, and afterwards
 *   empty FOLDER                          deletes the changes in it
 *   clear                                 deletes all settings, and what was counted as missed
 *   text NAME VALUE                       sets a text in the settings
 *   number NAME VALUE                     sets a number there
 *   misses                                how many were missed, with which error the last one, and why
 */
#include <windows.h>
#include <ntsecapi.h>
#include <psapi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../controller/capture/windows/misses.h"
#include "../../../controller/capture/windows/settings.h"
#include "agreement.h"
#include "memory.h"

#define LINE_MAX 0x40000
#define THREADS_MAX 16
#define RID 1104

typedef BOOLEAN(NTAPI *initialise_function)(void);
typedef BOOLEAN(NTAPI *filter_function)(PUNICODE_STRING, PUNICODE_STRING, PUNICODE_STRING, BOOLEAN);
typedef NTSTATUS(NTAPI *notify_function)(PUNICODE_STRING, ULONG, PUNICODE_STRING);

static initialise_function initialise;
static filter_function filter;
static notify_function notify;

static void change(const char *rest) {
    char *after;
    ULONG rid = strtoul(rest, &after, 10);
    const char *text = after;
    struct guarded name = guard(&text), password = guard(&text);
    BOOLEAN is_accepted = filter(&name.string, &name.string, &password.string, FALSE);
    NTSTATUS status = notify(&name.string, rid, &password.string);
    printf("%u %lx\n", is_accepted, (ULONG)status);
    unguard(&name);
    unguard(&password);
}

static void invalid(const char *rest) {
    (void)rest;
    WCHAR letters[] = L"alice";
    UNICODE_STRING fine = {10, 10, letters}, odd = {9, 9, letters}, nowhere = {10, 10, NULL}, empty = {0, 0, letters};
    UNICODE_STRING *strings[] = {NULL, &odd, &nowhere, &empty, &fine};
    ULONG count = sizeof strings / sizeof strings[0], objections = 0;
    for (ULONG name = 0; name < count; name++) {
        for (ULONG password = 0; password < count; password++) {
            objections += filter(strings[name], strings[name], strings[password], TRUE) != TRUE;
            objections += name + password < 2 * count - 2 && notify(strings[name], RID, strings[password]) != 0;
        }
    }
    printf("%lu\n", objections);
}

struct work {
    ULONG count;
    UNICODE_STRING *name, *password;
};

static DWORD WINAPI work(void *argument) {
    struct work *own = argument;
    DWORD failures = 0;
    for (ULONG at = 0; at < own->count; at++) {
        failures += notify(own->name, RID, own->password) != 0;
    }
    return failures;
}

static void burst(const char *rest) {
    char *after;
    HANDLE threads[THREADS_MAX];
    ULONG count = strtoul(rest, &after, 10), failures = 0;
    ULONG each = strtoul(after, &after, 10) / count;
    const char *text = after;
    struct guarded name = guard(&text), password = guard(&text);
    struct work shared = {each, &name.string, &password.string};
    for (ULONG at = 0; at < count; at++) {
        threads[at] = CreateThread(NULL, 0, work, &shared, 0, NULL);
    }
    WaitForMultipleObjects(count, threads, TRUE, INFINITE);
    for (ULONG at = 0; at < count; at++) {
        DWORD failed;
        GetExitCodeThread(threads[at], &failed);
        failures += failed;
        CloseHandle(threads[at]);
    }
    printf("%lu\n", failures);
    unguard(&name);
    unguard(&password);
}

static void repeat(const char *rest) {
    char *after;
    LARGE_INTEGER start, end, second;
    ULONG count = strtoul(rest, &after, 10);
    const char *text = after;
    struct guarded name = guard(&text), password = guard(&text);
    struct work own = {count, &name.string, &password.string};
    QueryPerformanceFrequency(&second);
    QueryPerformanceCounter(&start);
    DWORD failures = work(&own);
    QueryPerformanceCounter(&end);
    printf("%lu %.0f\n", failures, (double)(end.QuadPart - start.QuadPart) * 1e9 / (double)second.QuadPart / count);
    unguard(&name);
    unguard(&password);
}

/* Wine 8 does not count them, but always gives the lowest number that is free. */
static ULONG count_handles(void) {
    DWORD count = 0;
    if (!GetProcessHandleCount(GetCurrentProcess(), &count) || count == 0) {
        HANDLE next = CreateEventW(NULL, FALSE, FALSE, NULL);
        count = (DWORD)(UINT_PTR)next / 4;
        CloseHandle(next);
    }
    return count;
}

static void measure(const char *rest) {
    (void)rest;
    PROCESS_MEMORY_COUNTERS memory;
    ULONG handles = count_handles();
    GetProcessMemoryInfo(GetCurrentProcess(), &memory, sizeof memory);
    printf("%lu %llu %llu\n", handles, (ULONGLONG)heap_in_use(), (ULONGLONG)memory.WorkingSetSize);
}

static void search(const char *rest) {
    static BYTE hidden[1024];
    SIZE_T size = read_hex(&rest, hidden, sizeof hidden, HIDDEN);
    volatile BYTE *planted = VirtualAlloc(NULL, sizeof hidden, MEM_COMMIT | MEM_RESERVE, PAGE_READWRITE);
    for (SIZE_T at = 0; at < size; at++) {
        planted[at] = hidden[at] ^ HIDDEN;
    }
    ULONG with = count_in_memory(hidden, size);
    VirtualFree((void *)planted, 0, MEM_RELEASE);
    printf("%lu %lu\n", with, count_in_memory(hidden, size));
}

static void empty(const char *folder) {
    char path[MAX_PATH];
    WIN32_FIND_DATAA found;
    ULONG count = 0;
    snprintf(path, sizeof path, "%s\\*.change", folder);
    HANDLE list = FindFirstFileA(path, &found);
    for (BOOL more = list != INVALID_HANDLE_VALUE; more; more = FindNextFileA(list, &found)) {
        snprintf(path, sizeof path, "%s\\%s", folder, found.cFileName);
        count += DeleteFileA(path);
    }
    FindClose(list);
    printf("%lu\n", count);
}

static void clear(const char *rest) {
    (void)rest;
    printf("%ld\n", RegDeleteTreeW(HKEY_LOCAL_MACHINE, SETTINGS_KEY));
}

/* Returns where the value begins. */
static const char *setting_name(const char *rest, WCHAR name[64]) {
    SIZE_T units = 0;
    for (; units < 63 && *rest != 0 && *rest != ' '; rest++) {
        name[units++] = (WCHAR)*rest;
    }
    name[units] = 0;
    return rest;
}

static void set_text(const char *rest) {
    WCHAR name[64];
    rest = setting_name(rest, name);
    WCHAR value[512] = L"";
    DWORD size = (DWORD)read_hex(&rest, (BYTE *)value, sizeof value - sizeof value[0], 0);
    printf("%ld\n", RegSetKeyValueW(HKEY_LOCAL_MACHINE, SETTINGS_KEY, name, REG_SZ, value, size));
}

static void set_number(const char *rest) {
    WCHAR name[64];
    DWORD value = strtoul(setting_name(rest, name), NULL, 10);
    printf("%ld\n", RegSetKeyValueW(HKEY_LOCAL_MACHINE, SETTINGS_KEY, name, REG_DWORD, &value, sizeof value));
}

static void misses(const char *rest) {
    (void)rest;
    DWORD count = 0, error = 0, size = sizeof count;
    WCHAR reason[64] = L"";
    RegGetValueW(HKEY_LOCAL_MACHINE, MISSES_KEY, L"Count", RRF_RT_REG_DWORD, NULL, &count, &size);
    size = sizeof error;
    RegGetValueW(HKEY_LOCAL_MACHINE, MISSES_KEY, L"Error", RRF_RT_REG_DWORD, NULL, &error, &size);
    size = sizeof reason;
    RegGetValueW(HKEY_LOCAL_MACHINE, MISSES_KEY, L"Reason", RRF_RT_REG_SZ, NULL, reason, &size);
    printf("%lu %lu %ls\n", count, error, reason);
}

static const struct {
    const char *name;
    void (*function)(const char *rest);
} ORDERS[] = {
    {"change", change}, {"invalid", invalid}, {"burst", burst},   {"repeat", repeat},     {"measure", measure},
    {"search", search}, {"empty", empty},     {"clear", clear},   {"text", set_text},     {"number", set_number},
    {"misses", misses},
};

static BOOL obey(char *line) {
    SIZE_T size = strcspn(line, " ");
    const char *rest = line[size] == 0 ? line + size : line + size + 1;
    line[size] = 0;
    for (SIZE_T at = 0; at < sizeof ORDERS / sizeof ORDERS[0]; at++) {
        if (strcmp(line, ORDERS[at].name) == 0) {
            ORDERS[at].function(rest);
            return TRUE;
        }
    }
    return FALSE;
}

static BOOL load(const WCHAR *path) {
    HMODULE module = LoadLibraryW(path);
    if (module == NULL) {
        fprintf(stderr, "cannot load the filter: error %lu\n", GetLastError());
        return FALSE;
    }
    BOOL is_filled_in = agreement_fill_in(module);
    initialise = (initialise_function)(void *)GetProcAddress(module, "InitializeChangeNotify");
    filter = (filter_function)(void *)GetProcAddress(module, "PasswordFilter");
    notify = (notify_function)(void *)GetProcAddress(module, "PasswordChangeNotify");
    if (initialise == NULL || filter == NULL || notify == NULL || !initialise()) {
        fprintf(stderr, "the filter lacks a function, or refuses to start\n");
        return FALSE;
    }
    printf("loaded %s\n", is_filled_in ? "double" : "bcrypt");
    return TRUE;
}

int wmain(int count, WCHAR **arguments) {
    static char line[LINE_MAX];
    setvbuf(stdout, NULL, _IONBF, 0);
    if (count != 2 || !load(arguments[1])) {
        return 1;
    }
    while (fgets(line, sizeof line, stdin) != NULL) {
        line[strcspn(line, "\r\n")] = 0;
        if (!obey(line)) {
            fprintf(stderr, "unknown order\n");
            return 2;
        }
    }
    return 0;
}
