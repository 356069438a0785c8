"""What samba-tool and PAM hand to their programs."""

import base64
from datetime import UTC, datetime
from pathlib import Path

import pytest

from controller.capture.pam import take_pam
from controller.capture.samba import take_record
from controller.capture.spool import SpoolFull
from controller.capture.status import look
from controller.model.errors import InvalidInput
from tests.unit.capture.bench import NOW, CaptureBench

HEAD = b"# record\ndn: CN=alice,CN=Users,DC=corp\nobjectGUID:: //79/A==\nsAMAccountName: Alice\n"
WAY_TO_2020 = b"pwdLastSet: 132223104000000000\n"


@pytest.fixture
def bench(tmp_path: Path) -> CaptureBench:
    return CaptureBench(tmp_path, most=2)


def password(text: str) -> bytes:
    return b"virtualClearTextUTF8:: " + base64.b64encode(text.encode()) + b"\n"


def test_a_record_is_taken_with_the_time_at_which_the_password_was_set(bench: CaptureBench) -> None:
    ldif = HEAD + WAY_TO_2020 + password("n3w \U0001f511")
    folded = ldif.replace(b"virtualClear", b"virtual\n Clear").replace(b"\n", b"\r\n")

    assert take_record(bench.capture, ldif, NOW) == take_record(bench.capture, folded, NOW) == "DONE-EXIT: taken"

    assert bench.waiting() == [("alice", "n3w \U0001f511")] * 2
    change = bench.spool.read(bench.spool.waiting()[0])
    assert change.occurred_at == datetime(2020, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "ldif",
    [
        HEAD + WAY_TO_2020,
        HEAD + password("n3w") + b"isDeleted: TRUE\n",
        HEAD + password("n3w") + b"userAccountControl: 4096\n",
    ],
)
def test_what_is_no_persons_new_password_is_passed_over(bench: CaptureBench, ldif: bytes) -> None:
    assert take_record(bench.capture, ldif, NOW) == "DONE-EXIT: nothing to hand over"
    assert bench.spool.count() == 0


@pytest.mark.parametrize(
    "ldif",
    [
        b"",
        b"dn: x\n" + password("n3w"),
        HEAD + b"virtualClearTextUTF8:: ?\n",
        HEAD + b"virtualClearTextUTF8:: /w==\n",
        HEAD + password("x" * 300),
        HEAD + password("n3w") + b"pwdLastSet: soon\n",
    ],
)
def test_what_nobody_can_use_does_not_end_the_daemon(bench: CaptureBench, ldif: bytes) -> None:
    assert take_record(bench.capture, ldif, NOW).startswith("DONE-EXIT: not taken: ")
    assert bench.spool.count() == 0


def test_a_password_that_must_be_changed_has_the_time_of_now(bench: CaptureBench) -> None:
    take_record(bench.capture, HEAD + b"pwdLastSet: 0\n" + password("n3w"), NOW)

    assert bench.spool.read(bench.spool.waiting()[0]).occurred_at == NOW


def test_a_recent_change_without_its_password_is_told_and_counted(bench: CaptureBench) -> None:
    recent = HEAD + b"pwdLastSet: 134225248880000000\n"  # a second ago

    assert take_record(bench.capture, recent, NOW).startswith("DONE-EXIT: not taken: the new password of Alice")
    for name in (b"Alice", b"Bob"):
        told = take_record(bench.capture, recent.replace(b"Alice", name), NOW)
        assert told.startswith("DONE-EXIT: not taken")

    found = look(bench.spec, NOW)
    assert (found.missed, found.view()["missed"], bench.spool.count()) == (2, 2, 0)
    assert any("2 came without a password" in alarm for alarm in found.alarms())
    assert "pwsync_capture_missed 2\n" in found.metrics()
    take_record(bench.capture, recent.replace(b"Alice", b"Carol"), NOW)
    assert bench.spool.missed() == 2, "as many as there may be changes"
    assert (bench.spool.path / "missed").read_text().splitlines()[0].endswith("CORP\\alice")


def test_who_is_left_out_is_not_missed(tmp_path: Path) -> None:
    bench = CaptureBench(tmp_path, exclude=("alice",))

    assert take_record(bench.capture, HEAD + b"pwdLastSet: 134225248880000000\n", NOW).endswith("nothing to hand over")
    assert bench.spool.missed() == 0


def test_samba_hears_no_done_of_what_was_not_taken(bench: CaptureBench) -> None:
    bench.take("bob")
    bench.take("carol")

    with pytest.raises(SpoolFull):
        take_record(bench.capture, HEAD + password("n3w"), NOW)


def test_pam_tells_who_in_the_environment_and_the_password_with_or_without_its_end(bench: CaptureBench) -> None:
    for token in (b"n3w \xc3\x9f", b"n3w \xc3\x9f\x00"):
        take_pam(bench.capture, {"PAM_USER": "alice", "PAM_TYPE": "password"}, token, NOW)

    assert bench.waiting() == [("alice", "n3w ß")] * 2


@pytest.mark.parametrize(
    ("environ", "token"),
    [
        ({"PAM_USER": "alice", "PAM_TYPE": "auth"}, b"secret"),
        ({"PAM_TYPE": "password"}, b"secret"),
        ({"PAM_USER": "alice", "PAM_TYPE": "password"}, b"secret\xff"),
    ],
)
def test_anything_else_of_pam_is_refused_without_a_word_of_the_password(
    bench: CaptureBench, environ: dict[str, str], token: bytes
) -> None:
    with pytest.raises(InvalidInput) as refused:
        take_pam(bench.capture, environ, token, NOW)
    assert "secret" not in str(refused.value)
    assert bench.spool.count() == 0


def test_an_old_pam_that_hands_over_nothing_is_told(bench: CaptureBench) -> None:
    for token in (b"", b"\x00"):
        with pytest.raises(InvalidInput, match="no new password of alice"):
            take_pam(bench.capture, {"PAM_USER": "alice", "PAM_TYPE": "password"}, token, NOW)
