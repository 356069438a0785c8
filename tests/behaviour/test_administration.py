"""What manifests may declare, and how plans bring it about: rows A1 to A13."""

import pytest

from controller.manifests.problems import ManifestErrors
from controller.manifests.reader import read_manifests
from controller.model.accounts import WindowsAccount
from controller.model.actor import Actor
from controller.model.errors import InvalidInput, Unavailable, UnsafePlan
from controller.model.secret import Secret
from controller.model.topology import (
    Access,
    Adapter,
    AdapterGroup,
    Application,
    CredentialField,
    Kind,
    ReconcilePolicy,
    Resource,
)
from controller.planning.plan import make_plan
from controller.planning.state import State
from controller.ports.audit import AuditQuery
from controller.reconcile.apply import apply_plan
from controller.reconcile.observe import observe
from controller.reconcile.reconciler import Reconciler
from controller.reconcile.users import Users
from tests.doubles.memory import MemoryGroups
from tests.doubles.pipeline import OPEN_ADAPTER, PipelineBench
from tests.doubles.topologies import adapter, application, mapping, state, system
from tests.unit.manifests.catalogue import FakeCatalogue

REMOTE = "connector: {type: remote}"
BASE = (
    "{apiVersion: pwsync/v1, kind: Domain, metadata: {name: CORP}, spec: {dnsName: corp.example.com}}\n---\n"
    "{apiVersion: pwsync/v1, kind: System, metadata: {name: default}, spec: {}}\n---\n"
)


def document(kind: str, name: str, spec: str) -> str:
    """One document of a manifest."""
    return f"apiVersion: pwsync/v1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {spec}\n---\n"


def read(*documents: str) -> tuple[State, list[str]]:
    """The declared state, and the warnings."""
    compiled = read_manifests(["-"], FakeCatalogue(), stdin=BASE + "".join(documents))
    return compiled.state, [str(warning) for warning in compiled.warnings]


def refused(*documents: str) -> str:
    """Why these documents are refused."""
    with pytest.raises(ManifestErrors) as caught:
        read_manifests(["-"], FakeCatalogue(), stdin=BASE + "".join(documents))
    return "\n".join(str(problem) for problem in caught.value.problems)


def mapped(windows: str, external: str) -> str:
    """A mapping in application A."""
    name = f"m-{external.lower()}-{windows.rpartition(chr(92))[2].lower().replace(' ', '')}"
    return document("Mapping", name, f"{{application: A, windowsAccount: '{windows}', externalAccount: {external}}}")


def bring_about(bench: PipelineBench, desired: State, *, force: bool = False) -> None:
    """Plan and apply."""
    with bench.store.read() as tx:
        plan = make_plan(observe(tx), desired, ReconcilePolicy(), set())
    apply_plan(bench.store, plan, by=Actor("ops"), force=force)


def test_a1_an_application_names_one_adapter_and_an_adapter_one_group() -> None:
    text = "must be text"
    assert text in refused(document("Adapter", "x", f"{{{REMOTE}}}"), document("Application", "A", "{adapter: [x, y]}"))
    assert text in refused(document("Adapter", "x", f"{{{REMOTE}, group: [g, h]}}"))


def test_a1_direct_sync_and_an_adapter_exclude_each_other() -> None:
    spec = "{adapter: x, directPasswordSync: true}"
    told = refused(document("Adapter", "x", f"{{{REMOTE}}}"), document("Application", "A", spec))
    assert "directPasswordSync: not possible together with an adapter" in told


def test_a1_a_group_and_its_group_adapter_share_the_name() -> None:
    declared, told = read(
        document("AdapterGroup", "mainframe", "{}"),
        document("Adapter", "mainframe", f"{{{REMOTE}, access: {{receivers: [host-agent]}}}}"),
        document("Adapter", "x", f"{{{REMOTE}, group: mainframe}}"),
    )
    assert {str(key) for key in declared.resources} >= {"AdapterGroup/mainframe", "Adapter/mainframe", "Adapter/x"}
    assert told == []


def test_a1_a_group_adapter_has_no_applications_and_takes_no_part_in_sync() -> None:
    told = refused(
        document("AdapterGroup", "mainframe", "{}"),
        document("Adapter", "mainframe", f"{{{REMOTE}, syncToAdapter: true, filter: f, group: mainframe}}"),
        document("PasswordFilter", "f", "{rules: dc/}"),
        document("Application", "A", "{adapter: mainframe}"),
    )
    is_it = "Adapter mainframe is the group adapter of AdapterGroup mainframe"
    takes_none = "which is handed no password changes and reports none"
    assert [line.partition(" (")[0] for line in told.splitlines()] == [
        f"<stdin>:13:35: spec.syncToAdapter: {is_it}, {takes_none}",
        f"<stdin>:13:56: spec.filter: {is_it}, {takes_none}",
        f"<stdin>:13:74: spec.group: {is_it}, and belongs to no group itself",
        f"<stdin>:23:17: spec.adapter: {is_it.removeprefix('Adapter ')}, and has no applications",
    ]
    assert "remove it, or give one of the two another name" in told
    assert "name an adapter of the group, or give the group another name" in told


def test_a1_a_group_adapter_is_a_remote_one() -> None:
    told = refused(
        document("AdapterGroup", "mainframe", "{}"),
        document("Adapter", "mainframe", "{connector: {type: htpasswd, file: users}}"),
    )
    assert told == (
        "<stdin>:13:26: spec.connector.type: Adapter mainframe is the group adapter of AdapterGroup mainframe, so it "
        "must be remote (set connector: {type: remote}, or give one of the two another name)"
    )


def test_a1_what_waits_for_an_adapter_that_becomes_a_group_adapter_is_given_up(bench: PipelineBench) -> None:
    before = state(system(), adapter("mainframe"), application("A", adapter="mainframe"))
    bring_about(bench, before)
    bench.domain()
    bench.map("A", "alice", "ALICE1")
    bench.system()
    bench.put(Kind.ADAPTER, "mainframe", OPEN_ADAPTER)
    tracking_id = bench.windows("alice", "New-1")
    bench.route()
    assert [d.state for d in bench.deliveries(tracking_id)] == ["pending"]
    group = Resource(Kind.ADAPTER_GROUP, "mainframe", AdapterGroup())
    bring_about(bench, state(system(), adapter("mainframe"), group), force=True)
    assert [(d.state, d.code) for d in bench.deliveries(tracking_id)] == [("expired", "adapterRemoved")]


def test_a2_members_of_a_group_have_no_computer_of_their_own() -> None:
    declared, _ = read(
        document("AdapterGroup", "mainframe", "{computer: host1.example.com}"),
        document("Adapter", "x", f"{{{REMOTE}, group: mainframe}}"),
    )
    assert "host1.example.com" in repr(declared.resources)
    assert "computer" in refused(document("Adapter", "x", f"{{{REMOTE}, computer: host2.example.com}}"))


def test_a3_an_adapter_and_its_application_go_together_in_one_plan(bench: PipelineBench) -> None:
    both = state(system(), adapter("x"), application("A", adapter="x"))
    bring_about(bench, both, force=True)
    bring_about(bench, state(system()), force=True)
    with bench.store.read() as tx:
        assert [key.name for key in tx.resources.read()] == ["default"]


def test_a3_an_adapter_that_is_still_named_cannot_be_taken_away() -> None:
    assert "there is no Adapter 'x'" in refused(document("Application", "A", "{adapter: x}"))
    assert "there is no AdapterGroup 'g'" in refused(document("Adapter", "x", f"{{{REMOTE}, group: g}}"))


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ("[{label: User Id, sync: true}, {label: Password}]", "the first field is the user id"),
        ("[{label: User Id}, {label: P, sync: true}, {label: Q, sync: true}]", "more than one field is marked sync"),
        ("[{label: User Id}, {label: P}, {label: Q}]", "it is not clear which field password sync writes"),
        ("[{label: User Id}]", "it is not clear which field password sync writes"),
        ("[{label: P}, {label: P}]", "given twice"),
    ],
)
def test_a4_it_must_be_clear_which_field_is_the_password(fields: str, told: str) -> None:
    remote = document("Adapter", "x", f"{{{REMOTE}}}")
    assert told in refused(remote, document("Application", "A", f"{{adapter: x, fields: {fields}}}"))


def test_a4_two_fields_or_one_marked_sync_are_clear() -> None:
    fields = "[{label: User Id}, {label: PIN}, {label: Password, sync: true}]"
    declared, _ = read(
        document("Adapter", "x", f"{{{REMOTE}}}"),
        document("Application", "A", "{adapter: x, fields: [{label: User Id}, {label: Word}]}"),
        document("Application", "B", f"{{adapter: x, fields: {fields}}}"),
    )
    applications = {key.name: r.spec for key, r in declared.resources.items() if isinstance(r.spec, Application)}
    assert {name: spec.password_field for name, spec in applications.items()} == {"A": "Word", "B": "Password"}


def test_a5_another_type_or_other_fields_are_shown_as_replace_and_held(bench: PipelineBench) -> None:
    before = state(system(), adapter("x"), application("A", adapter="x"), mapping("A", "alice", "ALICE1"))
    bring_about(bench, before, force=True)
    bench.credentials.set("A", "ALICE1", Secret("stored"), by=Actor("ops"))
    fields = (CredentialField("User Id"), CredentialField("Phrase"))
    changed = application("A", adapter="x", fields=fields)
    after = state(system(), adapter("x"), changed, mapping("A", "alice", "ALICE1"))
    with bench.store.read() as tx:
        plan = make_plan(observe(tx), after, ReconcilePolicy(), set())
    assert plan.count("replace") == 1
    with pytest.raises(UnsafePlan):
        apply_plan(bench.store, plan, by=Actor("ops"))
    assert bench.stored("A", "ALICE1") == "stored"
    bring_about(bench, after, force=True)
    assert bench.stored("A", "ALICE1") is None


def test_a6_an_individual_application_maps_one_to_one_both_ways() -> None:
    individual = document("Application", "A", "{type: individual}")
    assert "is mapped to a second Windows account" in refused(
        individual, mapped("CORP\\alice", "ONE"), mapped("CORP\\bob", "ONE")
    )
    assert "is mapped twice in application A" in refused(
        individual, mapped("CORP\\alice", "ONE"), mapped("corp\\ALICE", "TWO")
    )


@pytest.mark.parametrize(
    "account", ["CORP\\Everyone", "BUILTIN\\Users", "NT AUTHORITY\\SYSTEM", "CORP\\krbtgt", "alice"]
)
def test_a7_only_ordinary_domain_accounts_are_mapped(account: str) -> None:
    assert "windowsAccount" in refused(document("Application", "A", "{}"), mapped(account, "ONE"))
    with pytest.raises(InvalidInput):
        WindowsAccount.parse(account)


def test_a8_a_host_group_application_has_one_windows_account() -> None:
    told = refused(
        document("Application", "A", "{type: hostGroup}"), mapped("CORP\\alice", "ONE"), mapped("CORP\\bob", "TWO")
    )
    assert "has a second Windows account CORP\\bob" in told


def test_a9_a_password_has_at_most_256_characters(bench: PipelineBench) -> None:
    assert bench.windows("alice", "x" * 256)
    with pytest.raises(InvalidInput, match="more than 256 characters"):
        bench.windows("alice", "x" * 257)


def test_a10_what_is_declared_is_enabled_unless_the_manifest_says_otherwise() -> None:
    declared, _ = read(
        document("Adapter", "x", f"{{{REMOTE}}}"),
        document("Adapter", "idle", f"{{{REMOTE}, enabled: false}}"),
        document("Application", "A", "{adapter: x}"),
        mapped("CORP\\alice", "ONE"),
    )
    enabled = {key.name: r.spec.enabled for key, r in declared.resources.items() if isinstance(r.spec, Adapter)}
    assert enabled == {"x": True, "idle": False}
    assert [m.enabled for m in declared.mappings] == [True]


def test_a11_who_applies_holds_the_store_and_is_written_down(bench: PipelineBench) -> None:
    bring_about(bench, state(system(), adapter("x")), force=True)
    with bench.store.read() as tx:
        rows = {(entry.principal, entry.action, entry.object) for entry in tx.audit.find(AuditQuery())}
    assert ("ops", "create", "Adapter/x") in rows


def test_a12_flags_that_the_switches_make_ineffective_are_warned_of() -> None:
    flags = "syncToAdapter: true, syncFromAdapter: true, changeWindowsPassword: true"
    _, warnings = read(document("Adapter", "x", f"{{{REMOTE}, {flags}}}"))
    told = "\n".join(warnings)
    for flag, switch in (
        ("syncToAdapter", "fromWindowsToAdapters"),
        ("syncFromAdapter", "fromAdaptersToDatabase"),
        ("changeWindowsPassword", "fromAdaptersToWindows"),
    ):
        assert f"spec.{flag}: has no effect while the System's {switch} is off" in told


def test_a13_the_users_of_an_application_are_accounts_and_groups_of_declared_domains() -> None:
    found = refused(document("Application", "A", "{access: {users: ['LAB\\staff', anybody]}}"))
    assert "'anybody' is not a Windows account or group" in found
    found = refused(document("Application", "A", "{access: {users: ['LAB\\staff']}}"))
    assert "spec.access.users: there is no Domain 'LAB'" in found


@pytest.mark.parametrize(("members", "password"), [({"CORP\\bob"}, "old"), ({"CORP\\alice"}, "new")])
def test_a13_who_they_are_is_asked_of_the_directory_in_each_round(
    bench: PipelineBench, members: set[str], password: str
) -> None:
    bench.adapter("racf", OPEN_ADAPTER, "ALICE1")
    bench.put(Kind.APPLICATION, "RACF", Application(adapter="racf", access=Access(users=("CORP\\staff",))))
    bench.map("RACF", "alice", "ALICE1")
    groups = MemoryGroups({"CORP\\staff": members})
    Users(bench.store, lambda _domain, _directory: groups).refresh()
    bench.windows("alice", "new")
    bench.settle()
    assert bench.password("adapter/racf", "ALICE1") == password


def test_a13_while_the_directory_is_away_its_last_answer_stays_in_force_and_the_plan_says_so(
    bench: PipelineBench,
) -> None:
    bench.put(Kind.APPLICATION, "RACF", Application(access=Access(users=("CORP\\staff",))))
    groups = MemoryGroups({"CORP\\staff": {"CORP\\alice"}})
    users = Users(bench.store, lambda _domain, _directory: groups)
    users.refresh()
    groups.error = Unavailable("dc1 cannot be reached")
    users.refresh()
    with bench.store.read() as tx:
        declared = State(tx.resources.read())
        assert tx.windows_groups.members(WindowsAccount("CORP", "staff")) == {WindowsAccount("CORP", "alice")}
    (warning,) = Reconciler(bench.store, lambda: (declared, [])).plan().warnings
    assert "Application/RACF: users CORP\\staff: dc1 cannot be reached; the last answer, 1 accounts" in warning


def test_a13_a_group_that_has_lost_most_of_its_members_is_held(bench: PipelineBench) -> None:
    bench.put(Kind.APPLICATION, "RACF", Application(access=Access(users=("CORP\\staff",))))
    groups = MemoryGroups({"CORP\\staff": {f"CORP\\user{n}" for n in range(10)}})
    users = Users(bench.store, lambda _domain, _directory: groups)
    users.refresh()
    groups.behind["CORP\\staff"] = set()
    assert "10 of 10 accounts are gone" in users.refresh()[0]
    assert [event.fields["applications"] for event in bench.events("windowsGroupHeld")] == [["RACF"]]
    with bench.store.read() as tx:
        assert len(tx.windows_groups.members(WindowsAccount("CORP", "staff"))) == 10
