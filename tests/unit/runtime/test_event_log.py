"""Events go to the log when, and only when, they are committed."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from controller.model import events
from controller.model.events import Event
from controller.ports.events import EventQuery
from controller.ports.store import Store
from controller.runtime.event_log import LoggingStore
from controller.runtime.telemetry import configure_logging
from controller.store.opening import open_store

PARKED = Event(
    events.DELIVERY_PARKED,
    "id-1",
    "racf",
    "ALICE1",
    {"id": "d-1", "code": "passwordRejected", "directoryCode": "R004128", "message": "not acceptable", "attempts": 1},
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store whose events are logged."""
    opened = LoggingStore(open_store(f"sqlite:///{tmp_path / 'log.db'}"))
    yield opened
    opened.close()
    structlog.reset_defaults()


def said(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What the log says since it was asked last."""
    return capsys.readouterr().err.splitlines()


def test_a_committed_event_is_logged_with_its_name_whom_it_concerns_and_its_fields(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging("json")
    with store.write() as tx:
        tx.events.add(PARKED)
        assert said(capsys) == [], "not before it is committed"
    (line,) = said(capsys)
    logged = json.loads(line)
    logged.pop("timestamp")
    assert logged == {
        "event": "A delivery waits for a person.",
        "level": "error",
        "name": "deliveryParked",
        "tracking_id": "id-1",
        "adapter": "racf",
        "account": "ALICE1",
        "id": "d-1",
        "code": "passwordRejected",
        "directoryCode": "R004128",
        "message": "not acceptable",
        "attempts": 1,
    }
    with store.read() as tx:
        (recorded,) = tx.events.find(EventQuery())
    assert (recorded.name, recorded.fields) == ("deliveryParked", PARKED.fields)


def test_what_is_rolled_back_did_not_happen_and_is_not_in_the_log(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging("json")
    with pytest.raises(LookupError):
        _fail_after_recording(store)
    assert said(capsys) == []
    with store.write() as tx:
        assert tx.events.find(EventQuery()) == []


def _fail_after_recording(store: Store) -> None:
    with store.write() as tx:
        tx.events.add(PARKED)
        raise LookupError


def test_an_event_that_concerns_nobody_names_nobody(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("json")
    with store.write() as tx:
        tx.events.add(Event(events.TOKEN_REVOKED, fields={"token": "t-1"}))
        tx.events.add(Event(events.DAMPING_RESET, fields={"by": "ops", "accounts": 0}))
    first, second = (json.loads(line) for line in said(capsys))
    assert (first["level"], first["name"], first["token"]) == ("info", "tokenRevoked", "t-1")
    assert (second["level"], second["name"]) == ("warning", "dampingReset")
    assert not {"tracking_id", "adapter", "account"} & first.keys()


def test_a_console_gets_the_same_in_words(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("console")
    with store.write() as tx:
        tx.events.add(PARKED)
    logged = capsys.readouterr().err
    assert "A delivery waits for a person." in logged
    assert "tracking_id=id-1" in logged
