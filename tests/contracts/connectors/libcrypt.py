"""The system's own crypt(3), to judge bcrypt hashes independently of the library that made them."""

import ctypes


def crypt_accepts(password: str, stored: str) -> bool:
    """Whether libcrypt finds that *stored* is a hash of *password*; it may have no NUL and at most 72 bytes."""
    library = ctypes.CDLL("libcrypt.so.1")
    library.crypt.restype = ctypes.c_char_p
    library.crypt.argtypes = [ctypes.c_char_p, ctypes.c_char_p]
    computed: bytes | None = library.crypt(password.encode(), stored.encode())
    return computed is not None and computed == stored.encode()
