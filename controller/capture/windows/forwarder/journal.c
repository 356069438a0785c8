#include "journal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "journal_messages.h"
#include "problem.h"
#include "queue.h"

#define LINE_MAX 1200
#define LOG_MAX (4 << 20)

static bool is_service;
static WCHAR log_path[FILE_PATH_MAX];
static WCHAR old_path[FILE_PATH_MAX];

void journal_serve(const WCHAR *spool) {
    is_service = true;
    if (spool == NULL) {
        return;
    }
    swprintf(log_path, FILE_PATH_MAX, L"%ls\\forwarder.log", spool);
    swprintf(old_path, FILE_PATH_MAX, L"%ls\\forwarder.log.old", spool);
}

/* A full disk must not keep changes from being sent: what cannot be written is not. */
static void write_log(const char *line) {
    LARGE_INTEGER size = {0};
    DWORD written;
    if (log_path[0] == 0) {
        return;
    }
    HANDLE file = CreateFileW(log_path, FILE_APPEND_DATA, FILE_SHARE_READ | FILE_SHARE_DELETE, NULL, OPEN_ALWAYS,
                              FILE_ATTRIBUTE_NORMAL, NULL);
    if (file == INVALID_HANDLE_VALUE) {
        return;
    }
    WriteFile(file, line, (DWORD)strlen(line), &written, NULL);
    GetFileSizeEx(file, &size);
    CloseHandle(file);
    if (size.QuadPart > LOG_MAX) {
        MoveFileExW(log_path, old_path, MOVEFILE_REPLACE_EXISTING);
    }
}

static void write_event(enum level level, const char *words) {
    static const struct {
        WORD type;
        DWORD message;
    } kinds[] = {
        {EVENTLOG_INFORMATION_TYPE, MESSAGE_INFO},
        {EVENTLOG_WARNING_TYPE, MESSAGE_WARNING},
        {EVENTLOG_ERROR_TYPE, MESSAGE_ALARM},
    };
    WCHAR wide[LINE_MAX];
    const WCHAR *strings[] = {wide};
    HANDLE source = RegisterEventSourceW(NULL, JOURNAL_SOURCE);
    if (source == NULL) {
        return;
    }
    if (MultiByteToWideChar(CP_UTF8, 0, words, -1, wide, LINE_MAX) > 0) {
        ReportEventW(source, kinds[level].type, 0, kinds[level].message, NULL, 1, 0, strings, NULL);
    }
    DeregisterEventSource(source);
}

static void write_line(enum level level, const char *words) {
    static const char *const names[] = {"INFO", "WARNING", "ERROR"};
    char line[LINE_MAX];
    SYSTEMTIME now;
    GetSystemTime(&now);
    snprintf(line, sizeof line, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ %s %s\n", now.wYear, now.wMonth, now.wDay,
             now.wHour, now.wMinute, now.wSecond, now.wMilliseconds, names[level], words);
    if (is_service) {
        write_log(line);
    } else {
        fputs(line, stderr);
        fflush(stderr);
    }
}

void journal_say(enum level level, const char *format, ...) {
    char words[LINE_MAX - 64];
    va_list values;
    va_start(values, format);
    vsnprintf(words, sizeof words, format, values);
    va_end(values);
    make_one_line(words);
    write_line(level, words);
    if (is_service && level != INFO) {
        write_event(level, words);
    }
}

void journal_event(const char *words) {
    write_line(INFO, words);
    if (is_service) {
        write_event(INFO, words);
    }
}
