#include "answer.h"

#include <string.h>

#define DEEPEST 32

struct reading {
    const char *at;
    const char *end;
};

static bool read_value(struct reading *json, int depth);

static void skip_space(struct reading *json) {
    while (json->at < json->end && strchr(" \t\r\n", *json->at) != NULL && *json->at != '\0') {
        json->at++;
    }
}

static bool take(struct reading *json, char c) {
    skip_space(json);
    if (json->at == json->end || *json->at != c) {
        return false;
    }
    json->at++;
    return true;
}

static bool read_hex(struct reading *json, unsigned *value) {
    *value = 0;
    if (json->end - json->at < 4) {
        return false;
    }
    for (int i = 0; i < 4; i++, json->at++) {
        char c = *json->at;
        unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                         : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
                         : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A' + 10)
                                                : 16;
        if (digit == 16) {
            return false;
        }
        *value = *value * 16 + digit;
    }
    return true;
}

/* Reads what follows a backslash; gives the character, a question mark for one beyond the first 65,536. */
static bool read_escape(struct reading *json, unsigned *value) {
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    if (json->at == json->end) {
        return false;
    }
    char c = *json->at++;
    if (c == 'u') {
        if (!read_hex(json, value)) {
            return false;
        }
        if (*value >= 0xd800 && *value <= 0xdfff) {
            *value = '?';
        }
        return true;
    }
    const char *letter = c == '\0' ? NULL : strchr(letters, c);
    *value = letter == NULL ? 0 : (unsigned)(unsigned char)meanings[letter - letters];
    return letter != NULL;
}

static size_t utf8_write(unsigned value, char bytes[3]) {
    if (value < 0x80) {
        bytes[0] = (char)value;
        return 1;
    }
    size_t size = value < 0x800 ? 2 : 3;
    bytes[size - 1] = (char)(0x80 | (value & 0x3f));
    bytes[size - 2] = (char)(size == 2 ? 0xc0 | value >> 6 : 0x80 | (value >> 6 & 0x3f));
    if (size == 3) {
        bytes[0] = (char)(0xe0 | value >> 12);
    }
    return size;
}

/* Reads a string; keeps of it what fits into found, which may be NULL. */
static bool read_string(struct reading *json, char *found, size_t room) {
    size_t used = 0;
    if (!take(json, '"')) {
        return false;
    }
    while (json->at < json->end && *json->at != '"') {
        char bytes[3];
        size_t size = 1;
        unsigned value;
        bytes[0] = *json->at++;
        if ((unsigned char)bytes[0] < ' ') {
            return false;
        }
        if (bytes[0] == '\\') {
            if (!read_escape(json, &value)) {
                return false;
            }
            size = utf8_write(value == 0 ? '?' : value, bytes);
        }
        if (found != NULL && used + size < room) {
            memcpy(found + used, bytes, size);
        } else {
            room = 0; /* cut off here: nothing after what did not fit */
        }
        used += found != NULL && room > 0 ? size : 0;
    }
    if (found != NULL) {
        found[used] = '\0';
    }
    return take(json, '"');
}

static bool read_number(struct reading *json) {
    const char *start = json->at;
    while (json->at < json->end && *json->at != '\0' && strchr("+-.eE0123456789", *json->at) != NULL) {
        json->at++;
    }
    return json->at > start;
}

static bool read_word(struct reading *json) {
    static const char *const words[] = {"true", "false", "null"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t size = strlen(words[i]);
        if ((size_t)(json->end - json->at) >= size && memcmp(json->at, words[i], size) == 0) {
            json->at += size;
            return true;
        }
    }
    return read_number(json);
}

static bool read_array(struct reading *json, int depth) {
    if (take(json, ']')) {
        return true;
    }
    do {
        if (!read_value(json, depth)) {
            return false;
        }
    } while (take(json, ','));
    return take(json, ']');
}

/* Reads the rest of an object; keeps the string of that name in found, when a name is given. */
static bool read_object(struct reading *json, int depth, const char *name, char *found) {
    char member[ANSWER_TEXT];
    if (take(json, '}')) {
        return true;
    }
    do {
        if (!read_string(json, member, sizeof member) || !take(json, ':')) {
            return false;
        }
        skip_space(json);
        bool is_wanted = name != NULL && strcmp(member, name) == 0 && json->at < json->end && *json->at == '"';
        if (is_wanted ? !read_string(json, found, ANSWER_TEXT) : !read_value(json, depth)) {
            return false;
        }
    } while (take(json, ','));
    return take(json, '}');
}

static bool read_value(struct reading *json, int depth) {
    skip_space(json);
    if (json->at == json->end || depth == DEEPEST) {
        return false;
    }
    switch (*json->at) {
    case '"':
        return read_string(json, NULL, 0);
    case '{':
        json->at++;
        return read_object(json, depth + 1, NULL, NULL);
    case '[':
        json->at++;
        return read_array(json, depth + 1);
    default:
        return read_word(json);
    }
}

bool answer_text(const char *json, size_t size, const char *name, char found[ANSWER_TEXT]) {
    struct reading reading = {json, json + size};
    found[0] = '\0';
    if (!take(&reading, '{') || !read_object(&reading, 1, name, found)) {
        return false;
    }
    skip_space(&reading);
    return reading.at == reading.end;
}
