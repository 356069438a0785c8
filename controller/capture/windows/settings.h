/*
 * Settings of capture on a domain controller: values of one key of the registry, which only administrators write.
 *
 * HKEY_LOCAL_MACHINE\SOFTWARE\pwsync\Capture
 *   Domain       REG_SZ     NetBIOS name of the domain, as CORP
 *   Key          REG_SZ     what 'pwsync secret capture-key' prints
 *   Spool        REG_SZ     a folder that exists, as C:\ProgramData\pwsync\spool
 *   MaxChanges   REG_DWORD  how many changes the spool holds at most; 10,000 when missing
 *   MinFreeMiB   REG_DWORD  free space of the disk from which on changes are taken; 256 when missing
 */
#ifndef PWSYNC_SETTINGS_H
#define PWSYNC_SETTINGS_H

#include <windows.h>

#define SETTINGS_KEY L"SOFTWARE\\pwsync\\Capture"

#define DOMAIN_MAX 15
#define SPOOL_PATH_MAX 200
#define KEY_ID_SIZE 8
#define PUBLIC_SIZE 65 /* a point of P-256, not compressed: 4, x, y */

struct settings {
    char domain[DOMAIN_MAX + 1]; /* ASCII, in upper case */
    BYTE key_id[KEY_ID_SIZE];
    BYTE public_key[PUBLIC_SIZE];
    WCHAR spool[SPOOL_PATH_MAX + 1]; /* without a backslash at its end */
    DWORD max_changes;
    DWORD min_free_mib;
};

/* Reads them. Returns an error of Windows: ERROR_SUCCESS, or why the settings cannot be used. */
DWORD settings_read(struct settings *settings);

#endif
