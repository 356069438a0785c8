#include "taking.h"

#include "freestanding.h"
#include "hpke.h"
#include "record.h"
#include "spool.h"
#include "text.h"

#define FORMAT 1
#define HEADER_SIZE (1 + KEY_ID_SIZE)
#define LENGTH_SIZE 4
#define TITLE "pwsync capture"
#define LANE "domain/"
#define LANE_SIZE (sizeof LANE - 1)
#define INFO_MAX 1024

_Static_assert(6 * LENGTH_SIZE + sizeof TITLE + HEADER_SIZE + LANE_SIZE + DOMAIN_MAX + 3 * NAME_MAX_UNITS + MOMENT_SIZE <=
                   INFO_MAX,
               "each info fits");

static BOOL is_text(const UNICODE_STRING *text) {
    return text != NULL && text->Buffer != NULL && text->Length != 0 && text->Length % sizeof(WCHAR) == 0;
}

static ULONG units_of(const UNICODE_STRING *text) {
    return text->Length / (ULONG)sizeof(WCHAR);
}

/* Machines, whose names end so, and the two accounts of each domain that are no people. An account without a password
 * has none to be kept in sync. */
static BOOL is_left_out(const UNICODE_STRING *name, ULONG rid, const UNICODE_STRING *password) {
    return name->Buffer[units_of(name) - 1] == '$' || rid == DOMAIN_USER_RID_GUEST || rid == DOMAIN_USER_RID_KRBTGT ||
           password == NULL || password->Length == 0;
}

static ULONG put_length(BYTE *at, ULONG length) {
    for (ULONG byte = 0; byte < LENGTH_SIZE; byte++) {
        at[byte] = (BYTE)(length >> (24 - 8 * byte));
    }
    return LENGTH_SIZE;
}

static ULONG put_part(BYTE *at, const void *bytes, ULONG size) {
    put_length(at, size);
    memcpy(at + LENGTH_SIZE, bytes, size);
    return LENGTH_SIZE + size;
}

/* What the seal is bound to: _info of controller/sealing/capture.py. */
static ULONG write_info(const struct settings *settings, const struct change *change, BYTE info[INFO_MAX]) {
    const BYTE format = FORMAT;
    BYTE lane[LANE_SIZE + DOMAIN_MAX];
    ULONG lane_size = LANE_SIZE;
    memcpy(lane, LANE, LANE_SIZE);
    for (const char *letter = change->domain; *letter != 0; letter++) {
        lane[lane_size++] = (BYTE)*letter;
    }
    ULONG size = put_part(info, TITLE, sizeof TITLE - 1);
    size += put_part(info + size, &format, sizeof format);
    size += put_part(info + size, settings->key_id, KEY_ID_SIZE);
    size += put_part(info + size, lane, lane_size);
    ULONG name_size = text_utf8(change->name, change->name_units, info + size + LENGTH_SIZE);
    size += put_length(info + size, name_size) + name_size;
    return size + put_part(info + size, change->moment, MOMENT_SIZE);
}

/* The password stands in clear where its seal will be, and nowhere else. */
static NTSTATUS seal(const struct settings *settings, const UNICODE_STRING *password, struct change *change) {
    BYTE info[INFO_MAX];
    const struct slice bound = {info, write_info(settings, change, info)};
    BYTE *encapsulated = change->sealed + HEADER_SIZE;
    BYTE *block = encapsulated + PUBLIC_SIZE;
    change->sealed[0] = FORMAT;
    memcpy(change->sealed + 1, settings->key_id, KEY_ID_SIZE);
    memset(block, 0, BLOCK_SIZE);
    put_length(block, text_utf8(password->Buffer, units_of(password), block + LENGTH_SIZE));
    NTSTATUS status = crypto_open();
    if (status >= 0) {
        status = hpke_seal(settings->public_key, bound, encapsulated, block, BLOCK_SIZE, block + BLOCK_SIZE);
    }
    if (status < 0) {
        SecureZeroMemory(change->sealed, sizeof change->sealed);
    }
    return status;
}

static struct outcome hand_over(const struct settings *settings, const struct change *change, ULONGLONG filetime) {
    char record[RECORD_MAX];
    return spool_put(settings, filetime, record, record_encode(change, record));
}

struct outcome take(const UNICODE_STRING *name, ULONG rid, const UNICODE_STRING *password, ULONGLONG filetime) {
    struct settings settings;
    struct change change;
    if (!is_text(name) || units_of(name) > NAME_MAX_UNITS) {
        return (struct outcome){MISSED_UNUSABLE, ERROR_INVALID_ACCOUNT_NAME};
    }
    if (is_left_out(name, rid, password)) {
        return (struct outcome){CAPTURED, 0};
    }
    if (!is_text(password) || text_points(password->Buffer, units_of(password)) > PASSWORD_MAX_POINTS) {
        return (struct outcome){MISSED_UNUSABLE, ERROR_INVALID_PASSWORDNAME};
    }
    DWORD error = settings_read(&settings);
    if (error != ERROR_SUCCESS) {
        return (struct outcome){MISSED_SETTINGS, error};
    }
    change.domain = settings.domain;
    change.name = name->Buffer;
    change.name_units = units_of(name);
    moment_write(change.moment, filetime);
    NTSTATUS status = seal(&settings, password, &change);
    if (status < 0) {
        return (struct outcome){MISSED_SEALING, (ULONG)status};
    }
    return hand_over(&settings, &change, filetime);
}
