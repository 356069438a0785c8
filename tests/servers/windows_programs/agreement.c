#include "agreement.h"

#include <bcrypt.h>
#include <string.h>

#include "p256.h"

#define SIZE 32
#define HEADER sizeof(BCRYPT_ECCKEY_BLOB)
#define REFUSED ((NTSTATUS)0xC000000D) /* STATUS_INVALID_PARAMETER */

static NTSTATUS WINAPI agree(BCRYPT_KEY_HANDLE ours, BCRYPT_KEY_HANDLE theirs, BCRYPT_SECRET_HANDLE *secret,
                             ULONG flags) {
    BYTE mine[HEADER + 3 * SIZE], other[HEADER + 2 * SIZE];
    ULONG size = 0;
    NTSTATUS status = BCryptExportKey(ours, NULL, BCRYPT_ECCPRIVATE_BLOB, mine, sizeof mine, &size, 0);
    if (status >= 0) {
        status = BCryptExportKey(theirs, NULL, BCRYPT_ECCPUBLIC_BLOB, other, sizeof other, &size, 0);
    }
    if (status < 0 || flags != 0) {
        return status < 0 ? status : REFUSED;
    }
    BYTE *kept = HeapAlloc(GetProcessHeap(), 0, SIZE);
    if (kept == NULL) {
        return REFUSED;
    }
    p256_multiply(mine + HEADER + 2 * SIZE, other + HEADER, other + HEADER + SIZE, kept);
    SecureZeroMemory(mine, sizeof mine);
    *secret = kept;
    return 0;
}

static const BCryptBuffer *parameter(const BCryptBufferDesc *list, ULONG type) {
    static const BCryptBuffer nothing = {0, 0, NULL};
    for (ULONG at = 0; at < list->cBuffers; at++) {
        if (list->pBuffers[at].BufferType == type) {
            return &list->pBuffers[at];
        }
    }
    return &nothing;
}

static NTSTATUS mac(const BCryptBufferDesc *list, BYTE *secret, BYTE *derived) {
    BCRYPT_ALG_HANDLE algorithm = NULL;
    BCRYPT_HASH_HANDLE hash = NULL;
    const BCryptBuffer *key = parameter(list, KDF_HMAC_KEY);
    const BCryptBuffer *before = parameter(list, KDF_SECRET_PREPEND);
    const BCryptBuffer *after = parameter(list, KDF_SECRET_APPEND);
    NTSTATUS status =
        BCryptOpenAlgorithmProvider(&algorithm, BCRYPT_SHA256_ALGORITHM, NULL, BCRYPT_ALG_HANDLE_HMAC_FLAG);
    if (status >= 0) {
        status = BCryptCreateHash(algorithm, &hash, NULL, 0, key->pvBuffer, key->cbBuffer, 0);
    }
    if (status >= 0) {
        BCryptHashData(hash, before->pvBuffer, before->cbBuffer, 0);
        BCryptHashData(hash, secret, SIZE, 0);
        BCryptHashData(hash, after->pvBuffer, after->cbBuffer, 0);
        status = BCryptFinishHash(hash, derived, SIZE, 0);
        BCryptDestroyHash(hash);
    }
    if (algorithm != NULL) {
        BCryptCloseAlgorithmProvider(algorithm, 0);
    }
    return status;
}

static NTSTATUS WINAPI derive(BCRYPT_SECRET_HANDLE secret, LPCWSTR kdf, BCryptBufferDesc *list, PUCHAR derived,
                              ULONG size, ULONG *written, ULONG flags) {
    const BCryptBuffer *name = list == NULL ? NULL : parameter(list, KDF_HASH_ALGORITHM);
    if (wcscmp(kdf, BCRYPT_KDF_HMAC) != 0 || name == NULL || name->cbBuffer != sizeof BCRYPT_SHA256_ALGORITHM ||
        wcscmp(name->pvBuffer, BCRYPT_SHA256_ALGORITHM) != 0 || flags != 0 || size < SIZE) {
        return REFUSED;
    }
    *written = SIZE;
    return mac(list, secret, derived);
}

static NTSTATUS WINAPI forget(BCRYPT_SECRET_HANDLE secret) {
    SecureZeroMemory(secret, SIZE);
    HeapFree(GetProcessHeap(), 0, secret);
    return 0;
}

static BOOL has_agreement(void) {
    BCRYPT_ALG_HANDLE algorithm = NULL;
    BCRYPT_KEY_HANDLE key = NULL;
    BCRYPT_SECRET_HANDLE secret = NULL;
    BYTE derived[SIZE];
    ULONG size = 0;
    BCryptBuffer hash = {sizeof BCRYPT_SHA256_ALGORITHM, KDF_HASH_ALGORITHM, (void *)(UINT_PTR)BCRYPT_SHA256_ALGORITHM};
    BCryptBufferDesc list = {BCRYPTBUFFER_VERSION, 1, &hash};
    BCryptOpenAlgorithmProvider(&algorithm, BCRYPT_ECDH_P256_ALGORITHM, NULL, 0);
    BCryptGenerateKeyPair(algorithm, &key, 256, 0);
    BCryptFinalizeKeyPair(key, 0);
    BOOL found = BCryptSecretAgreement(key, key, &secret, 0) >= 0 &&
                 BCryptDeriveKey(secret, BCRYPT_KDF_HMAC, &list, derived, sizeof derived, &size, 0) >= 0;
    if (secret != NULL) {
        BCryptDestroySecret(secret);
    }
    BCryptDestroyKey(key);
    BCryptCloseAlgorithmProvider(algorithm, 0);
    return found;
}

static void replace(IMAGE_THUNK_DATA *slot, const void *function) {
    DWORD protection;
    VirtualProtect(slot, sizeof *slot, PAGE_READWRITE, &protection);
    slot->u1.Function = (ULONGLONG)(UINT_PTR)function;
    VirtualProtect(slot, sizeof *slot, protection, &protection);
}

static void replace_imports(BYTE *base, const IMAGE_IMPORT_DESCRIPTOR *library) {
    IMAGE_THUNK_DATA *name = (IMAGE_THUNK_DATA *)(base + library->OriginalFirstThunk);
    IMAGE_THUNK_DATA *slot = (IMAGE_THUNK_DATA *)(base + library->FirstThunk);
    for (; name->u1.AddressOfData != 0; name++, slot++) {
        const char *function = ((IMAGE_IMPORT_BY_NAME *)(base + name->u1.AddressOfData))->Name;
        if (strcmp(function, "BCryptSecretAgreement") == 0) {
            replace(slot, (const void *)agree);
        } else if (strcmp(function, "BCryptDeriveKey") == 0) {
            replace(slot, (const void *)derive);
        } else if (strcmp(function, "BCryptDestroySecret") == 0) {
            replace(slot, (const void *)forget);
        }
    }
}

BOOL agreement_fill_in(HMODULE module) {
    BYTE *base = (BYTE *)module;
    const IMAGE_NT_HEADERS *headers = (IMAGE_NT_HEADERS *)(base + ((IMAGE_DOS_HEADER *)base)->e_lfanew);
    DWORD imports = headers->OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_IMPORT].VirtualAddress;
    if (has_agreement()) {
        return FALSE;
    }
    for (IMAGE_IMPORT_DESCRIPTOR *library = (IMAGE_IMPORT_DESCRIPTOR *)(base + imports); library->Name != 0; library++) {
        if (_stricmp((char *)(base + library->Name), "bcrypt.dll") == 0) {
            replace_imports(base, library);
        }
    }
    return TRUE;
}
