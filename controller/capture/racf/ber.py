"""BER (X.690), as far as PKCS #7 needs it: definite and indefinite lengths, strings in pieces. Pure.

Not DER alone: streaming encoders write lengths of the indefinite form.
"""

from collections.abc import Iterator
from dataclasses import dataclass

BOOLEAN, INTEGER, OCTET_STRING, OBJECT_IDENTIFIER, UTF8_STRING = 0x01, 0x02, 0x04, 0x06, 0x0C
SEQUENCE, SET = 0x30, 0x31
CONTEXT_0, CONTEXT_1 = 0xA0, 0xA1
CONTEXT_0_PRIMITIVE = 0x80
_CONSTRUCTED = 0x20
_LONG_TAG = 0x1F
_INDEFINITE, _MOST_LENGTH_BYTES = 0x80, 3
_DEEPEST = 16
_END_OF_CONTENTS = b"\x00\x00"


class Malformed(Exception):
    """These bytes are not what they should be. The message quotes none of them."""


@dataclass(frozen=True, slots=True, repr=False)
class Element:
    """One element. It may hold a password, and is not shown.

    Attributes:
        tag: Its first octet: class, form and number; tags of more than one octet are refused.
        content: Without the octets that mark an end.
        encoded: All of it.
        is_indefinite: Its length was not told in front.
    """

    tag: int
    content: bytes
    encoded: bytes
    is_indefinite: bool = False

    def parts(self) -> list["Element"]:
        """The elements that it is made of.

        Raises:
            Malformed: It is not made of elements.
        """
        return list(_elements(self.content, 0))

    def octets(self, primitive: int = OCTET_STRING, constructed: int = OCTET_STRING | _CONSTRUCTED) -> bytes:
        """The octets of a string, in one piece or several (X.690, section 8.7).

        Raises:
            Malformed: It is no such string.
        """
        if self.tag == primitive:
            return self.content
        if self.tag != constructed:
            raise Malformed("a string of octets is expected")
        return b"".join(expect(part, OCTET_STRING).content for part in self.parts())


def read_one(data: bytes) -> Element:
    """Read the one element that *data* is.

    Raises:
        Malformed: It is none, or more than one.
    """
    element, end = _read(data, 0, 0)
    if end != len(data):
        raise Malformed("something follows the end")
    return element


def read_number(element: Element) -> int:
    """Read an INTEGER.

    Raises:
        Malformed: It is none.
    """
    if element.tag != INTEGER or not element.content:
        raise Malformed("a number is expected")
    return int.from_bytes(element.content, signed=True)


def expect(element: Element, tag: int) -> Element:
    """Check the tag of an element.

    Raises:
        Malformed: It has another.
    """
    if element.tag != tag:
        raise Malformed("an element of another kind is expected")
    return element


def _elements(data: bytes, depth: int) -> Iterator[Element]:
    at = 0
    while at < len(data):
        element, at = _read(data, at, depth)
        yield element


def _read(data: bytes, at: int, depth: int) -> tuple[Element, int]:
    if at + 2 > len(data):
        raise Malformed("it is cut off")
    tag, length, start = data[at], data[at + 1], at + 2
    if tag & _LONG_TAG == _LONG_TAG:
        raise Malformed("a tag is too large")
    if length == _INDEFINITE:
        content_end, end = _indefinite_end(data, start, tag, depth)
        return Element(tag, data[start:content_end], data[at:end], is_indefinite=True), end
    if length > _INDEFINITE:
        count = length - _INDEFINITE
        if count > _MOST_LENGTH_BYTES or start + count > len(data):
            raise Malformed("a length is too large")
        length, start = int.from_bytes(data[start : start + count]), start + count
    end = start + length
    if end > len(data):
        raise Malformed("it is cut off")
    return Element(tag, data[start:end], data[at:end]), end


def _indefinite_end(data: bytes, start: int, tag: int, depth: int) -> tuple[int, int]:
    """Where the content and the whole element end."""
    if not tag & _CONSTRUCTED or depth >= _DEEPEST:
        raise Malformed("a length is missing, or it is nested too deeply")
    at = start
    while data[at : at + 2] != _END_OF_CONTENTS:
        _, at = _read(data, at, depth + 1)
    return at, at + 2
