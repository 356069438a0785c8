#include "hpke.h"

#include "freestanding.h"

#define VERSION "HPKE-v1"
#define OF_KEM "KEM\x00\x10"
#define OF_HPKE "HPKE\x00\x10\x00\x01\x00\x02"

static const struct slice FROM_KEM = {VERSION OF_KEM, sizeof VERSION OF_KEM - 1};
static const struct slice FROM_HPKE = {VERSION OF_HPKE, sizeof VERSION OF_HPKE - 1};
static const struct slice NOTHING = {"", 0};
static const BYTE NO_SALT[HASH_SIZE] = {0}; /* for HMAC the same as an empty one */

#define LABEL(text) ((struct slice){(text), sizeof(text) - 1})

static NTSTATUS labelled_extract(const BYTE salt[HASH_SIZE], struct slice label, struct slice material,
                                 BYTE key[HASH_SIZE]) {
    const struct slice parts[] = {FROM_HPKE, label, material};
    return crypto_hmac(salt, parts, sizeof parts / sizeof parts[0], key);
}

/* At most one block of HKDF-Expand. */
static NTSTATUS labelled_expand(const BYTE key[HASH_SIZE], struct slice suite, struct slice label, struct slice context,
                                BYTE *expanded, ULONG size) {
    const BYTE length[] = {0, (BYTE)size};
    const BYTE first[] = {1};
    const struct slice parts[] = {{length, sizeof length}, suite, label, context, {first, sizeof first}};
    BYTE block[HASH_SIZE];
    NTSTATUS status = crypto_hmac(key, parts, sizeof parts / sizeof parts[0], block);
    if (status >= 0) {
        memcpy(expanded, block, size);
    }
    SecureZeroMemory(block, sizeof block);
    return status;
}

static NTSTATUS encapsulate(const BYTE recipient[PUBLIC_SIZE], BYTE encapsulated[PUBLIC_SIZE],
                            BYTE shared[HASH_SIZE]) {
    BYTE context[2 * PUBLIC_SIZE];
    BYTE extracted[HASH_SIZE];
    const struct slice prefix = LABEL(VERSION OF_KEM "eae_prk");
    NTSTATUS status = crypto_agree(recipient, prefix, encapsulated, extracted);
    if (status >= 0) {
        memcpy(context, encapsulated, PUBLIC_SIZE);
        memcpy(context + PUBLIC_SIZE, recipient, PUBLIC_SIZE);
        const struct slice both = {context, sizeof context};
        status = labelled_expand(extracted, FROM_KEM, LABEL("shared_secret"), both, shared, HASH_SIZE);
    }
    SecureZeroMemory(extracted, sizeof extracted);
    return status;
}

/* mode_base, the hash of no psk_id, the hash of the info */
static NTSTATUS schedule(struct slice info, BYTE context[1 + 2 * HASH_SIZE]) {
    context[0] = 0;
    NTSTATUS status = labelled_extract(NO_SALT, LABEL("psk_id_hash"), NOTHING, context + 1);
    return status < 0 ? status : labelled_extract(NO_SALT, LABEL("info_hash"), info, context + 1 + HASH_SIZE);
}

static NTSTATUS derive_keys(const BYTE shared[HASH_SIZE], struct slice info, BYTE key[HASH_SIZE],
                            BYTE nonce[NONCE_SIZE]) {
    BYTE context[1 + 2 * HASH_SIZE];
    BYTE secret[HASH_SIZE];
    const struct slice whole = {context, sizeof context};
    NTSTATUS status = schedule(info, context);
    if (status >= 0) {
        status = labelled_extract(shared, LABEL("secret"), NOTHING, secret);
    }
    if (status >= 0) {
        status = labelled_expand(secret, FROM_HPKE, LABEL("key"), whole, key, HASH_SIZE);
    }
    if (status >= 0) {
        status = labelled_expand(secret, FROM_HPKE, LABEL("base_nonce"), whole, nonce, NONCE_SIZE);
    }
    SecureZeroMemory(secret, sizeof secret);
    return status;
}

NTSTATUS hpke_seal(const BYTE recipient[PUBLIC_SIZE], struct slice info, BYTE encapsulated[PUBLIC_SIZE], BYTE *text,
                   ULONG size, BYTE tag[TAG_SIZE]) {
    BYTE shared[HASH_SIZE];
    BYTE key[HASH_SIZE];
    BYTE nonce[NONCE_SIZE];
    NTSTATUS status = encapsulate(recipient, encapsulated, shared);
    if (status >= 0) {
        status = derive_keys(shared, info, key, nonce);
    }
    if (status >= 0) {
        status = crypto_encrypt(key, nonce, text, size, tag);
    }
    SecureZeroMemory(shared, sizeof shared);
    SecureZeroMemory(key, sizeof key);
    SecureZeroMemory(nonce, sizeof nonce);
    return status;
}
