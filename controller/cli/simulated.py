"""The result of a simulation, as JSON and for a person."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from controller.cli.output import show, show_table
from controller.cli.simulated_policies import policy_lines
from controller.views.records import account_view

if TYPE_CHECKING:
    from controller.model.accounts import Account
    from controller.model.events import RecordedEvent
    from controller.pipeline.fates import Fate
    from controller.pipeline.simulation import Simulated
    from controller.planning.filter_trials import FilterTrial

SYNTHETIC = "the password is made up; nobody has it, so no account has it in force"
EASY_TARGETS = (
    "every target can be reached, and takes what the limits of its connector and its policy, as far as known, allow"
)


def simulated_view(
    account: "Account",
    result: "Simulated",
    trials: "Sequence[FilterTrial]",
    policies: "Sequence[Mapping[str, Any]]",
    doubts: "Sequence[str]",
    *,
    is_synthetic: bool,
) -> dict[str, Any]:
    """See the help of ``simulate windows`` for the fields."""
    from controller.planning.filter_trials import encode_trial

    change, refusal = result.change, result.refusal
    return {
        **account_view(account),
        "isSynthetic": is_synthetic,
        "assumptions": [*([SYNTHETIC] if is_synthetic else []), EASY_TARGETS],
        "warnings": list(doubts),
        "accepted": refusal is None,
        "state": change.state.value if change is not None else "refused",
        "reason": change.reason if change is not None else getattr(refusal, "reason", refusal.code if refusal else ""),
        "message": change.message if change is not None else str(refusal),
        "fates": [_fate_view(fate) for fate in result.fates],
        "policies": list(policies),
        "filters": [encode_trial(trial) for trial in trials],
        "events": [_event_view(event) for event in result.events],
    }


def _fate_view(fate: "Fate") -> dict[str, Any]:
    mapping = fate.mapping
    return {
        **(
            account_view(fate.account) if fate.account is not None else {"account": mapping.external if mapping else ""}
        ),
        "mapping": None
        if mapping is None
        else {"application": mapping.application, "windows": str(mapping.windows), "external": mapping.external},
        "outcome": fate.outcome,
        "reason": fate.reason,
        "events": list(fate.events),
    }


def _event_view(event: "RecordedEvent") -> dict[str, Any]:
    return {
        "name": event.name,
        "level": event.level,
        "adapter": event.adapter,
        "account": event.account,
        "fields": dict(event.fields),
    }


def show_simulated(view: Mapping[str, Any], trials: "Sequence[FilterTrial]") -> None:
    """Write the view for a person."""
    from controller.planning.filter_trials import line_of, title_of

    subject = f"{view['adapter']}:{view['account']}" if "adapter" in view else view["account"]
    show(f"Simulated: {subject} has a new password. Nothing is written, nothing is sent.")
    for assumption in view["assumptions"]:
        show(f"  Assumed: {assumption}.")
    for warning in view["warnings"]:
        show(f"  Warning: {warning}.")
    why = ": ".join(part for part in (view["reason"], view["message"]) if part)
    show(f"The change would be {view['state']}{f' ({why})' if why else ''}.")
    if view["fates"]:
        show("")
        show_table(("MAPPING", "ACCOUNT", "OUTCOME", "WHY", "EVENTS"), [_fate_row(fate) for fate in view["fates"]])
    if view["policies"]:
        show("\nPassword policies of the targets:")
    for policy in view["policies"]:
        for line in policy_lines(policy, is_synthetic=view["isSynthetic"]):
            show(f"  {line}")
    if trials:
        show(f"\n{title_of(trials)}:")
    for trial in trials:
        show(f"  {line_of(trial)}")
    show(f"\nEvents:{'' if view['events'] else ' none'}")
    for event in view["events"]:
        about = ":".join(part for part in (event["adapter"], event["account"]) if part)
        fields = " ".join(f"{name}={value}" for name, value in event["fields"].items() if value not in ("", [], None))
        show(f"  {event['name']}  {about}  {fields}".rstrip())


def _fate_row(fate: Mapping[str, Any]) -> tuple[str, ...]:
    mapping = fate["mapping"]
    title = "(Windows account)" if mapping is None else f"{mapping['application']}/{mapping['windows']}"
    account = f"{fate['adapter']}:{fate['account']}" if "adapter" in fate else fate["account"]
    return title, account, fate["outcome"], fate["reason"], ", ".join(fate["events"])
