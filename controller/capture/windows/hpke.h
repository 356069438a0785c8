/* HPKE (RFC 9180), base mode: DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-256-GCM; one message for each key. */
#ifndef PWSYNC_HPKE_H
#define PWSYNC_HPKE_H

#include "crypto.h"

/* Seals a text in place, without associated data, to the owner of a public key. */
NTSTATUS hpke_seal(const BYTE recipient[PUBLIC_SIZE], struct slice info, BYTE encapsulated[PUBLIC_SIZE], BYTE *text,
                   ULONG size, BYTE tag[TAG_SIZE]);

#endif
