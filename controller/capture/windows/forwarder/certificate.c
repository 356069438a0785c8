#include "certificate.h"

bool certificate_find(const BYTE thumbprint[THUMBPRINT_SIZE], PCCERT_CONTEXT *certificate, struct problem *problem) {
    CRYPT_HASH_BLOB hash = {THUMBPRINT_SIZE, (BYTE *)thumbprint};
    DWORD flags = CERT_SYSTEM_STORE_LOCAL_MACHINE | CERT_STORE_READONLY_FLAG | CERT_STORE_OPEN_EXISTING_FLAG;
    *certificate = NULL;
    HCERTSTORE store = CertOpenStore(CERT_STORE_PROV_SYSTEM_W, 0, 0, flags, L"MY");
    if (store != NULL) {
        *certificate = CertFindCertificateInStore(store, X509_ASN_ENCODING | PKCS_7_ASN_ENCODING, 0,
                                                  CERT_FIND_SHA1_HASH, &hash, NULL);
        CertCloseStore(store, 0); /* what was found keeps what it needs */
    }
    if (*certificate == NULL) {
        problem_of_windows(problem, "the machine's store 'Personal' has no certificate of this thumbprint",
                           GetLastError());
    }
    return *certificate != NULL;
}
