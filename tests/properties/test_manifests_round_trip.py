"""Laws of manifests: what is exported reads back as the same state; whatever is read is read or refused."""

from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from controller.manifests.export import dump_yaml, export_state
from controller.manifests.loading import Loader
from controller.manifests.problems import ManifestErrors
from controller.manifests.reader import read_manifests
from controller.model.accounts import WindowsAccount
from controller.model.audit import AuditPolicy
from controller.model.filters import Case, Pad, PasswordFilter, Remove, Substitute, Truncate
from controller.model.options import Bind, LdapEndpoint, SecretReference
from controller.model.topology import (
    AcceptedSources,
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
    RateLimit,
    ReconcilePolicy,
    Resource,
    Source,
    System,
)
from controller.model.verification import LONGEST_PERIOD, SHORTEST_PERIOD, VerificationPolicy
from controller.planning.state import State
from tests.unit.manifests.catalogue import FakeCatalogue

tricky = st.sampled_from(
    ["0123", "NO", "yes", "null", "~", "1e5", "12:30", "2024-01-01", "<<", "=", "a: b", "- a", "#", "%"]
)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | tricky
filled = texts.filter(bool)
names = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,8}[A-Za-z0-9])?", fullmatch=True) | st.sampled_from(
    ["0123", "no", "1e5"]
)
paths = st.from_regex(r"/nowhere/[a-z0-9 :#]{1,8}", fullmatch=True)
seconds = st.integers(0, 10**7).map(lambda count: timedelta(seconds=count))
some_time = st.integers(1, 10**7).map(lambda count: timedelta(seconds=count))


def whole(duration: timedelta) -> timedelta:
    """Manifests write no fractions of seconds."""
    return timedelta(seconds=duration // timedelta(seconds=1))


percents = st.integers(0, 100)
counts = st.integers(0, 10**6)
levels = st.integers(0, 3)
domain_names = st.from_regex(r"[A-Z0-9][A-Z0-9-]{0,9}", fullmatch=True).filter(lambda name: name != "BUILTIN")
switch = st.booleans()


def several(elements: st.SearchStrategy[Any], **limits: Any) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(elements, max_size=3, **limits).map(tuple)


systems = st.builds(
    System,
    max_sync_age=some_time,
    retention=some_time,
    damping_window=seconds,
    administrators=several(filled),
    affiliate_administrators=several(filled),
    sources=st.builds(AcceptedSources, st.booleans(), st.booleans()),
    audit=st.builds(AuditPolicy, levels, levels, some_time, counts, counts, counts),
    credential_lookups=st.builds(RateLimit, st.integers(1, 1000), some_time),
    credential_verification=st.builds(
        VerificationPolicy, switch, st.timedeltas(SHORTEST_PERIOD, LONGEST_PERIOD).map(whole), st.integers(1, 100)
    ),
    reconcile=st.builds(ReconcilePolicy, some_time, switch, switch, percents, percents),
)
secret_references = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]*", fullmatch=True).map(
    lambda name: SecretReference(env=name)
) | paths.map(lambda path: SecretReference(file=path))


@st.composite
def endpoints(draw: st.DrawFn) -> LdapEndpoint:
    start_tls = draw(switch)
    return LdapEndpoint(
        url="ldap://dc1" if start_tls else "ldaps://dc1",
        ca_file=draw(st.none() | paths),
        start_tls=start_tls,
        bind=Bind(user=draw(texts), password_from=draw(secret_references)),
    )


domains = st.builds(
    Domain,
    dns_name=filled,
    sources=several(st.builds(Source, filled, st.sampled_from(["domainController", "identityManager"]))),
    directory=st.none() | st.builds(DomainDirectory, endpoints(), filled),
    password_change=st.sampled_from(["change", "reset"]),
)
characters = st.characters(exclude_categories=["Cs"])
rules = st.one_of(
    st.builds(Case, st.sampled_from(["upper", "lower"])),
    st.builds(Remove, st.text(characters, min_size=1, max_size=9)),
    st.dictionaries(characters, characters, min_size=1, max_size=9).map(
        lambda pairs: Substitute("".join(pairs), "".join(pairs.values()))
    ),
    st.builds(Pad, st.sampled_from(["start", "end"]), st.integers(1, 256), characters),
    st.builds(Truncate, st.integers(1, 256)),
)
filters = st.builds(PasswordFilter, several(rules))
groups = st.builds(AdapterGroup, texts, texts)
access = st.builds(Access, several(filled), several(filled))
connectors = st.one_of(
    st.just(ConnectorSpec("remote")),
    st.builds(lambda path: ConnectorSpec("htpasswd", {"file": path, "scheme": "argon2id"}), paths),
    st.builds(lambda path: ConnectorSpec("htpasswd", {"file": path}), paths),
    st.builds(lambda name: ConnectorSpec("tree", {"name": name, "children": [{"name": "0123"}]}), texts),
)
credential_fields = st.lists(filled, min_size=1, max_size=4, unique=True).flatmap(
    lambda labels: st.tuples(
        *(st.builds(CredentialField, st.just(label), switch) for label in labels[:-1]),
        st.builds(CredentialField, st.just(labels[-1]), switch, switch if len(labels) > 1 else st.just(False)),
    )
)


def application_users(domains_there: list[str]) -> st.SearchStrategy[tuple[str, ...]]:
    """Windows accounts and groups."""
    if not domains_there:
        return st.just(())
    return several(st.builds("{}\\{}".format, st.sampled_from(domains_there), users))


def applications(adapters: list[str], domains_there: list[str]) -> st.SearchStrategy[Application]:
    made = st.builds(
        Application,
        type=st.sampled_from(["individual", "group", "hostGroup"]),
        adapter=st.none() | st.sampled_from(adapters) if adapters else st.none(),
        direct_password_sync=switch,
        access=st.builds(Access, several(filled), application_users(domains_there)),
        contact=texts,
        fields=credential_fields,
    )
    return made.filter(lambda app: not (app.adapter and app.direct_password_sync)).filter(
        lambda app: app.password_field is not None or (app.adapter is None and not app.direct_password_sync)
    )


def adapters(groups_there: list[str], filters_there: list[str]) -> st.SearchStrategy[Adapter]:
    return st.builds(
        Adapter,
        connector=connectors,
        description=texts,
        group=st.sampled_from(groups_there) if groups_there else st.none(),
        filter=st.sampled_from(filters_there) if filters_there else st.none(),
        access=access,
        notifications=st.builds(NotificationPolicy, st.integers(0, 1000), seconds, st.integers(1, 99), switch),
    )


@st.composite
def states(draw: st.DrawFn) -> State:
    """Draw a state that manifests could have declared."""
    resources: dict[Any, Resource] = {}

    def declare(
        kind: Kind, name_strategy: st.SearchStrategy[str], specs: st.SearchStrategy[Any], most: int = 2
    ) -> list[str]:
        declared = draw(st.lists(name_strategy, max_size=most, unique=True))
        for name in declared:
            notes = draw(st.dictionaries(texts, texts, max_size=2))
            protected = {"pwsync/protect": "true"} if draw(switch) else {}
            resource = Resource(kind, name, draw(specs), labels=notes, annotations=protected)
            resources[resource.key] = resource
        return declared

    declare(Kind.SYSTEM, st.just("default"), systems, 1)
    domains_there = declare(Kind.DOMAIN, domain_names, domains)
    filters_there = declare(Kind.PASSWORD_FILTER, names, filters)
    groups_there = declare(Kind.ADAPTER_GROUP, names, groups)
    # An adapter of a group's name would be its group adapter, to which nothing belongs.
    others = names.filter(lambda name: name not in groups_there)
    adapters_there = declare(Kind.ADAPTER, others, adapters(groups_there, filters_there))
    applications_there = declare(Kind.APPLICATION, names, applications(adapters_there, domains_there))
    specs = {name: resources[Key(Kind.APPLICATION, name)].spec for name in applications_there}
    types: dict[str, str] = {name: spec.type for name, spec in specs.items() if isinstance(spec, Application)}
    mappings = _mappings(draw, domains_there, types)
    return State(resources, tuple(sorted(mappings, key=lambda mapping: mapping.sort_key)))


users = st.from_regex(r"[a-z0-9][a-z0-9. _-]{0,8}", fullmatch=True).map(lambda name: f"u{name}") | st.sampled_from(
    ["0123", "no", "1e5", "~"]
)
externals = filled.map(lambda text: "".join(c for c in text if c.isprintable()).strip()).filter(bool)


def _mappings(draw: st.DrawFn, domains_there: list[str], types: dict[str, str]) -> list[Mapping]:
    mappings: list[Mapping] = []
    for application, type_ in types.items() if domains_there else []:
        domain = draw(st.sampled_from(domains_there))
        for user, external in draw(PAIRS[type_]):
            account = WindowsAccount(domain, user)
            derived = f"Mapping/{application}/{account}"
            named = f"Mapping/m{len(mappings)}"
            origin = draw(st.sampled_from([derived, named, f"MappingSet/{application}"]))
            mappings.append(Mapping(application, account, external, draw(switch), origin))
    return mappings


PAIRS: dict[str, st.SearchStrategy[list[tuple[str, str]]]] = {
    "individual": st.lists(
        st.tuples(users, externals), max_size=4, unique_by=(lambda pair: pair[0], lambda pair: pair[1])
    ),
    "group": st.builds(
        lambda names, shared: [(user, shared) for user in names], st.lists(users, max_size=4, unique=True), externals
    ),
    "hostGroup": st.builds(
        lambda host, names: [(host, name) for name in names], users, st.lists(externals, max_size=4, unique=True)
    ),
}
"""Windows and external accounts that an application of each type may map."""


@given(states().filter(lambda state: state.resources))
@settings(deadline=None, max_examples=40)
def test_an_exported_state_reads_back_as_itself(state: State) -> None:
    text = dump_yaml(export_state(state))
    read = read_manifests(["-"], FakeCatalogue(), stdin=text).state
    assert dict(read.resources) == dict(state.resources)
    assert list(read.mappings) == list(state.mappings)
    assert dump_yaml(export_state(read)) == dump_yaml(export_state(State(dict(read.resources), state.mappings)))


values = st.recursive(
    st.none() | switch | st.integers(-(10**17), 10**17) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(texts, values, min_size=1, max_size=4))
def test_written_yaml_reads_back_as_the_same_value(value: dict[str, Any]) -> None:
    loader = Loader("f", "/")
    (document,) = loader.documents(dump_yaml([value]))
    assert loader.problems == []
    assert document.value == value


def _paths(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for step, child in inner for found in _paths(child, (*path, step)))]


@given(st.dictionaries(texts, values, min_size=1, max_size=4))
def test_the_places_of_nodes_grow_with_the_text(value: dict[str, Any]) -> None:
    (document,) = Loader("f", "/").documents(dump_yaml([value]))
    places = [document.place(path) for path in _paths(value)]
    assert places == sorted(places)
    leaves = [document.place(path) for path in _paths(value) if not isinstance(_at(value, path), dict | list)]
    assert len(set(leaves)) == len(leaves)


def _at(value: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        value = value[step]
    return value


pieces = st.sampled_from(
    [
        *["apiVersion: pwsync/v1\n", "kind: Adapter\n", "kind: Mapping\n", "kind: MappingSet\n", "metadata: "],
        *["spec:\n", "{name: a}", "connector: ", "{type: choice, anything: ", "rules: uc/\n", "application: A\n"],
        *["domain: C\n", "mappings: ", "[{windows: a, external: b}]\n", "  ", "\t", "\n", "---\n", "- ", "? ", ": "],
        *["{", "}", "[", "]", ",", "&a ", "*a ", "<<: ", "!x ", "|\n", "'", '"', "0123", "yes", "é", "\x85"],
    ]
)
line_ends = ["\n", "\r", "\x85", "\u2028", "\u2029"]


@given(st.lists(pieces, max_size=20).map("".join) | st.text(max_size=40))
def test_any_text_is_read_or_refused_with_places_inside_it(text: str) -> None:
    try:
        problems = read_manifests(["-"], FakeCatalogue(), stdin=text).warnings
    except ManifestErrors as error:
        problems = error.problems
    lines = sum(text.count(end) for end in line_ends) + 2  # the parser may complain at the line after the last
    for problem in problems:
        assert problem.place.file == "<stdin>"
        assert 1 <= problem.place.line <= lines
        assert problem.place.column >= 1
        assert problem.message
