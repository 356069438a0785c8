/* Text: UTF-16 as Windows has it, into what records and seals have. Nothing is terminated unless it is said. */
#ifndef PWSYNC_TEXT_H
#define PWSYNC_TEXT_H

#include <windows.h>

/* How many characters (code points) a text has; a surrogate without its other half is one. */
ULONG text_points(const WCHAR *text, ULONG units);

/* Writes UTF-8, surrogates without their other half included (Python: surrogatepass). Returns its size, at most four
 * bytes for each character, and three for each unit. */
ULONG text_utf8(const WCHAR *text, ULONG units, BYTE *utf8);

/* Writes a string of JSON without its quotes, in ASCII; at most six characters for each unit. */
ULONG text_json(const WCHAR *text, ULONG units, char *json);

/* Writes a number in at least so many decimal digits; returns how many there are. */
ULONG text_decimal(ULONGLONG number, ULONG digits, char *decimal);

/* Writes base64; returns its size. */
ULONG text_base64(const BYTE *bytes, ULONG size, char *base64);

/* Reads base64 of a known size. */
BOOL text_from_base64(const WCHAR *base64, ULONG units, BYTE *bytes, ULONG size);

#endif
