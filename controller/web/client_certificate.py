"""The principal that a client certificate names. Whether it is to be believed was decided in the handshake."""

import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.types import Scope

from controller.model.actor import is_reserved
from controller.model.errors import Unauthenticated

EXTENSION = "pwsync.clientCertificate"
"""Where the scope of a request holds the certificate of its connection."""
MAX_LENGTH = 256
_KINDS = frozenset({"DNS", "URI", "email"})
_HINT = (
    "a client certificate has exactly one subject alternative name of the kinds DNS, URI and email, "
    "or none and exactly one common name"
)


class DatedContext(ssl.SSLContext):
    """What a server is made of, and since when it believes whom it believes.

    Attributes:
        trusted_at: When the files of its authority were read last, in whole seconds since 1970, as sessions tell their
            own time; 0 when there are none.
    """

    trusted_at: int = 0


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """A certificate that verifies.

    Attributes:
        fields: As ``ssl.SSLSocket.getpeercert`` tells them.
    """

    fields: Mapping[str, Any]

    def principal(self) -> str:
        """The one name that it holds: a subject alternative name, or where there is none, the common name.

        With several names anybody of several could be meant, so none is.

        Raises:
            Unauthenticated: It names nobody, several, or somebody that no manifest could name; or it has expired since.
        """
        if ssl.cert_time_to_seconds(self.fields["notAfter"]) <= time.time():
            raise Unauthenticated("the client certificate has expired")
        names = [name for kind, name in self.fields.get("subjectAltName", ()) if kind in _KINDS]
        names = names or [
            value for part in self.fields.get("subject", ()) for kind, value in part if kind == "commonName"
        ]
        if len(names) != 1:
            words = "names several principals" if names else "names nobody"
            raise Unauthenticated(f"the client certificate {words}", hint=_HINT)
        (name,) = names
        if not _is_name(name):
            raise Unauthenticated("the client certificate names nobody that a manifest could name", hint=_HINT)
        return str(name)


def _is_name(name: str) -> bool:
    """Whether *name* is what it seems: no NUL that ends it for some readers, nothing invisible, no space around it.

    Nor is it a name that the audit has for somebody else.
    """
    is_clean = 0 < len(name) <= MAX_LENGTH and name.isprintable() and name == name.strip()
    return is_clean and not is_reserved(name)


def extensions_of(ssl_object: ssl.SSLObject | None) -> dict[str, Any]:
    """The extensions of the scopes of a connection; *ssl_object* is None in clear."""
    fields = None if ssl_object is None else ssl_object.getpeercert()
    return {EXTENSION: ClientCertificate(fields)} if fields else {}


def is_outdated(ssl_object: ssl.SSLObject | None) -> bool:
    """Whether a connection resumed a session from before the files in use: what they revoke was not looked at again.

    Sessions of TLS 1.2 are kept by their number, which no setting of the module ``ssl`` turns off.
    """
    if ssl_object is None or not ssl_object.session_reused:
        return False
    session, context = ssl_object.session, ssl_object.context
    return session is None or not isinstance(context, DatedContext) or session.time <= context.trusted_at


def certificate_of(scope: Scope) -> ClientCertificate | None:
    """The certificate of a request's connection; None when it has none."""
    found = scope.get("extensions", {}).get(EXTENSION)
    return found if isinstance(found, ClientCertificate) else None
