"""When a certificate expires, read from its DER form (RFC 5280 section 4.1): all that is needed, and no more."""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from controller.model.errors import SettingsError

_VERSION, _UTC_TIME = 0xA0, 0x17
_LONG = 0x80
_VALIDITY = 3
"""Place of the validity among the fields of a certificate after its version: serial number, algorithm, issuer."""


def expiry_of(certificate_file: Path) -> datetime:
    """When the first certificate of a PEM file, which is the server's own, is no longer valid.

    Raises:
        SettingsError: It cannot be read.
    """
    try:
        text = certificate_file.read_text(encoding="ascii", errors="replace")
        first = text[text.index(ssl.PEM_HEADER) : text.index(ssl.PEM_FOOTER) + len(ssl.PEM_FOOTER)]
        return _not_after(ssl.PEM_cert_to_DER_cert(first))
    except (OSError, ValueError, IndexError, StopIteration) as error:
        raise SettingsError(
            f"the TLS certificate {certificate_file} cannot be read", hint="it must be a PEM file"
        ) from error


def _not_after(der: bytes) -> datetime:
    (_, certificate) = next(_values(der))
    (_, signed) = next(_values(certificate))
    fields = [field for field in _values(signed) if field[0] != _VERSION]
    _, (tag, text) = _values(fields[_VALIDITY][1])
    # UTCTime has two digits of the year, from 1950 to 2049 (section 4.1.2.5.1); GeneralizedTime has four.
    year = "" if tag != _UTC_TIME else "19" if text[:2] >= b"50" else "20"
    return datetime.strptime(year + text.decode("ascii"), "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)


def _values(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Tag and content of each value that *content* is made of."""
    while content:
        tag, length, start = content[0], content[1], 2
        if length >= _LONG:
            start += length - _LONG
            length = int.from_bytes(content[2:start], "big")
        yield tag, content[start : start + length]
        content = content[start + length :]
