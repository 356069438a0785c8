#include "freestanding.h"

#include <intrin.h>

/* Names that the compiler's own code asks for. */
UINT_PTR __stack_chk_guard;
void __stack_chk_fail(void);

/* The stack is overwritten: there is nothing that could go on safely. FAST_FAIL_STACK_COOKIE_CHECK_FAILURE. */
__attribute__((noreturn)) void __stack_chk_fail(void) {
    __asm__ volatile("int $0x29" : : "c"(2));
    __builtin_unreachable();
}

__attribute__((no_stack_protector)) void guard_initialise(void) {
    LARGE_INTEGER counter;
    QueryPerformanceCounter(&counter);
    UINT_PTR mixed = (UINT_PTR)now_filetime() ^ ((UINT_PTR)counter.QuadPart << 16) ^ (UINT_PTR)&counter;
    mixed ^= (UINT_PTR)GetCurrentProcessId() << 32 ^ GetCurrentThreadId();
    __stack_chk_guard = mixed & ~(UINT_PTR)0xFF; /* a zero byte, at which copies of text end */
}

__attribute__((no_stack_protector)) ULONGLONG now_filetime(void) {
    FILETIME now;
    GetSystemTimePreciseAsFileTime(&now);
    return (ULONGLONG)now.dwHighDateTime << 32 | now.dwLowDateTime;
}

void *memcpy(void *to, const void *from, size_t size) {
    __movsb(to, from, size);
    return to;
}

void *memset(void *at, int value, size_t size) {
    __stosb(at, (unsigned char)value, size);
    return at;
}
