/*
 * What Wine 8 lacks of BCrypt: the agreement on a secret. Where BCrypt has it, nothing is done here: the filter is
 * tested as it is. The double does what Microsoft documents for BCryptSecretAgreement and BCRYPT_KDF_HMAC, and works
 * on the handles of BCrypt's own keys.
 */
#ifndef TESTS_AGREEMENT_H
#define TESTS_AGREEMENT_H

#include <windows.h>

/* Puts the double into the imports of a module, where it is needed; tells whether it was. */
BOOL agreement_fill_in(HMODULE module);

#endif
