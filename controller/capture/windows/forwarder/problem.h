/* Why something cannot be done, in words for a person: UTF-8, one line, no secret. */
#ifndef PWSYNC_PROBLEM_H
#define PWSYNC_PROBLEM_H

#include <windows.h>

#define PROBLEM_SIZE 400

struct problem {
    char words[PROBLEM_SIZE];
};

/* Says what is wrong, as printf does. */
void problem_say(struct problem *problem, const char *format, ...) __attribute__((format(gnu_printf, 2, 3)));

/* Puts a space for each control character: what a file or an answer says must not look like a line of ours. */
void make_one_line(char *words);

/* Adds to what was said already, behind a semicolon. */
void problem_add(struct problem *problem, const struct problem *more);

/* Says which error of Windows kept something from being done. */
void problem_of_windows(struct problem *problem, const char *what, DWORD error);

/* Copies text as UTF-8; what does not fit is cut off. */
void utf8_of(char *into, size_t room, const WCHAR *text);

#endif
