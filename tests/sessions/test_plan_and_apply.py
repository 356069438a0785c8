"""Sessions of plan and apply: first time, nothing to do, drift, holds, plan files."""

import json

from tests.sessions.shell import Shell

NOTHING = "Nothing to do: the actual state is as declared.\n"
SYSTEM = "apiVersion: pwsync/v1\nkind: System\nmetadata: {name: default}\n"
DOMAIN = "apiVersion: pwsync/v1\nkind: Domain\nmetadata: {name: CORP}\nspec: {dnsName: corp.example.com}\n"
APPLICATION = "apiVersion: pwsync/v1\nkind: Application\nmetadata: {name: PAYROLL}\n"
SET = (
    "apiVersion: pwsync/v1\nkind: MappingSet\nmetadata: {name: staff}\n"
    "spec: {application: PAYROLL, domain: CORP, csvFile: staff.csv}\n"
)


def declare_staff(shell: Shell, count: int) -> None:
    """Declare that many mappings."""
    shell.write("manifests/all.yaml", f"{SYSTEM}---\n{DOMAIN}---\n{APPLICATION}---\n{SET}")
    rows = "".join(f"user{n:05},U{n:05}\n" for n in range(count))
    shell.write("manifests/staff.csv", f"windows,external\n{rows}")


def test_a_plan_shows_everything_and_writes_nothing(quickstart: Shell) -> None:
    result = quickstart.expect(0, "plan")
    assert "+ Adapter/intranet" in result.out
    assert result.out.endswith("Plan: 14 to create, 0 to update, 0 to replace, 0 to prune.\n")
    assert [path.name for path in quickstart.folder.iterdir()] == ["manifests"]


def test_what_was_applied_is_not_planned_again(quickstart: Shell) -> None:
    first = quickstart.expect(0, "apply", "--yes")
    assert first.out.endswith("Applied: 14 created, 0 updated, 0 replaced, 0 pruned.\n")
    assert quickstart.expect(0, "plan").out == NOTHING
    assert quickstart.expect(0, "apply").out == NOTHING, "nothing to do asks nothing"


def test_what_was_broken_by_hand_is_shown_and_healed(quickstart: Shell) -> None:
    quickstart.expect(0, "apply", "--yes")
    quickstart.alter_store("UPDATE resources SET spec = replace(spec, 'Web server', 'Mine') WHERE name = 'intranet'")
    assert "~ Adapter/intranet (heals drift)" in quickstart.expect(0, "plan").out
    assert "Adapter/intranet           OutOfSync" in quickstart.expect(0, "status").out
    described = quickstart.expect(0, "describe", "adapter", "intranet").out
    assert "Drift:       yes" in described
    assert "drifted: was altered by something other than apply: would update it" in described
    assert "1 updated" in quickstart.expect(0, "apply", "--yes").out
    assert quickstart.expect(0, "plan").out == NOTHING
    assert "Drift:       no" in quickstart.expect(0, "describe", "Adapters", "intranet").out


def test_too_many_prunes_are_held_until_they_are_forced(shell: Shell) -> None:
    declare_staff(shell, 20)
    shell.expect(0, "apply", "--yes")
    declare_staff(shell, 5)
    held = shell.expect(1, "apply", "--yes")
    assert "would prune 15 of 20 mappings (75.0 %)" in held.err
    assert "--force lifts it" in held.err
    assert "nothing was applied" in held.err
    assert "Held: nothing is applied." in shell.expect(0, "plan").out
    assert "15 pruned" in shell.expect(0, "apply", "--yes", "--force").out
    assert shell.expect(0, "plan").out == NOTHING


def test_a_protected_object_is_not_pruned_even_by_force(shell: Shell) -> None:
    protected = APPLICATION.replace("{name: PAYROLL}", '{name: PAYROLL, annotations: {pwsync/protect: "true"}}')
    shell.write("manifests/all.yaml", f"{SYSTEM}---\n{DOMAIN}---\n{protected}")
    shell.expect(0, "apply", "--yes")
    shell.write("manifests/all.yaml", f"{SYSTEM}---\n{DOMAIN}")
    held = shell.expect(1, "apply", "--yes", "--force")
    assert "Application/PAYROLL is protected" in held.err
    assert "--force does not lift it" in held.err


def test_a_plan_file_applies_exactly_what_was_reviewed(quickstart: Shell) -> None:
    quickstart.expect(0, "plan", "--out", "reviewed.json")
    quickstart.write("manifests/corp.yaml", "not: [valid")
    assert "14 created" in quickstart.expect(0, "apply", "--plan", "reviewed.json", "--yes").out
    again = quickstart.expect(1, "apply", "--plan", "reviewed.json", "--yes")
    assert "the actual state has moved on" in again.err
    quickstart.expect(2, "apply", "manifests", "--plan", "reviewed.json")


def test_an_edited_plan_file_is_refused(quickstart: Shell) -> None:
    quickstart.expect(0, "plan", "--out", "reviewed.json")
    path = quickstart.folder / "reviewed.json"
    path.write_text(path.read_text(encoding="utf-8").replace("CORP", "EVIL"), encoding="utf-8")
    assert "damaged, or was edited" in quickstart.expect(1, "apply", "--plan", "reviewed.json", "--yes").err
    assert "cannot be read" in quickstart.expect(1, "apply", "--plan", "missing.json", "--yes").err


def test_the_detailed_exit_code_tells_changes_from_none_and_from_errors(quickstart: Shell) -> None:
    quickstart.expect(2, "plan", "--detailed-exitcode")
    quickstart.expect(0, "apply", "--yes")
    quickstart.expect(0, "plan", "--detailed-exitcode")
    quickstart.expect(1, "plan", "--detailed-exitcode", "no/such/folder")


def test_standard_input_is_a_manifest_too(quickstart: Shell) -> None:
    manifest = f"{SYSTEM}---\n{DOMAIN}"
    assert "Plan: 2 to create" in quickstart.expect(0, "plan", "-", stdin=manifest).out
    assert "there are no manifests" in quickstart.expect(1, "plan", "-", stdin="").err


def test_scripts_read_the_plan_as_json(quickstart: Shell) -> None:
    document = json.loads(quickstart.expect(0, "plan", "--format", "json").out)
    assert document["summary"] == {"create": 14, "update": 0, "replace": 0, "prune": 0}
    assert "| create | 7 | 7 |" in quickstart.expect(0, "plan", "--format", "markdown").out


def test_without_a_terminal_apply_does_not_guess_the_answer(quickstart: Shell) -> None:
    refused = quickstart.expect(1, "apply", stdin="yes\n")
    assert "no terminal" in refused.err
    assert "--yes" in refused.err
    assert "Plan: 14 to create" in quickstart.expect(0, "plan").out


def test_global_options_may_stand_before_or_after_the_command(quickstart: Shell) -> None:
    quickstart.expect(0, "--state-dir", "elsewhere", "apply", "--yes")
    assert quickstart.expect(0, "plan", "--state-dir=elsewhere").out == NOTHING
    assert not (quickstart.folder / ".pwsync").exists()
    quickstart.variables["PWSYNC_STATE_DIR"] = "elsewhere"
    assert quickstart.expect(0, "plan").out == NOTHING
    database = f"sqlite:///{quickstart.folder}/other.db"
    assert "14 created" in quickstart.expect(0, "apply", "--yes", "--database", database).out
