"""Envelopes: what is opened, what is refused, and that no byte of one can be changed."""

from datetime import UTC, datetime

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.modes import CBC

from controller.capture.racf.envelope import LARGEST, EnvelopeDamaged, EnvelopeOpener, EnvelopesUnusable
from controller.model.errors import SettingsError
from controller.model.secret import Secret
from tests.doubles.envelopes import OLD, PWSYNC, RACF, STRANGER, Party, envelop, envelope_of, party, payload, sign, tlv

NOW = datetime(2026, 5, 6, tzinfo=UTC)
TRIPLE_DES, RC2 = bytes.fromhex("2a864886f70d0307"), bytes.fromhex("2a864886f70d0302")


def opener(*signers: Party, accepts_md5: bool = False) -> EnvelopeOpener:
    own = party(PWSYNC)
    return EnvelopeOpener(own.key, own.certificate, [one.certificate for one in signers or (party(RACF),)], accepts_md5)


def opened(envelope: bytes, *signers: Party, accepts_md5: bool = False) -> tuple[str, bool]:
    found = opener(*signers, accepts_md5=accepts_md5).open(envelope, NOW)
    return found.password.reveal(), found.is_expired


@pytest.mark.parametrize(
    ("signing", "encrypting"),
    [
        (("-md", "sha1"), ("-des3",)),
        (("-md", "sha256", "-noattr"), ("-aes256",)),
        (("-md", "sha512", "-nocerts"), ("-aes128",)),
        (("-md", "sha1", "-stream"), ("-des3", "-stream")),
    ],
    ids=["as RACF", "no attributes", "no certificates", "indefinite lengths"],
)
def test_an_envelope_of_each_form_is_opened(signing: tuple[str, ...], encrypting: tuple[str, ...]) -> None:
    envelope = envelope_of("Straße \U0001f511", signing=signing, encrypting=encrypting)

    assert opened(envelope) == ("Straße \U0001f511", False)


def test_it_is_opened_for_any_of_its_recipients_and_tells_that_it_is_expired() -> None:
    envelope = envelope_of("INITIAL1", expired=True, recipients=(STRANGER, PWSYNC))

    assert opened(envelope, party(STRANGER), party(RACF)) == ("INITIAL1", True)


def test_signed_data_without_its_content_info_is_opened_too() -> None:
    whole = sign(payload("SECRET01"), party(RACF), "-md", "sha1")
    bare = whole[whole.index(b"\xa0") :]  # [0] of the ContentInfo, whose length has two octets
    assert opened(envelop(bare[4:], [party(PWSYNC)], "-des3")) == ("SECRET01", False)


def test_md5_counts_only_when_the_settings_say_so() -> None:
    envelope = envelope_of("SECRET01", signing=("-md", "md5"))

    with pytest.raises(EnvelopesUnusable, match=r"MD5.*acceptMD5"):
        opened(envelope)
    assert opened(envelope, accepts_md5=True) == ("SECRET01", False)


def test_what_holds_for_all_envelopes_stops_the_reader() -> None:
    for envelope, words in (
        (envelope_of("SECRET01", recipients=(STRANGER,)), "not for the certificate"),
        (envelope_of("SECRET01", signer=STRANGER), "not signed with a certificate of"),
        (envelope_of("SECRET01").replace(TRIPLE_DES, RC2), "too weak or unknown"),
        (envelope_of("SECRET01", signing=("-md", "sha224")), "hash that pwsync does not know"),
        (envelope_of("SECRET01", signing=("-md", "sha1", "-keyopt", "rsa_padding_mode:pss")), "does not know"),
        (envelope_of("SECRET01", encrypting=("-des3", "-keyopt", "rsa_padding_mode:oaep")), "encrypted with RSA"),
    ):
        with pytest.raises(EnvelopesUnusable, match=words):
            opened(envelope)


def test_a_machine_without_the_cipher_stops_the_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> Cipher[CBC]:
        raise UnsupportedAlgorithm("no Triple DES here")

    monkeypatch.setattr("controller.capture.racf.envelope.Cipher", refuse)
    with pytest.raises(EnvelopesUnusable, match="does not decrypt") as stopped:
        opened(envelope_of("SECRET01"))
    assert stopped.value.__context__ is None


def test_a_certificate_that_has_expired_stops_the_reader() -> None:
    old, envelope = party(OLD), envelope_of("SECRET01", signer=OLD)

    assert opener(old).open(envelope, datetime(2026, 1, 20, tzinfo=UTC)).password.reveal() == "SECRET01"
    with pytest.raises(EnvelopesUnusable, match="valid until 2026-01-31"):
        opened(envelope, old)


def test_an_impostor_with_the_same_name_and_number_is_found_out() -> None:
    real, other = party(RACF), party(STRANGER)
    envelope = envelop(sign(payload("SECRET01"), Party(real.certificate, real.key)), [party(PWSYNC)], "-des3")
    assert opened(envelope) == ("SECRET01", False)

    genuine = sign(payload("SECRET01"), real, "-md", "sha1", "-noattr")
    signature = genuine[-256:]
    forged = genuine[:-256] + bytes(byte ^ 1 for byte in signature)
    swapped = genuine.replace(b"SECRET01", b"SECRET02")
    for content in (forged, swapped):
        with pytest.raises(EnvelopeDamaged, match="signature is wrong"):
            opened(envelop(content, [party(PWSYNC)], "-des3"))
    attributed = sign(payload("SECRET01"), real, "-md", "sha1").replace(b"SECRET01", b"SECRET02")
    with pytest.raises(EnvelopeDamaged, match="for something else"):
        opened(envelop(attributed, [party(PWSYNC)], "-des3"))
    assert other.certificate != real.certificate


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"SECRET01",
        tlv(0x30, b""),
        tlv(0x30, b"\x02\x01\x01\x01\x01\x00"),
        tlv(0x30, b"\x02\x01\x01\x01\x01\x00" + tlv(0x04, b"SECRET01")),
        tlv(0x30, b"\x02\x01\x01\x01\x01\x00" + tlv(0x0C, b"SECRET\xff1")),
        tlv(0x30, b"\x02\x00\x01\x01\x00" + tlv(0x0C, b"SECRET01")),
        tlv(0x30, b"\x02\x01\x01\x01\x00" + tlv(0x0C, b"SECRET01")),
        payload("SECRET01") + b"\x00",
    ],
)
def test_signed_nonsense_is_refused_without_a_word_of_it(content: bytes) -> None:
    signed = sign(content, party(RACF), "-md", "sha1")

    with pytest.raises(EnvelopeDamaged) as refused:
        opened(envelop(signed, [party(PWSYNC)], "-des3"))
    assert "SECRET" not in repr(refused.value)
    assert refused.value.__cause__ is None


def test_nothing_that_is_no_envelope_is_taken_for_one() -> None:
    signed = sign(payload("SECRET01"), party(RACF), "-md", "sha1")
    for content in (b"", b"\x30", signed, b"\x30\x80" * 100_000, bytes(LARGEST + 1), tlv(0x30, b"\x30\x00")):
        with pytest.raises(EnvelopeDamaged):
            opened(content)


def test_keys_and_certificates_must_be_some_and_belong_together() -> None:
    own, racf = party(PWSYNC), party(RACF)
    key = Secret(own.key_pem.decode())

    assert EnvelopeOpener.load(key, own.certificate_pem, racf.certificate_pem, accepts_md5=False).signers == [
        racf.certificate
    ]
    for wrong_key, certificate, signers, words in (
        (Secret("x"), own.certificate_pem, racf.certificate_pem, "no RSA key"),
        (key, racf.certificate_pem, racf.certificate_pem, "not that of racf.certificateFile"),
        (key, b"x", racf.certificate_pem, "certificateFile holds no certificate"),
        (key, own.certificate_pem, b"", "signerFile holds no certificate"),
    ):
        with pytest.raises(SettingsError, match=words):
            EnvelopeOpener.load(wrong_key, certificate, signers, accepts_md5=False)
