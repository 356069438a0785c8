"""Topologies for tests: short builders, and hypothesis strategies for states of every shape."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from controller.model.accounts import WindowsAccount
from controller.model.filters import Case, Pad, PasswordFilter, Remove, Rule, Substitute, Truncate
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
    Kind,
    Mapping,
    MappingRule,
    NotificationPolicy,
    ReconcilePolicy,
    Resource,
    Source,
    Spec,
    System,
)
from controller.planning.state import State

PROTECTED = {"pwsync/protect": "true"}


def resource(name: str, spec: Spec, **annotations: str) -> Resource:
    """An object whose kind follows from its specification."""
    kinds: dict[type, Kind] = {
        System: Kind.SYSTEM,
        Domain: Kind.DOMAIN,
        PasswordFilter: Kind.PASSWORD_FILTER,
        AdapterGroup: Kind.ADAPTER_GROUP,
        Adapter: Kind.ADAPTER,
        Application: Kind.APPLICATION,
        MappingRule: Kind.MAPPING_RULE,
    }
    return Resource(kinds[type(spec)], name, spec, annotations=annotations)


def system(**policy: Any) -> Resource:
    """The System with a reconcile policy."""
    return resource("default", System(reconcile=ReconcilePolicy(**policy)))


def adapter(name: str, **fields: Any) -> Resource:
    """An adapter with a remote connector."""
    return resource(name, Adapter(ConnectorSpec("remote"), **fields))


def application(name: str, **fields: Any) -> Resource:
    """An application."""
    return resource(name, Application(**fields))


def mapping(application: str, user: str, external: str, *, enabled: bool = True, origin: str = "") -> Mapping:
    """A mapping of a user of the domain CORP."""
    return Mapping(application, WindowsAccount("CORP", user), external, enabled, origin)


def many_mappings(count: int, application: str = "PAYROLL") -> list[Mapping]:
    """That many mappings of one application, in order."""
    return [mapping(application, f"user{n:06}", f"U{n:06}") for n in range(count)]


def state(*subjects: Resource | Mapping) -> State:
    """A state of these objects and mappings."""
    mappings = sorted((s for s in subjects if isinstance(s, Mapping)), key=lambda m: m.sort_key)
    return State({s.key: s for s in subjects if isinstance(s, Resource)}, mappings)


class Streaming:
    """Mappings that can be read again and again but are never a list."""

    def __init__(self, mappings: Iterable[Mapping]) -> None:
        self._mappings = list(mappings)

    def __iter__(self) -> Iterator[Mapping]:
        return iter(self._mappings)


names = st.sampled_from(["a", "b", "c/d", "e.1", "Ä", "z"])
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
principals = st.lists(texts, max_size=2).map(tuple)
durations = st.timedeltas(timedelta(0), timedelta(days=30))
secret_references = st.sampled_from([SecretReference(env="BIND"), SecretReference(file="/run/secret")])
endpoints = st.sampled_from([None, "/etc/ca.pem"]).flatmap(
    lambda ca_file: st.tuples(texts, secret_references).map(
        lambda of: LdapEndpoint(
            url="ldaps://dc.example.com", ca_file=ca_file, bind=Bind(user=of[0], password_from=of[1])
        )
    )
)
rules: st.SearchStrategy[Rule] = st.one_of(
    st.builds(Case, st.sampled_from(["upper", "lower"])),
    st.builds(Remove, texts),
    st.builds(Substitute, texts, texts),
    st.builds(Pad, st.sampled_from(["start", "end"]), st.integers(1, 9), texts),
    st.builds(Truncate, st.integers(1, 9)),
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(2, 9) | texts,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=4,
)
specs: dict[Kind, st.SearchStrategy[Any]] = {
    Kind.SYSTEM: st.builds(
        System,
        from_windows_to_adapters=st.booleans(),
        max_sync_age=durations,
        administrators=principals,
        reconcile=st.builds(ReconcilePolicy, interval=durations, prune=st.booleans()),
    ),
    Kind.DOMAIN: st.builds(
        Domain,
        dns_name=texts,
        sources=st.lists(st.builds(Source, texts), max_size=2).map(tuple),
        directory=st.none() | st.builds(DomainDirectory, endpoints, texts),
    ),
    Kind.PASSWORD_FILTER: st.builds(PasswordFilter, st.lists(rules, max_size=3).map(tuple)),
    Kind.ADAPTER_GROUP: st.builds(AdapterGroup, texts, texts),
    Kind.ADAPTER: st.builds(
        Adapter,
        connector=st.builds(ConnectorSpec, texts, st.dictionaries(texts, json_values, max_size=2)),
        group=st.none() | names,
        access=st.builds(Access, principals, principals),
        notifications=st.builds(NotificationPolicy, st.integers(0, 9), durations),
    ),
    Kind.APPLICATION: st.builds(
        Application,
        type=st.sampled_from(["individual", "group", "hostGroup"]),
        adapter=st.none() | names,
        fields=st.lists(st.builds(CredentialField, texts), max_size=2).map(tuple),
    ),
    Kind.MAPPING_RULE: st.builds(MappingRule, texts, texts, texts, st.none() | texts, delete_all=st.booleans()),
}
annotations = st.dictionaries(st.sampled_from(["pwsync/protect", "note"]), st.sampled_from(["true", "x"]), max_size=2)


@st.composite
def resources(draw: st.DrawFn) -> Resource:
    """An object of any kind."""
    kind = draw(st.sampled_from(list(specs)))
    labels = draw(st.dictionaries(texts, texts, max_size=1))
    return Resource(kind, draw(names), draw(specs[kind]), labels, draw(annotations))


users: st.SearchStrategy[WindowsAccount] = st.builds(
    WindowsAccount, st.sampled_from(["CORP", "LAB", "LAB-2"]), st.sampled_from(["alice", "bob", "émile", "al ice"])
)
externals = st.sampled_from(["X1", "X2", "X3", "Ü"])
mappings = st.builds(Mapping, names, users, externals, st.booleans(), st.sampled_from(["", "M/a"]))
states = st.builds(
    lambda objects, pairs: state(*{o.key: o for o in objects}.values(), *{m.key: m for m in pairs}.values()),
    st.lists(resources(), max_size=6),
    st.lists(mappings, max_size=12),
)
"""Also states that no manifest can declare: a hand may have written into the store."""


@st.composite
def typed_states(draw: st.DrawFn) -> State:
    """Applications of all types, each with mappings as manifests can declare them for it."""
    kinds = {name: draw(st.sampled_from(["individual", "group", "hostGroup"])) for name in ("a", "b", "c", "d")}
    kept: list[Mapping] = []
    for each in draw(st.lists(st.builds(Mapping, st.sampled_from(sorted(kinds)), users, externals, st.booleans()))):
        if all(_fit(kinds[each.application], each, other) for other in kept if other.application == each.application):
            kept.append(each)
    return state(*(application(name, type=kind) for name, kind in kinds.items()), *kept)


def _fit(kind: str, one: Mapping, other: Mapping) -> bool:
    """Whether two mappings of an application of this type may stand beside each other (A6, A8)."""
    if kind == "hostGroup":
        return one.windows == other.windows and one.external != other.external
    return one.windows != other.windows and (one.external == other.external) == (kind == "group")
