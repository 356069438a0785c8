"""Individual, group and host group applications from their manifests to every account: rows A6, A8, M4 and E12."""

import re

import pytest

from controller.manifests.export import dump_yaml, export_state
from controller.manifests.problems import ManifestErrors
from controller.manifests.reader import read_manifests
from controller.model.actor import Actor
from controller.model.errors import UnsafePlan
from controller.model.secret import Secret
from controller.model.topology import Application, Kind, ReconcilePolicy
from controller.planning.change import Replace
from controller.planning.plan import Plan, make_plan
from controller.planning.render import render_text
from controller.planning.state import State
from controller.reconcile.apply import apply_plan
from controller.reconcile.observe import observe
from tests.doubles.memory import MemoryDirectory
from tests.doubles.pipeline import FULL_ADAPTER, PipelineBench
from tests.unit.manifests.catalogue import FakeCatalogue

TYPES = {"OWN": "individual", "SHARED": "group", "HOSTS": "hostGroup"}
ACCOUNTS = {"own": ("ALICE1", "BOB1"), "shared": ("POOL",), "hosts": ("EVE1", "ZOE1")}
SWITCHES = "fromWindowsToAdapters: true, fromAdaptersToDatabase: true, fromAdaptersToWindows: true"
BIND = "{user: svc, passwordFrom: {env: UNUSED}}"
DIRECTORY = f"{{url: 'ldaps://dc1.corp.example.com', bind: {BIND}, baseDN: 'DC=corp,DC=example,DC=com'}}"
SYNC = "syncToAdapter: true, syncFromAdapter: true, verifyOldPassword: false"
FULL = f"{SYNC}, changeWindowsPassword: true"


def document(kind: str, name: str, spec: str) -> str:
    """A document, with or without a name."""
    metadata = f"{{name: {name}}}" if name else "{}"
    return f"apiVersion: pwsync/v1\nkind: {kind}\nmetadata: {metadata}\nspec: {{{spec}}}\n---\n"


BASE = document("System", "default", SWITCHES)
BASE += document("Domain", "CORP", f"dnsName: corp.example.com, directory: {DIRECTORY}")
for adapter, application in zip(ACCOUNTS, TYPES, strict=True):
    BASE += document("Adapter", adapter, f"connector: {{type: htpasswd, file: /unused}}, {SYNC}")
    BASE += document("Application", application, f"type: {TYPES[application]}, adapter: {adapter}")
"""A domain, and an adapter and its application of each type; everything flows but full sync."""
OWN = {"alice": "ALICE1", "bob": "BOB1"}
SHARED = [("alice", "POOL"), ("bob", "POOL")]
HOSTED = [("svc", "EVE1"), ("svc", "ZOE1")]
KEEP = ReconcilePolicy(prune=False)


def entries(name: str, application: str, pairs: list[tuple[str, str]]) -> str:
    """A MappingSet, one line for each mapping."""
    members = ",\n".join(f"{{windows: {windows}, external: {external}}}" for windows, external in pairs)
    return document("MappingSet", name, f"application: {application}, domain: CORP, mappings: [\n{members}]")


def single(application: str, windows: str, external: str) -> str:
    """A Mapping without a name."""
    spec = f"application: {application}, externalAccount: {external},\nwindowsAccount: 'CORP\\{windows}'"
    return document("Mapping", "", spec)


ALL = "".join(
    (
        entries("own", "OWN", list(OWN.items())),
        entries("shared", "SHARED", SHARED),
        *(single("HOSTS", windows, external) for windows, external in HOSTED),
    )
)


def declared(*documents: str, base: str = BASE) -> State:
    """What manifests with an application of each type and these mappings declare."""
    return read_manifests(["-"], FakeCatalogue(), stdin=base + "".join(documents)).state


def problems(*documents: str) -> list[str]:
    """Why they are refused; lines are counted from the first of these documents."""
    with pytest.raises(ManifestErrors) as caught:
        declared(*documents)
    first = BASE.count("\n")
    return [
        re.sub(r"<stdin>:(\d+):\d+", lambda found: f"line {int(found[1]) - first}", problem.message)
        for problem in sorted(caught.value.problems)
    ]


def plan_of(bench: PipelineBench, desired: State, policy: ReconcilePolicy | None = None) -> Plan:
    """What an apply would do."""
    with bench.store.read() as tx:
        return make_plan(observe(tx), desired, policy)


def apply(bench: PipelineBench, *documents: str, base: str = BASE) -> Plan:
    """Apply manifests; afterwards there is nothing to do."""
    desired = declared(*documents, base=base)
    for adapter, accounts in ACCOUNTS.items():
        bench.directories.setdefault(f"adapter/{adapter}", MemoryDirectory(accounts=dict.fromkeys(accounts, "old")))
    plan = plan_of(bench, desired)
    apply_plan(bench.store, plan, force=True, by=Actor("ops"))
    assert plan_of(bench, desired).is_empty()
    return plan


def mapped(bench: PipelineBench) -> list[str]:
    """The names of all mappings in the store."""
    with bench.store.read() as tx:
        return [mapping.key.name for mapping in tx.mappings.scan()]


def test_a6_mappings_of_all_types_are_applied_read_back_and_exported(bench: PipelineBench) -> None:
    apply(bench, ALL)
    assert mapped(bench) == [
        r"HOSTS/CORP\svc/EVE1",
        r"HOSTS/CORP\svc/ZOE1",
        r"OWN/CORP\alice/ALICE1",
        r"OWN/CORP\bob/BOB1",
        r"SHARED/CORP\alice/POOL",
        r"SHARED/CORP\bob/POOL",
    ]
    with bench.store.read() as tx:
        text = dump_yaml(export_state(observe(tx)))
    assert plan_of(bench, read_manifests(["-"], FakeCatalogue(), stdin=text).state).is_empty()


def test_a6_an_account_of_an_individual_application_is_mapped_once_both_ways() -> None:
    assert problems(single("OWN", "alice", "A1"), single("OWN", "alice", "A2"), single("OWN", "bob", "A1")) == [
        r"CORP\alice is mapped twice in application OWN, first at line 5",
        "external account 'A1' of application OWN is mapped to a second Windows account, first at line 5",
    ]


def test_a6_another_external_account_is_one_change_that_shows_both(bench: PipelineBench) -> None:
    apply(bench, ALL)
    plan = apply(bench, ALL.replace("ALICE1", "ALICE2"))
    (change,) = plan.changes
    assert isinstance(change, Replace)
    assert [(m.key.name) for m in (change.before, change.after)] == [r"OWN/CORP\alice/ALICE1", r"OWN/CORP\alice/ALICE2"]


def test_a6_two_accounts_may_change_places(bench: PipelineBench) -> None:
    apply(bench, entries("own", "OWN", [("alice", "A1"), ("bob", "B1")]))
    plan = apply(bench, entries("own", "OWN", [("alice", "B1"), ("bob", "A1")]))
    assert plan.count("replace") == len(plan.changes) == 2
    assert mapped(bench) == [r"OWN/CORP\alice/B1", r"OWN/CORP\bob/A1"]


def test_a6_a_group_has_one_external_account_for_all_its_windows_accounts(bench: PipelineBench) -> None:
    apply(bench, ALL)
    assert bench.credentials.set("SHARED", "CORP\\alice", Secret("pool"), by=Actor("ops")) is False
    assert bench.stored("SHARED", "CORP\\bob") == "pool"
    assert problems(entries("shared", "SHARED", [*SHARED, ("carl", "OTHER"), ("bob", "POOL")])) == [
        "group application SHARED has a second external account 'OTHER', the first is at line 5",
        r"CORP\bob is mapped twice in application SHARED, first at line 6",
    ]


def test_a8_a_host_group_maps_many_external_accounts_each_with_its_own_credential(bench: PipelineBench) -> None:
    apply(bench, ALL)
    for account in ("EVE1", "ZOE1"):
        assert bench.credentials.set("HOSTS", account, Secret(f"of-{account}"), by=Actor("ops")) is False
    assert (bench.stored("HOSTS", "EVE1"), bench.stored("HOSTS", "ZOE1")) == ("of-EVE1", "of-ZOE1")
    assert bench.stored_windows("svc") is None


def test_a8_one_account_of_a_host_group_comes_and_goes_without_the_others(bench: PipelineBench) -> None:
    apply(bench, ALL)
    for account in ("EVE1", "ZOE1"):
        bench.credentials.set("HOSTS", account, Secret(f"of-{account}"), by=Actor("ops"))
    plan = apply(bench, ALL.replace("EVE1", "YVE1"))
    assert sorted((c.action, c.key.name) for c in plan.changes) == [
        ("create", r"HOSTS/CORP\svc/YVE1"),
        ("prune", r"HOSTS/CORP\svc/EVE1"),
    ]
    assert (bench.stored("HOSTS", "YVE1"), bench.stored("HOSTS", "ZOE1")) == (None, "of-ZOE1")


def test_a8_another_windows_account_keeps_the_credentials_of_a_host_group(bench: PipelineBench) -> None:
    apply(bench, ALL)
    bench.credentials.set("HOSTS", "EVE1", Secret("of-EVE1"), by=Actor("ops"))
    apply(bench, ALL.replace(r"CORP\svc", r"CORP\svc2"))
    assert [name for name in mapped(bench) if name.startswith("HOSTS")] == [
        r"HOSTS/CORP\svc2/EVE1",
        r"HOSTS/CORP\svc2/ZOE1",
    ]
    assert bench.stored("HOSTS", "EVE1") == "of-EVE1"


def test_a8_an_external_account_of_a_host_group_is_mapped_once_and_to_its_one_windows_account() -> None:
    hosted = [single("HOSTS", windows, external) for windows, external in HOSTED]
    assert problems(*hosted, single("HOSTS", "svc", "EVE1"), single("HOSTS", "other", "X1")) == [
        "external account 'EVE1' is mapped twice in host group application HOSTS, first at line 5",
        r"host group application HOSTS has a second Windows account CORP\other, the first is at line 5",
    ]


def test_a8_a_mapping_that_is_kept_may_hold_up_another_windows_account(bench: PipelineBench) -> None:
    apply(bench, ALL)
    plan = plan_of(bench, declared(ALL.replace(r"CORP\svc", r"CORP\svc2")), KEEP)
    assert [hold.message for hold in plan.holds] == [
        rf"Mapping/HOSTS/CORP\svc2/{name} would use another Windows account than CORP\svc, which "
        r"Mapping/HOSTS/CORP\svc/ZOE1 still has"
        for name in ("EVE1", "ZOE1")
    ]


def test_m4_one_windows_change_follows_individual_and_group_and_skips_the_host_group(bench: PipelineBench) -> None:
    apply(bench, ALL.replace(r"CORP\svc", r"CORP\alice"))
    change = bench.windows("alice", "Ne1-w-pass")
    bench.settle()
    assert bench.outcome(change) == ("completed", "")
    assert bench.password("adapter/own", "ALICE1") == bench.password("adapter/shared", "POOL") == "Ne1-w-pass"
    assert bench.password("adapter/hosts", "EVE1") == bench.password("adapter/hosts", "ZOE1") == "old"
    assert sorted((e.fields["mapping"], e.fields["reason"]) for e in bench.events("mappingSkipped")) == [
        (r"Mapping/HOSTS/CORP\alice/EVE1", "wrongApplicationType"),
        (r"Mapping/HOSTS/CORP\alice/ZOE1", "wrongApplicationType"),
    ]


@pytest.mark.parametrize("sync", [SYNC, FULL])
def test_m4_a_change_of_a_host_groups_account_updates_its_credential_and_never_windows(
    bench: PipelineBench, sync: str
) -> None:
    hosted = [single("HOSTS", "alice", external) for _, external in HOSTED]
    apply(bench, *hosted, base=BASE.replace(SYNC, sync))
    bench.set_stored_windows("alice", "old")
    change = bench.external("hosts", "EVE1", "Ne1-w-pass")
    bench.settle()
    assert bench.outcome(change) == ("completed", "")
    assert (bench.stored("HOSTS", "EVE1"), bench.stored("HOSTS", "ZOE1")) == ("Ne1-w-pass", None)
    assert (bench.password("domain/CORP", "alice"), bench.stored_windows("alice")) == ("old", "old")


def test_e12_a_group_in_full_sync_is_held_and_the_plan_shows_a_second_windows_account(bench: PipelineBench) -> None:
    plan = plan_of(bench, declared(entries("shared", "SHARED", SHARED), base=BASE.replace(SYNC, FULL)))
    (hold,) = (hold for hold in plan.holds if hold.code == "propagationConflict")
    chain = r"CORP\alice -> shared:POOL -> CORP\bob"
    assert hold.message == f"a change of CORP\\alice would reach a second Windows account: {chain}"
    assert f"Held: {hold.message}" in render_text(plan)
    with pytest.raises(UnsafePlan):
        apply_plan(bench.store, plan, force=True, by=Actor("ops"))


def test_e12_a_group_that_only_reports_is_held_too(bench: PipelineBench) -> None:
    base = BASE.replace(SYNC, FULL).replace("syncToAdapter: true", "syncToAdapter: false")
    plan = plan_of(bench, declared(entries("shared", "SHARED", SHARED), base=base))
    ways = r"shared:POOL -> CORP\alice and shared:POOL -> CORP\bob"
    (hold,) = (hold for hold in plan.holds if hold.code == "propagationConflict")
    assert hold.message == f"a change of shared:POOL would reach two Windows accounts: {ways}"


def test_e12_in_partial_sync_the_one_credential_of_a_group_follows(bench: PipelineBench) -> None:
    apply(bench, entries("shared", "SHARED", SHARED))
    change = bench.external("shared", "POOL", "Ne1-w-pass")
    bench.settle()
    assert bench.outcome(change) == ("completed", "")
    assert bench.stored("SHARED", "CORP\\alice") == bench.stored("SHARED", "CORP\\bob") == "Ne1-w-pass"
    assert bench.password("domain/CORP", "alice") == bench.password("domain/CORP", "bob") == "old"


def test_e12_should_full_sync_meet_a_group_all_the_same_no_windows_account_is_changed(bench: PipelineBench) -> None:
    apply(bench, entries("shared", "SHARED", SHARED))
    bench.adapter("shared", FULL_ADAPTER)
    bench.put(Kind.APPLICATION, "SHARED", Application(adapter="shared", type="group"))
    for user in ("alice", "bob"):
        bench.set_stored_windows(user, "old")
    change = bench.external("shared", "POOL", "Ne1-w-pass")
    bench.settle()
    assert bench.outcome(change) == ("failed", "mappingConflict")
    assert bench.stored("SHARED", "CORP\\alice") == "Ne1-w-pass"
    assert bench.password("domain/CORP", "alice") == bench.password("domain/CORP", "bob") == "old"
