/*
 * Puts a client certificate and its key into the machine's store 'Personal': import_certificate FILE.pfx PASSWORD.
 * The key stands where the user has keys: Wine 8 looks for it nowhere else.
 */
#include <stdio.h>
#include <windows.h>

#include <wincrypt.h>

#define FILE_ROOM 65536

int wmain(int count, WCHAR **arguments) {
    static BYTE content[FILE_ROOM];
    FILE *file = count == 3 ? _wfopen(arguments[1], L"rb") : NULL;
    if (file == NULL) {
        return 2;
    }
    CRYPT_DATA_BLOB blob = {(DWORD)fread(content, 1, sizeof content, file), content};
    fclose(file);
    HCERTSTORE found = PFXImportCertStore(&blob, arguments[2], CRYPT_EXPORTABLE);
    HCERTSTORE store = CertOpenStore(CERT_STORE_PROV_SYSTEM_W, 0, 0, CERT_SYSTEM_STORE_LOCAL_MACHINE, L"MY");
    PCCERT_CONTEXT certificate = found == NULL ? NULL : CertEnumCertificatesInStore(found, NULL);
    if (store == NULL || certificate == NULL ||
        !CertAddCertificateContextToStore(store, certificate, CERT_STORE_ADD_REPLACE_EXISTING, NULL)) {
        printf("error %lx\n", GetLastError());
        return 1;
    }
    CertFreeCertificateContext(certificate);
    CertCloseStore(found, 0);
    CertCloseStore(store, 0);
    return 0;
}
