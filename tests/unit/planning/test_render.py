"""Plans as text, JSON and Markdown."""

import json

from controller.model.topology import AdapterGroup
from controller.planning.plan import Plan, make_plan
from controller.planning.render import escaped, render_json, render_markdown, render_text
from controller.planning.safety import Hold
from tests.doubles.topologies import adapter, application, many_mappings, mapping, resource, state, system


def _plan() -> Plan:
    actual = state(
        application("PAYROLL"),
        resource("old", AdapterGroup()),
        adapter("racf"),
        mapping("PAYROLL", "carl", "C1"),
    )
    desired = state(
        application("PAYROLL", type="group"),
        adapter("racf", enabled=False, description="PROD | `1`"),
        adapter("new", group="g"),
        mapping("PAYROLL", "alice", "A1", enabled=False),
    )
    return make_plan(actual, desired, drifted={adapter("racf").key}, warnings=["careful"])


TEXT = r"""
  - AdapterGroup/old
  + Adapter/new
      connector.type: remote
      group: g
  ~ Adapter/racf (heals drift)
      description: "" -> PROD | `1`
      enabled: true -> false
-/+ Application/PAYROLL (stored credentials are lost)
      type: individual -> group
  + Mapping PAYROLL: CORP\alice <-> A1 (disabled)
  - Mapping PAYROLL: CORP\carl <-> C1

Warning: careful
Held: replacing Application/PAYROLL would lose the stored credentials of its mappings (1)
      type and fields never change after creation: declare a new application, or use --force
Plan: 2 to create, 1 to update, 1 to replace, 2 to prune. Held: nothing is applied.
""".removeprefix("\n")

MARKDOWN = r"""
**Plan: 2 to create, 1 to update, 1 to replace, 2 to prune. Held: nothing is applied.**

| action | objects | mappings |
|---|---:|---:|
| create | 1 | 1 |
| update | 1 | 0 |
| replace | 1 | 0 |
| prune | 1 | 1 |

0 people lose synchronisation, 0 gain it; the stored credentials of 1 account are deleted.

| application | lose | gain | directions | credentials deleted |
|---|---:|---:|---|---:|
| PAYROLL | 0 | 0 | none | 1 |

- :no_entry: HOLD

- :warning: careful

<details>
<summary>to create: 2</summary>

```diff
+ Adapter/new
    connector.type: remote
    group: g
+ Mapping PAYROLL: CORP\alice <-> A1 (disabled)
```

</details>
""".removeprefix("\n")


def test_text_shows_each_change_with_its_fields() -> None:
    assert render_text(_plan(), colour=False) == TEXT


def test_colour_is_only_written_on_demand() -> None:
    coloured = render_text(_plan(), colour=True)
    assert "\x1b[32m  +\x1b[0m Adapter/new\n" in coloured
    assert "\x1b" not in render_text(_plan())


def test_nothing_to_do_is_said_in_words() -> None:
    assert render_text(make_plan(state(system()), state(system()))) == (
        "Nothing to do: the actual state is as declared.\n"
    )
    assert "Nothing to do" in render_markdown(make_plan(state(), state()))


def test_differences_that_are_left_are_not_called_nothing() -> None:
    keep = system(prune=False)
    plan = make_plan(state(keep, adapter("a")), state(keep))
    assert render_text(plan) == (
        "Warning: Adapter/a is no longer declared, but kept: prune is false in the System\n"
        "Nothing to do, but some differences are left as they are (see the warnings).\n"
    )


def test_a_held_plan_without_changes_is_shown_as_held() -> None:
    plan = Plan((), (Hold("emptyDesired", "nothing", "look"),), (), "", "")
    assert render_text(plan).endswith("0 to prune. Held: nothing is applied.\n")


def test_many_mappings_are_counted_not_listed() -> None:
    plan = make_plan(state(), state(*many_mappings(10_000)))
    lines = render_text(plan).splitlines()
    assert lines[50] == "    ... and 9,950 more mappings (use --format json for all)"
    assert lines[-1] == "Plan: 10,000 to create, 0 to update, 0 to replace, 0 to prune."
    assert "... and 9,950 more mappings" in render_markdown(plan)


def test_names_cannot_rewrite_the_terminal() -> None:
    text = render_text(make_plan(state(), state(mapping("A\x1b[2J", "bob", "x\u202ey"))))
    assert r"A\x1b[2J: CORP\bob <-> x\u202ey" in text


def test_json_has_everything() -> None:
    document = json.loads(render_json(_plan()))
    assert document["summary"] == {"create": 2, "update": 1, "replace": 1, "prune": 2}
    assert document["isHeld"] is True
    update = next(c for c in document["changes"] if c["action"] == "update")
    assert (update["kind"], update["name"], update["healsDrift"]) == ("Adapter", "racf", True)
    assert update["fields"][1] == {"path": "enabled", "before": True, "after": False}
    assert update["after"]["spec"]["enabled"] is False
    assert len(json.loads(render_json(make_plan(state(), state(*many_mappings(100)))))["changes"]) == 100


def test_markdown_is_a_comment_for_a_merge_request() -> None:
    hold = _plan().holds[0]
    assert render_markdown(_plan()).startswith(MARKDOWN.replace("HOLD", f"{hold.message} ({hold.hint})"))


def test_markdown_fences_are_longer_than_any_run_of_backticks_inside() -> None:
    plan = make_plan(state(), state(adapter("a", description="``` </details> | `````")))
    shown = render_markdown(plan)
    assert "\n``````diff\n" in shown
    assert shown.endswith("\n``````\n\n</details>\n")


def test_markdown_in_messages_is_only_text() -> None:
    assert escaped("a|b `c` <d> @e") == r"a\|b \`c\` \<d\> \@e"
    assert r"\|" in render_markdown(make_plan(state(), state(), warnings=["a|b"]))


def test_json_has_no_raw_control_character() -> None:
    every = "".join(map(chr, [*range(32), 127, *range(128, 160), 0x202E]))
    plan = Plan(changes=(), holds=(), warnings=(every,), actual_digest="", desired_digest="")

    rendered = render_json(plan)

    assert all(c.isprintable() or c == "\n" for c in rendered)
    assert json.loads(rendered)["warnings"] == [every]


def test_a_mapping_that_a_rule_made_names_it() -> None:
    made = mapping("PAYROLL", "alice", "A1", origin="MappingRule/from-ad")
    text = render_text(make_plan(state(application("PAYROLL")), state(application("PAYROLL"), made)))
    assert r"+ Mapping PAYROLL: CORP\alice <-> A1 (by MappingRule/from-ad)" in text
