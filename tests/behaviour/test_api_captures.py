"""Reports of passwords that were sealed where they were captured."""

import base64
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from controller.model.accounts import Account, ExternalAccount, WindowsAccount
from controller.model.secret import Secret
from controller.pipeline.routing import change_place
from controller.sealing.capture import CaptureKey
from controller.sealing.keyring import Keyring
from controller.sealing.sealer import KeyringSealer
from tests.doubles.api import ApiBench

NOW = datetime(2026, 1, 1, 11, 30, tzinfo=UTC)
KEYRING = Keyring.generate(NOW)
KEY = CaptureKey.of(KEYRING.newest)
ALICE = WindowsAccount("CORP", "alice")
PASSWORD = Secret("n3w-of-alice")


@pytest.fixture
def api(tmp_path: Path) -> Iterator[ApiBench]:
    bench = ApiBench(tmp_path)
    bench.bench.sealer = KeyringSealer(KEYRING)
    bench.installation = bench.installed()
    bench.app = bench.made_with(bench.installation)
    yield bench
    bench.close()


def sealed_body(account: Account, shown: str, *, occurred_at: datetime = NOW) -> dict[str, str]:
    sealed = KEY.seal(PASSWORD, account, occurred_at)
    return {
        "account": shown,
        "sealedPassword": base64.b64encode(sealed).decode(),
        "occurredAt": occurred_at.isoformat(),
    }


@pytest.mark.parametrize(
    ("path", "account", "shown", "caller"),
    [
        ("/v1/domains/CORP/captures", WindowsAccount("CORP", "Alice"), r"CORP\Alice", "dc1"),
        ("/v1/adapters/racf/captures", ExternalAccount("racf", "ALICE1"), "ALICE1", "agent"),
    ],
)
def test_a_captured_change_is_taken_in_as_any_other_however_its_source_spells_the_account(
    api: ApiBench, path: str, account: Account, shown: str, caller: str
) -> None:
    answer = api.post(path, sealed_body(account, shown), by=caller)

    assert answer.status_code == 202
    change = api.bench.change(answer.json()["trackingId"])
    folded = ALICE if isinstance(account, WindowsAccount) else account
    assert (change.account, change.occurred_at, change.caller) == (folded, NOW, caller)
    assert change.sealed_password is not None
    place = change_place(change.tracking_id, folded)
    assert api.bench.sealer.open(change.sealed_password, place) == PASSWORD


def test_a_seal_for_another_change_is_refused_and_nothing_of_it_is_told(api: ApiBench) -> None:
    stolen = {**sealed_body(ALICE, r"CORP\alice"), "account": r"CORP\mallory"}
    later = {**sealed_body(ALICE, r"CORP\alice"), "occurredAt": (NOW + timedelta(hours=1)).isoformat()}

    for body in (stolen, later):
        answer = api.post("/v1/domains/CORP/captures", body)
        assert (answer.status_code, answer.json()["reason"]) == (403, "sealBroken")
        assert "capture-key" in answer.json()["hint"]
    assert api.count_changes() == 0


@pytest.mark.parametrize("wrong", [{"sealedPassword": "?"}, {"sealedPassword": 1}, {"occurredAt": None}])
def test_a_field_of_another_form_is_named(api: ApiBench, wrong: dict[str, object]) -> None:
    answer = api.post("/v1/domains/CORP/captures", {**sealed_body(ALICE, r"CORP\alice"), **wrong})

    assert answer.json()["code"] == "invalidInput"
    assert next(iter(wrong)) in answer.json()["detail"]


def test_only_a_source_may_report_what_it_has_captured(api: ApiBench) -> None:
    answer = api.post("/v1/domains/CORP/captures", sealed_body(ALICE, r"CORP\alice"), by="stranger")

    assert answer.json()["reason"] == "sourceNotAllowed"
