"""The heading of a replay file: a mark, and how many records of the file were promised to their senders.

The number is sealed for the file and stands in two places that are written in turn, so that one of them is whole
whenever the machine stops. It is written once a record is on the disk and reaches the disk with the next one, so an
append waits for the disk once. A file that has fewer records was cut; what is not whole behind them was never promised.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO
from typing import BinaryIO

from controller.model.credential import SealPlace
from controller.model.errors import SealBroken
from controller.model.secret import Secret
from controller.ports.sealing import Sealer
from controller.replay.frames import Damaged, frame, frames

MARK = b"pwsync replay 1\n"
SIZE = 4096
_PLACE_SIZE = (SIZE - len(MARK)) // 2


def heading(sealer: Sealer, file: str) -> bytes:
    """The heading of a *file* without records."""
    place = _number(sealer, file, 0).ljust(_PLACE_SIZE, b"\0")
    return MARK + place + place


def write_number(descriptor: int, sealer: Sealer, file: str, number: int) -> None:
    """Write how many records were promised.

    Raises:
        OSError: It was not written whole; what stood there before counts.
    """
    offset = len(MARK) + number % 2 * _PLACE_SIZE
    rest = memoryview(_number(sealer, file, number))
    while rest:
        written = os.pwrite(descriptor, rest, offset)
        rest, offset = rest[written:], offset + written


def read_heading(file: BinaryIO) -> bytes:
    """Read the heading; records follow.

    Raises:
        Damaged: It is another, or cut off.
    """
    found = file.read(SIZE)
    if len(found) < SIZE or not found.startswith(MARK):
        raise Damaged("it does not begin as a replay file does")
    return found


def promised(sealer: Sealer, file: str, found: bytes) -> int:
    """How many records were promised at least, by the heading that was *found*.

    Raises:
        Damaged: It does not tell.
    """
    numbers = list(_numbers(sealer, file, found))
    if not numbers:
        raise Damaged("it does not tell how many records it has")
    return max(numbers)


def _number(sealer: Sealer, file: str, number: int) -> bytes:
    return frame(sealer.seal(Secret(str(number)), _seal_place(file)))


def _numbers(sealer: Sealer, file: str, found: bytes) -> Iterator[int]:
    for start in (len(MARK), len(MARK) + _PLACE_SIZE):
        with suppress(Damaged, SealBroken):
            sealed = next(frames(BytesIO(found[start : start + _PLACE_SIZE]), _PLACE_SIZE))
            yield int(sealer.open(sealed, _seal_place(file)).reveal())


def _seal_place(file: str) -> SealPlace:
    return SealPlace("replay", file, "records")
