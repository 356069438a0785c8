"""The form of records in a replay file: frames, each a sealed record with its length and a checksum before it.

Layout of a frame: length of the record (4 bytes, big-endian), BLAKE2b-128 of length and record (16 bytes), record. The
checksum tells damage from a wrong key, and lets records be counted without opening them.
"""

import hashlib
import struct
from collections.abc import Iterator
from typing import BinaryIO

LARGEST_RECORD = 1 << 18
"""Bytes; a record holds two passwords, two names and a few times, which is far less."""
_LENGTH = struct.Struct(">I")
_DIGEST_SIZE = 16
_HEAD_SIZE = _LENGTH.size + _DIGEST_SIZE


class Damaged(Exception):
    """What stands in a replay file is not what was written. The message names the place within the file."""


def frame(record: bytes) -> bytes:
    """*record* with its length and checksum before it."""
    length = _LENGTH.pack(len(record))
    return length + _digest(length, record) + record


def frames(file: BinaryIO, end: int) -> Iterator[bytes]:
    """Yield the records from the file's position up to the offset *end*.

    Raises:
        Damaged: A frame is cut off or altered; all before it were yielded.
    """
    offset = file.tell()
    while offset < end:
        record = _record(file, offset, end)
        offset += _HEAD_SIZE + len(record)
        yield record


def _record(file: BinaryIO, offset: int, end: int) -> bytes:
    head = file.read(min(_HEAD_SIZE, end - offset))
    if len(head) < _HEAD_SIZE:
        raise Damaged(f"it ends inside a record, at byte {offset + len(head)}")
    (length,) = _LENGTH.unpack_from(head)
    if length > LARGEST_RECORD:
        raise Damaged(f"the record at byte {offset} has an impossible length")
    record = file.read(min(length, end - offset - _HEAD_SIZE))
    if len(record) < length:
        raise Damaged(f"it ends inside the record at byte {offset}")
    if _digest(head[: _LENGTH.size], record) != head[_LENGTH.size :]:
        raise Damaged(f"the record at byte {offset} was altered")
    return record


def _digest(length: bytes, record: bytes) -> bytes:
    return hashlib.blake2b(length + record, digest_size=_DIGEST_SIZE, person=b"pwsync replay").digest()
