/* What BCrypt does for us. Functions return an NTSTATUS; what they made before a failure is given back and wiped. */
#ifndef PWSYNC_CRYPTO_H
#define PWSYNC_CRYPTO_H

#include <windows.h>
#include <bcrypt.h>

#include "settings.h"

#define HASH_SIZE 32
#define NONCE_SIZE 12
#define TAG_SIZE 16

struct slice {
    const void *bytes;
    ULONG size;
};

/* Opens the algorithms, for as long as the process lives. Does nothing when they are open. */
NTSTATUS crypto_open(void);

/* HMAC-SHA256 over some parts, one after the other. */
NTSTATUS crypto_hmac(const BYTE key[HASH_SIZE], const struct slice *parts, ULONG count, BYTE mac[HASH_SIZE]);

/* Makes a pair of keys of P-256, and agrees with the owner of a public key: HMAC-SHA256 with a key of zeros over the
 * prefix and the shared secret. The secret itself never leaves BCrypt. */
NTSTATUS crypto_agree(const BYTE theirs[PUBLIC_SIZE], struct slice prefix, BYTE ours[PUBLIC_SIZE], BYTE mac[HASH_SIZE]);

/* AES-256-GCM, in place, without associated data. */
NTSTATUS crypto_encrypt(const BYTE key[HASH_SIZE], BYTE nonce[NONCE_SIZE], BYTE *text, ULONG size, BYTE tag[TAG_SIZE]);

#endif
