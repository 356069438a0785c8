#include "memory.h"

#include <string.h>

#define PAGE 4096
#define LONGEST 0x10000

static int digit(char letter) {
    if (letter >= '0' && letter <= '9') {
        return letter - '0';
    }
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

SIZE_T read_hex(const char **text, BYTE *bytes, SIZE_T most, BYTE hidden_with) {
    SIZE_T size = 0;
    while (**text == ' ') {
        (*text)++;
    }
    for (; size < most && digit((*text)[0]) >= 0 && digit((*text)[1]) >= 0; *text += 2) {
        bytes[size++] = (BYTE)((digit((*text)[0]) << 4 | digit((*text)[1])) ^ hidden_with);
    }
    return size;
}

struct guarded guard(const char **hex) {
    struct guarded made;
    DWORD before;
    while (**hex == ' ') {
        (*hex)++;
    }
    SIZE_T size = strspn(*hex, "0123456789abcdef") / 2;
    made.pages = VirtualAlloc(NULL, LONGEST + PAGE, MEM_COMMIT | MEM_RESERVE, PAGE_READWRITE);
    VirtualProtect(made.pages + LONGEST, PAGE, PAGE_NOACCESS, &before);
    made.string.Buffer = (WCHAR *)(made.pages + LONGEST - size);
    made.string.Length = made.string.MaximumLength = (USHORT)read_hex(hex, (BYTE *)made.string.Buffer, size, 0);
    *hex += **hex == '-';
    return made;
}

void unguard(struct guarded *guarded) {
    SecureZeroMemory(guarded->string.Buffer, guarded->string.Length);
    VirtualFree(guarded->pages, 0, MEM_RELEASE);
}

static ULONG count_in(const BYTE *bytes, SIZE_T there, const BYTE *hidden, SIZE_T size) {
    ULONG count = 0;
    for (SIZE_T at = 0; at + size <= there; at++) {
        SIZE_T same = 0;
        while (same < size && (bytes[at + same] ^ HIDDEN) == hidden[same]) {
            same++;
        }
        count += same == size;
    }
    return count;
}

ULONG count_in_memory(const BYTE *hidden, SIZE_T size) {
    MEMORY_BASIC_INFORMATION region;
    ULONG count = 0;
    for (BYTE *at = NULL; VirtualQuery(at, &region, sizeof region) != 0;) {
        if (region.State == MEM_COMMIT && region.Protect == PAGE_READWRITE) {
            count += count_in(region.BaseAddress, region.RegionSize, hidden, size);
        }
        at = (BYTE *)region.BaseAddress + region.RegionSize;
    }
    return count;
}

static SIZE_T in_use(HANDLE heap) {
    PROCESS_HEAP_ENTRY entry;
    SIZE_T bytes = 0;
    memset(&entry, 0, sizeof entry);
    HeapLock(heap);
    while (HeapWalk(heap, &entry)) {
        bytes += entry.wFlags & PROCESS_HEAP_ENTRY_BUSY ? entry.cbData : 0;
    }
    HeapUnlock(heap);
    return bytes;
}

SIZE_T heap_in_use(void) {
    HANDLE heaps[64];
    DWORD count = GetProcessHeaps(64, heaps);
    SIZE_T bytes = 0;
    for (DWORD at = 0; at < count && at < 64; at++) {
        bytes += in_use(heaps[at]);
    }
    return bytes;
}
