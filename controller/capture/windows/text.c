#include "text.h"

static const char ALPHABET[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char HEX[] = "0123456789abcdef";

static BOOL is_pair(const WCHAR *text, ULONG units, ULONG at) {
    return at + 1 < units && (text[at] & 0xFC00) == 0xD800 && (text[at + 1] & 0xFC00) == 0xDC00;
}

ULONG text_points(const WCHAR *text, ULONG units) {
    ULONG points = 0;
    for (ULONG at = 0; at < units; at += is_pair(text, units, at) ? 2 : 1) {
        points++;
    }
    return points;
}

static BYTE continued(ULONG point, int shift) {
    return (BYTE)(0x80 | (point >> shift & 0x3F));
}

static ULONG write_utf8(ULONG point, BYTE *utf8) {
    if (point < 0x80) {
        utf8[0] = (BYTE)point;
        return 1;
    }
    if (point < 0x800) {
        utf8[0] = (BYTE)(0xC0 | point >> 6);
        utf8[1] = continued(point, 0);
        return 2;
    }
    if (point < 0x10000) {
        utf8[0] = (BYTE)(0xE0 | point >> 12);
        utf8[1] = continued(point, 6);
        utf8[2] = continued(point, 0);
        return 3;
    }
    utf8[0] = (BYTE)(0xF0 | point >> 18);
    utf8[1] = continued(point, 12);
    utf8[2] = continued(point, 6);
    utf8[3] = continued(point, 0);
    return 4;
}

ULONG text_utf8(const WCHAR *text, ULONG units, BYTE *utf8) {
    ULONG size = 0;
    for (ULONG at = 0; at < units; at++) {
        ULONG point = text[at];
        if (is_pair(text, units, at)) {
            point = 0x10000 + ((point & 0x3FF) << 10) + (text[++at] & 0x3FFU);
        }
        size += write_utf8(point, utf8 + size);
    }
    return size;
}

ULONG text_json(const WCHAR *text, ULONG units, char *json) {
    ULONG size = 0;
    for (ULONG at = 0; at < units; at++) {
        WCHAR unit = text[at];
        if (unit == '"' || unit == '\\') {
            json[size++] = '\\';
            json[size++] = (char)unit;
        } else if (unit >= 0x20 && unit < 0x7F) {
            json[size++] = (char)unit;
        } else {
            json[size++] = '\\';
            json[size++] = 'u';
            for (int shift = 12; shift >= 0; shift -= 4) {
                json[size++] = HEX[unit >> shift & 0xF];
            }
        }
    }
    return size;
}

ULONG text_decimal(ULONGLONG number, ULONG digits, char *decimal) {
    char reversed[20];
    ULONG count = 0;
    while (number != 0 || count < digits) {
        reversed[count++] = (char)('0' + number % 10);
        number /= 10;
    }
    for (ULONG at = 0; at < count; at++) {
        decimal[at] = reversed[count - 1 - at];
    }
    return count;
}

ULONG text_base64(const BYTE *bytes, ULONG size, char *base64) {
    ULONG written = 0;
    for (ULONG at = 0; at < size; at += 3) {
        ULONG left = size - at;
        ULONG three = (ULONG)bytes[at] << 16 | (left > 1 ? (ULONG)bytes[at + 1] << 8 : 0) | (left > 2 ? bytes[at + 2] : 0);
        base64[written++] = ALPHABET[three >> 18 & 0x3F];
        base64[written++] = ALPHABET[three >> 12 & 0x3F];
        base64[written++] = left > 1 ? ALPHABET[three >> 6 & 0x3F] : '=';
        base64[written++] = left > 2 ? ALPHABET[three & 0x3F] : '=';
    }
    return written;
}

static ULONG six_bits(WCHAR letter) {
    for (ULONG value = 0; value < 64; value++) {
        if (ALPHABET[value] == (char)letter && letter < 0x80) {
            return value;
        }
    }
    return 64;
}

BOOL text_from_base64(const WCHAR *base64, ULONG units, BYTE *bytes, ULONG size) {
    if (units != (size + 2) / 3 * 4) {
        return FALSE;
    }
    ULONG letters = (size * 4 + 2) / 3;
    ULONG held = 0;
    ULONG bits = 0;
    ULONG written = 0;
    for (ULONG at = 0; at < letters; at++) {
        ULONG value = six_bits(base64[at]);
        if (value == 64) {
            return FALSE;
        }
        held = (held << 6 | value) & 0xFFFF;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            bytes[written++] = (BYTE)(held >> bits);
        }
    }
    for (ULONG at = letters; at < units; at++) {
        if (base64[at] != '=') {
            return FALSE;
        }
    }
    return TRUE;
}
