"""The program of slapd's overlay: what it keeps before it lets slapd go on, and what comes of that."""

import errno
from collections.abc import Callable
from pathlib import Path

import pytest

from controller.capture.ldap_login import Login
from controller.capture.openldap import CONTINUE, NOT_TAKEN, TOO_LONG, SockProgram
from controller.capture.settings import OpenLdapSpec
from controller.capture.spool import Aside
from controller.model.errors import InvalidInput
from controller.model.secret import Secret
from tests.unit.capture.bench import NOW, CaptureBench
from tests.unit.capture.test_ldap_operation import DN, extended, modify, password_modify

ANNOUNCED = extended(password_modify(DN.encode(), None, b"n3w-password"))
HASHED = modify(b"replace: userPassword", b"userPassword: {SSHA}x")
SET = modify(b"replace: userPassword", b"userPassword: n3w-password")
ENDED = b"RESULT\nmsgid: 3\nconnid: 1007\ncode: %d\n\n"
BASE = DN.partition(",")[2]
SPEC = OpenLdapSpec(socket="s", login_socket="l", base_dn=BASE)


Opens = Callable[[Login], str | None]


class Clock:
    """Seconds that a test turns."""

    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def made(
    tmp_path: Path, most: int = 10, opens: Opens = lambda login: login.dn
) -> tuple[CaptureBench, SockProgram, Clock]:
    bench, clock = CaptureBench(tmp_path, most=most), Clock()
    return bench, SockProgram(bench.capture, SPEC, opens, lambda: NOW, clock), clock


def give_up(program: SockProgram, clock: Clock) -> None:
    """So much later that slapd will say no more."""
    clock.seconds += 61
    program.look_back()


def test_a_change_is_on_the_disk_before_slapd_goes_on_and_waits_once_it_succeeded(tmp_path: Path) -> None:
    bench, program, _ = made(tmp_path)

    assert program.answer(SET) == CONTINUE
    assert (len(bench.spool.names("pending")), bench.waiting()) == (1, [])
    assert program.answer(ENDED % 0) == b""
    assert bench.waiting() == [("alice", "n3w-password")]


def test_what_is_announced_is_kept_once_slapd_carries_it_out(tmp_path: Path) -> None:
    bench, program, _ = made(tmp_path)

    assert program.answer(ANNOUNCED) == CONTINUE
    assert bench.spool.count() == 0
    assert program.answer(HASHED) == CONTINUE
    assert len(bench.spool.names("pending")) == 1
    program.answer(ENDED % 0)
    assert bench.waiting() == [("alice", "n3w-password")]


def test_what_is_announced_and_refused_at_once_leaves_nothing(tmp_path: Path) -> None:
    bench, program, clock = made(tmp_path)

    program.answer(ANNOUNCED)
    clock.seconds = 61
    program.look_back()
    program.answer(ENDED % 0)

    assert bench.spool.count() == 0


def test_a_hashed_password_is_told_unless_it_was_announced(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    bench, program, _ = made(tmp_path)

    robot = b"cn=robot,dc=example"
    for announced, hashed in (
        (ANNOUNCED, HASHED),
        (extended(password_modify(robot, None, b"n3w")), HASHED.replace(DN.encode(), robot)),
    ):
        program.answer(announced)
        assert program.answer(hashed) == CONTINUE
        program.answer(ENDED % 0)
    assert (caplog.messages, len(bench.waiting())) == ([], 1)

    program.answer(HASHED)
    assert "hashed" in caplog.text


@pytest.mark.parametrize(
    "spelling", [f"uid = alice , {BASE}", f"userid=alice,{BASE}", f"UID=alice,{BASE.upper()}", "uid=nobody"]
)
def test_the_entry_is_the_one_that_slapd_names_however_the_client_spells_it(tmp_path: Path, spelling: str) -> None:
    bench, program, _ = made(tmp_path)

    program.answer(extended(password_modify(spelling.encode(), None, b"n3w-password")))
    assert program.answer(HASHED) == CONTINUE
    program.answer(ENDED % 0)

    assert bench.waiting() == [("alice", "n3w-password")]


def test_what_was_announced_for_one_entry_is_nothing_to_another(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Clients choose the ids of operations: slapd refuses one, and takes another of the same id."""
    bench, program, clock = made(tmp_path, opens=lambda _: None)

    program.answer(extended(password_modify(DN.replace("alice", "victim").encode(), None, b"n3w-password")))
    assert program.answer(HASHED) == CONTINUE
    program.answer(ENDED % 0)
    give_up(program, clock)

    assert (bench.waiting(), len(bench.spool.names(Aside.DOUBTFUL))) == ([], 1)
    assert "in doubt: account='alice'" in caplog.text
    assert "slapd does not take it" in caplog.text


def test_a_password_that_nobody_could_be_told_of_is_refused(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    bench, program, _ = made(tmp_path)

    assert program.answer(extended(password_modify(DN.encode(), None, b"x" * 2000))) == CONTINUE
    assert program.answer(HASHED) == TOO_LONG
    assert program.answer(SET.replace(b"n3w-password", b"x" * 257)) == TOO_LONG
    assert program.answer(SET.replace(b"n3w-password", b"x" * 257).replace(BASE.encode(), b"o=x")) == CONTINUE

    assert bench.spool.count() == 0
    assert "too long to be captured" in caplog.text


@pytest.mark.parametrize("told", [HASHED, modify(b"replace: userPassword", b"userPassword:: /w==")])
@pytest.mark.parametrize(("code", "missed"), [(0, 1), (53, 0)])
def test_a_password_that_cannot_be_read_is_an_alarm_once_it_is_in_force(
    tmp_path: Path, told: bytes, code: int, missed: int
) -> None:
    bench, program, clock = made(tmp_path)
    assert program.answer(told) == CONTINUE
    program.answer(ENDED % code)
    give_up(program, clock)
    assert (bench.spool.missed(), bench.spool.names("pending", *Aside)) == (missed, [])


def test_a_success_that_slapd_does_not_bear_out_is_in_doubt(tmp_path: Path) -> None:
    bench, program, clock = made(tmp_path, opens=lambda _: None)

    program.answer(SET)
    program.answer(ENDED % 0)
    give_up(program, clock)

    assert (bench.waiting(), len(bench.spool.names(Aside.DOUBTFUL))) == ([], 1)


@pytest.mark.parametrize(
    "problem", [ConnectionRefusedError(errno.ECONNREFUSED, "connection refused"), InvalidInput("no LDAP server")]
)
@pytest.mark.parametrize("seconds", [50, 100])
def test_slapd_is_asked_again_for_a_while(tmp_path: Path, problem: Exception, seconds: float) -> None:
    problems = [problem, problem]

    def opens(login: Login) -> str:
        if problems:
            raise problems.pop()
        return login.dn

    bench, program, clock = made(tmp_path, opens=opens)
    program.answer(SET)
    program.answer(ENDED % 0)
    assert len(bench.spool.names("pending")) == 1

    clock.seconds = seconds
    program.look_back()  # fails once more
    program.look_back()

    in_time = seconds < 60
    assert bench.waiting() == ([("alice", "n3w-password")] if in_time else [])
    assert (len(bench.spool.names("pending")), len(bench.spool.names(Aside.DOUBTFUL))) == (0, 0 if in_time else 1)


def test_slapd_is_asked_with_the_entry_and_the_new_password(tmp_path: Path) -> None:
    asked: list[Login] = []

    def opens(login: Login) -> str:
        asked.append(login)
        return login.dn

    _, program, _ = made(tmp_path, opens=opens)

    for content in (ANNOUNCED, HASHED, ENDED % 0):
        program.answer(content)

    assert asked == [Login(DN, Secret("n3w-password"))]


def test_slapd_is_answered_while_its_own_answers_are_awaited(tmp_path: Path) -> None:
    """All threads of slapd may wait for our answers: a login, which needs one of them, must hold up none."""
    bench, waiting = CaptureBench(tmp_path), list[Callable[[], None]]()
    program = SockProgram(bench.capture, SPEC, lambda login: login.dn, lambda: NOW, later=waiting.append)

    program.answer(SET)
    assert (program.answer(ENDED % 0), bench.waiting(), len(waiting)) == (b"", [], 1)
    waiting.pop()()
    assert bench.waiting() == [("alice", "n3w-password")]


def test_a_mistake_while_a_password_is_tried_is_told_and_leaves_the_change_in_doubt(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def opens(_: Login) -> str:
        raise AssertionError("n3w-password")

    bench, program, clock = made(tmp_path, opens=opens)
    program.answer(SET)
    program.answer(ENDED % 0)
    give_up(program, clock)
    assert "A mistake of pwsync: error=AssertionError" in caplog.text
    assert "n3w-password" not in caplog.text
    assert (bench.waiting(), len(bench.spool.names(Aside.DOUBTFUL))) == ([], 1)


def test_of_two_changes_with_the_same_id_the_earlier_is_in_doubt(tmp_path: Path) -> None:
    bench, program, _ = made(tmp_path)

    program.answer(SET)
    program.answer(SET)
    assert len(bench.spool.names(Aside.DOUBTFUL)) == 1
    program.answer(ENDED % 0)
    assert bench.waiting() == [("alice", "n3w-password")]


@pytest.mark.parametrize("code", [0, 53])
def test_an_end_that_cannot_be_kept_is_kept_once_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, code: int
) -> None:
    bench, program, _ = made(tmp_path)
    program.answer(SET)
    with monkeypatch.context() as failing:
        failing.setattr(Path, "rename", _fail)
        failing.setattr(Path, "unlink", _fail)
        assert program.answer(ENDED % code) == b""
    assert "How a change ended is not kept yet" in caplog.text
    program.look_back()
    assert bench.waiting() == ([] if code else [("alice", "n3w-password")])
    assert bench.spool.names("pending", Aside.DOUBTFUL) == []


def test_a_change_in_doubt_that_cannot_be_set_aside_is_set_aside_once_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bench, program, _ = made(tmp_path)
    program.answer(SET)
    rename = Path.rename
    first = bench.spool.names("pending")[0]
    with monkeypatch.context() as failing:
        failing.setattr(Path, "rename", lambda path, to: _fail() if path.name == first else rename(path, to))
        assert program.answer(SET) == CONTINUE  # of the same id: the earlier is in doubt
        program.answer(ENDED % 0)
        program.look_back()
    assert "cannot be set aside yet" in caplog.text
    assert (bench.spool.names("pending"), len(bench.waiting())) == ([first], 1)
    program.look_back()
    assert (bench.spool.names("pending"), len(bench.spool.names(Aside.DOUBTFUL))) == ([], 1)


def _fail(*_: object, **__: object) -> None:
    raise OSError(errno.EIO, "input/output error")


def test_what_failed_leaves_nothing_and_a_result_of_others_does_nothing(tmp_path: Path) -> None:
    bench, program, _ = made(tmp_path)

    program.answer(SET)
    assert program.answer(ENDED % 53) == b""
    assert bench.spool.count() == 0
    assert program.answer(b"RESULT\nmsgid: 4\nconnid: 1007\ncode: 0\n\n") == b""
    assert bench.spool.count() == 0


def test_slapd_is_told_that_a_change_cannot_be_kept(tmp_path: Path) -> None:
    bench, program, _ = made(tmp_path, most=1)
    bench.take("bob")

    assert program.answer(SET) == NOT_TAKEN


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"MODRDN\n\n",
        modify(b"replace: userPassword", b"userPassword: {SSHA}x"),
        extended(password_modify(b"cn=robot,dc=example", None, b"n3w")),
        extended(password_modify(DN.encode(), None, b"")),
    ],
)
def test_what_is_not_captured_goes_on(tmp_path: Path, content: bytes) -> None:
    bench, program, _ = made(tmp_path)

    assert program.answer(content) == CONTINUE
    assert bench.spool.count() == 0


@pytest.mark.parametrize("wrong", [b"userPassword:: ?", b"userPassword:: YW"])
def test_what_cannot_be_understood_is_refused(tmp_path: Path, wrong: bytes) -> None:
    bench, program, _ = made(tmp_path)
    assert program.answer(modify(b"replace: userPassword", wrong)) == NOT_TAKEN
    assert program.answer(b"RESULT\nmsgid:: ?\n\n") == b""
    assert bench.spool.count() == 0


def test_an_entry_further_below_is_captured_only_where_that_is_said(tmp_path: Path) -> None:
    """Whoever may make entries somewhere could take the name of anybody there."""
    told = modify(b"replace: userPassword", b"userPassword: n3w-password").replace(
        DN.encode(), f"uid=alice,ou=own,{BASE}".encode()
    )
    for scope, waiting in (("oneLevel", []), ("subtree", [("alice", "n3w-password")])):
        (tmp_path / scope).mkdir()
        bench = CaptureBench(tmp_path / scope)
        spec = SPEC.model_copy(update={"scope": scope})
        program = SockProgram(bench.capture, spec, lambda login: login.dn, lambda: NOW)
        assert (program.answer(told), program.answer(ENDED % 0)) == (CONTINUE, b"")
        assert bench.waiting() == waiting


@pytest.mark.parametrize(
    ("dn", "waiting", "doubtful"),
    [
        (DN.replace("alice", "Alice"), [("Alice", "n3w-password")], 0),
        (DN.replace("alice", "svc"), [], 0),
        (f"uid=alice,ou=own,{BASE}", [], 1),
    ],
)
def test_the_account_is_spelled_as_its_entry_is(
    tmp_path: Path, dn: str, waiting: list[tuple[str, str]], doubtful: int
) -> None:
    bench = CaptureBench(tmp_path, exclude=("svc",))
    bench.capture._spec = bench.spec.model_copy(update={"domain": None, "adapter": "openldap"})
    clock = Clock()
    program = SockProgram(bench.capture, SPEC, lambda _: dn, lambda: NOW, clock)
    program.answer(SET)
    program.answer(ENDED % 0)
    give_up(program, clock)
    assert bench.waiting() == waiting
    assert (len(bench.spool.names(Aside.DOUBTFUL)), bench.spool.names("pending")) == (doubtful, [])


def test_an_entry_whose_own_name_is_no_account_is_in_doubt(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    bench, program, clock = made(tmp_path, opens=lambda _: f"uid=krbtgt,{BASE}")
    program.answer(SET)
    program.answer(ENDED % 0)
    give_up(program, clock)
    assert (bench.waiting(), len(bench.spool.names(Aside.DOUBTFUL))) == ([], 1)
    assert "is a built-in account" in caplog.text


def test_an_entry_that_is_opened_and_not_captured_is_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    bench, program, clock = made(tmp_path, opens=lambda _: "cn=robot,dc=example")
    program.answer(SET)
    program.answer(ENDED % 0)
    give_up(program, clock)
    assert len(bench.spool.names(Aside.DOUBTFUL)) == 1
    assert "it opens 'cn=robot,dc=example', which is not captured" in caplog.text


def test_what_is_passed_over_is_told_with_the_reason(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    _, program, _ = made(tmp_path)
    assert program.answer(SET.replace(BASE.encode(), b"ou=other,dc=example")) == CONTINUE
    assert "passed over: dn='uid=alice,ou=other,dc=example'" in caplog.text
    assert f"it is no uid=... directly below {BASE}" in caplog.text


def test_nobody_fills_the_spool_with_changes_in_doubt(tmp_path: Path) -> None:
    bench, program, _ = made(tmp_path, most=4)
    for _ in range(20):
        assert program.answer(SET) == CONTINUE
    assert len(bench.spool.names(Aside.DOUBTFUL)) == 1


def test_of_several_lost_changes_one_that_cannot_be_set_aside_keeps_none_of_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bench, program, clock = made(tmp_path, opens=lambda _: None)
    for number, name in enumerate(("alice", "bob", "carol")):
        told = SET.replace(b"uid=alice", f"uid={name}".encode()).replace(b"msgid: 3", f"msgid: {number}".encode())
        assert program.answer(told) == CONTINUE
    first, gone, _ = bench.spool.names("pending")
    (bench.spool.path / gone).unlink()
    clock.seconds = 61
    with monkeypatch.context() as failing:
        rename = Path.rename
        failing.setattr(Path, "rename", lambda path, to: _fail() if path.name == first else rename(path, to))
        program.look_back()
    assert bench.spool.names("pending") == [first]
    assert "cannot be set aside yet" in caplog.text
    assert "set aside or removed already" in caplog.text
    program.look_back()
    assert len(bench.spool.names(Aside.DOUBTFUL)) == 2


def test_what_slapd_never_told_the_end_of_is_set_aside(tmp_path: Path) -> None:
    bench, program, clock = made(tmp_path, opens=lambda _: None)
    program.answer(SET)

    clock.seconds = 61
    program.look_back()

    assert len(bench.spool.names(Aside.DOUBTFUL)) == 1
    assert program.answer(ENDED % 0) == b""
    assert bench.waiting() == []


def test_announcements_take_little_memory(tmp_path: Path) -> None:
    """Of those that slapd refuses at once it tells too."""
    bench, program, clock = made(tmp_path)
    for number in range(5_000):
        told = extended(password_modify(DN.encode(), None, b"x" * 30_000))
        program.answer(told.replace(b"msgid: 3", b"msgid: %d" % number))
    kept = [one.password.reveal() for one in program._announced.values()]
    assert (len(kept), max(map(len, kept))) == (4096, 257)
    give_up(program, clock)
    assert (program._announced, bench.spool.count()) == ({}, 0)


def test_a_late_success_that_the_spool_does_not_take_yet_is_tried_again_and_its_loss_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bench, program, clock = made(tmp_path)
    for number, is_too_late in enumerate((False, True)):
        told, ended = (text.replace(b"msgid: 3", b"msgid: %d" % number) for text in (SET, ENDED))
        program.answer(told)
        program.answer(ended % 53)
        with monkeypatch.context() as failing:
            failing.setattr(Path, "rename", _fail)
            program.answer(ended % 0)
            if is_too_late:
                give_up(program, clock)
        program.look_back()
        assert len(bench.waiting()) == 1
    assert "A change may be lost: account='alice'" in caplog.text
