"""The forwarder: in order, to whoever answers, until it is taken; nothing is dropped without being counted."""

import json
import os
from datetime import timedelta
from pathlib import Path

import pytest

from controller.capture.forwarder import FORWARDER, FORWARDER_LOCK
from controller.capture.locks import lock_alone
from controller.capture.spool import Aside
from controller.capture.status import look
from controller.model.errors import SettingsError
from controller.sdk.transport import Answer
from tests.unit.capture.bench import TAKEN, CaptureBench, StubServer


def problem(status: int, **fields: str) -> Answer:
    return Answer(status, json.dumps({"detail": "not so", **fields}).encode())


def sent_accounts(server: StubServer) -> list[str]:
    return [json.loads(request.body or b"")["account"] for request in server.requests]


def test_changes_are_sent_in_their_order_and_are_gone_once_taken(tmp_path: Path) -> None:
    bench = CaptureBench(tmp_path)
    for name in ("alice", "bob", "alice"):
        bench.take(name)

    bench.forwarder.send_waiting()

    (server,) = bench.servers
    assert sent_accounts(server) == ["CORP\\alice", "CORP\\bob", "CORP\\alice"]
    assert server.requests[0].path == "/v1/domains/CORP/captures"
    assert bench.spool.count() == 0
    assert bench.forwarder.state.sent == 3


def test_an_adapters_change_goes_to_the_adapter(tmp_path: Path) -> None:
    bench = CaptureBench(tmp_path)
    bench.capture._spec = bench.spec.model_copy(update={"domain": None, "adapter": "open ldap"})
    bench.take("Alice")

    bench.forwarder.send_waiting()

    assert bench.servers[0].requests[0].path == "/v1/adapters/open%20ldap/captures"
    assert sent_accounts(bench.servers[0]) == ["Alice"]


def test_while_nobody_answers_all_waits_longer_each_time_and_nothing_overtakes(tmp_path: Path) -> None:
    server = StubServer([None, None, TAKEN])
    bench = CaptureBench(tmp_path, server)
    bench.take("alice")
    bench.take("bob")

    assert [bench.forwarder.send_waiting(), bench.forwarder.send_waiting()] == [1, 2]
    assert sent_accounts(server) == ["CORP\\alice"] * 2
    assert bench.forwarder.state.problem == "no answer"

    bench.forwarder.send_waiting()
    assert sent_accounts(server)[2:] == ["CORP\\alice", "CORP\\bob"]
    assert bench.forwarder.state.problem == ""


def test_another_controller_is_asked_when_one_is_away_and_stays_the_first(tmp_path: Path) -> None:
    away, there = StubServer([None]), StubServer()
    bench = CaptureBench(tmp_path, away, there)
    bench.take("alice")
    bench.take("bob")

    bench.forwarder.send_waiting()

    assert (len(away.requests), len(there.requests)) == (1, 2)


@pytest.mark.parametrize("status", [401, 403, 404])
def test_what_is_mended_at_the_controller_holds_all_up_with_an_alarm(tmp_path: Path, status: int) -> None:
    bench = CaptureBench(tmp_path, StubServer([problem(status, reason="sourceNotAllowed", hint="name it"), TAKEN]))
    bench.take("alice")

    bench.forwarder.send_waiting()
    assert any("name it" in alarm for alarm in look(bench.spec, bench.now).alarms())
    assert len(bench.waiting()) == 1

    bench.forwarder.send_waiting()
    assert bench.spool.count() == 0


@pytest.mark.parametrize("refusal", [problem(422), problem(403, reason="sealBroken")])
def test_what_the_controller_does_not_take_is_set_aside_and_can_be_put_back(tmp_path: Path, refusal: Answer) -> None:
    server = StubServer([refusal, TAKEN])
    bench = CaptureBench(tmp_path, server)
    bench.take("alice")
    bench.take("bob")

    bench.forwarder.send_waiting()
    assert len(bench.spool.names(Aside.REFUSED)) == 1
    assert (bench.forwarder.state.sent, bench.forwarder.state.refused) == (1, 1)

    assert bench.spool.put_back() == 1
    bench.forwarder.send_waiting()
    assert sent_accounts(server) == ["CORP\\alice", "CORP\\bob", "CORP\\alice"]


def test_a_damaged_file_is_set_aside_and_the_next_one_goes_on(tmp_path: Path) -> None:
    bench = CaptureBench(tmp_path)
    bench.take("alice")
    bench.take("bob")
    (bench.spool.path / bench.spool.waiting()[0]).write_bytes(b"\x00")

    bench.forwarder.send_waiting()

    assert sent_accounts(bench.servers[0]) == ["CORP\\bob"]
    assert len(bench.spool.names(Aside.DAMAGED)) == 1


def test_what_is_too_old_is_given_up_and_counted(tmp_path: Path) -> None:
    server = StubServer([problem(403, reason="expired")])
    bench = CaptureBench(tmp_path, server)
    bench.take("alice")
    bench.now += timedelta(hours=25)
    bench.take("bob")

    bench.forwarder.send_waiting()

    assert sent_accounts(server) == ["CORP\\bob"]
    assert (bench.forwarder.state.expired, bench.spool.count()) == (2, 0)


def test_what_was_counted_is_known_to_the_next_process(tmp_path: Path) -> None:
    bench = CaptureBench(tmp_path)
    bench.take()
    bench.forwarder.send_waiting()

    assert bench.new_forwarder().state.sent == 1
    (bench.spool.path / "state.json").write_text("[]")
    assert bench.new_forwarder().state.sent == 0


def test_counts_that_cannot_be_written_keep_nothing_from_being_sent(tmp_path: Path) -> None:
    bench = CaptureBench(tmp_path)
    bench.take()
    (bench.spool.path / "state.json.beside").mkdir()

    bench.forwarder.send_waiting()

    assert (bench.spool.count(), bench.forwarder.state.sent) == (0, 1)


def test_one_forwarder_works_on_a_spool(tmp_path: Path) -> None:
    bench = CaptureBench(tmp_path)
    other = lock_alone(bench.spool.path / FORWARDER_LOCK, FORWARDER)
    assert look(bench.spec, bench.now).is_forwarding

    with pytest.raises(SettingsError, match="another forwarder"):
        bench.forwarder.run()

    os.close(other)
    bench.take()
    bench.forwarder.stop()
    bench.forwarder.run()  # ends at once, with nothing begun
    assert len(bench.waiting()) == 1


def test_the_status_names_every_alarm(tmp_path: Path) -> None:
    bench = CaptureBench(tmp_path, StubServer([None]), most=5)
    for _ in range(5):
        bench.take()
    bench.spool.set_aside(bench.spool.waiting()[0], Aside.DOUBTFUL)
    bench.forwarder.send_waiting()

    found = look(bench.spec, bench.now + timedelta(minutes=1))

    alarms = " / ".join(found.alarms())
    for words in (
        "no forwarder runs",
        "no answer",
        "1 set aside as doubtful, lately of CORP\\alice: ",
        "4 of at most 5",
    ):
        assert words in alarms
    assert found.view()["oldestSeconds"] == 60
    assert "pwsync_capture_waiting 4\n" in found.metrics()
    assert "pwsync_capture_alarms 4\n" in found.metrics()
