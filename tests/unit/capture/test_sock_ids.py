"""The program of slapd's overlay: what becomes of a change when ids, ends and threads come in any order."""

import errno
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.capture.ldap_login import Login
from controller.capture.openldap import CONTINUE, SockProgram
from controller.capture.spool import Aside
from tests.unit.capture.bench import NOW, CaptureBench
from tests.unit.capture.test_sock_program import ENDED, HASHED, SET, SPEC, Clock, give_up, made


@pytest.mark.parametrize("codes", [(0, 0), (32, 0), (0, 32, 0), (32, 32, 0)])
def test_the_ends_of_other_operations_of_the_same_id_decide_nothing(tmp_path: Path, codes: tuple[int, ...]) -> None:
    """Slapd's overlays search by themselves, and clients choose ids: the end is the one that the login bears out."""
    force = False
    bench, program, clock = made(tmp_path, opens=lambda login: login.dn if force else None)
    program.answer(SET)
    for code in codes[:-1]:
        program.answer(ENDED % code)
    assert bench.waiting() == []
    force = True
    program.answer(ENDED % codes[-1])
    assert bench.waiting() == [("alice", "n3w-password")]
    give_up(program, clock)
    assert (len(bench.waiting()), bench.spool.names("pending", *Aside)) == (1, [])


def test_one_change_costs_few_refused_logins(tmp_path: Path) -> None:
    asked: list[Login] = []
    bench, program, clock = made(tmp_path, opens=asked.append)
    program.answer(SET)
    for _ in range(10):
        program.answer(ENDED % 0)
    give_up(program, clock)
    assert (len(asked), len(bench.spool.names(Aside.DOUBTFUL))) == (3, 1)


def test_what_was_carried_out_for_a_client_that_has_gone_is_found_out(tmp_path: Path) -> None:
    bench, program, clock = made(tmp_path)
    program.answer(SET)
    give_up(program, clock)
    assert bench.waiting() == [("alice", "n3w-password")]


def test_abandoned_changes_do_not_fill_the_spool(tmp_path: Path) -> None:
    """Slapd tells no end of what a client abandons."""
    bench, program, clock = made(tmp_path, most=300, opens=lambda _: None)
    for number in range(400):
        clock.seconds += 0.1
        assert program.answer(SET.replace(b"msgid: 3", b"msgid: %d" % number)) == CONTINUE
    assert (len(bench.spool.names("pending")), len(bench.spool.names(Aside.DOUBTFUL))) == (256, 1)


def test_what_slapd_may_still_be_working_on_is_not_taken_for_abandoned(tmp_path: Path) -> None:
    bench, program, _ = made(tmp_path, most=300)
    numbers = range(280)
    for number in numbers:
        program.answer(SET.replace(b"msgid: 3", b"msgid: %d" % number))
    for number in numbers:
        program.answer(ENDED.replace(b"msgid: 3", b"msgid: %d" % number) % 0)
    assert (len(bench.waiting()), bench.spool.names("pending", *Aside)) == (280, [])


def test_changes_whose_logins_are_awaited_are_never_taken_for_abandoned(tmp_path: Path) -> None:
    """The backlog of logins has no bound: slapd answers its clients before them."""
    bench, waiting, clock = CaptureBench(tmp_path, most=1000), list[Callable[[], None]](), Clock()
    program = SockProgram(bench.capture, SPEC, lambda login: login.dn, lambda: NOW, clock, later=waiting.append)
    for number in range(600):
        clock.seconds += 0.05
        program.answer(SET.replace(b"msgid: 3", b"msgid: %d" % number))
        program.answer(ENDED.replace(b"msgid: 3", b"msgid: %d" % number) % 0)
    for do in waiting:
        do()
    assert (len(bench.waiting()), bench.spool.names("pending", *Aside)) == (600, [])


def test_what_a_later_change_overtook_is_not_in_doubt(tmp_path: Path) -> None:
    bench, waiting, clock = CaptureBench(tmp_path), list[Callable[[], None]](), Clock()
    newest = b"n3w-password"
    program = SockProgram(
        bench.capture,
        SPEC,
        lambda login: login.dn if login.password.reveal() == newest.decode() else None,
        lambda: NOW,
        clock,
        later=waiting.append,
    )
    for number, password in enumerate((b"0ld-password", newest)):
        clock.seconds += 1
        told = SET.replace(b"msgid: 3", b"msgid: %d" % number).replace(newest, password)
        program.answer(told)
        program.answer(ENDED.replace(b"msgid: 3", b"msgid: %d" % number) % 0)
    for turn in range(3):
        if turn == 2:
            give_up(program, clock)
        for do in waiting:
            do()
        waiting.clear()
        program.look_back()
    assert (bench.waiting(), bench.spool.names("pending", *Aside)) == ([("alice", "n3w-password")], [])


def test_a_change_that_cannot_be_read_is_noted_whatever_becomes_of_it(tmp_path: Path) -> None:
    """It has no file that could be in doubt."""
    for number, end in enumerate(("lost", "same id", "stop", "failed")):
        (tmp_path / str(number)).mkdir()
        bench, program, clock = made(tmp_path / str(number))
        program.answer(HASHED)
        match end:
            case "lost":
                give_up(program, clock)
            case "same id":
                program.answer(HASHED.replace(b"alice", b"bob"))
                program.answer(ENDED % 0)
            case "stop":
                program.close()
            case _:
                program.answer(ENDED % 53)
                program.close()
        assert bench.spool.missed() == {"lost": 1, "same id": 2, "stop": 1, "failed": 0}[end]


@pytest.mark.parametrize("ends", [(32, 0), (32, "again", 53, 0)])
def test_nobody_hides_a_change_behind_other_operations_of_its_id(tmp_path: Path, ends: tuple[int | str, ...]) -> None:
    force = ""
    bench, program, clock = made(tmp_path, opens=lambda login: login.dn if login.password.reveal() == force else None)
    program.answer(SET)
    for end in ends:
        if end == "again":
            program.answer(SET.replace(b"n3w-password", b"short"))
        else:
            program.answer(ENDED % int(end))
    force = "n3w-password"
    program.answer(ENDED % 0)
    give_up(program, clock)
    give_up(program, clock)
    assert bench.waiting() == [("alice", "n3w-password")]


def test_a_late_success_that_slapd_was_never_asked_about_is_noted(tmp_path: Path) -> None:
    def away(_: Login) -> str:
        raise ConnectionRefusedError(errno.ECONNREFUSED, "connection refused")

    bench, program, clock = made(tmp_path, opens=away)
    program.answer(SET)
    program.answer(ENDED % 53)
    program.answer(ENDED % 0)
    give_up(program, clock)
    assert (bench.spool.missed(), bench.spool.count()) == (1, 0)


def test_what_failed_is_not_remembered_for_ever(tmp_path: Path) -> None:
    bench, program, clock = made(tmp_path)
    for number in range(300):
        program.answer(SET.replace(b"msgid: 3", b"msgid: %d" % number))
        program.answer(ENDED.replace(b"msgid: 3", b"msgid: %d" % number) % 53)
    give_up(program, clock)
    program.answer(ENDED.replace(b"msgid: 3", b"msgid: 299") % 0)  # too late
    assert bench.spool.count() == 0


def test_a_client_may_use_an_id_again_once_it_has_its_answer(tmp_path: Path) -> None:
    bench, waiting, clock = CaptureBench(tmp_path), list[Callable[[], None]](), Clock()
    program = SockProgram(bench.capture, SPEC, lambda login: login.dn, lambda: NOW, clock, later=waiting.append)
    for _ in range(3):
        assert program.answer(SET) == CONTINUE
        program.answer(ENDED % 0)
    for do in reversed(waiting):  # threads have no order
        do()
    waiting.clear()
    assert (len(bench.waiting()), bench.spool.names("pending", *Aside)) == (3, [])
    give_up(program, clock)
    assert waiting == []


def test_an_answer_of_another_operation_does_not_hide_a_change_whose_id_is_used_again(tmp_path: Path) -> None:
    bench, program, clock = made(tmp_path, opens=lambda _: None)
    program.answer(SET)
    program.answer(ENDED % 0)
    program.answer(SET.replace(b"alice", b"bob"))
    program.answer(ENDED % 53)
    give_up(program, clock)
    assert (bench.spool.names("pending"), len(bench.spool.names(Aside.DOUBTFUL))) == ([], 1)


@given(st.data())
def test_whatever_slapd_tells_no_file_is_left_and_what_is_in_force_waits_or_is_in_doubt(data: st.DataObject) -> None:
    """Any order of beginnings, ends (also of other operations), work of threads, refusals of the disk, and time.

    With an id of its own for each change, and a slapd that answers, nothing in force is in doubt.
    """
    with tempfile.TemporaryDirectory() as folder:
        bench, todo, clock, force = CaptureBench(Path(folder)), list[Callable[[], None]](), Clock(), set[str]()
        is_orderly = data.draw(st.booleans())

        def opens(login: Login) -> str | None:
            if not is_orderly and data.draw(st.integers(0, 9)) == 0:
                raise ConnectionRefusedError(errno.ECONNREFUSED, "connection refused")
            return login.dn if login.password.reveal() in force else None

        program = SockProgram(bench.capture, SPEC, opens, lambda: NOW, clock, later=todo.append)
        begun: list[tuple[int, str]] = []
        for number in range(data.draw(st.integers(1, 12))):
            operation = number if is_orderly else data.draw(st.integers(1, 2))
            match data.draw(st.sampled_from(("begin", "carry out", "refuse", "other", "work", "time"))):
                case "begin":
                    password = f"n3w-password-{number}"
                    told = SET.replace(b"n3w-password", password.encode())
                    assert program.answer(told.replace(b"msgid: 3", b"msgid: %d" % operation)) == CONTINUE
                    begun.append((operation, password))
                case "carry out" if begun:
                    operation, password = begun.pop(data.draw(st.integers(0, len(begun) - 1)))
                    force.clear()
                    force.add(password)
                    program.answer((ENDED % 0).replace(b"msgid: 3", b"msgid: %d" % operation))
                case "refuse" if begun:
                    operation, _ = begun.pop(data.draw(st.integers(0, len(begun) - 1)))
                    program.answer((ENDED % 53).replace(b"msgid: 3", b"msgid: %d" % operation))
                case "other" if begun:
                    code, (operation, _) = data.draw(st.sampled_from((0, 32))), data.draw(st.sampled_from(begun))
                    program.answer((ENDED % code).replace(b"msgid: 3", b"msgid: %d" % operation))
                case "work" if todo:
                    todo.pop(data.draw(st.integers(0, len(todo) - 1)))()
                case _:
                    clock.seconds += data.draw(st.integers(1, 4))
                    program.look_back()
        for _ in range(20):
            clock.seconds += 10
            program.look_back()
            while todo:
                todo.pop(0)()
        assert bench.spool.names("pending") == []
        is_kept = force <= {password for _, password in bench.waiting()}
        assert is_kept or (not is_orderly and bench.spool.names(Aside.DOUBTFUL))


def test_a_success_is_tried_for_all_changes_of_its_id(tmp_path: Path) -> None:
    """Also for one that was told to have failed, and that no thread has looked at yet."""
    bench, waiting, clock = CaptureBench(tmp_path), list[Callable[[], None]](), Clock()

    def opens(login: Login) -> str | None:
        return login.dn if login.password.reveal() == "n3w-password" else None

    program = SockProgram(bench.capture, SPEC, opens, lambda: NOW, clock, later=waiting.append)
    program.answer(SET)
    program.answer(ENDED % 32)
    program.answer(SET.replace(b"n3w-password", b"short"))
    program.answer(ENDED % 0)
    program.answer(ENDED % 53)
    while waiting:
        waiting.pop(0)()
    assert (bench.waiting(), bench.spool.names("pending", *Aside)) == ([("alice", "n3w-password")], [])
