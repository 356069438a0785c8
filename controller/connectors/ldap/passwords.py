"""Passwords as the bytes that a directory takes: never normalised, and None when there are no such bytes.

No exception of an encoder gets out: it would carry the password.
"""

from controller.model.secret import Secret


def utf8(password: Secret) -> bytes | None:
    """For simple binds, RFC 3062 and userPassword (RFC 4511 section 4.2, RFC 4519 section 2.41)."""
    return _encoded(password.reveal(), "utf-8")


def unicode_pwd(password: Secret) -> bytes | None:
    """For unicodePwd: in double quotes, UTF-16 with the low byte first (MS-ADTS 3.1.1.3.1.5)."""
    return _encoded(f'"{password.reveal()}"', "utf-16-le")


def _encoded(text: str, encoding: str) -> bytes | None:
    try:
        return text.encode(encoding)
    except UnicodeEncodeError:
        return None
