"""Account names inside DNs and search filters."""

import string

PLACEHOLDER = "{account}"
_PLAIN = frozenset(string.ascii_letters + string.digits + "-._@")
_DN_SPECIAL = frozenset('"+,;<>\\=\x00#')  # RFC 4514 section 2.4; "#" only needs it in front


def in_filter(template: str, account: str) -> str:
    """Put an account name into a filter; all but plain characters become hexadecimal (RFC 4515 section 3)."""
    escaped = "".join(c if c in _PLAIN else _hex(c) for c in account)
    return template.replace(PLACEHOLDER, escaped)


def in_dn(template: str, account: str) -> str:
    """Put an account name into a DN (RFC 4514 section 2.4)."""
    escaped = [_hex(c) if c in _DN_SPECIAL else c for c in account]
    if escaped and escaped[0] == " ":
        escaped[0] = _hex(" ")
    if escaped and escaped[-1] == " ":
        escaped[-1] = _hex(" ")
    return template.replace(PLACEHOLDER, "".join(escaped))


def _hex(character: str) -> str:
    return "".join(f"\\{byte:02x}" for byte in character.encode("utf-8", "surrogatepass"))
