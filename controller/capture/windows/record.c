#include "record.h"

#include "freestanding.h"
#include "text.h"

static ULONG put_text(char *at, const char *text) {
    ULONG size = 0;
    while (text[size] != 0) {
        at[size] = text[size];
        size++;
    }
    return size;
}

void moment_write(char moment[MOMENT_SIZE + 1], ULONGLONG filetime) {
    FILETIME packed = {(DWORD)filetime, (DWORD)(filetime >> 32)};
    SYSTEMTIME time;
    memset(&time, 0, sizeof time);
    FileTimeToSystemTime(&packed, &time);
    ULONG size = text_decimal(time.wYear, 4, moment);
    const WORD parts[] = {time.wMonth, time.wDay, time.wHour, time.wMinute, time.wSecond};
    const char before[] = {'-', '-', 'T', ':', ':'};
    for (ULONG part = 0; part < sizeof before; part++) {
        moment[size++] = before[part];
        size += text_decimal(parts[part], 2, moment + size);
    }
    moment[size++] = '.';
    size += text_decimal(filetime / 10 % 1000000, 6, moment + size);
    size += put_text(moment + size, "+00:00");
    moment[size] = 0;
}

ULONG record_encode(const struct change *change, char record[RECORD_MAX]) {
    ULONG size = put_text(record, "{\"lane\": \"domain/");
    size += put_text(record + size, change->domain);
    size += put_text(record + size, "\", \"account\": \"");
    size += text_json(change->name, change->name_units, record + size);
    size += put_text(record + size, "\", \"occurredAt\": \"");
    size += put_text(record + size, change->moment);
    size += put_text(record + size, "\", \"sealedPassword\": \"");
    size += text_base64(change->sealed, SEALED_SIZE, record + size);
    size += put_text(record + size, "\"}");
    return size;
}

_Static_assert(128 + DOMAIN_MAX + 6 * NAME_MAX_UNITS + MOMENT_SIZE + (SEALED_SIZE + 2) / 3 * 4 <= RECORD_MAX,
               "each record fits");
