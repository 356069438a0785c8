"""Stored passwords tried at real directories: no try brings an account nearer to its lockout than one step."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from controller.model.accounts import ExternalAccount, WindowsAccount
from controller.model.actor import Actor
from controller.model.secret import Secret
from controller.model.topology import System
from controller.model.verification import VerificationPolicy
from controller.ports.connectors import Connector
from controller.reconcile.observer import Observer
from controller.reconcile.verifying import Verifier
from tests.doubles.pipeline import OPEN_ADAPTER, PipelineBench
from tests.servers.connectors import ad_connector, ldap_connector
from tests.servers.samba import DOMAIN, SambaServer
from tests.servers.slapd import DEFAULT_POLICY_DN, SlapdServer

pytestmark = pytest.mark.system

RIGHT, WRONG = "Initial-password-1", "Never-was-this-1"
DAY = timedelta(days=1)
ON = System(credential_verification=VerificationPolicy(enabled=True, period=DAY))


@pytest.fixture
def bench() -> Iterator[PipelineBench]:
    """An adapter, and a store whose clock is ahead, so that the directory's passwords are old enough."""
    bench = PipelineBench(now=datetime.now(UTC), in_memory=True)
    bench.system(ON)
    bench.adapter("x", OPEN_ADAPTER)
    yield bench
    bench.close()


def _look(bench: PipelineBench, connect: Callable[[object], Connector]) -> None:
    Observer(bench.store, connect, Verifier(bench.store, bench.sealer, lambda: 0.5)).look()


def _store(bench: PipelineBench, name: str, password: str) -> None:
    bench.map("X", name, name)
    bench.credentials.set("X", name, Secret(password), by=Actor("tester"))


def _add(slapd: SlapdServer, name: str) -> None:
    """Add a person whose password was set by the operation of which the overlay notes the time."""
    slapd.add_person(name)
    slapd.set_password(name, RIGHT)


def _outcomes(bench: PipelineBench) -> dict[str, str]:
    with bench.store.read() as tx:
        return {name: last.outcome.value for name, last in tx.verifications.of_lane("adapter/x").items()}


def test_openldap_counts_one_wrong_try_and_never_another(
    slapd: SlapdServer, fresh_name: Callable[[str], str], bench: PipelineBench
) -> None:
    right, wrong, tried, locked = (fresh_name(name) for name in ("right", "wrong", "tried", "locked"))
    for name in (right, wrong, tried, locked):
        _add(slapd, name)
        _store(bench, name, RIGHT if name == right else WRONG)
    assert not slapd.can_bind(slapd.person_dn(tried), WRONG)
    for _ in range(5):
        slapd.can_bind(slapd.person_dn(locked), WRONG)
    for _ in range(6):
        bench.wait(2 * DAY)
        _look(bench, lambda _: ldap_connector(slapd, policyDN=DEFAULT_POLICY_DN))
    assert _outcomes(bench) == {right: "confirmed", wrong: "differs"}
    failures = {name: len(slapd.values(slapd.person_dn(name), "pwdFailureTime")) for name in (right, wrong, tried)}
    assert failures == {right: 0, wrong: 1, tried: 1}
    assert slapd.can_bind(slapd.person_dn(wrong), RIGHT)


def test_nothing_is_tried_where_the_policy_cannot_be_read_or_passwords_have_expired(
    slapd: SlapdServer, fresh_name: Callable[[str], str], bench: PipelineBench
) -> None:
    alice, policy = fresh_name("alice"), f"cn={fresh_name('short')},ou=policies,{slapd.base_dn}"
    _add(slapd, alice)
    _store(bench, alice, RIGHT)
    bench.wait(DAY)
    _look(bench, lambda _: ldap_connector(slapd))
    assert _outcomes(bench) == {}
    slapd.add(
        f"dn: {policy}\nobjectClass: device\nobjectClass: pwdPolicy\npwdAttribute: userPassword\npwdMaxAge: 3600\n"
        f"cn: {policy[3:].partition(',')[0]}\n"
    )
    _look(bench, lambda _: ldap_connector(slapd, policyDN=policy))
    assert _outcomes(bench) == {}
    _look(bench, lambda _: ldap_connector(slapd, policyDN=DEFAULT_POLICY_DN))
    assert _outcomes(bench) == {alice: "confirmed"}


@pytest.mark.samba
def test_active_directory_counts_one_wrong_try_and_never_another(
    samba: SambaServer, fresh_name: Callable[[str], str], bench: PipelineBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("controller.model.verification.SETTLED_FOR", timedelta())  # nobody can set pwdLastSet back
    right, wrong, tried, disabled = (fresh_name(name) for name in ("rig", "wro", "tri", "dis"))
    for name in (right, wrong, tried, disabled):
        samba.add_user(name)
        _store(bench, name, RIGHT if name == right else WRONG)
    samba.tool("user", "disable", disabled)
    with samba.locking_out(after=5):
        assert not samba.try_login(tried, WRONG)
        for _ in range(4):
            bench.wait(2 * DAY)
            _look(bench, lambda _: ad_connector(samba))
    assert _outcomes(bench) == {right: "confirmed", wrong: "differs"}
    with bench.store.read() as tx:
        assert tx.verifications.get(ExternalAccount("x", tried)) is None
        assert tx.verifications.get(WindowsAccount(DOMAIN, right)) is None
    assert samba.try_login(wrong, RIGHT)
