"""Credential look-up over the API: who is answered, how often, and what the answer carries."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from controller.model.actor import Actor
from controller.model.audit import Trail
from controller.model.secret import Secret
from controller.model.topology import Access, Application, Kind, RateLimit
from controller.sealing.keyring import Keyring
from controller.sealing.sealer import KeyringSealer
from tests.doubles.api import SWITCHES, ApiBench
from tests.doubles.audited import audit_rows
from tests.doubles.pipeline import START

PATH = "/v1/credentials/PAYROLL/ALICE1"
PAYROLL = Application(adapter="racf", access=Access(lookups=("dc1",)))


@pytest.fixture
def api(tmp_path: Path) -> Iterator[ApiBench]:
    bench = ApiBench(tmp_path)
    yield bench
    bench.close()


@pytest.fixture
def stored(api: ApiBench) -> ApiBench:
    """PAYROLL, whose credentials dc1 may look up."""
    api.bench.put(Kind.APPLICATION, "PAYROLL", PAYROLL)
    api.bench.map("PAYROLL", "alice", "ALICE1")
    api.bench.credentials.set("PAYROLL", "ALICE1", Secret("S3cret-Pä"), by=Actor("ops"))
    return api


def test_a_look_up_is_answered_with_all_fields_and_never_cached(stored: ApiBench) -> None:
    answer = stored.call("GET", PATH, by="dc1")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json() == {
        "application": "PAYROLL",
        "windowsAccount": "CORP\\alice",
        "externalAccount": "ALICE1",
        "fields": [
            {"label": "User Id", "value": "ALICE1", "masked": False},
            {"label": "Password", "value": "S3cret-Pä", "masked": True},
        ],
        "expiredAt": None,
    }
    assert stored.call("GET", "/v1/credentials/PAYROLL/CORP%5Calice", by="dc1").json() == answer.json()
    (row, _) = audit_rows(stored.bench.store, Trail.CREDENTIAL_LOOKUPS)
    assert (row.principal, row.origin) == ("dc1", "127.0.0.1")


def test_nobody_else_learns_whether_there_is_anything(stored: ApiBench) -> None:
    answers = [
        stored.call("GET", path, by=caller)
        for caller, path in (
            ("stranger", PATH),
            ("ops", PATH),
            ("agent", "/v1/credentials/NONE/ALICE1"),
            ("dc1", "/v1/credentials/PAYROLL/NOBODY"),
            ("dc1", "/v1/credentials/PAYROLL/NUL%00"),
            ("dc1", "/v1/credentials/PAYROLL/%ff%fe"),
        )
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.text for answer in answers}) == 1
    assert answers[0].json()["code"] == "notFound"
    assert stored.call("GET", PATH).status_code == 401
    assert {e.fields["reason"] for e in stored.events("credentialLookupRefused")} == {"lookupNotAllowed", "noMapping"}


def test_a_disabled_application_is_not_answered(stored: ApiBench) -> None:
    stored.bench.put(Kind.APPLICATION, "PAYROLL", replace(PAYROLL, enabled=False))
    answer = stored.call("GET", PATH, by="dc1")
    assert (answer.status_code, answer.json()["reason"]) == (403, "applicationDisabled")


def test_too_many_look_ups_of_one_principal_have_to_wait(stored: ApiBench) -> None:
    stored.system(replace(SWITCHES, credential_lookups=RateLimit(2, timedelta(hours=2))))
    statuses = [stored.call("GET", path, by="dc1").status_code for path in (PATH, "/v1/credentials/PAYROLL/X", PATH)]
    assert statuses == [200, 404, 429]
    answer = stored.call("GET", PATH, by="dc1")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "tooManyLookups"
    assert 3500 < int(answer.headers["Retry-After"]) <= 3600
    assert stored.call("GET", PATH, by="agent").status_code == 404, "another one need not wait"
    assert [e.fields["reason"] for e in stored.events("credentialLookupRefused")][1] == "tooManyLookups"


def test_a_credential_whose_key_is_not_there_is_told_as_such(stored: ApiBench) -> None:
    foreign = stored.made_with(stored.installed(sealer=KeyringSealer(Keyring.generate(START))))
    answer = stored.call("GET", PATH, by="dc1", app=foreign)
    assert (answer.status_code, answer.json()["code"]) == (503, "sealBroken")


def test_looked_up_passwords_are_in_their_answer_alone(stored: ApiBench) -> None:
    stored.call("GET", PATH, by="dc1")
    written = json.dumps([repr(row) for trail in Trail for row in audit_rows(stored.bench.store, trail)])
    assert "S3cret" not in written
    assert "S3cret" not in repr(stored.events(""))


def test_only_get_looks_up(stored: ApiBench) -> None:
    assert [stored.call(method, PATH, by="dc1").status_code for method in ("HEAD", "POST", "DELETE")] == [405] * 3
    assert not audit_rows(stored.bench.store, Trail.CREDENTIAL_LOOKUPS)
