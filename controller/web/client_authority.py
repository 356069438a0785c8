"""Which client certificates are believed: those of one authority, and not those that it has revoked."""

import ssl
import time
from dataclasses import dataclass
from pathlib import Path

from controller.model.errors import SettingsError
from controller.web.client_certificate import DatedContext


@dataclass(frozen=True, slots=True)
class ClientAuthority:
    """Files of the authority, both PEM.

    Attributes:
        crl_file: What it has revoked; it must be renewed before it ends. None: revocation is by manifests alone.
    """

    ca_file: Path
    crl_file: Path | None = None

    def trust(self, context: DatedContext) -> None:
        """Ask callers for a certificate, and refuse those of others in the handshake; none at all is let in.

        Raises:
            SettingsError: A file is missing, or is not what it should be.
        """
        context.verify_mode = ssl.CERT_OPTIONAL
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # an intermediate authority may stand alone
        context.options |= ssl.OP_NO_TICKET  # what is revoked is not resumed; see also ``is_outdated``
        context.num_tickets = 0
        _load(context, self.ca_file, "--client-ca")
        if not context.cert_store_stats()["x509_ca"]:
            raise SettingsError(f"{self.ca_file} holds no certificate of an authority", hint="see --client-ca")
        if self.crl_file is not None:
            _load(context, self.crl_file, "--client-crl")
            if not context.cert_store_stats()["crl"]:
                raise SettingsError(f"{self.crl_file} holds no list of revoked certificates", hint="see --client-crl")
            context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
        context.trusted_at = int(time.time())


def _load(context: ssl.SSLContext, path: Path, option: str) -> None:
    try:
        context.load_verify_locations(path)
    except OSError as error:
        words = getattr(error, "reason", None) or error.strerror or type(error).__name__
        raise SettingsError(f"{path} cannot be used: {words}", hint=f"{option} names a PEM file") from None
