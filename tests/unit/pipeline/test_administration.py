"""Credentials by hand, and API tokens."""

from datetime import timedelta

import pytest

from controller.model.actor import Actor
from controller.model.errors import InvalidInput, NotFound, Unauthenticated
from controller.model.secret import Secret
from controller.model.topology import Application, CredentialField, Kind
from controller.pipeline.callers import Callers
from controller.ports.audit import AuditQuery
from tests.doubles.audited import audit_rows
from tests.doubles.pipeline import FULL_ADAPTER, OPEN_ADAPTER, PipelineBench


@pytest.fixture
def mapped(bench: PipelineBench) -> PipelineBench:
    """Alice and bob share an account of a group application."""
    bench.adapter("ldap", OPEN_ADAPTER, "shared")
    bench.put(Kind.APPLICATION, "LDAP", Application(adapter="ldap", type="group"))
    bench.map("LDAP", "alice", "shared")
    bench.map("LDAP", "bob", "shared")
    return bench


def test_a_credential_is_set_shown_and_cleared(mapped: PipelineBench) -> None:
    assert mapped.credentials.set("LDAP", "CORP\\alice", Secret("S3cret"), by=Actor("admin")) is False
    view = mapped.credentials.show("LDAP", "CORP\\bob", reveals=False, by=Actor("admin"))
    assert (view.fields, view.has_windows_password, view.password) == (("Password",), False, None)
    assert mapped.stored("LDAP", "CORP\\bob") == "S3cret"
    assert mapped.credentials.clear("LDAP", "CORP\\alice", by=Actor("admin")) is True
    assert mapped.credentials.clear("LDAP", "CORP\\alice", by=Actor("admin")) is False
    assert mapped.stored("LDAP", "CORP\\alice") is None


def test_clearing_removes_the_windows_password_too(bench: PipelineBench) -> None:
    bench.adapter("ldap", FULL_ADAPTER, "alice")
    bench.map("LDAP", "alice", "alice")
    bench.set_stored_windows("alice", "old")
    assert bench.credentials.clear("LDAP", "alice", by=Actor("admin")) is True
    assert bench.stored_windows("alice") is None


def test_revealing_is_audited_and_told(mapped: PipelineBench) -> None:
    mapped.credentials.set("LDAP", "CORP\\alice", Secret("S3cret"), by=Actor("admin"))
    mapped.credentials.show("LDAP", "CORP\\alice", reveals=True, by=Actor("ops"))
    with mapped.store.read() as tx:
        rows = [(row.principal, row.action, row.object) for row in tx.audit.find(AuditQuery())]
    assert rows[0] == ("ops", "credentials show --reveal", "Mapping/LDAP/CORP\\alice/shared")
    assert [e.fields["by"] for e in mapped.events("credentialRevealed")] == ["ops"]
    assert "S3cret" not in repr(rows) + repr(mapped.events())


def test_an_account_that_fits_several_or_no_mappings_is_refused(mapped: PipelineBench) -> None:
    with pytest.raises(InvalidInput, match=r"several Windows accounts \(CORP\\alice, CORP\\bob\)"):
        mapped.credentials.set("LDAP", "shared", Secret("x"), by=Actor("admin"))
    with pytest.raises(NotFound, match="no mapping of 'nobody'"):
        mapped.credentials.set("LDAP", "nobody", Secret("x"), by=Actor("admin"))
    with pytest.raises(NotFound, match="no application NONE"):
        mapped.credentials.set("NONE", "shared", Secret("x"), by=Actor("admin"))


def test_an_application_without_a_password_field_takes_no_credential(mapped: PipelineBench) -> None:
    fields = tuple(CredentialField(label) for label in "abc")
    mapped.put(Kind.APPLICATION, "LDAP", Application(adapter="ldap", type="group", fields=fields))
    with pytest.raises(InvalidInput, match="no field that is the password"):
        mapped.credentials.set("LDAP", "CORP\\alice", Secret("x"), by=Actor("admin"))


def test_an_empty_credential_is_refused(mapped: PipelineBench) -> None:
    with pytest.raises(InvalidInput, match="empty"):
        mapped.credentials.set("LDAP", "CORP\\alice", Secret(""), by=Actor("admin"))
    tried = audit_rows(mapped.store)[0]
    assert (tried.action, tried.failure) == ("credentials set", "invalidInput")
    assert tried.object.startswith("Mapping/LDAP/")


@pytest.fixture
def callers(bench: PipelineBench) -> Callers:
    """The callers of the bench's installation."""
    return Callers(bench.store, bench.new_id)


def test_a_token_proves_its_principal_until_it_is_revoked(bench: PipelineBench, callers: Callers) -> None:
    token, text = callers.create("dc1", valid_for=None, by=Actor("admin"))
    assert text.reveal().startswith("pwsync_")
    assert callers.authenticate(text) == "dc1"
    bench.wait(timedelta(seconds=59))
    callers.authenticate(text)
    assert callers.all()[0].last_used_at == bench.now - timedelta(seconds=59)
    bench.wait(timedelta(seconds=2))
    callers.authenticate(text)
    assert callers.all()[0].last_used_at == bench.now
    callers.revoke(token.id, by=Actor("admin"))
    with pytest.raises(Unauthenticated):
        callers.authenticate(text)
    with pytest.raises(NotFound):
        callers.revoke(token.id, by=Actor("admin"))


def test_a_token_expires(bench: PipelineBench, callers: Callers) -> None:
    _, text = callers.create("dc1", valid_for=timedelta(days=1), by=Actor("admin"))
    assert callers.authenticate(text) == "dc1"
    bench.wait(timedelta(days=1))
    with pytest.raises(Unauthenticated):
        callers.authenticate(text)


def test_an_unknown_token_proves_nothing(callers: Callers) -> None:
    with pytest.raises(Unauthenticated):
        callers.authenticate(Secret("pwsync_guess\ud800"))


@pytest.mark.parametrize(("principal", "valid_for"), [(" ", None), ("dc1", timedelta())])
def test_a_token_needs_a_principal_and_a_life(callers: Callers, principal: str, valid_for: timedelta | None) -> None:
    with pytest.raises(InvalidInput):
        callers.create(principal, valid_for=valid_for, by=Actor("admin"))


@pytest.mark.parametrize("principal", ["local:root", "reconciler"])
def test_a_token_is_for_nobody_whom_the_audit_takes_for_a_command_or_the_controller(
    callers: Callers, principal: str
) -> None:
    with pytest.raises(InvalidInput, match="in the audit"):
        callers.create(principal, valid_for=None, by=Actor("admin"))
