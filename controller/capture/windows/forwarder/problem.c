#include "problem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void make_one_line(char *words) {
    for (; *words != '\0'; words++) {
        if ((unsigned char)*words < ' ' || *words == 0x7f) {
            *words = ' ';
        }
    }
}

void problem_say(struct problem *problem, const char *format, ...) {
    va_list values;
    va_start(values, format);
    vsnprintf(problem->words, sizeof problem->words, format, values);
    va_end(values);
    make_one_line(problem->words);
}

void problem_add(struct problem *problem, const struct problem *more) {
    size_t used = strlen(problem->words);
    snprintf(problem->words + used, sizeof problem->words - used, "%s%s", used ? "; " : "", more->words);
}

void problem_of_windows(struct problem *problem, const char *what, DWORD error) {
    problem_say(problem, "%s: error %lu of Windows", what, error);
}

void utf8_of(char *into, size_t room, const WCHAR *text) {
    int size = WideCharToMultiByte(CP_UTF8, 0, text, -1, NULL, 0, NULL, NULL);
    if (size > 0 && (size_t)size <= room &&
        WideCharToMultiByte(CP_UTF8, 0, text, -1, into, (int)room, NULL, NULL) > 0) {
        return;
    }
    snprintf(into, room, "(too long)");
}
