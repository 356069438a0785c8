"""Parked deliveries are queued again when what concerns them changes: manifests, or stored credentials."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from controller.model.accounts import WindowsAccount
from controller.model.actor import Actor
from controller.model.constraints import Capabilities
from controller.model.delivery import Delivery
from controller.model.errors import OldPasswordWrong
from controller.model.filters import PasswordFilter, parse_rules
from controller.model.secret import Secret
from controller.model.topology import Application, Domain, Key, Kind, Mapping, NotificationPolicy, Resource
from controller.planning.plan import make_plan
from controller.planning.state import State
from controller.reconcile.apply import Applied, apply_plan
from controller.reconcile.observe import observe
from tests.doubles.memory import MemoryDirectory
from tests.doubles.pipeline import FULL_ADAPTER, OPEN_ADAPTER, PipelineBench
from tests.doubles.remote import RETRY, RemoteBench

Edit = Callable[[dict[Key, Resource], list[Mapping]], object]
LDAP = Key(Kind.ADAPTER, "ldap")


def apply(bench: PipelineBench, edit: Edit) -> Applied:
    """Apply what an edit of the manifests makes of the actual state."""
    with bench.store.read() as tx:
        actual = observe(tx)
        resources, mappings = dict(actual.resources), list(actual.mappings)
        edit(resources, mappings)
        plan = make_plan(actual, State(resources, sorted(mappings, key=lambda m: m.sort_key)))
    return apply_plan(bench.store, plan, force=True, by=Actor("ops"))


def set_spec(key: Key, **fields: object) -> Edit:
    """Edit fields of one object."""

    def edit(resources: dict[Key, Resource], _: list[Mapping]) -> None:
        spec = replace(resources[key].spec, **fields)  # type: ignore[arg-type]  # fields by name
        resources[key] = replace(resources[key], spec=spec)

    return edit


@pytest.fixture
def ldap(bench: PipelineBench) -> MemoryDirectory:
    """Alice is mapped on ``ldap``, whose policy wants upper case; its filter makes lower case."""
    directory = bench.adapter("ldap", replace(OPEN_ADAPTER, filter="shape"), "alice", "alice2")
    bench.password_filter("shape", PasswordFilter(parse_rules("lc/")))
    bench.map("LDAP", "alice", "alice")
    directory.policy = lambda password: None if password.isupper() else "upper case only"
    return directory


def park(bench: PipelineBench) -> Delivery:
    """Report a change of alice whose delivery is parked."""
    tracking_id = bench.windows("alice", "New")
    bench.settle()
    (parked,) = bench.deliveries(tracking_id)
    assert parked.state.value == "parked"
    return parked


def test_a_changed_filter_makes_the_password_anew_from_the_windows_password(
    bench: PipelineBench, ldap: MemoryDirectory
) -> None:
    parked = park(bench)
    applied = apply(bench, lambda r, _: r.update(_filter_of(r, "uc/")))
    assert applied.deliveries_released == 1
    assert bench.outcome(parked.tracking_id) == ("accepted", "")
    bench.settle()
    assert bench.outcome(parked.tracking_id) == ("completed", "")
    assert ldap.accounts["alice"] == "NEW"
    assert bench.stored("LDAP", "alice") == "NEW"
    assert bench.change(parked.tracking_id).sealed_password is None


def _filter_of(resources: dict[Key, Resource], rules: str) -> dict[Key, Resource]:
    key = Key(Kind.PASSWORD_FILTER, "shape")
    return {key: replace(resources[key], spec=PasswordFilter(parse_rules(rules)))}


def remote_with_filter(bench: PipelineBench) -> RemoteBench:
    """A remote adapter whose filter makes lower case."""
    remote = RemoteBench(bench)
    remote.declare(filter="shape", notifications=NotificationPolicy(retry_count=1, retry_delay=RETRY))
    bench.password_filter("shape", PasswordFilter(parse_rules("lc/")))
    remote.initialize()
    return remote


def test_what_a_remote_adapter_may_still_confirm_stays_what_it_was_handed(bench: PipelineBench) -> None:
    remote = remote_with_filter(bench)
    tracking_id = remote.change("alice", "New")
    assert remote.take().password.reveal() == "new"
    bench.wait(RETRY)
    assert remote.receive() is None
    assert apply(bench, lambda r, _: r.update(_filter_of(r, "uc/"))).deliveries_released == 1
    assert remote.take().password.reveal() == "new"
    assert remote.complete(tracking_id).state.value == "confirmed"
    assert bench.stored("RACF", "ALICE1") == "new"


def test_what_a_remote_adapter_has_refused_is_made_anew(bench: PipelineBench) -> None:
    remote = remote_with_filter(bench)
    tracking_id = remote.change("alice", "New")
    remote.take()
    remote.complete(tracking_id, 1)
    apply(bench, lambda r, _: r.update(_filter_of(r, "uc/")))
    assert remote.take().password.reveal() == "NEW"


def test_another_filter_of_the_adapter_releases_too(bench: PipelineBench, ldap: MemoryDirectory) -> None:
    park(bench)
    upper = Resource(Kind.PASSWORD_FILTER, "upper", PasswordFilter(parse_rules("uc/")))

    def edit(resources: dict[Key, Resource], mappings: list[Mapping]) -> None:
        resources[upper.key] = upper
        set_spec(LDAP, filter="upper")(resources, mappings)

    apply(bench, edit)
    bench.settle()
    assert ldap.accounts["alice"] == "NEW"


def test_what_is_released_in_vain_is_parked_again(bench: PipelineBench, ldap: MemoryDirectory) -> None:
    parked = park(bench)
    assert apply(bench, set_spec(LDAP, description="other words")).deliveries_released == 1
    bench.settle()
    assert bench.outcome(parked.tracking_id) == ("failed", "deliveryParked")
    assert ldap.writes == []


def test_a_plan_about_something_else_releases_nothing(bench: PipelineBench, ldap: MemoryDirectory) -> None:
    parked = park(bench)
    bench.adapter("racf", OPEN_ADAPTER)
    bench.map("RACF", "bob", "BOB1")
    bench.put(Kind.APPLICATION, "LONELY", Application())
    bench.map("LONELY", "bob", "bob")

    def edit(resources: dict[Key, Resource], mappings: list[Mapping]) -> None:
        set_spec(Key(Kind.ADAPTER, "racf"), description="x")(resources, mappings)
        set_spec(Key(Kind.APPLICATION, "LONELY"), contact="x")(resources, mappings)
        mappings[:] = [replace(m, enabled=m.external == "alice") for m in mappings]

    assert apply(bench, edit).deliveries_released == 0
    assert bench.deliveries(parked.tracking_id)[0].state.value == "parked"
    assert ldap.writes == []


@pytest.mark.parametrize("field", ["application", "mapping"])
def test_a_changed_application_or_mapping_releases(bench: PipelineBench, ldap: MemoryDirectory, field: str) -> None:
    parked = park(bench)
    ldap.policy = lambda _: None

    def edit(resources: dict[Key, Resource], mappings: list[Mapping]) -> None:
        if field == "application":
            set_spec(Key(Kind.APPLICATION, "LDAP"), contact="x")(resources, mappings)
        else:
            mappings[:] = [replace(m, enabled=False) for m in mappings]

    assert apply(bench, edit).deliveries_released == 1
    bench.settle()
    assert bench.outcome(parked.tracking_id) == ("completed", "")


def test_a_mapping_to_another_account_takes_the_delivery_along(bench: PipelineBench, ldap: MemoryDirectory) -> None:
    del ldap.accounts["alice"]
    ldap.policy = lambda _: None
    parked = park(bench)
    assert parked.code == "accountUnknown"
    apply(bench, lambda _, mappings: mappings.__setitem__(0, replace(mappings[0], external="alice2")))
    bench.settle()
    assert ldap.accounts["alice2"] == "new"
    assert bench.outcome(parked.tracking_id) == ("completed", "")


def test_an_account_that_is_still_mapped_keeps_its_delivery(bench: PipelineBench, ldap: MemoryDirectory) -> None:
    bench.put(Kind.APPLICATION, "SECOND", Application(adapter="ldap"))
    bench.map("SECOND", "bob", "alice")
    parked = park(bench)

    def edit(_: dict[Key, Resource], mappings: list[Mapping]) -> None:
        assert mappings[0].application == "LDAP"
        mappings[0] = replace(mappings[0], external="alice2")

    assert apply(bench, edit).deliveries_released == 0
    assert bench.deliveries(parked.tracking_id)[0].account.name == "alice"
    assert ldap.writes == []


def test_a_filter_that_leaves_nothing_parks_until_it_is_corrected(bench: PipelineBench, ldap: MemoryDirectory) -> None:
    bench.password_filter("shape", PasswordFilter(parse_rules("rc/3/New/")))
    parked = park(bench)
    assert (parked.code, parked.sealed_password) == ("filterUnusable", None)
    assert bench.outcome(parked.tracking_id) == ("failed", "filterUnusable")
    again = bench.operations.retry([parked], by=Actor("ops"))
    assert again.queued == (parked.id,)
    bench.settle()
    assert bench.outcome(parked.tracking_id) == ("failed", "filterUnusable")
    apply(bench, lambda r, _: r.update(_filter_of(r, "uc/")))
    bench.settle()
    assert ldap.accounts["alice"] == "NEW"
    assert bench.outcome(parked.tracking_id) == ("completed", "")


def test_what_is_too_old_when_it_is_released_expires(bench: PipelineBench, ldap: MemoryDirectory) -> None:
    parked = park(bench)
    bench.wait(timedelta(days=2))
    apply(bench, lambda r, _: r.update(_filter_of(r, "uc/")))
    bench.settle()
    assert bench.outcome(parked.tracking_id) == ("failed", "deliveryExpired")
    assert bench.change(parked.tracking_id).sealed_password is None
    assert ldap.writes == []


def test_a_password_that_is_gone_is_said_to_be_gone(bench: PipelineBench, ldap: MemoryDirectory) -> None:
    parked = park(bench)
    apply(bench, lambda r, _: r.update(_filter_of(r, "uc/")))
    with bench.store.write() as tx:
        tx.changes.finish(parked.tracking_id, "failed", "lost", "")
        tx.changes.finish(parked.tracking_id, "accepted", "", "")
    bench.settle()
    (delivery,) = bench.deliveries(parked.tracking_id)
    assert (delivery.state.value, delivery.code) == ("parked", "sealBroken")
    assert "no longer there" in delivery.message
    assert ldap.writes == []


def test_without_a_stored_windows_password_the_change_waits_for_credentials(bench: PipelineBench) -> None:
    bench.adapter("ldap", FULL_ADAPTER, "alice")
    bench.map("LDAP", "alice", "alice")
    change = bench.external("ldap", "alice", "New-1")
    bench.settle()
    assert bench.outcome(change) == ("failed", "noStoredWindowsPassword")
    assert bench.credentials.set("LDAP", "alice", Secret("old"), by=Actor("ops"))
    bench.settle()
    assert bench.password("domain/CORP", "alice") == "New-1"
    assert bench.outcome(change) == ("completed", "")
    assert bench.stored_windows("alice") == "New-1"


def test_a_wrong_old_password_waits_for_credentials_and_for_nothing_else(bench: PipelineBench) -> None:
    bench.capabilities["adapter/ldap"] = Capabilities(needs_old_password=True)
    directory = bench.adapter("ldap", OPEN_ADAPTER, "alice")
    bench.map("LDAP", "alice", "alice")
    bench.credentials.set("LDAP", "alice", Secret("wrong"), by=Actor("ops"))
    change = bench.windows("alice", "New-1")
    bench.settle()
    assert bench.deliveries(change)[0].code == OldPasswordWrong.code
    assert apply(bench, set_spec(LDAP, description="x")).deliveries_released == 0
    bench.credentials.set("LDAP", "alice", Secret("old"), by=Actor("ops"))
    bench.settle()
    assert directory.accounts["alice"] == "New-1"


def test_a_missing_old_password_waits_for_credentials_until_it_is_too_old(bench: PipelineBench) -> None:
    bench.capabilities["adapter/ldap"] = Capabilities(needs_old_password=True)
    bench.adapter("ldap", OPEN_ADAPTER, "alice")
    bench.map("LDAP", "alice", "alice")
    change = bench.windows("alice", "New-1")
    bench.settle()
    assert bench.deliveries(change)[0].code == "oldPasswordMissing"
    bench.wait(timedelta(days=2))
    bench.credentials.set("LDAP", "alice", Secret("old"), by=Actor("ops"))
    assert bench.deliveries(change)[0].state.value == "parked"


def test_credentials_do_not_release_what_was_refused_for_another_reason(
    bench: PipelineBench, ldap: MemoryDirectory
) -> None:
    parked = park(bench)
    bench.credentials.set("LDAP", "alice", Secret("old"), by=Actor("ops"))
    assert bench.deliveries(parked.tracking_id)[0].state.value == "parked"
    assert ldap.writes == []


def test_a_domain_that_resets_from_now_on_needs_no_old_password(bench: PipelineBench) -> None:
    bench.adapter("ldap", FULL_ADAPTER, "alice")
    bench.map("LDAP", "alice", "alice")
    change = bench.external("ldap", "alice", "New-1")
    bench.settle()
    apply(bench, set_spec(Key(Kind.DOMAIN, "CORP"), password_change="reset"))
    with bench.store.read() as tx:
        assert isinstance(tx.resources.read()[Key(Kind.DOMAIN, "CORP")].spec, Domain)
    bench.settle()
    assert bench.outcome(change) == ("completed", "")
    assert bench.password("domain/CORP", WindowsAccount.parse("CORP\\alice").name) == "New-1"
