"""Signatures of webhooks, as the Standard Webhooks specification 1.0 says: HMAC-SHA256 over id, time and body.

Libraries for most languages verify them (standardwebhooks.com).
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime

from controller.model.errors import SettingsError
from controller.model.secret import Secret

_PREFIX = "whsec_"
_SHORTEST, _LONGEST = 24, 64
_HINT = "make one with: echo whsec_$(openssl rand -base64 32)"


def signing_key(secret: Secret, place: str) -> bytes:
    """The key in a secret of the form ``whsec_`` + base64.

    Args:
        secret: As it was found.
        place: Where it stands, for the message.

    Raises:
        SettingsError: It has another form, or another length than 24 to 64 bytes.
    """
    text = secret.reveal().strip()
    try:
        key = base64.b64decode(text.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not text.startswith(_PREFIX) or not _SHORTEST <= len(key) <= _LONGEST:
        raise SettingsError(
            f"{place} does not hold a webhook secret: {_PREFIX} and {_SHORTEST} to {_LONGEST} bytes in base64",
            hint=_HINT,
        )
    return key


def signature_headers(key: bytes, message_id: str, at: datetime, body: bytes) -> Mapping[str, str]:
    """The headers by which the receiver knows that *body* is ours, new, and unaltered."""
    timestamp = str(int(at.timestamp()))
    signed = b".".join((message_id.encode("ascii"), timestamp.encode("ascii"), body))
    signature = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode("ascii")
    return {"webhook-id": message_id, "webhook-timestamp": timestamp, "webhook-signature": f"v1,{signature}"}
