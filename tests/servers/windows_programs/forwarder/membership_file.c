/*
 * For tests of the system, in the place of membership_directory.c: a file tells who is in which group. Each line is an
 * account and its groups, as "alice staff pupils"; "alice ?" is an account of which nothing can be told. An account
 * that is not in the file is in no group. Without the file the directory is away.
 */
#include <stdio.h>
#include <string.h>
#include <windows.h>

#include "membership.h"

#define LINE_ROOM 512

static void answer_from(char *line, const WCHAR *const *groups, size_t count, enum knowledge *answers) {
    for (char *word = strtok(line, " \r\n"); word != NULL; word = strtok(NULL, " \r\n")) {
        for (size_t i = 0; i < count; i++) {
            WCHAR group[LINE_ROOM];
            MultiByteToWideChar(CP_UTF8, 0, word, -1, group, LINE_ROOM);
            if (strcmp(word, "?") == 0) {
                answers[i] = UNKNOWN;
            } else if (_wcsicmp(group, groups[i]) == 0) {
                answers[i] = YES;
            }
        }
    }
}

bool membership_ask(const WCHAR *account, const WCHAR *const *groups, size_t count, enum knowledge *answers,
                    struct problem *problem) {
    char line[LINE_ROOM];
    char name[LINE_ROOM];
    FILE *file = _wfopen(_wgetenv(L"PWSYNC_TEST_MEMBERSHIP"), L"r");
    if (file == NULL) {
        problem_say(problem, "the directory is away");
        return false;
    }
    utf8_of(name, sizeof name, account);
    for (size_t i = 0; i < count; i++) {
        answers[i] = NO;
    }
    while (fgets(line, sizeof line, file) != NULL) {
        size_t size = strlen(name);
        if (_strnicmp(line, name, size) == 0 && line[size] == ' ') {
            answer_from(line + size, groups, count, answers);
        }
    }
    fclose(file);
    problem_say(problem, "the directory does not know %s", name);
    return true;
}

void membership_close(void) {
}
