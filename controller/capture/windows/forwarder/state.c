#include "state.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queue.h"

#define CONTENT_MAX 2048

/* A count and its name in the file, or a text. */
struct field {
    const char *name;
    ULONGLONG *count;
    char *text;
    size_t room;
};

#define FIELDS 9

static void list_fields(struct state *state, struct field fields[FIELDS]) {
    const struct field all[FIELDS] = {
        {"sent", &state->sent, NULL, 0},
        {"refused", &state->refused, NULL, 0},
        {"expired", &state->expired, NULL, 0},
        {"leftOut", &state->left_out, NULL, 0},
        {"undecided", &state->undecided, NULL, 0},
        {"missed", &state->missed, NULL, 0},
        {"lastSentAt", NULL, state->last_sent_at, sizeof state->last_sent_at},
        {"undecidedWhy", NULL, state->undecided_why.words, PROBLEM_SIZE},
        {"problem", NULL, state->problem.words, PROBLEM_SIZE},
    };
    memcpy(fields, all, sizeof all);
}

/* Takes a line as "sent 12". */
static void read_line(const struct field fields[FIELDS], const char *line) {
    for (int i = 0; i < FIELDS; i++) {
        size_t size = strlen(fields[i].name);
        if (strncmp(line, fields[i].name, size) != 0 || line[size] != ' ') {
            continue;
        }
        if (fields[i].count != NULL) {
            *fields[i].count = strtoull(line + size, NULL, 10);
        } else {
            snprintf(fields[i].text, fields[i].room, "%s", line + size + 1);
        }
    }
}

void state_load(struct state *state, const WCHAR *spool) {
    WCHAR path[FILE_PATH_MAX];
    char content[CONTENT_MAX];
    DWORD size = 0;
    struct field fields[FIELDS];
    memset(state, 0, sizeof *state);
    swprintf(path, FILE_PATH_MAX, L"%ls\\" STATE_FILE, spool);
    HANDLE file = CreateFileW(path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_DELETE, NULL, OPEN_EXISTING, 0, NULL);
    if (file == INVALID_HANDLE_VALUE) {
        return;
    }
    bool is_read = ReadFile(file, content, sizeof content - 1, &size, NULL);
    CloseHandle(file);
    if (!is_read) {
        return;
    }
    content[size] = '\0';
    list_fields(state, fields);
    for (char *line = strtok(content, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        read_line(fields, line);
    }
}

DWORD state_save(const struct state *state, const WCHAR *spool) {
    WCHAR path[FILE_PATH_MAX];
    char content[CONTENT_MAX];
    struct state copy = *state;
    struct field fields[FIELDS];
    int used = 0;
    list_fields(&copy, fields);
    for (int i = 0; i < FIELDS; i++) {
        used +=
            fields[i].count != NULL
                ? snprintf(content + used, CONTENT_MAX - (size_t)used, "%s %llu\n", fields[i].name, *fields[i].count)
                : snprintf(content + used, CONTENT_MAX - (size_t)used, "%s %s\n", fields[i].name, fields[i].text);
    }
    swprintf(path, FILE_PATH_MAX, L"%ls\\" STATE_FILE, spool);
    return file_replace(path, content, (DWORD)used);
}

DWORD file_replace(const WCHAR *path, const char *content, DWORD size) {
    WCHAR beside[MAX_PATH + 8];
    DWORD written = 0;
    if (wcslen(path) >= MAX_PATH) {
        return ERROR_FILENAME_EXCED_RANGE;
    }
    swprintf(beside, MAX_PATH + 8, L"%ls.beside", path);
    HANDLE file = CreateFileW(beside, GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, FILE_ATTRIBUTE_NORMAL, NULL);
    if (file == INVALID_HANDLE_VALUE) {
        return GetLastError();
    }
    bool is_written = WriteFile(file, content, size, &written, NULL) && written == size;
    DWORD error = is_written ? ERROR_SUCCESS : GetLastError();
    CloseHandle(file);
    if (is_written && !MoveFileExW(beside, path, MOVEFILE_REPLACE_EXISTING)) {
        error = GetLastError();
    }
    return error;
}
