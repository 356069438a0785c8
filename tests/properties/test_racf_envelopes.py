"""Envelopes and BER from anywhere: refused or read, and never a crash."""

from datetime import UTC, datetime
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from controller.capture.racf import ber
from controller.capture.racf.envelope import EnvelopeDamaged, EnvelopeOpener, EnvelopesUnusable
from controller.model.secret import Secret
from tests.doubles.envelopes import PWSYNC, RACF, envelop_here, envelope_of, party, payload, sign

NOW = datetime(2026, 5, 6, tzinfo=UTC)
PASSWORD = "A phrase in an envelope"


def outcome(content: bytes) -> Secret | str:
    own = party(PWSYNC)
    try:
        found = EnvelopeOpener(own.key, own.certificate, [party(RACF).certificate]).open(content, NOW)
    except (EnvelopeDamaged, EnvelopesUnusable) as error:
        return str(error) if PASSWORD in str(error) else "refused"
    return found.password


@cache
def signed() -> bytes:
    return sign(payload(PASSWORD), party(RACF), "-md", "sha1")


@st.composite
def altered(draw: st.DrawFn, original: bytes) -> bytes:
    at = draw(st.integers(0, len(original) - 1))
    kind = draw(st.sampled_from(["change", "cut", "insert", "drop"]))
    if kind == "cut":
        return original[:at]
    if kind == "insert":
        return original[:at] + draw(st.binary(min_size=1, max_size=8)) + original[at:]
    if kind == "drop":
        return original[:at] + original[at + draw(st.integers(1, 8)) :]
    return original[:at] + bytes([original[at] ^ draw(st.integers(1, 255))]) + original[at + 1 :]


@settings(deadline=None, max_examples=60)  # keys are made on first use, and machines are slow
@given(st.data())
def test_an_altered_envelope_gives_the_password_that_was_signed_or_none(data: st.DataObject) -> None:
    content = data.draw(altered(envelope_of(PASSWORD)))

    assert outcome(content) in ("refused", Secret(PASSWORD))


@settings(deadline=None, max_examples=60)  # keys are made on first use, and machines are slow
@given(st.data())
def test_what_was_altered_before_it_was_encrypted_gives_the_password_that_was_signed_or_none(
    data: st.DataObject,
) -> None:
    content = data.draw(altered(signed()))

    assert outcome(envelop_here(content, party(PWSYNC))) in ("refused", Secret(PASSWORD))


@settings(deadline=None, max_examples=60)  # keys are made on first use, and machines are slow
@given(st.binary(max_size=300))
def test_bytes_from_anywhere_are_refused(content: bytes) -> None:
    assert outcome(content) == "refused"


@settings(deadline=None, max_examples=60)  # keys are made on first use, and machines are slow
@given(st.recursive(st.binary(max_size=6), lambda inner: st.lists(inner, max_size=4), max_leaves=12))
def test_what_is_written_with_lengths_of_either_form_is_read_alike(tree: bytes | list[object]) -> None:
    definite, indefinite = written(tree, is_definite=True), written(tree, is_definite=False)

    assert shape(ber.read_one(definite)) == shape(ber.read_one(indefinite)) == tree


def written(tree: object, *, is_definite: bool) -> bytes:
    if isinstance(tree, bytes):
        return bytes([ber.OCTET_STRING, len(tree)]) + tree
    assert isinstance(tree, list)
    content = b"".join(written(part, is_definite=is_definite) for part in tree)
    if not is_definite:
        return bytes([ber.SEQUENCE, 0x80]) + content + b"\x00\x00"
    size = len(content).to_bytes(2)
    return bytes([ber.SEQUENCE, 0x82]) + size + content


def shape(element: ber.Element) -> object:
    return element.content if element.tag == ber.OCTET_STRING else [shape(part) for part in element.parts()]
