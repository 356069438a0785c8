#include "crypto.h"

#include "freestanding.h"

#define COORDINATE_SIZE 32
#define BLOB_SIZE (sizeof(BCRYPT_ECCKEY_BLOB) + 2 * COORDINATE_SIZE)

static void *volatile curve;
static void *volatile hmac;
static void *volatile aes;

/* Two threads may come here at once: one of them sees its handle kept, the other closes its own. */
static NTSTATUS open_one(void *volatile *kept, const WCHAR *name, ULONG flags, const WCHAR *mode, ULONG mode_size) {
    BCRYPT_ALG_HANDLE opened = NULL;
    if (*kept != NULL) {
        return 0;
    }
    NTSTATUS status = BCryptOpenAlgorithmProvider(&opened, name, NULL, flags);
    if (status < 0) {
        return status;
    }
    if (mode != NULL) {
        status = BCryptSetProperty(opened, BCRYPT_CHAINING_MODE, (BYTE *)(UINT_PTR)mode, mode_size, 0);
    }
    if (status < 0 || InterlockedCompareExchangePointer(kept, opened, NULL) != NULL) {
        BCryptCloseAlgorithmProvider(opened, 0);
    }
    return status;
}

NTSTATUS crypto_open(void) {
    NTSTATUS status = open_one(&curve, BCRYPT_ECDH_P256_ALGORITHM, 0, NULL, 0);
    if (status >= 0) {
        status = open_one(&hmac, BCRYPT_SHA256_ALGORITHM, BCRYPT_ALG_HANDLE_HMAC_FLAG, NULL, 0);
    }
    if (status >= 0) {
        status = open_one(&aes, BCRYPT_AES_ALGORITHM, 0, BCRYPT_CHAIN_MODE_GCM, sizeof BCRYPT_CHAIN_MODE_GCM);
    }
    return status;
}

NTSTATUS crypto_hmac(const BYTE key[HASH_SIZE], const struct slice *parts, ULONG count, BYTE mac[HASH_SIZE]) {
    BCRYPT_HASH_HANDLE hash = NULL;
    NTSTATUS status = BCryptCreateHash(hmac, &hash, NULL, 0, (BYTE *)(UINT_PTR)key, HASH_SIZE, 0);
    for (ULONG at = 0; at < count && status >= 0; at++) {
        status = BCryptHashData(hash, (BYTE *)(UINT_PTR)parts[at].bytes, parts[at].size, 0);
    }
    if (status >= 0) {
        status = BCryptFinishHash(hash, mac, HASH_SIZE, 0);
    }
    if (hash != NULL) {
        BCryptDestroyHash(hash);
    }
    return status;
}

static NTSTATUS import_public(const BYTE public_key[PUBLIC_SIZE], BCRYPT_KEY_HANDLE *key) {
    BYTE blob[BLOB_SIZE];
    const BCRYPT_ECCKEY_BLOB header = {BCRYPT_ECDH_PUBLIC_P256_MAGIC, COORDINATE_SIZE};
    memcpy(blob, &header, sizeof header);
    memcpy(blob + sizeof header, public_key + 1, 2 * COORDINATE_SIZE);
    return BCryptImportKeyPair(curve, NULL, BCRYPT_ECCPUBLIC_BLOB, key, blob, sizeof blob, 0);
}

static NTSTATUS export_public(BCRYPT_KEY_HANDLE key, BYTE public_key[PUBLIC_SIZE]) {
    BYTE blob[BLOB_SIZE];
    ULONG size = 0;
    NTSTATUS status = BCryptExportKey(key, NULL, BCRYPT_ECCPUBLIC_BLOB, blob, sizeof blob, &size, 0);
    if (status >= 0 && size != sizeof blob) {
        status = (NTSTATUS)0xC000000D; /* STATUS_INVALID_PARAMETER */
    }
    if (status >= 0) {
        public_key[0] = 4;
        memcpy(public_key + 1, blob + sizeof(BCRYPT_ECCKEY_BLOB), 2 * COORDINATE_SIZE);
    }
    return status;
}

static NTSTATUS generate(BCRYPT_KEY_HANDLE *key) {
    NTSTATUS status = BCryptGenerateKeyPair(curve, key, 256, 0);
    return status < 0 ? status : BCryptFinalizeKeyPair(*key, 0);
}

/* An empty key of HMAC is one of zeros. BCrypt hands the secret to HMAC as x, its most significant byte first. */
static NTSTATUS derive(BCRYPT_KEY_HANDLE ours, BCRYPT_KEY_HANDLE theirs, struct slice prefix, BYTE mac[HASH_SIZE]) {
    BYTE zeros[HASH_SIZE];
    memset(zeros, 0, sizeof zeros);
    BCryptBuffer buffers[] = {
        {sizeof BCRYPT_SHA256_ALGORITHM, KDF_HASH_ALGORITHM, (void *)(UINT_PTR)BCRYPT_SHA256_ALGORITHM},
        {sizeof zeros, KDF_HMAC_KEY, zeros},
        {prefix.size, KDF_SECRET_PREPEND, (void *)(UINT_PTR)prefix.bytes},
    };
    BCryptBufferDesc parameters = {BCRYPTBUFFER_VERSION, sizeof buffers / sizeof buffers[0], buffers};
    BCRYPT_SECRET_HANDLE secret = NULL;
    ULONG size = 0;
    NTSTATUS status = BCryptSecretAgreement(ours, theirs, &secret, 0);
    if (status >= 0) {
        status = BCryptDeriveKey(secret, BCRYPT_KDF_HMAC, &parameters, mac, HASH_SIZE, &size, 0);
    }
    if (status >= 0 && size != HASH_SIZE) {
        status = (NTSTATUS)0xC000000D; /* STATUS_INVALID_PARAMETER */
    }
    if (secret != NULL) {
        BCryptDestroySecret(secret);
    }
    return status;
}

NTSTATUS crypto_agree(const BYTE theirs[PUBLIC_SIZE], struct slice prefix, BYTE ours[PUBLIC_SIZE],
                      BYTE mac[HASH_SIZE]) {
    BCRYPT_KEY_HANDLE own = NULL;
    BCRYPT_KEY_HANDLE other = NULL;
    NTSTATUS status = generate(&own);
    if (status >= 0) {
        status = export_public(own, ours);
    }
    if (status >= 0) {
        status = import_public(theirs, &other);
    }
    if (status >= 0) {
        status = derive(own, other, prefix, mac);
    }
    if (other != NULL) {
        BCryptDestroyKey(other);
    }
    if (own != NULL) {
        BCryptDestroyKey(own);
    }
    return status;
}

NTSTATUS crypto_encrypt(const BYTE key[HASH_SIZE], BYTE nonce[NONCE_SIZE], BYTE *text, ULONG size, BYTE tag[TAG_SIZE]) {
    BCRYPT_KEY_HANDLE handle = NULL;
    BCRYPT_AUTHENTICATED_CIPHER_MODE_INFO mode;
    ULONG written = 0;
    BCRYPT_INIT_AUTH_MODE_INFO(mode);
    mode.pbNonce = nonce;
    mode.cbNonce = NONCE_SIZE;
    mode.pbTag = tag;
    mode.cbTag = TAG_SIZE;
    NTSTATUS status = BCryptGenerateSymmetricKey(aes, &handle, NULL, 0, (BYTE *)(UINT_PTR)key, HASH_SIZE, 0);
    if (status >= 0) {
        status = BCryptEncrypt(handle, text, size, &mode, NULL, 0, text, size, &written, 0);
    }
    if (status >= 0 && written != size) {
        status = (NTSTATUS)0xC000000D; /* STATUS_INVALID_PARAMETER */
    }
    if (handle != NULL) {
        BCryptDestroyKey(handle);
    }
    return status;
}
