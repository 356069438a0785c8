"""Who may do what, worked out from the topology alone."""

from datetime import UTC, datetime

import pytest

from controller.model.accounts import ExternalAccount, WindowsAccount
from controller.model.change import PasswordChange
from controller.model.errors import Refused
from controller.model.topology import Access, Adapter, Application, ConnectorSpec, Domain, Source, System
from controller.pipeline.roles import (
    ALLOWED,
    Action,
    Role,
    adapters_seen,
    applications_seen,
    as_told,
    reach_of,
    standing_of,
)
from controller.pipeline.topology import Topology
from controller.ports.reach import Reach

ACCESS = Access(("keeper",), ("agent", "both"), ("receiver", "both"))
TOPOLOGY = Topology(
    system=System(administrators=("ops",), affiliate_administrators=("desk",)),
    domains={"CORP": Domain("corp.example.com", (Source("dc1"), Source("mim", "identityManager")))},
    adapters={
        "on": Adapter(ConnectorSpec("remote"), access=ACCESS),
        "off": Adapter(ConnectorSpec("remote"), access=ACCESS, enabled=False),
    },
    applications={
        "APP": Application(adapter="on", access=Access(("owner",), ("CORP\\staff",))),
        "LONE": Application(access=Access(("owner",), lookups=("payroll",))),
    },
)


@pytest.mark.parametrize(
    ("principal", "roles"),
    [
        ("ops", {Role.ADMINISTRATOR: {"default"}}),
        ("desk", {Role.AFFILIATE_ADMINISTRATOR: {"default"}}),
        ("dc1", {Role.SOURCE: {"CORP"}}),
        ("mim", {Role.SOURCE: {"CORP"}}),
        ("owner", {Role.APPLICATION_ADMINISTRATOR: {"APP", "LONE"}}),
        ("keeper", {Role.ADAPTER_ADMINISTRATOR: {"on", "off"}}),
        ("agent", {Role.ADAPTER_USER: {"on"}}),
        ("payroll", {Role.CREDENTIAL_READER: {"LONE"}}),
        ("both", {Role.ADAPTER_USER: {"on"}, Role.ADAPTER_RECEIVER: {"on"}}),
        ("CORP\\staff", {}),
        ("OPS", {}),
        ("", {}),
    ],
)
def test_roles_are_those_that_objects_give(principal: str, roles: dict[Role, set[str]]) -> None:
    standing = standing_of(TOPOLOGY, principal)
    assert dict(standing.roles) == roles
    assert {role: standing.over(role) for role in Role if standing.over(role)} == roles
    assert standing.has_administrators
    assert standing.is_administrator == (principal == "ops")


def test_nobody_has_a_role_where_nothing_is_declared() -> None:
    standing = standing_of(Topology(), "ops")
    assert (standing.roles, standing.has_administrators) == ({}, False)


@pytest.mark.parametrize("action", list(Action))
def test_an_action_is_allowed_to_whoever_has_one_role_for_it(action: Action) -> None:
    holders = {"ops", "desk", "dc1", "owner", "keeper", "agent", "receiver", "payroll"}
    allowed = {principal for principal in holders if standing_of(TOPOLOGY, principal).may(action)}
    assert allowed == {p for p in holders if any(action in ALLOWED[role] for role in standing_of(TOPOLOGY, p).roles)}
    assert allowed, "an action that nobody may do"


def test_what_no_role_allows_is_refused_and_says_whether_there_is_a_role_at_all() -> None:
    standing_of(TOPOLOGY, "ops").check(Action.READ_STATUS)
    with pytest.raises(Refused) as of_source:
        standing_of(TOPOLOGY, "dc1").check(Action.READ_STATUS)
    with pytest.raises(Refused) as of_stranger:
        standing_of(TOPOLOGY, "stranger").check(Action.READ_CHANGES)
    assert (of_source.value.reason, of_stranger.value.reason) == ("notAllowed", "noRole")


@pytest.mark.parametrize(
    ("principal", "reach"),
    [
        ("ops", None),
        ("dc1", Reach(caller="dc1")),
        ("agent", Reach(caller="agent")),
        ("receiver", Reach()),
        ("keeper", Reach(lanes=("adapter/off", "adapter/on"))),
        ("owner", Reach(applications=(("APP", "adapter/on"), ("LONE", "")))),
        ("desk", Reach()),
        ("stranger", Reach()),
    ],
)
def test_everybody_sees_as_far_as_the_roles_go(principal: str, reach: Reach | None) -> None:
    assert reach_of(TOPOLOGY, standing_of(TOPOLOGY, principal)) == reach


@pytest.mark.parametrize(
    ("principal", "adapters", "applications"),
    [
        ("ops", None, None),
        ("desk", frozenset(), None),
        ("owner", frozenset(), {"APP", "LONE"}),
        ("keeper", {"on", "off"}, frozenset()),
        ("agent", frozenset(), frozenset()),
    ],
)
def test_objects_are_seen_as_far_as_the_roles_go(
    principal: str, adapters: set[str] | None, applications: set[str] | None
) -> None:
    standing = standing_of(TOPOLOGY, principal)
    assert (adapters_seen(standing), applications_seen(standing)) == (adapters, applications)


@pytest.mark.parametrize(
    ("principal", "caller", "reason", "told"),
    [
        ("agent", "agent", "damped", "notNew"),
        ("agent", "agent", "stale", "notNew"),
        ("agent", "agent", "noMapping", "noMapping"),
        ("agent", "agent", "", ""),
        ("owner", "agent", "stale", "stale"),
        ("keeper", "keeper", "damped", "damped"),
        ("ops", "ops", "damped", "damped"),
    ],
)
def test_who_only_reported_a_change_is_not_told_whether_the_password_is_in_force(
    principal: str, caller: str, reason: str, told: str
) -> None:
    standing = standing_of(TOPOLOGY, principal)
    received = datetime(2026, 1, 1, tzinfo=UTC)
    change = PasswordChange("id", ExternalAccount("on", "ALICE1"), caller, None, None, None, received, reason=reason)

    assert as_told(standing, change).reason == told


def test_an_adapter_s_administrator_who_is_a_source_is_told_no_more_of_windows_changes() -> None:
    standing = standing_of(TOPOLOGY, "keeper")
    account, received = WindowsAccount("CORP", "alice"), datetime(2026, 1, 1, tzinfo=UTC)
    change = PasswordChange("id", account, "keeper", None, None, None, received, reason="damped")

    assert as_told(standing, change).reason == "notNew"
