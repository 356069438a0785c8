"""Credential look-up: who may, what is told, and what is written down before."""

from dataclasses import replace
from datetime import timedelta
from typing import NoReturn, cast

import pytest

from controller.model.actor import Actor
from controller.model.audit import Trail
from controller.model.errors import InvalidInput, NotFound, PwsyncError, Refused, SealBroken, StoreUnavailable
from controller.model.secret import Secret
from controller.model.topology import Access, Application, CredentialField, Kind
from controller.pipeline.lookups import FoundCredential, LookUps
from controller.ports.store import Store
from controller.sealing.keyring import Keyring
from controller.sealing.sealer import KeyringSealer
from tests.doubles.audited import audit_rows
from tests.doubles.pipeline import OPEN_ADAPTER, START, PipelineBench

APP = Actor("payroll-app", "192.0.2.9")
ACCESS = Access(lookups=("payroll-app",))
PAYROLL = Application(adapter="racf", access=ACCESS)


@pytest.fixture
def stored(bench: PipelineBench) -> PipelineBench:
    """PAYROLL, whose credentials payroll-app may look up: ALICE1 has one."""
    bench.adapter("racf", OPEN_ADAPTER, "ALICE1")
    bench.put(Kind.APPLICATION, "PAYROLL", PAYROLL)
    bench.map("PAYROLL", "alice", "ALICE1")
    bench.map("PAYROLL", "bob", "BOB1")
    bench.credentials.set("PAYROLL", "ALICE1", Secret("S3cret"), by=Actor("ops"))
    return bench


def _look(bench: PipelineBench, application: str, account: str, by: Actor = APP) -> FoundCredential:
    return LookUps(bench.store, bench.sealer).look_up(application, account, by=by)


def _values(found: FoundCredential) -> dict[str, str]:
    return {field.label: field.value.reveal() for field in found.fields}


def test_it_is_told_by_either_account_with_labels_and_audited_in_both_trails(stored: PipelineBench) -> None:
    for account in ("ALICE1", "CORP\\alice", "corp\\Alice"):
        found = _look(stored, "PAYROLL", account)
        assert _values(found) == {"User Id": "ALICE1", "Password": "S3cret"}
        assert [field.is_masked for field in found.fields] == [False, True]
        assert found.expired_at is None
    for trail in (Trail.ACTIONS, Trail.CREDENTIAL_LOOKUPS):
        row = audit_rows(stored.store, trail)[0]
        assert (row.principal, row.origin, row.action) == ("payroll-app", "192.0.2.9", "credentials look up")
        assert (row.object, row.failure) == (r"Mapping/PAYROLL/CORP\alice/ALICE1", "")
        assert "S3cret" not in repr(row)
    assert len(audit_rows(stored.store, Trail.CREDENTIAL_LOOKUPS)) == 3
    assert "S3cret" not in repr(found)


def test_all_stored_fields_are_told_in_the_order_of_the_application(stored: PipelineBench) -> None:
    fields = (CredentialField("User"), CredentialField("Pin", masked=True, sync=True), CredentialField("Terminal"))
    stored.put(Kind.APPLICATION, "PAYROLL", replace(PAYROLL, fields=fields))
    stored.credentials.set("PAYROLL", "BOB1", Secret("1234"), by=Actor("ops"))
    assert list(_values(_look(stored, "PAYROLL", "BOB1"))) == ["User", "Pin"]


def test_an_expired_credential_is_told_with_its_mark(stored: PipelineBench) -> None:
    with stored.store.write() as tx:
        tx.credentials.mark_expired("PAYROLL", "ALICE1", "Password")
    assert _look(stored, "PAYROLL", "ALICE1").expired_at == START


def _refusal(bench: PipelineBench, application: str, account: str, by: Actor = APP) -> PwsyncError:
    with pytest.raises(PwsyncError) as refused:
        _look(bench, application, account, by)
    return refused.value


def test_who_may_not_learns_nothing_not_even_what_exists(stored: PipelineBench) -> None:
    answers = [
        _refusal(stored, "PAYROLL", "ALICE1", Actor("stranger")),
        _refusal(stored, "PAYROLL", "NOBODY", Actor("stranger")),
        _refusal(stored, "NONE", "ALICE1", Actor("stranger")),
        _refusal(stored, "PAYROLL", "NOBODY"),
        _refusal(stored, "PAYROLL", "BOB1"),
        _refusal(stored, "PAYROLL", "x" * 2000),
        _refusal(stored, "PAYROLL", "NUL\x00"),
        _refusal(stored, "PAYROLL", "half \ud800"),
        _refusal(stored, "PAYROLL", "a\\b\\c"),
        _refusal(stored, "PAYROLL", "CORP\\nobody"),
    ]
    assert {(type(a), a.message, a.hint) for a in answers} == {(NotFound, answers[0].message, answers[0].hint)}
    told = {
        (e.fields["caller"], e.fields["application"], e.fields["reason"])
        for e in stored.events()
        if e.name == "credentialLookupRefused"
    }
    assert told == {
        ("stranger", "PAYROLL", "lookupNotAllowed"),
        ("stranger", "", "lookupNotAllowed"),
        ("payroll-app", "PAYROLL", "noMapping"),
        ("payroll-app", "PAYROLL", "nothingStored"),
    }
    failed = {(r.principal, r.object, r.failure) for r in audit_rows(stored.store) if r.failure}
    assert ("stranger", "Application/PAYROLL", "lookupNotAllowed") in failed
    assert ("stranger", "", "lookupNotAllowed") in failed
    assert not audit_rows(stored.store, Trail.CREDENTIAL_LOOKUPS)


def test_by_default_nobody_may(stored: PipelineBench) -> None:
    stored.put(Kind.APPLICATION, "PAYROLL", replace(PAYROLL, access=Access(users=("payroll-app",))))
    assert isinstance(_refusal(stored, "PAYROLL", "ALICE1"), NotFound)


def test_a_refusal_is_recorded_once_a_minute(stored: PipelineBench) -> None:
    lookups = LookUps(stored.store, stored.sealer)

    def refused() -> int:
        with pytest.raises(NotFound):
            lookups.look_up("PAYROLL", "NOBODY", by=APP)
        lookups.note_limited(by=APP)
        return len(stored.events("credentialLookupRefused"))

    assert [refused(), refused()] == [2, 2]
    stored.now += timedelta(minutes=1)
    assert refused() == 4


def test_neither_a_disabled_application_nor_a_mapping_that_is_not_valid_is_answered(stored: PipelineBench) -> None:
    def reason() -> str:
        error = _refusal(stored, "PAYROLL", "ALICE1")
        assert isinstance(error, Refused)
        return error.reason

    stored.put(Kind.APPLICATION, "PAYROLL", replace(PAYROLL, enabled=False))
    assert reason() == "applicationDisabled"
    stored.put(Kind.APPLICATION, "PAYROLL", replace(PAYROLL, access=replace(ACCESS, users=("CORP\\staff",))))
    assert reason() == "applicationUsersUnknown"
    stored.put(Kind.APPLICATION, "PAYROLL", PAYROLL)
    stored.map("PAYROLL", "alice", "ALICE1", enabled=False)
    assert reason() == "mappingDisabled"


def test_a_windows_account_with_several_external_accounts_is_ambiguous(stored: PipelineBench) -> None:
    stored.put(Kind.APPLICATION, "HOST", Application(type="hostGroup", access=ACCESS))
    for external in ("ONE", "TWO"):
        stored.map("HOST", "svc", external)
        stored.credentials.set("HOST", external, Secret(f"of {external}"), by=Actor("ops"))
    assert isinstance(_refusal(stored, "HOST", "CORP\\svc"), InvalidInput)
    assert _values(_look(stored, "HOST", "TWO"))["Password"] == "of TWO"


def test_an_external_account_of_several_windows_accounts_is_one_credential(stored: PipelineBench) -> None:
    stored.put(Kind.APPLICATION, "GROUP", Application(type="group", access=ACCESS))
    stored.map("GROUP", "alice", "SHARED", enabled=False)
    stored.map("GROUP", "bob", "SHARED")
    stored.credentials.set("GROUP", "CORP\\bob", Secret("shared"), by=Actor("ops"))
    found = _look(stored, "GROUP", "SHARED")
    assert str(found.mapping.windows) == "CORP\\bob", "the valid one"
    assert _values(found)["Password"] == "shared"


def test_what_cannot_be_opened_is_audited_as_failed(stored: PipelineBench) -> None:
    other = LookUps(stored.store, KeyringSealer(Keyring.generate(START)))
    with pytest.raises(SealBroken):
        other.look_up("PAYROLL", "ALICE1", by=APP)
    assert audit_rows(stored.store)[0].failure == "sealBroken"


class _StoreThatCannotCommit:
    """Loses its connection at the end of each transaction."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.read = store.read

    def write(self) -> "_Doomed":
        return _Doomed(self._store)


class _Doomed:
    def __init__(self, store: Store) -> None:
        self._opened = store.write()

    def __enter__(self) -> object:
        return self._opened.__enter__()

    def __exit__(self, *_: object) -> NoReturn:
        away = StoreUnavailable("the commit was not answered")
        self._opened.__exit__(type(away), away, None)
        raise away


def test_without_its_audit_row_nothing_is_told(stored: PipelineBench) -> None:
    lookups = LookUps(cast("Store", _StoreThatCannotCommit(stored.store)), stored.sealer)
    with pytest.raises(StoreUnavailable):
        lookups.look_up("PAYROLL", "ALICE1", by=APP)
    assert not audit_rows(stored.store, Trail.CREDENTIAL_LOOKUPS)


def test_the_limit_is_the_system_s(stored: PipelineBench) -> None:
    lookups = LookUps(stored.store, stored.sealer)
    assert (lookups.limit().burst, lookups.limit().per) == (60, timedelta(minutes=1))
