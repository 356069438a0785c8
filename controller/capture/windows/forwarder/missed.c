#include "missed.h"

#include <string.h>

#include "../misses.h"
#include "problem.h"

#define ACKNOWLEDGED L"Acknowledged"
#define TEXT_ROOM 64

static DWORD read_number(const WCHAR *name) {
    DWORD value = 0, size = sizeof value;
    if (RegGetValueW(HKEY_LOCAL_MACHINE, MISSES_KEY, name, RRF_RT_REG_DWORD, NULL, &value, &size) != ERROR_SUCCESS) {
        return 0;
    }
    return value;
}

static void read_text(const WCHAR *name, char *text, size_t room) {
    WCHAR value[TEXT_ROOM] = L"";
    DWORD size = sizeof value;
    if (RegGetValueW(HKEY_LOCAL_MACHINE, MISSES_KEY, name, RRF_RT_REG_SZ, NULL, value, &size) != ERROR_SUCCESS) {
        value[0] = 0;
    }
    utf8_of(text, room, value);
}

void missed_read(struct missed *missed) {
    memset(missed, 0, sizeof *missed);
    missed->count = read_number(L"Count");
    missed->acknowledged = read_number(ACKNOWLEDGED);
    missed->error = read_number(L"Error");
    read_text(L"Reason", missed->reason, sizeof missed->reason);
    read_text(L"At", missed->at, sizeof missed->at);
}

DWORD missed_acknowledge(void) {
    DWORD count = read_number(L"Count");
    return (DWORD)RegSetKeyValueW(HKEY_LOCAL_MACHINE, MISSES_KEY, ACKNOWLEDGED, REG_DWORD, &count, sizeof count);
}
