#include "captured.h"

#include <stdio.h>
#include <string.h>

#include "problem.h"

#define BEFORE_LANE "{\"lane\": \"domain/"
#define BEFORE_ACCOUNT "\", \"account\": \""
#define BEFORE_MOMENT "\", \"occurredAt\": \""
#define BEFORE_SEALED "\", \"sealedPassword\": \""
#define AT_THE_END "\"}"
#define BASE64 "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="

static bool take(struct slice *rest, const char *literal) {
    size_t size = strlen(literal);
    if (rest->size < size || memcmp(rest->start, literal, size) != 0) {
        return false;
    }
    rest->start += size;
    rest->size -= size;
    return true;
}

/* Takes all before the quotation mark that ends a string of JSON. */
static struct slice take_string(struct slice *rest) {
    struct slice taken = {rest->start, 0};
    while (rest->size > 0 && *rest->start != '"') {
        size_t step = *rest->start == '\\' && rest->size > 1 ? 2 : 1;
        rest->start += step;
        rest->size -= step;
    }
    taken.size = (size_t)(rest->start - taken.start);
    return taken;
}

static bool is_all_of(struct slice text, const char *allowed) {
    for (size_t i = 0; i < text.size; i++) {
        if (text.start[i] == '\0' || strchr(allowed, text.start[i]) == NULL) {
            return false;
        }
    }
    return text.size > 0;
}

/* Reads the four digits of an escape \uXXXX; more than any unit when they are not such. */
static unsigned unit_of(const char *digits) {
    unsigned value = 0;
    for (int i = 0; i < 4; i++) {
        const char *digit = strchr("0123456789abcdef", digits[i]);
        if (digits[i] == '\0' || digit == NULL) {
            return 0x10000;
        }
        value = value * 16 + (unsigned)(digit - "0123456789abcdef");
    }
    return value;
}

/* Reads one unit, escaped or not; returns how many characters it takes, 0 when it is none. */
static size_t read_unit(const char *text, size_t size, unsigned *unit) {
    *unit = (unsigned char)*text;
    if (*unit != '\\') {
        return *unit >= ' ' && *unit < 0x7f ? 1 : 0;
    }
    if (size >= 2 && (text[1] == '"' || text[1] == '\\')) {
        *unit = (unsigned char)text[1];
        return 2;
    }
    if (size < 6 || text[1] != 'u') {
        return 0;
    }
    *unit = unit_of(text + 2);
    return *unit <= 0xffff ? 6 : 0;
}

/* Reads a string of JSON in ASCII; tells whether it is such, and not empty. */
static bool read_units(struct slice text, WCHAR units[NAME_MAX_UNITS + 1]) {
    size_t count = 0;
    for (size_t i = 0; i < text.size; count++) {
        unsigned unit;
        size_t size = read_unit(text.start + i, text.size - i, &unit);
        if (size == 0 || unit == 0 || count == NAME_MAX_UNITS) {
            return false;
        }
        units[count] = (WCHAR)unit;
        i += size;
    }
    units[count] = 0;
    return count > 0;
}

/* Whether a text has the form: each letter d is a digit, and all else stands as it is. */
static bool has_form(const char *text, const char *form) {
    for (; *form != '\0'; text++, form++) {
        if (*form == 'd' ? *text < '0' || *text > '9' : *text != *form) {
            return false;
        }
    }
    return true;
}

static WORD number_at(const char *text, int digits) {
    unsigned value = 0;
    for (int i = 0; i < digits; i++) {
        value = value * 10 + (unsigned)(text[i] - '0');
    }
    return (WORD)value;
}

ULONGLONG moment_read(struct slice text) {
    FILETIME time;
    if (text.size != MOMENT_SIZE || !has_form(text.start, "dddd-dd-ddTdd:dd:dd.dddddd+00:00")) {
        return 0;
    }
    const char *t = text.start;
    SYSTEMTIME parts = {
        .wYear = number_at(t, 4),
        .wMonth = number_at(t + 5, 2),
        .wDay = number_at(t + 8, 2),
        .wHour = number_at(t + 11, 2),
        .wMinute = number_at(t + 14, 2),
        .wSecond = number_at(t + 17, 2),
        .wMilliseconds = number_at(t + 20, 3),
    };
    if (!SystemTimeToFileTime(&parts, &time)) {
        return 0;
    }
    return ((ULONGLONG)time.dwHighDateTime << 32 | time.dwLowDateTime) + number_at(t + 23, 3) * 10ULL;
}

static bool read_domain(struct slice text, char domain[DOMAIN_MAX + 1]) {
    if (text.size > DOMAIN_MAX || !is_all_of(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!@#$%^&()_'{}.~-")) {
        return false;
    }
    memcpy(domain, text.start, text.size);
    domain[text.size] = '\0';
    return true;
}

bool captured_read(struct captured *captured, const char *record, size_t size) {
    struct slice rest = {record, size};
    struct slice domain = {0};
    char name[3 * NAME_MAX_UNITS + 1];
    if (!take(&rest, BEFORE_LANE)) {
        return false;
    }
    domain = take_string(&rest);
    if (!take(&rest, BEFORE_ACCOUNT)) {
        return false;
    }
    captured->name = take_string(&rest);
    if (!take(&rest, BEFORE_MOMENT)) {
        return false;
    }
    captured->moment = take_string(&rest);
    if (!take(&rest, BEFORE_SEALED)) {
        return false;
    }
    captured->sealed = take_string(&rest);
    if (!take(&rest, AT_THE_END) || rest.size != 0) {
        return false;
    }
    captured->occurred = moment_read(captured->moment);
    if (captured->occurred == 0 || captured->sealed.size % 4 != 0 || !is_all_of(captured->sealed, BASE64)) {
        return false;
    }
    if (!read_domain(domain, captured->domain) || !read_units(captured->name, captured->account)) {
        return false;
    }
    utf8_of(name, sizeof name, captured->account);
    snprintf(captured->shown, sizeof captured->shown, "%s\\%s", captured->domain, name);
    return true;
}

DWORD captured_body(const struct captured *captured, char body[BODY_MAX]) {
    return (DWORD)snprintf(body, BODY_MAX,
                           "{\"account\": \"%s\\\\%.*s\", \"sealedPassword\": \"%.*s\", \"occurredAt\": \"%.*s\"}",
                           captured->domain, (int)captured->name.size, captured->name.start, (int)captured->sealed.size,
                           captured->sealed.start, (int)captured->moment.size, captured->moment.start);
}
