"""Reports over HTTP: who may report what, and what a caller is told."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from controller.model.accounts import ExternalAccount, WindowsAccount
from controller.model.actor import Actor
from controller.model.secret import Secret
from controller.model.topology import Access, Kind
from controller.pipeline.routing import change_place
from controller.store.opening import open_store
from tests.doubles.api import EXTERNAL, SWITCHES, WINDOWS, ApiBench, new_password
from tests.doubles.pipeline import OPEN_ADAPTER

ALICE = {"account": r"CORP\alice", "password": "n3w"}
ALICE1 = {"account": "ALICE1", "password": "n3w"}


@pytest.fixture
def api(tmp_path: Path) -> Iterator[ApiBench]:
    bench = ApiBench(tmp_path)
    yield bench
    bench.close()


def test_a_windows_report_is_answered_with_a_tracking_id(api: ApiBench) -> None:
    answer = api.post(WINDOWS, ALICE)

    assert answer.status_code == 202
    tracking_id = answer.json()["trackingId"]
    assert answer.json() == {"trackingId": tracking_id}
    assert answer.headers["Location"] == f"/v1/changes/{tracking_id}"
    change = api.bench.change(tracking_id)
    assert change.account == WindowsAccount("CORP", "alice")
    assert change.caller == "dc1"
    assert change.sealed_password is not None
    assert api.bench.sealer.open(change.sealed_password, change_place(tracking_id, change.account)) == Secret("n3w")


def test_an_external_report_may_carry_the_old_password_and_its_own_time(api: ApiBench) -> None:
    body = {"account": "ALICE1", "password": "n3w", "oldPassword": "0ld", "occurredAt": "2026-01-01T12:30:00.5+01:00"}

    answer = api.post("/v1/adapters/strict/changes", body, by="agent")

    tracking_id = answer.json()["trackingId"]
    change = api.bench.change(tracking_id)
    assert change.account == ExternalAccount("strict", "ALICE1")
    assert change.occurred_at == datetime(2026, 1, 1, 11, 30, 0, 500_000, tzinfo=UTC)
    assert change.sealed_old_password is not None
    old = api.bench.sealer.open(change.sealed_old_password, change_place(tracking_id, change.account, "oldPassword"))
    assert old == Secret("0ld")


def test_the_workers_are_woken_only_once_the_change_is_durable(tmp_path: Path) -> None:
    seen: list[int] = []

    class Watching(ApiBench):
        def _wake(self) -> None:
            elsewhere = open_store(f"sqlite:///{self.folder / 'bench.db'}", read_only=True)
            with elsewhere.read() as tx:
                seen.append(sum(tx.changes.count_by_state().values()))
            elsewhere.close()

    api = Watching(tmp_path)
    api.post(WINDOWS, ALICE)
    api.post(WINDOWS, {"account": "nobody", "password": "x"})
    api.close()

    assert seen == [1]


def test_the_domain_of_the_path_is_compared_without_case(api: ApiBench) -> None:
    assert api.post("/v1/domains/corp/changes", {"account": r"Corp\ALICE", "password": "x"}).status_code == 202


@pytest.mark.parametrize("password", ["0123", " spaced ", "null", "İßﬃ", "\U0001f511", "a\u0308", "\x00"])
def test_a_password_arrives_exactly_as_it_was_sent(api: ApiBench, password: str) -> None:
    tracking_id = api.post(WINDOWS, {"account": r"CORP\alice", "password": password}).json()["trackingId"]

    change = api.bench.change(tracking_id)
    assert change.sealed_password is not None
    place = change_place(tracking_id, change.account)
    assert api.bench.sealer.open(change.sealed_password, place).reveal() == password


def test_an_optional_field_may_be_null(api: ApiBench) -> None:
    body = {**ALICE1, "oldPassword": None, "occurredAt": None}

    assert api.post(EXTERNAL, body, by="agent").status_code == 202


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer ", "Basic ZGMxOng=", "Bearer pwsync_wrong", "Bearer a b", "bearer\tx", "Bearer \xfc", "tok"],
)
@pytest.mark.parametrize("path", [WINDOWS, EXTERNAL])
def test_without_a_valid_token_nothing_is_accepted(api: ApiBench, authorization: str, path: str) -> None:
    headers: dict[str, str | bytes] = {"Authorization": authorization.encode("latin-1")} if authorization else {}

    answer = api.call("POST", path, json=ALICE, headers=headers)

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "unauthenticated"
    assert api.count_changes() == 0


def test_an_expired_token_is_as_good_as_none(api: ApiBench) -> None:
    api.tokens["dc1"] = api.token("dc1", timedelta(hours=1))
    assert api.post(WINDOWS, ALICE).status_code == 202

    api.bench.wait(timedelta(hours=1))

    assert api.post(WINDOWS, ALICE).status_code == 401


def test_a_revoked_token_is_as_good_as_none(api: ApiBench) -> None:
    token = next(t for t in api.installation.callers.all() if t.principal == "dc1")
    api.installation.callers.revoke(token.id, by=Actor("tester"))

    assert api.post(WINDOWS, ALICE).status_code == 401


def test_the_scheme_of_the_token_is_read_without_case(api: ApiBench) -> None:
    answer = api.call("POST", WINDOWS, json=ALICE, headers={"Authorization": f"bEaReR {api.tokens['dc1']}"})

    assert answer.status_code == 202


def test_a_stranger_may_not_report_for_a_domain_and_is_recorded(api: ApiBench) -> None:
    answer = api.post(WINDOWS, ALICE, by="stranger")

    problem = answer.json()
    assert answer.status_code == 403
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert problem["type"] == "urn:pwsync:problem:refused"
    assert problem["status"] == 403
    assert problem["code"] == "refused"
    assert problem["reason"] == "sourceNotAllowed"
    assert problem["hint"]
    assert problem["title"]
    assert [e.fields["caller"] for e in api.events("changeRefused")] == ["stranger"]
    assert api.accepted == 0


def test_a_source_of_the_domain_may_not_report_for_an_adapter(api: ApiBench) -> None:
    answer = api.post(EXTERNAL, ALICE1)

    assert (answer.status_code, answer.json()["reason"]) == (403, "callerNotAllowed")


def test_an_administrator_is_not_a_source(api: ApiBench) -> None:
    assert api.post(WINDOWS, ALICE, by="ops").status_code == 403


def test_a_direction_that_is_switched_off_is_refused(api: ApiBench) -> None:
    api.system(replace(SWITCHES, from_windows_to_adapters=False, from_adapters_to_database=False))

    assert api.post(WINDOWS, ALICE).json()["reason"] == "windowsToAdaptersOff"
    assert api.post(EXTERNAL, ALICE1, by="agent").json()["reason"] == "adaptersToDatabaseOff"


def test_a_disabled_adapter_refuses_every_report(api: ApiBench) -> None:
    api.bench.put(Kind.ADAPTER, "off", replace(OPEN_ADAPTER, enabled=False, access=Access(users=("agent",))))

    answer = api.post("/v1/adapters/off/changes", ALICE1, by="agent")

    assert (answer.status_code, answer.json()["reason"]) == (403, "adapterDisabled")


def test_an_adapter_that_verifies_wants_the_old_password(api: ApiBench) -> None:
    answer = api.post("/v1/adapters/strict/changes", ALICE1, by="agent")

    assert (answer.status_code, answer.json()["reason"]) == (403, "oldPasswordMissing")


def test_a_change_older_than_the_maximum_sync_age_is_refused(api: ApiBench) -> None:
    answer = api.post(WINDOWS, {**ALICE, "occurredAt": "2025-12-31T11:59:59Z"})

    assert (answer.status_code, answer.json()["reason"]) == (403, "expired")


@pytest.mark.parametrize("path", ["/v1/domains/ELSEWHERE/changes", "/v1/adapters/elsewhere/changes"])
def test_a_report_for_what_is_not_there_does_not_tell_what_is(api: ApiBench, path: str) -> None:
    account = r"ELSEWHERE\alice" if "domains" in path else "ALICE1"

    answer = api.post(path, {"account": account, "password": "x"}, by="stranger")

    assert answer.status_code == 404
    assert answer.json()["code"] == "notFound"
    for name in ("CORP", "racf", "strict", "lsewhere"):
        assert name not in answer.text


@pytest.mark.parametrize(
    "account",
    [
        "alice",
        "CORP\\",
        r"\alice",
        r"LAB\alice",
        r"CORP\krbtgt",
        r"CORP\a:b",
        "CORP\\a\x00",
        "alice@corp.example.com",
        "",
    ],
)
def test_an_account_that_is_none_of_the_domain_is_refused_without_repeating_it(api: ApiBench, account: str) -> None:
    answer = api.post(WINDOWS, {"account": account, "password": "x"})

    assert answer.status_code == 422
    assert "account" in answer.json()["detail"]
    assert not account or account not in answer.json()["detail"]
    assert api.count_changes() == 0


@pytest.mark.parametrize("account", ["", " ALICE1", "A\nB", "A" * 257])
def test_an_external_account_that_is_none_is_refused(api: ApiBench, account: str) -> None:
    answer = api.post(EXTERNAL, {"account": account, "password": "x"}, by="agent")

    assert answer.status_code == 422
    assert api.count_changes() == 0


@pytest.mark.parametrize(("password", "reason"), [("", "emptyPassword"), ("x" * 257, "passwordTooLong")])
def test_a_password_that_no_directory_could_have_is_refused_and_recorded(
    api: ApiBench, password: str, reason: str
) -> None:
    answer = api.post(WINDOWS, {"account": r"CORP\alice", "password": password})

    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["reason"]) == (422, "invalidInput", reason)
    assert [event.fields["reason"] for event in api.events("changeRefused")] == [reason]


def test_no_answer_and_no_repr_ever_holds_a_password(
    api: ApiBench, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    secret = new_password()
    bodies = [
        {"account": r"CORP\alice", "password": secret},
        {"account": r"CORP\alice", "password": secret, "oldPassword": secret},
        {"account": secret, "password": secret},
        {"account": "CORP\\" + secret, "password": secret},
        {"account": r"CORP\alice", "password": [secret]},
        {"account": r"CORP\alice", "password": secret * 20},
        {"account": r"CORP\alice", "password": secret, "occurredAt": secret},
        {"account": r"CORP\alice", secret: secret},
        [secret],
        secret,
    ]
    for path, caller in [(WINDOWS, "dc1"), (WINDOWS, "stranger"), (EXTERNAL, "agent")]:
        for body in bodies:
            api.post(path, body, by=caller)
    api.post_raw(f'{{"password":"{secret}"'.encode())
    api.post_raw(f'{{"password":"{secret}","password":"{secret}"}}'.encode())

    told = [*api.answers, caplog.text, *capfd.readouterr(), repr(api.installation), repr(api.app.routes)]
    escaped = secret.encode("ascii", "backslashreplace").decode()
    plain = secret.removeprefix("Pä$$-")
    for text in told:
        assert secret not in text
        assert escaped not in text
        assert plain not in text
