#include "token.h"

#include <string.h>

#define CONTENT_MAX (TOKEN_MAX + 16)

static bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Copies the one word of the text; tells whether it is one, of characters of ASCII that can be seen. */
static bool take_word(const char *text, DWORD size, WCHAR token[TOKEN_MAX + 1]) {
    DWORD length = 0;
    while (size > 0 && is_space(text[size - 1])) {
        size--;
    }
    while (size > 0 && is_space(*text)) {
        text++, size--;
    }
    if (size == 0 || size > TOKEN_MAX) {
        return false;
    }
    for (; length < size; length++) {
        if (text[length] <= ' ' || text[length] >= 0x7f) {
            return false;
        }
        token[length] = (WCHAR)text[length];
    }
    token[length] = 0;
    return true;
}

bool token_read(const WCHAR *file, WCHAR token[TOKEN_MAX + 1], struct problem *problem) {
    char content[CONTENT_MAX];
    DWORD size = 0;
    HANDLE handle = CreateFileW(file, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
                                OPEN_EXISTING, 0, NULL);
    bool is_read = handle != INVALID_HANDLE_VALUE && ReadFile(handle, content, sizeof content, &size, NULL);
    DWORD error = GetLastError();
    if (handle != INVALID_HANDLE_VALUE) {
        CloseHandle(handle);
    }
    if (!is_read) {
        problem_of_windows(problem, "the token file cannot be read", error);
    } else if (!take_word(content, size, token)) {
        is_read = false;
        problem_say(problem, "the token file holds no token: put what 'pwsync token create' has printed there");
    }
    SecureZeroMemory(content, sizeof content);
    return is_read;
}
