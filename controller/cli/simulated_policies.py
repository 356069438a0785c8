"""What a simulation knows of the targets' policies, and what they say: as JSON and for a person."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from controller.views.records import account_view, instant

if TYPE_CHECKING:
    from controller.model.accounts import Account
    from controller.model.policy import PolicyReading
    from controller.pipeline.simulation import Simulated
    from controller.runtime.policies import KnownPolicies

NOT_ASKED = "notAsked"


def policy_views(result: "Simulated", policies: "KnownPolicies") -> list[dict[str, Any]]:
    """One for each account that a delivery goes to; see the help of ``simulate windows`` for the fields."""
    accounts: dict[Account, None] = dict.fromkeys(delivery.account for delivery in result.deliveries)
    return [
        {
            **account_view(account),
            **_reading_view(policies.reading(account.lane, account.name)),
            **_verdict_view(policies, account),
        }
        for account in accounts
    ]


def _reading_view(reading: "PolicyReading | None") -> dict[str, Any]:
    policy = reading.policy if reading is not None else None
    return {
        "state": NOT_ASKED if reading is None else reading.state,
        "source": policy.source if policy is not None else "",
        "readAt": instant(reading.read_at) if reading is not None else None,
        "problem": reading.problem if reading is not None else "",
        "limits": list(policy.constraints.describe()) if policy is not None else [],
        "history": policy.history if policy is not None else 0,
        "minAgeSeconds": round(policy.min_age.total_seconds()) if policy is not None else 0,
        "notes": list(policy.notes) if policy is not None else [],
    }


def _verdict_view(policies: "KnownPolicies", account: "Account") -> dict[str, Any]:
    """A verdict needs a policy that is known, and a password that gets as far as it."""
    place = (account.lane, account.name)
    reading, refusal = policies.reading(*place), policies.verdicts.get(place)
    is_judged = place in policies.verdicts and reading is not None and reading.policy is not None
    return {"isTaken": refusal is None if is_judged else None, "refusal": refusal or ""}


def policy_lines(view: Mapping[str, Any], *, is_synthetic: bool) -> Iterator[str]:
    """A view for a person."""
    account = f"{view['adapter']}:{view['account']}" if "adapter" in view else view["account"]
    yield f"{account}: {_words(view)}"
    if view["problem"] and view["state"] != "unknown":
        yield f"  it did not answer since: {view['problem']}"
    for note in view["notes"]:
        yield f"  not taken into account: {note}"
    if view["isTaken"] is not None:
        sample = "the made-up password" if is_synthetic else "the sample"
        yield f"  {sample} is {'taken' if view['isTaken'] else 'refused: it is ' + view['refusal']}"


def _words(view: Mapping[str, Any]) -> str:
    match view["state"]:
        case "known":
            limits = "; ".join(view["limits"]) or "every password"
            history = f"; remembers {view['history']} former passwords" if view["history"] else ""
            hours = view["minAgeSeconds"] / 3600
            age = f"; users keep one for at least {hours:g} hours" if hours else ""
            return f"{limits}{history}{age} ({view['source']}, read {view['readAt']})"
        case "none":
            return f"no policy of its own (asked {view['readAt']})"
        case "unknown":
            return f"could not be found out: {view['problem']}"
        case _:
            return "not asked yet; --online asks it now"
