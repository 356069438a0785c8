"""Objects and mappings."""

from collections.abc import Mapping as ReadOnlyMapping
from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType

import pytest
from sqlalchemy import create_engine, text

from controller.model.accounts import WindowsAccount
from controller.model.errors import StoreUnusable
from controller.model.filters import Case, Pad, PasswordFilter, Remove, Substitute, Truncate
from controller.model.options import Bind, LdapEndpoint, SecretReference
from controller.model.topology import (
    Access,
    Adapter,
    AdapterGroup,
    Application,
    ConnectorSpec,
    CredentialField,
    Domain,
    DomainDirectory,
    Key,
    Kind,
    Mapping,
    NotificationPolicy,
    Resource,
    Source,
    System,
)
from controller.ports.mappings import MappingQuery
from controller.ports.store import Store
from tests.contracts.store.conftest import SettableClock
from tests.contracts.store.examples import AT, mapping

OPTIONS: ReadOnlyMapping[str, object] = MappingProxyType(
    {"url": "ldaps://h", "bind": {"user": "cn=a", "passwordFrom": {"env": "A"}}, "ports": [1, 2.5, None, True]}
)
EVERYTHING = [
    Resource(Kind.SYSTEM, "default", System(max_sync_age=timedelta(hours=3, microseconds=1), administrators=("ops",))),
    Resource(
        Kind.DOMAIN,
        "CORP",
        Domain(
            "corp.example.com",
            (Source("dc1"), Source("mim", "identityManager")),
            DomainDirectory(
                LdapEndpoint(
                    url="ldap://dc1",
                    ca_file="/etc/ca.pem",
                    start_tls=True,
                    bind=Bind(user="svc", password_from=SecretReference(env="BIND")),
                ),
                "DC=corp",
            ),
            "reset",
        ),
    ),
    Resource(
        Kind.PASSWORD_FILTER,
        "every",
        PasswordFilter(
            (Case("upper"), Case("lower"), Remove("#@"), Substitute("a", "b"), Pad("end", 8, "#"), Truncate(8))
        ),
    ),
    Resource(Kind.ADAPTER_GROUP, "mainframe", AdapterGroup("Großrechner", "host1")),
    Resource(
        Kind.ADAPTER,
        "racf",
        Adapter(
            ConnectorSpec("racf", OPTIONS),
            filter="every",
            access=Access(("ops",), ("agent",), ("host",)),
            notifications=NotificationPolicy(retry_delay=timedelta(seconds=1.5)),
        ),
        labels={"b": "2", "a": "1"},
        annotations={"pwsync/protect": "true"},
    ),
    Resource(Kind.APPLICATION, "PAYROLL", Application("group", "racf", fields=(CredentialField("User Id"),))),
]
GROUP = Resource(Kind.ADAPTER_GROUP, "mainframe", AdapterGroup("RACF"))


def _by_hand(url: str, statement: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()


def test_every_kind_of_object_is_read_as_it_was_put(store: Store) -> None:
    with store.write() as tx:
        for resource in EVERYTHING:
            tx.resources.put(resource)
    with store.read() as tx:
        assert tx.resources.read() == {resource.key: resource for resource in EVERYTHING}
        assert tx.resources.drifted() == set()


def test_the_generation_grows_when_the_spec_differs_and_not_otherwise(store: Store, clock: SettableClock) -> None:
    generations = []
    for description, label in (("RACF", "a"), ("RACF", "b"), ("z/OS", "b"), ("z/OS", "b")):
        with store.write() as tx:
            tx.resources.put(Resource(Kind.ADAPTER_GROUP, "g", AdapterGroup(description), labels={"x": label}))
            record = tx.resources.describe(Key(Kind.ADAPTER_GROUP, "g"))
        assert record is not None
        assert record.updated_at == clock.now
        generations.append(record.generation)
        clock.advance(seconds=1)
    assert generations == [1, 1, 2, 2]


def test_the_revision_grows_with_every_put_and_remove(store: Store, store_url: str) -> None:
    revisions = []
    for number in range(3):
        with store.write() as tx:
            tx.resources.put(Resource(Kind.ADAPTER_GROUP, "g", AdapterGroup(str(number))))
            revisions.append(tx.resources.revision())
    with store.write() as tx:
        tx.resources.remove(Key(Kind.ADAPTER_GROUP, "g"))
        revisions.append(tx.resources.revision())
    assert revisions == sorted(set(revisions))
    with store.write() as tx:
        tx.resources.put(GROUP)
        before = tx.resources.revision()
    _by_hand(store_url, "UPDATE resources SET labels = '{}'")
    with store.read() as tx:
        assert tx.resources.revision() > before, "changes by hand count too"


def test_the_revision_of_mappings_grows_with_every_change_even_by_hand(store: Store, store_url: str) -> None:
    def revision() -> int:
        with store.read() as tx:
            found = tx.mappings.revision()
        assert found is not None
        return found

    revisions = [revision()]
    with store.write() as tx:
        tx.mappings.put([mapping("alice", "A1"), mapping("bob", "B1")])
    revisions.append(revision())
    with store.write() as tx:
        tx.mappings.remove([mapping("alice", "A1")])
    revisions.append(revision())
    for statement in ("UPDATE mappings SET enabled = NOT enabled", "DELETE FROM mappings"):
        _by_hand(store_url, statement)
        revisions.append(revision())
    assert revisions == sorted(set(revisions))
    with store.write() as tx:
        tx.resources.put(GROUP)
        tx.mappings.put([])
    assert revision() == revisions[-1]


def test_a_removed_object_is_gone_and_removing_it_again_is_no_error(store: Store) -> None:
    with store.write() as tx:
        tx.resources.put(GROUP)
        tx.resources.remove(GROUP.key)
        tx.resources.remove(GROUP.key)
        assert tx.resources.read() == {}
        assert tx.resources.describe(GROUP.key) is None


def test_an_object_altered_by_hand_has_drifted_until_it_is_put_again(store: Store, store_url: str) -> None:
    with store.write() as tx:
        for resource in EVERYTHING:
            tx.resources.put(resource)
    _by_hand(store_url, """UPDATE resources SET spec = replace(spec, 'host1', 'host2') WHERE name = 'mainframe'""")
    group = Key(Kind.ADAPTER_GROUP, "mainframe")
    with store.write() as tx:
        record = tx.resources.describe(group)
        assert record is not None
        assert record.has_drifted
        assert record.resource.spec == AdapterGroup("Großrechner", "host2")
        assert tx.resources.drifted() == {group}
        tx.resources.put(EVERYTHING[3])
        assert tx.resources.drifted() == set()


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ("spec = '{\"description\": 7}'", "description"),
        ("spec = 'not JSON'", "JSON"),
        ("labels = 'not JSON'", "labels or annotations"),
        ("labels = '[]'", "labels or annotations"),
        ("kind = 'Gadget'", "Gadget/mainframe"),
        ("kind = 'Mapping'", "Mapping/mainframe"),
    ],
)
def test_a_row_that_cannot_be_read_is_named_with_its_remedy(
    store: Store, store_url: str, damage: str, words: str
) -> None:
    with store.write() as tx:
        tx.resources.put(GROUP)
    _by_hand(store_url, f"UPDATE resources SET {damage}")  # noqa: S608  # constants of this file
    with store.read() as tx, pytest.raises(StoreUnusable, match=words) as caught:
        tx.resources.read()
    assert "mainframe" in caught.value.message
    assert "pwsync apply" in caught.value.hint


def test_an_object_of_an_unknown_kind_is_named_when_drift_is_looked_for(store: Store, store_url: str) -> None:
    with store.write() as tx:
        tx.resources.put(GROUP)
    _by_hand(store_url, "UPDATE resources SET kind = 'Gadget'")
    with store.read() as tx, pytest.raises(StoreUnusable, match="Gadget/mainframe"):
        tx.resources.drifted()


def test_mappings_are_scanned_in_their_order_by_code_point(store: Store) -> None:
    names = ["zoe", "adam", "éva", "a-b", "ab", "a_b", "\U0001f600x", "\uffeex", "über", "a.b"]
    mappings = [mapping(n, n.upper(), application) for n in names for application in ("b", "B", "a b", "ä", "a")]
    with store.write() as tx:
        tx.mappings.put(mappings)
    with store.read() as tx:
        assert list(tx.mappings.scan()) == sorted(mappings, key=lambda m: m.sort_key)
        assert tx.mappings.count() == len(mappings)


def test_mappings_are_found_page_by_page_in_the_same_order(store: Store) -> None:
    names = ["zoe", "adam", "éva", "a-b", "ab", "\U0001f600x", "\uffeex"]
    mappings = [mapping(n, n.upper(), application) for n in names for application in ("b", "B", "ä")]
    with store.write() as tx:
        tx.mappings.put(mappings)
    found: list[Mapping] = []
    with store.read() as tx:
        while page := tx.mappings.find(MappingQuery(after=found[-1].sort_key if found else ("", "", ""), limit=4)):
            found += page
    assert found == sorted(mappings, key=lambda m: m.sort_key)


def test_mappings_are_found_by_application_and_account(store: Store) -> None:
    alice, bob, host = mapping("alice", "X1"), mapping("bob", "X1", "CRM"), mapping("alice", "X2", "HOSTS")
    with store.write() as tx:
        tx.mappings.put([alice, bob, host])

    def found(**query: object) -> list[Mapping]:
        with store.read() as tx:
            return tx.mappings.find(MappingQuery(**query))  # type: ignore[arg-type]  # of this file

    assert found() == [bob, host, alice]
    assert found(applications=()) == []
    assert found(applications=("PAYROLL", "CRM")) == [bob, alice]
    assert found(windows=WindowsAccount("CORP", "alice")) == [host, alice]
    assert found(external="X1", after=bob.sort_key) == [alice]


def test_putting_a_mapping_again_replaces_it(store: Store) -> None:
    with store.write() as tx:
        tx.mappings.put([mapping("alice", "ALICE1"), mapping("alice", "ALICE1", origin="MappingSet/a", enabled=False)])
        assert list(tx.mappings.scan()) == [mapping("alice", "ALICE1", origin="MappingSet/a", enabled=False)]
        tx.mappings.put(iter([mapping("alice", "ALICE1")]))
        assert list(tx.mappings.scan()) == [mapping("alice", "ALICE1")]
        tx.mappings.put([])
        assert tx.mappings.count() == 1


def test_one_windows_account_may_have_many_external_accounts_of_one_application(store: Store) -> None:
    hosted = [mapping("svc", name, "HOSTS") for name in ("A-1", "A1", "a1", "ä")]
    with store.write() as tx:
        tx.mappings.put(reversed(hosted))
        tx.mappings.put([replace(hosted[1], enabled=False)])
        tx.mappings.remove([hosted[0], mapping("svc", "gone", "HOSTS"), mapping("bob", "ä", "HOSTS")])
    with store.read() as tx:
        left = [replace(hosted[1], enabled=False), *hosted[2:]]
        assert list(tx.mappings.scan()) == left
        assert tx.mappings.of_windows(WindowsAccount("CORP", "svc")) == left
        assert tx.mappings.of_external(["HOSTS"], "a1") == [hosted[2]]


def test_mappings_are_found_by_windows_account_and_by_external_account(store: Store) -> None:
    alice, legacy = mapping("alice", "A1"), mapping("alice", "A1", "LEGACY")
    shared, other = mapping("bob", "A1"), mapping("bob", "A1", "CRM")
    with store.write() as tx:
        tx.mappings.put([shared, alice, legacy, other])
    with store.read() as tx:
        assert tx.mappings.of_windows(WindowsAccount("CORP", "alice")) == [legacy, alice]
        assert tx.mappings.of_windows(WindowsAccount("CORP", "carol")) == []
        assert tx.mappings.of_external(["PAYROLL", "LEGACY"], "A1") == [legacy, alice, shared]
        assert tx.mappings.of_external(["PAYROLL"], "a1") == []
        assert tx.mappings.of_external([], "A1") == []


def test_mappings_are_removed_by_application_and_both_accounts(store: Store) -> None:
    kept = mapping("bob", "B1")
    with store.write() as tx:
        tx.mappings.put([mapping("alice", "A1"), kept])
        tx.mappings.remove([mapping("alice", "A1", enabled=False), mapping("bob", "another"), mapping("nobody", "N")])
        tx.mappings.remove([])
        assert list(tx.mappings.scan()) == [kept]


def test_more_mappings_than_a_batch_are_written_and_streamed(store: Store) -> None:
    mappings = [mapping(f"user{number:05}", f"U{number}") for number in range(25_000)]
    with store.write() as tx:
        tx.mappings.put(mappings)
    with store.read() as tx:
        assert list(tx.mappings.scan()) == mappings
    with store.write() as tx:
        tx.mappings.remove(mappings[:24_999])
        assert list(tx.mappings.scan()) == mappings[24_999:]


def test_a_scan_left_half_read_neither_outlives_its_transaction_nor_holds_its_picture(store: Store) -> None:
    mappings = [mapping(f"user{number:05}", f"U{number}") for number in range(5_000)]
    with store.write() as tx:
        tx.mappings.put(mappings)
    with store.read() as tx:
        half_read = tx.mappings.scan()
        assert next(half_read) == mappings[0]
    with pytest.raises(Exception, match="closed"):
        list(half_read)
    with store.write() as tx:
        tx.mappings.remove(mappings)
    with store.read() as tx:
        assert tx.mappings.count() == 0


def test_time_of_an_object_is_exact_to_the_microsecond(store: Store) -> None:
    with store.write() as tx:
        tx.resources.put(GROUP)
    with store.read() as tx:
        record = tx.resources.describe(GROUP.key)
    assert record is not None
    assert record.updated_at == AT
    assert record.updated_at.utcoffset() == timedelta(0)
