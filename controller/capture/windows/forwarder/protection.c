#include "protection.h"

#include <aclapi.h>
#include <bcrypt.h>
#include <sddl.h>
#include <stdio.h>
#include <string.h>

#include "queue.h"
#include "service.h"

#define SID_ROOM 96
#define SDDL_ROOM 256
#define SHA1_SIZE 20
/* SDDL: protected from what is inherited; all rights of SYSTEM and of administrators, inherited by what is within. */
#define FOLDER_RIGHTS L"D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;%ls;;;%ls)"
#define FILE_RIGHTS L"D:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;%ls;;;%ls)"
#define TO_CHANGE L"0x1301bf"
#define TO_READ L"0x1200a9"

/*
 * Writes the SID of the service's account: S-1-5-80 and the SHA-1 of its name in upper case (MS-DTYP 2.4.2.4, as
 * 'sc showsid' prints it). It exists before the service does.
 */
static bool write_sid(WCHAR sid[SID_ROOM]) {
    WCHAR name[] = SERVICE_NAME;
    DWORD parts[SHA1_SIZE / sizeof(DWORD)];
    _wcsupr(name);
    BCRYPT_ALG_HANDLE sha1;
    if (BCryptOpenAlgorithmProvider(&sha1, BCRYPT_SHA1_ALGORITHM, NULL, 0) < 0) {
        return false;
    }
    ULONG size = (ULONG)(wcslen(name) * sizeof *name);
    NTSTATUS status = BCryptHash(sha1, NULL, 0, (BYTE *)name, size, (BYTE *)parts, sizeof parts);
    BCryptCloseAlgorithmProvider(sha1, 0);
    swprintf(sid, SID_ROOM, L"S-1-5-80-%lu-%lu-%lu-%lu-%lu", parts[0], parts[1], parts[2], parts[3], parts[4]);
    return status >= 0;
}

/* Makes a descriptor of these rights; NULL when it cannot. LocalFree gives it back. */
static PSECURITY_DESCRIPTOR make_descriptor(const WCHAR *form, const WCHAR *rights) {
    WCHAR sid[SID_ROOM], text[SDDL_ROOM];
    PSECURITY_DESCRIPTOR descriptor = NULL;
    if (!write_sid(sid)) {
        return NULL;
    }
    swprintf(text, SDDL_ROOM, form, rights, sid);
    return ConvertStringSecurityDescriptorToSecurityDescriptorW(text, SDDL_REVISION_1, &descriptor, NULL) ? descriptor
                                                                                                          : NULL;
}

static DWORD set_rights(const WCHAR *path, PSECURITY_DESCRIPTOR descriptor) {
    BOOL is_there, is_default;
    ACL *rights = NULL;
    if (!GetSecurityDescriptorDacl(descriptor, &is_there, &rights, &is_default)) {
        return GetLastError();
    }
    return SetNamedSecurityInfoW((WCHAR *)path, SE_FILE_OBJECT,
                                 DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION, NULL, NULL, rights,
                                 NULL);
}

/* Whether a file or folder belongs to the system, to administrators, or to whoever runs this. */
static bool is_ours(const WCHAR *path) {
    static const WELL_KNOWN_SID_TYPE known[] = {WinLocalSystemSid, WinBuiltinAdministratorsSid};
    /* of NT SERVICE\TrustedInstaller, which owns the folders of Windows */
    static const WCHAR installer[] = L"S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464";
    PSECURITY_DESCRIPTOR descriptor = NULL;
    PSID owner = NULL, other = NULL;
    union {
        TOKEN_USER user;
        BYTE room[sizeof(TOKEN_USER) + SECURITY_MAX_SID_SIZE];
    } self;
    HANDLE token = NULL;
    DWORD size;
    if (GetNamedSecurityInfoW(path, SE_FILE_OBJECT, OWNER_SECURITY_INFORMATION, &owner, NULL, NULL, NULL,
                              &descriptor) != ERROR_SUCCESS) {
        return false;
    }
    bool is_ours = false;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        is_ours = is_ours || IsWellKnownSid(owner, known[i]);
    }
    if (ConvertStringSidToSidW(installer, &other)) {
        is_ours = is_ours || EqualSid(owner, other);
        LocalFree(other);
    }
    if (OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token)) {
        if (GetTokenInformation(token, TokenUser, &self, sizeof self, &size)) {
            is_ours = is_ours || EqualSid(owner, self.user.User.Sid);
        }
        CloseHandle(token);
    }
    LocalFree(descriptor);
    return is_ours;
}

/* Makes a folder when it is missing; refuses one that somebody else has made, who could put another in its place. */
static bool make_folder(const WCHAR *path, PSECURITY_DESCRIPTOR descriptor, struct problem *problem) {
    SECURITY_ATTRIBUTES attributes = {sizeof attributes, descriptor, FALSE};
    char shown[3 * FILE_PATH_MAX];
    if (CreateDirectoryW(path, &attributes)) {
        return true;
    }
    DWORD error = GetLastError();
    utf8_of(shown, sizeof shown, path);
    DWORD kind = GetFileAttributesW(path);
    if (error != ERROR_ALREADY_EXISTS || kind == INVALID_FILE_ATTRIBUTES) {
        problem_say(problem, "the folder %s cannot be made: error %lu of Windows", shown, error);
    } else if (!(kind & FILE_ATTRIBUTE_DIRECTORY) || (kind & FILE_ATTRIBUTE_REPARSE_POINT)) {
        problem_say(problem, "%s is no folder", shown);
    } else if (!is_ours(path)) {
        problem_say(problem, "the folder %s belongs to somebody else: look what it is, and remove it", shown);
    } else {
        return true;
    }
    return false;
}

bool protect_spool(const WCHAR *spool, struct problem *problem) {
    WCHAR above[FILE_PATH_MAX];
    swprintf(above, FILE_PATH_MAX, L"%ls", spool);
    WCHAR *end = wcsrchr(above, L'\\');
    PSECURITY_DESCRIPTOR readable = make_descriptor(FOLDER_RIGHTS, TO_READ);
    PSECURITY_DESCRIPTOR changeable = make_descriptor(FOLDER_RIGHTS, TO_CHANGE);
    bool is_done = end != NULL && readable != NULL && changeable != NULL;
    if (!is_done) {
        problem_say(problem, "the rights of the spool cannot be made");
    }
    if (is_done) {
        *end = 0;
        is_done =
            (end - above <= 2 || make_folder(above, readable, problem)) && make_folder(spool, changeable, problem);
    }
    if (is_done) {
        DWORD error = set_rights(spool, changeable);
        is_done = error == ERROR_SUCCESS;
        if (!is_done) {
            problem_of_windows(problem, "the rights of the spool cannot be set", error);
        }
    }
    LocalFree(readable);
    LocalFree(changeable);
    return is_done;
}

bool protect_file(const WCHAR *file, struct problem *problem) {
    if (GetFileAttributesW(file) == INVALID_FILE_ATTRIBUTES) {
        problem_of_windows(problem, "the token file cannot be found", GetLastError());
        return false;
    }
    if (!is_ours(file)) {
        problem_say(problem, "the token file belongs to somebody else, who could change its rights: make it anew as an "
                             "administrator");
        return false;
    }
    PSECURITY_DESCRIPTOR descriptor = make_descriptor(FILE_RIGHTS, TO_READ);
    DWORD error = descriptor == NULL ? ERROR_INVALID_DATA : set_rights(file, descriptor);
    if (error != ERROR_SUCCESS) {
        problem_of_windows(problem, "the rights of the token file cannot be set", error);
    }
    LocalFree(descriptor);
    return error == ERROR_SUCCESS;
}
