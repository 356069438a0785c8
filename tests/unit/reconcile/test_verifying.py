"""Stored passwords are tried at their accounts, rarely, and only where nothing speaks against it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from controller.model.accounts import Account, ExternalAccount, WindowsAccount
from controller.model.actor import Actor
from controller.model.constraints import Capabilities
from controller.model.credential import StoredSecret, external_credential_place
from controller.model.errors import AccountRefused, Unavailable
from controller.model.observation import Standing, Survey
from controller.model.secret import Secret
from controller.model.topology import Adapter, Application, CredentialField, Key, Kind
from controller.model.verification import MOST_DIFFERING, SETTLED_FOR, Verification, VerificationPolicy
from controller.ports.connectors import Connector
from controller.reconcile.observer import Observer
from controller.reconcile.picture import object_statuses
from controller.reconcile.verifying import Verifier
from tests.doubles.memory import MemoryConnector, MemoryDirectory
from tests.doubles.pipeline import ALL_ON, OPEN_ADAPTER, START, PipelineBench

DAY = timedelta(days=1)
ON = VerificationPolicy(enabled=True, period=DAY)
LONG_AGO = START - timedelta(days=30)
OPERATOR = Actor("tester")
AL = ExternalAccount("x", "al")
ALICE = WindowsAccount("CORP", "alice")


@dataclass
class Bench:
    """A pipeline whose mapped accounts have stored passwords that have long been in force."""

    pipeline: PipelineBench
    capabilities: Capabilities = field(default_factory=Capabilities)
    steps: int = 1_000

    def connect(self, target: object) -> Connector:
        lane = "adapter/x" if isinstance(target, Adapter) else "domain/CORP"
        return MemoryConnector(self.pipeline.directories[lane], self.capabilities)

    def may_go_on(self) -> bool:
        self.steps -= 1
        return self.steps >= 0

    def look(self) -> None:
        verifier = Verifier(self.pipeline.store, self.pipeline.sealer, lambda: 0.5, self.may_go_on)
        Observer(self.pipeline.store, self.connect, verifier).look()

    def policy(self, policy: VerificationPolicy) -> None:
        self.pipeline.system(replace(ALL_ON, credential_verification=policy))

    def probes(self, lane: str = "adapter/x") -> list[tuple[str, str]]:
        return self.pipeline.directories[lane].probes

    def drift(self, kind: Kind = Kind.ADAPTER, name: str = "x") -> str:
        with self.pipeline.store.read() as tx:
            status = object_statuses(tx, None)[Key(kind, name)]
        return next(condition.message for condition in status.conditions if condition.type == "Drifted")

    def told(self) -> list[tuple[str, str]]:
        names = {"credentialDiffers", "credentialNotVerified"}
        return [(e.name, e.account) for e in reversed(self.pipeline.events()) if e.name in names]

    def outcome(self, account: Account = AL) -> str:
        with self.pipeline.store.read() as tx:
            last = tx.verifications.get(account)
        return "" if last is None else last.outcome

    def store(self, name: str, password: str, application: str = "X") -> None:
        self.pipeline.credentials.set(application, name, Secret(password), by=OPERATOR)

    def wait(self, duration: timedelta) -> None:
        self.pipeline.wait(duration)

    @property
    def directory(self) -> MemoryDirectory:
        return self.pipeline.directories["adapter/x"]


@pytest.fixture
def bench() -> Iterator[Bench]:
    r"""CORP\alice and CORP\bob, mapped to al and bo of adapter x; a password of al is stored, which is "old"."""
    pipeline = PipelineBench(now=LONG_AGO, in_memory=True)
    made = Bench(pipeline)
    made.policy(ON)
    pipeline.domain()
    pipeline.adapter("x", OPEN_ADAPTER, "al", "bo")
    pipeline.map("X", "alice", "al")
    pipeline.map("X", "bob", "bo")
    made.store("al", "old")
    for directory in pipeline.directories.values():
        directory.set_at = dict.fromkeys(directory.accounts, LONG_AGO)
    pipeline.now = START
    yield made
    pipeline.close()


def test_a_stored_password_that_opens_its_account_is_confirmed_once_in_a_period(bench: Bench) -> None:
    bench.look()
    bench.wait(DAY - timedelta(seconds=1))
    bench.look()
    assert bench.probes() == [("al", "old")]
    assert bench.outcome() == "confirmed"
    assert (bench.drift(), bench.told()) == ("", [])
    bench.wait(DAY / 2)
    bench.look()
    assert len(bench.probes()) == 2


def test_what_a_try_told_is_shown_with_the_credential_until_it_changes(bench: Bench) -> None:
    def shown(application: str = "X") -> str:
        view = bench.pipeline.credentials.show(application, "al", reveals=False, by=OPERATOR)
        return "" if view.verified is None else view.verified.outcome

    assert shown() == ""
    bench.look()
    assert shown() == "confirmed"
    bench.store("al", "newer")
    assert shown() == ""
    bench.pipeline.put(Kind.APPLICATION, "Y", Application())
    bench.pipeline.map("Y", "alice", "al")
    bench.pipeline.restart()
    bench.store("al", "old", "Y")
    assert shown("Y") == ""


def test_nothing_is_tried_unless_somebody_wants_it(bench: Bench) -> None:
    bench.directory.accounts["al"] = "other"
    bench.policy(replace(ON, enabled=False))
    bench.look()
    bench.pipeline.remove(Kind.SYSTEM, "default")
    bench.look()
    assert bench.probes() == []


def test_one_that_differs_is_told_and_left_alone_until_it_changes(bench: Bench) -> None:
    bench.directory.accounts["al"] = "other"
    bench.look()
    bench.directory.standings.clear()
    bench.wait(10 * DAY)
    bench.look()
    assert bench.probes() == [("al", "old")]
    assert bench.outcome() == "differs"
    assert bench.drift() == "1 stored password does not open its account: al"
    assert bench.told() == [("credentialDiffers", "al")]
    bench.store("al", "other")
    bench.wait(SETTLED_FOR)
    bench.look()
    assert bench.probes() == [("al", "old"), ("al", "other")]
    assert bench.drift() == ""


def test_what_differs_is_not_shown_any_more_when_nobody_wants_tries(bench: Bench) -> None:
    bench.directory.accounts["al"] = "other"
    bench.look()
    bench.policy(replace(ON, enabled=False))
    bench.look()
    assert bench.drift() == ""


def test_a_stored_windows_password_is_verified_in_its_domain(bench: Bench) -> None:
    bench.pipeline.now = LONG_AGO
    bench.pipeline.set_stored_windows("alice", "wrong")
    bench.pipeline.now = START
    bench.look()
    assert bench.probes("domain/CORP") == [("alice", "wrong")]
    assert bench.drift(Kind.DOMAIN, "CORP") == "1 stored password does not open its account: alice"
    assert ("credentialDiffers", "CORP\\alice") in bench.told()


def _has_failures(bench: Bench) -> None:
    bench.directory.standings["al"] = Standing.FAILURES


def _is_closed(bench: Bench) -> None:
    bench.directory.standings["al"] = Standing.CLOSED


def _is_untold(bench: Bench) -> None:
    bench.directory.standings["al"] = Standing.UNTOLD


def _is_missing(bench: Bench) -> None:
    del bench.directory.accounts["al"]


def _tells_no_time(bench: Bench) -> None:
    bench.directory.set_at.clear()


def _was_set_just_now(bench: Bench) -> None:
    bench.directory.clock = START
    bench.directory.set_at["al"] = START - SETTLED_FOR + timedelta(seconds=1)


def _was_set_behind_our_back(bench: Bench) -> None:
    bench.pipeline.now = LONG_AGO
    bench.pipeline.external("x", "al", "old")
    bench.pipeline.route()
    bench.pipeline.now = START
    bench.directory.set_at["al"] = START - DAY


def _was_reported_just_now(bench: Bench) -> None:
    bench.pipeline.external("x", "al", "old")
    bench.pipeline.route()


def _was_reported_and_is_not_routed(bench: Bench) -> None:
    bench.pipeline.now = START - SETTLED_FOR
    bench.pipeline.external("x", "al", "old")
    bench.pipeline.now = START


def _has_a_delivery(bench: Bench) -> None:
    bench.pipeline.windows("alice", "new")
    bench.pipeline.route()


def _has_a_parked_delivery(bench: Bench) -> None:
    bench.pipeline.windows("alice", "new")
    bench.pipeline.route()
    bench.directory.fail_next(AccountRefused("no"))
    bench.pipeline.deliver("adapter/x")
    bench.wait(SETTLED_FOR)


def _was_stored_just_now(bench: Bench) -> None:
    bench.store("al", "old")


def _has_expired(bench: Bench) -> None:
    with bench.pipeline.store.write() as tx:
        assert tx.credentials.mark_expired("X", "al", "Password")


def _is_empty(bench: Bench) -> None:
    _put(bench, Secret(""))


def _is_suspended(bench: Bench) -> None:
    bench.pipeline.operations.disable("x", by=OPERATOR)


def _cannot_be_verified(bench: Bench) -> None:
    bench.capabilities = Capabilities(can_verify=False)


def _has_no_field(bench: Bench) -> None:
    fields = tuple(CredentialField(label) for label in ("User", "One", "Two"))
    bench.pipeline.put(Kind.APPLICATION, "X", Application(adapter="x", fields=fields))


def _is_not_mapped(bench: Bench) -> None:
    with bench.pipeline.store.write() as tx:
        tx.mappings.remove(tx.mappings.of_external(["X"], "al"))


@pytest.mark.parametrize(
    "prepare",
    [
        _has_failures,
        _is_closed,
        _is_untold,
        _is_missing,
        _tells_no_time,
        _was_set_just_now,
        _was_set_behind_our_back,
        _was_reported_just_now,
        _was_reported_and_is_not_routed,
        _has_a_delivery,
        _has_a_parked_delivery,
        _was_stored_just_now,
        _has_expired,
        _is_empty,
        _is_suspended,
        _cannot_be_verified,
        _has_no_field,
        _is_not_mapped,
    ],
)
def test_a_password_is_not_tried_where(bench: Bench, prepare: Callable[[Bench], None]) -> None:
    prepare(bench)
    before = len(bench.probes())
    bench.look()
    assert bench.probes()[before:] == []
    assert bench.outcome() == ""


def test_where_no_wrong_try_counts_nothing_needs_to_be_told(bench: Bench) -> None:
    bench.capabilities = Capabilities(is_probe_harmless=True)
    bench.directory.standings["al"] = Standing.UNTOLD
    bench.directory.set_at.clear()
    bench.look()
    assert bench.probes() == [("al", "old")]


def test_a_crash_in_the_try_counts_as_the_try_of_the_period(bench: Bench) -> None:
    bench.directory.fail_probe(Unavailable("it went away"))
    bench.look()
    bench.wait(DAY / 2)
    bench.look()
    assert (bench.probes(), bench.outcome()) == ([], "unknown")
    assert "could not be looked at" not in bench.drift()
    bench.wait(DAY)
    bench.look()
    assert (bench.probes(), bench.outcome()) == ([("al", "old")], "confirmed")


def test_an_account_that_is_refused_is_told_and_does_not_keep_the_others_from_their_turn(bench: Bench) -> None:
    bench.pipeline.now = LONG_AGO
    bench.store("bo", "old")
    bench.pipeline.now = START
    bench.directory.fail_probe(AccountRefused("the account is locked"))
    bench.look()
    assert len(bench.probes()) == 1
    assert [name for name, _ in bench.told()] == ["credentialNotVerified"]


def test_what_is_changed_in_the_midst_of_a_try_makes_it_tell_nothing(bench: Bench) -> None:
    class Meanwhile(MemoryConnector):
        def verify_password(self, account: str, password: Secret) -> bool:
            bench.pipeline.external("x", "al", "newer")
            return MemoryConnector.verify_password(self, account, password)

    bench.directory.accounts["al"] = "newer"
    verifier = Verifier(bench.pipeline.store, bench.pipeline.sealer, lambda: 0.5)
    Observer(bench.pipeline.store, lambda _: Meanwhile(bench.directory), verifier).look()
    assert (len(bench.probes()), bench.outcome(), bench.told()) == (1, "unknown", [])


def _was_tried_by_another_controller(bench: Bench) -> None:
    with bench.pipeline.store.write() as tx:
        tx.verifications.put(AL, Verification(START, LONG_AGO))


@pytest.mark.parametrize("prepare", [_was_stored_just_now, _was_reported_just_now, _was_tried_by_another_controller])
def test_what_is_changed_between_the_look_and_the_try_is_not_tried(
    bench: Bench, prepare: Callable[[Bench], None]
) -> None:
    looks: list[Sequence[str]] = []

    class Meanwhile(MemoryConnector):
        def survey(self, accounts: Sequence[str]) -> Survey:
            seen = MemoryConnector.survey(self, accounts)
            looks.append(accounts)
            if len(looks) > 1:  # the first one is that at all accounts
                prepare(bench)
            return seen

    verifier = Verifier(bench.pipeline.store, bench.pipeline.sealer, lambda: 0.5)
    Observer(bench.pipeline.store, lambda _: Meanwhile(bench.directory), verifier).look()
    assert len(looks) > 1
    assert bench.probes() == []


def test_what_cannot_be_opened_is_told_once_in_a_period(bench: Bench) -> None:
    _put(bench, Secret("old"), place="bo")
    bench.look()
    bench.look()
    assert bench.probes() == []
    assert bench.told() == [("credentialNotVerified", "al")]


def test_of_several_stored_passwords_of_one_account_the_newest_is_tried(bench: Bench) -> None:
    bench.pipeline.put(Kind.APPLICATION, "W", Application(adapter="x"))
    bench.pipeline.put(Kind.APPLICATION, "Y", Application(adapter="x"))
    for application, password, age in (("W", "newest", 10), ("Y", "older", 60)):
        bench.pipeline.now = START - timedelta(days=age)
        bench.pipeline.map(application, "alice", "al")
        bench.pipeline.restart()
        bench.store("al", password, application)
    bench.pipeline.now = START
    bench.look()
    assert bench.probes() == [("al", "newest")]


def test_one_look_tries_a_few_and_fewer_when_they_are_wrong(bench: Bench) -> None:
    names = [f"e{number:02}" for number in range(20)]
    bench.pipeline.now = LONG_AGO
    for name in names:
        bench.pipeline.map("X", f"user-{name}", name)
        bench.store(name, "stored")
        bench.directory.accounts[name] = "stored"
        bench.directory.set_at[name] = LONG_AGO
    bench.pipeline.now = START
    bench.policy(replace(ON, per_round=5))
    bench.look()
    assert len(bench.probes()) == 5
    bench.directory.accounts = dict.fromkeys(bench.directory.accounts, "restored from a backup")
    bench.look()
    assert len(bench.probes()) == 5 + MOST_DIFFERING
    bench.steps = 2
    bench.look()
    assert len(bench.probes()) == 5 + MOST_DIFFERING + 2


def _put(bench: Bench, password: Secret, place: str = "al") -> None:
    """Store a password of al behind the pipeline's back, sealed for some place."""
    sealed = bench.pipeline.sealer.seal(password, external_credential_place("X", place, "Password"))
    with bench.pipeline.store.write() as tx:
        tx.credentials.put_external("X", "al", "Password", StoredSecret(sealed, 0, "", LONG_AGO))
