"""What pydantic found, told as problems: the place, plain words, a hint, and never the value itself."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from controller.manifests.document import Document
from controller.manifests.problems import Problem, did_you_mean, there_are
from controller.manifests.scalars import UNCLEAR

Steps = tuple[str | int, ...]

_SUBJECT: Final = re.compile(r"^\w+ should ")
_EXPECTED: Final = re.compile(r"'([^']*)'")
_NO_VALUE: Final = "give a value or leave the field out"
_TYPES: Final = {
    "extra_forbidden": "unknown field",
    "string_type": "must be text",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "list_type": "must be a list",
    "dict_type": "must be a mapping of fields",
    "model_type": "must be a mapping of fields",
}


def explain(
    error: ValidationError, document: Document, model: type[BaseModel], inside: Steps = ()
) -> Iterator[Problem]:
    """Yield a problem for each finding of *error*, which came from validating with *model* what stands at *inside*."""
    for found in error.errors(include_url=False):
        if found["type"] == "missing":
            steps = _existing(document.value, (*inside, *found["loc"][:-1]))
            yield Problem(document.key_place(steps), f"{_dotted((*steps, found['loc'][-1]))}: missing")
            continue
        steps = _existing(document.value, (*inside, *found["loc"], *_blamed(found)))
        names_key = found["type"] == "extra_forbidden" or found["loc"][-1:] == ("[key]",)
        place = document.key_place(steps) if names_key else document.place(steps)
        path = _dotted(steps)
        yield Problem(place, f"{path}: {_message(found)}" if path else _message(found), _hint(found, model))


def _existing(value: Any, location: Sequence[str | int]) -> Steps:  # noqa: ANN401  # any YAML
    """Keep the steps that lead somewhere; pydantic adds the names of union members and validators to its locations.

    Such a name may also be the name of a field, so that of two readings the one that reaches the last step counts.
    """
    if not location:
        return ()
    step, rest = location[0], location[1:]
    if not _has(value, step):
        return _existing(value, rest)
    followed = (step, *_existing(value[step], rest))
    if followed[-1] == location[-1]:
        return followed
    passed_over = _existing(value, rest)
    return passed_over if passed_over[-1:] == (location[-1],) else followed


def _blamed(found: ErrorDetails) -> Steps:
    field = getattr(found.get("ctx", {}).get("error"), "field", "")
    return (field,) if field else ()


def _has(value: Any, step: str | int) -> bool:  # noqa: ANN401  # any YAML
    return step in value if isinstance(value, dict) else isinstance(value, list) and isinstance(step, int)


def _dotted(steps: Steps) -> str:
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    return text.removeprefix(".")


def _message(found: ErrorDetails) -> str:
    if found["type"] in _TYPES:
        return _TYPES[found["type"]]
    if found["type"] == "value_error":
        return str(found["ctx"]["error"])
    if found["type"] == "union_tag_invalid":
        return f"{found['ctx']['discriminator']} must be one of {found['ctx']['expected_tags']}"
    return _SUBJECT.sub("must ", found["msg"])


def _hint(found: ErrorDetails, model: type[BaseModel]) -> str:
    if found["type"] == "value_error":
        return str(getattr(found["ctx"]["error"], "hint", ""))
    if found["type"] == "extra_forbidden":
        choices = _fields_at(model, found["loc"][:-1])
        return did_you_mean(str(found["loc"][-1]), choices, there_are("there are", choices))
    if found["input"] is None:
        return _NO_VALUE
    teller = _HINTS.get(found["type"])
    return teller(found) if teller else ""


def _text_hint(found: ErrorDetails) -> str:
    if isinstance(found["input"], list):
        return "one value, not a list"
    return "" if isinstance(found["input"], dict) else "quote it"


def _switch_hint(found: ErrorDetails) -> str:
    return "write true or false, without quotes" if found["input"] is UNCLEAR or isinstance(found["input"], str) else ""


def _number_hint(found: ErrorDetails) -> str:
    if found["input"] is UNCLEAR:
        return "write it without leading zeros and underscores"
    return "remove the quotes" if isinstance(found["input"], str) and found["input"].isdecimal() else ""


def _object_hint(found: ErrorDetails) -> str:
    is_reference = found.get("ctx", {}).get("class_name") == "SecretReference"
    return "write {env: NAME} or {file: PATH}; a manifest never holds the secret itself" if is_reference else ""


def _choice_hint(found: ErrorDetails) -> str:
    choices = _EXPECTED.findall(found["ctx"]["expected"])
    return did_you_mean(found["input"], choices) if isinstance(found["input"], str) else ""


_HINTS: Final[dict[str, Callable[[ErrorDetails], str]]] = {
    "string_type": _text_hint,
    "bool_type": _switch_hint,
    "int_type": _number_hint,
    "model_type": _object_hint,
    "literal_error": _choice_hint,
    "enum": _choice_hint,
}


def _fields_at(model: type[BaseModel], location: Sequence[str | int]) -> set[str]:
    """Names of the fields that may stand at *location*, as written in YAML."""
    models = {model}
    for step in location:
        inner = {found for m in models for found in _models_of(_annotation(m, step))}
        models = inner or models
    return {name for m in models for name in _names(m)}


def _names(model: type[BaseModel]) -> dict[str, Any]:
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}


def _annotation(model: type[BaseModel], step: str | int) -> Any:  # noqa: ANN401  # any annotation
    return _names(model).get(step) if isinstance(step, str) else None


def _models_of(annotation: Any) -> Iterator[type[BaseModel]]:  # noqa: ANN401  # any annotation
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models_of(part)
