/* Memory of the host program: strings that end where memory ends, and what is left of a text anywhere. */
#ifndef TESTS_MEMORY_H
#define TESTS_MEMORY_H

#include <windows.h>
#include <ntsecapi.h>

#define HIDDEN 0x55 /* needles are kept with this in each byte, so that they are not found themselves */

/* A string whose last byte is the last one before memory that nobody may read. */
struct guarded {
    BYTE *pages;
    UNICODE_STRING string;
};

/* Reads hexadecimal digits up to the next that is none; returns how many bytes there were. */
SIZE_T read_hex(const char **text, BYTE *bytes, SIZE_T most, BYTE hidden_with);

struct guarded guard(const char **hex);
void unguard(struct guarded *guarded);

/* How often a hidden needle stands in memory of this process that can be written. */
ULONG count_in_memory(const BYTE *hidden, SIZE_T size);

/* Bytes in use on all heaps of this process. */
SIZE_T heap_in_use(void);

#endif
