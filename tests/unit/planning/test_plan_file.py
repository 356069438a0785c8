"""Plan files."""

import json
from typing import Any

import pytest

from controller.model.errors import InvalidInput
from controller.model.options import Bind, LdapEndpoint, SecretReference
from controller.model.topology import Domain, DomainDirectory
from controller.planning.change import Replace, Update
from controller.planning.encoding import canonical
from controller.planning.plan import Plan, make_plan
from controller.planning.plan_file import _checksum, dump_plan, load_plan
from controller.planning.safety import Hold
from tests.doubles.topologies import adapter, application, many_mappings, mapping, resource, state, system


def _plan() -> Plan:
    actual = state(system(), application("PAYROLL"), mapping("PAYROLL", "alice", "A1"))
    bind = Bind(user="svc", password_from=SecretReference(env="BIND"))
    directory = DomainDirectory(LdapEndpoint(url="ldaps://dc1", bind=bind), "DC=corp")
    corp = resource("CORP", Domain("corp.example.com", directory=directory))
    desired = state(
        corp, adapter("racf", group="g"), application("PAYROLL", type="group"), mapping("PAYROLL", "bob", "B")
    )
    return make_plan(actual, desired, drifted={system().key}, warnings=["careful"])


def _edited(**fields: Any) -> str:
    body = json.loads(dump_plan(_plan()))["plan"] | fields
    return json.dumps({"format": "pwsync-plan", "version": 1, "checksum": _checksum(body), "plan": body})


def _refusal(text: str) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        load_plan(text, "plan.json")
    assert caught.value.message.startswith("plan.json:")
    assert caught.value.hint
    return caught.value


def test_a_plan_comes_back_as_it_was() -> None:
    assert load_plan(dump_plan(_plan()), "plan.json") == _plan()


def test_the_same_plan_gives_the_same_file() -> None:
    assert dump_plan(_plan()) == dump_plan(_plan())


def test_a_plan_file_of_ten_thousand_mappings_comes_back() -> None:
    plan = make_plan(state(), state(*many_mappings(10_000)))
    assert load_plan(dump_plan(plan), "plan.json") == plan


def test_an_edited_file_is_refused() -> None:
    text = dump_plan(_plan()).replace("A1", "A2")
    assert "damaged, or was edited" in _refusal(text).message


def test_a_cut_file_is_refused_with_its_place() -> None:
    error = _refusal('{\n "format": ')
    assert error.message == "plan.json:2:12: not JSON (Expecting value)"


@pytest.mark.parametrize("text", ["[" * 200_000, '{"n": ' + "1" * 5000 + "}"])
def test_json_that_cannot_be_read_is_refused(text: str) -> None:
    assert "not JSON that can be read" in _refusal(text).message


@pytest.mark.parametrize("text", ["[]", "{}", '{"format": "terraform", "version": 1}', '{"format": "pwsync-plan"}'])
def test_a_foreign_file_is_refused(text: str) -> None:
    assert _refusal(text).message == "plan.json: not a plan file"


def test_a_file_of_a_newer_version_is_refused() -> None:
    error = _refusal('{"format": "pwsync-plan", "version": 2}')
    assert "version 2, this pwsync reads version 1" in error.message


_RESOURCE = {"kind": "Adapter", "name": "a", "labels": {}, "annotations": {}, "spec": {}}
_GROUP = _RESOURCE | {"kind": "AdapterGroup", "spec": {"description": "hunter2", "computer": ""}}
_MAPPING = {"kind": "Mapping", "application": "A", "windows": "CORP\\a", "external": "x", "enabled": True, "origin": ""}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"more": 1}, "plan.json: expected exactly the fields"),
        ({"changes": {}}, "plan.json: changes: not a list"),
        ({"changes": [1]}, "plan.json: changes[0]: not a change"),
        ({"changes": [{"action": "create", "after": 1}]}, "plan.json: changes[0].after: not an object"),
        (
            {"changes": [{"action": "prune", "before": _MAPPING | {"enabled": 1}}]},
            "plan.json: changes[0].before: not a mapping",
        ),
        (
            {"changes": [{"action": "prune", "before": _MAPPING | {"windows": "alice"}}]},
            "plan.json: changes[0].before: not a mapping",
        ),
        (
            {"changes": [{"action": "update", "before": _MAPPING, "after": _MAPPING | {"application": "B"}}]},
            "plan.json: changes[0]: before and after are not the same object",
        ),
        (
            {"changes": [{"action": "replace", "before": _MAPPING, "after": _MAPPING | {"application": "B"}}]},
            "plan.json: changes[0]: before and after are not the same object",
        ),
        (
            {"changes": [{"action": "create", "after": _RESOURCE | {"kind": "Robot"}}]},
            "plan.json: changes[0].after: not an object that this version knows",
        ),
        (
            {"changes": [{"action": "create", "after": _RESOURCE}]},
            "plan.json: changes[0].after.spec: expected exactly the fields connector, description",
        ),
        (
            {"changes": [{"action": "create", "after": _RESOURCE | {"kind": "PasswordFilter", "spec": {"rules": 1}}}]},
            "plan.json: changes[0].after.spec.rules: not a list",
        ),
        (
            {
                "changes": [
                    {"action": "create", "after": _RESOURCE | {"kind": "PasswordFilter", "spec": {"rules": [{"a": 1}]}}}
                ]
            },
            "plan.json: changes[0].after.spec.rules[0]: not a value that this version knows",
        ),
        (
            {
                "changes": [
                    {
                        "action": "create",
                        "after": _RESOURCE
                        | {"kind": "AdapterGroup", "spec": {"description": "hunter2", "computer": 7}},
                    }
                ]
            },
            "plan.json: changes[0].after.spec.computer: Input should be a valid string",
        ),
        (
            {"changes": [{"action": "create", "after": _GROUP | {"labels": {"a": 1}}}]},
            "plan.json: changes[0].after.labels.a: Input should be a valid string",
        ),
        ({"holds": [{}]}, "plan.json: holds[0]: not a hold"),
        ({"warnings": [1]}, "plan.json: warnings[0]: not text"),
        ({"filters": [{}]}, "plan.json: filters[0]: not what a filter did"),
        ({"drifted": ["x"]}, "plan.json: drifted[0]: not the name of an object"),
    ],
)
def test_a_file_of_the_wrong_shape_is_refused_with_its_place(fields: dict[str, Any], message: str) -> None:
    assert _refusal(_edited(**fields)).message.startswith(message)


def test_a_mapping_that_moves_to_another_external_account_comes_back() -> None:
    before, after = (state(application("PAYROLL"), mapping("PAYROLL", "alice", external)) for external in ("A1", "A2"))
    plan = make_plan(before, after)
    assert [type(change) for change in plan.changes] == [Replace]
    assert load_plan(dump_plan(plan), "plan.json") == plan


def test_holds_come_back() -> None:
    hold = Hold("protected", "m", "h", can_force=False)
    plan = Plan((Update(adapter("a"), adapter("a", enabled=False)),), (hold,), (), "sha256:1", "sha256:2")
    assert load_plan(dump_plan(plan), "plan.json") == plan


def test_canonical_json_is_sorted_and_ascii() -> None:
    assert canonical({"b": "ä", "a": [1, None]}) == b'{"a":[1,null],"b":"\\u00e4"}'
