"""Plan files: a plan as JSON with a checksum, so that exactly what was reviewed is applied, without the manifests."""

import json
from collections.abc import Iterator
from hashlib import sha256
from typing import Any, cast

from controller.model.errors import InvalidInput
from controller.model.topology import Key, Kind
from controller.planning.decoding import decode_change
from controller.planning.encoding import Json, canonical, encode_change
from controller.planning.filter_trials import decode_trial, encode_trial
from controller.planning.plan import Plan
from controller.planning.safety import Hold

FORMAT = "pwsync-plan"
VERSION = 1
_MAKE_ANEW = "make it anew with: pwsync plan --out FILE"
_FIELDS = frozenset(
    {"actualDigest", "desiredDigest", "changes", "leftOut", "holds", "warnings", "drifted", "filters", "revision"}
)


def dump_plan(plan: Plan) -> str:
    """The text of a plan file. It holds full values before and after, and no secret (only references to secrets)."""
    body: dict[str, Json] = {
        "actualDigest": plan.actual_digest,
        "desiredDigest": plan.desired_digest,
        "changes": [encode_change(c) for c in plan.changes],
        "leftOut": [encode_change(c) for c in plan.left_out],
        "holds": [encode_hold(h) for h in plan.holds],
        "warnings": list(plan.warnings),
        "drifted": [str(key) for key in sorted(plan.drifted)],
        "revision": plan.revision,
        "filters": [encode_trial(trial) for trial in plan.trials],
    }
    envelope = {"format": FORMAT, "version": VERSION, "checksum": _checksum(body), "plan": body}
    return json.dumps(envelope, indent=1, sort_keys=True) + "\n"


def encode_hold(hold: Hold) -> dict[str, Json]:
    """A hold as JSON."""
    return {"code": hold.code, "message": hold.message, "hint": hold.hint, "canForce": hold.can_force}


def load_plan(text: str, place: str) -> Plan:
    """Read a plan file.

    Args:
        text: What ``dump_plan`` gave.
        place: The name of the file, for messages.

    Raises:
        InvalidInput: Not a plan file, one of another version, or a damaged one.
    """
    match _parse(text, place):
        case {"format": "pwsync-plan", "version": 1, "checksum": str(checksum), "plan": dict(body)}:
            if checksum != _checksum(body):
                raise InvalidInput(f"{place}: the plan file is damaged, or was edited", hint=_MAKE_ANEW)
            return _decode_whole(body, place)
        case {"format": "pwsync-plan", "version": int(version)} if version > VERSION:
            raise InvalidInput(
                f"{place}: plan file of version {version}, this pwsync reads version {VERSION}",
                hint="use the newer pwsync that made it, or plan again",
            )
        case _:
            raise InvalidInput(f"{place}: not a plan file", hint=_MAKE_ANEW)


def _decode_whole(body: dict[str, Any], place: str) -> Plan:
    try:
        return _decode_plan(body, place)
    except InvalidInput as error:
        raise InvalidInput(error.message, hint=_MAKE_ANEW) from error


def _parse(text: str, place: str) -> object:
    try:
        return cast("object", json.loads(text))
    except json.JSONDecodeError as error:
        message = f"{place}:{error.lineno}:{error.colno}: not JSON ({error.msg})"
        raise InvalidInput(message, hint=_MAKE_ANEW) from None
    except (RecursionError, ValueError):
        raise InvalidInput(f"{place}: not JSON that can be read", hint=_MAKE_ANEW) from None


def _checksum(body: dict[str, Any]) -> str:
    return f"sha256:{sha256(canonical(body)).hexdigest()}"


def _decode_plan(body: dict[str, Any], place: str) -> Plan:
    if body.keys() != _FIELDS:
        raise InvalidInput(f"{place}: expected exactly the fields {', '.join(sorted(_FIELDS))}")
    read = _Body(body, place)
    return Plan(
        changes=tuple(decode_change(data, at) for data, at in read.items("changes")),
        holds=tuple(_decode_hold(data, at) for data, at in read.items("holds")),
        warnings=tuple(_text(data, at) for data, at in read.items("warnings")),
        actual_digest=_text(body["actualDigest"], f"{place}: actualDigest"),
        desired_digest=_text(body["desiredDigest"], f"{place}: desiredDigest"),
        left_out=tuple(decode_change(data, at) for data, at in read.items("leftOut")),
        drifted=frozenset(_decode_key(data, at) for data, at in read.items("drifted")),
        revision=_text(body["revision"], f"{place}: revision"),
        trials=tuple(decode_trial(data, at) for data, at in read.items("filters")),
    )


class _Body:
    def __init__(self, body: dict[str, Any], place: str) -> None:
        self._body, self._place = body, place

    def items(self, name: str) -> Iterator[tuple[Any, str]]:
        if not isinstance(self._body[name], list):
            raise InvalidInput(f"{self._place}: {name}: not a list")
        return ((data, f"{self._place}: {name}[{i}]") for i, data in enumerate(self._body[name]))


def _decode_hold(data: object, place: str) -> Hold:
    match data:
        case {"code": str(code), "message": str(message), "hint": str(hint), "canForce": bool(can_force)}:
            return Hold(code, message, hint, can_force)
        case _:
            raise InvalidInput(f"{place}: not a hold")


def _decode_key(data: object, place: str) -> Key:
    kind, _, name = _text(data, place).partition("/")
    if kind not in set(Kind):
        raise InvalidInput(f"{place}: not the name of an object")
    return Key(Kind(kind), name)


def _text(data: object, place: str) -> str:
    if not isinstance(data, str):
        raise InvalidInput(f"{place}: not text")
    return data
