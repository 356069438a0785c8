"""Kind PasswordFilter: rules in the reference system's notation, or written out."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from controller.manifests.v1.document import Manifest, Metadata
from controller.model.errors import InvalidInput
from controller.model.filters import Case, Pad, PasswordFilter, Remove, Rule, Substitute, Truncate, parse_rules
from controller.model.options import Options, Unfit
from controller.model.secret import MAX_PASSWORD_LENGTH

_Length = Annotated[int, Field(ge=1, le=MAX_PASSWORD_LENGTH)]
_Character = Annotated[str, Field(min_length=1, max_length=1)]
_Characters = Annotated[str, Field(min_length=1, max_length=MAX_PASSWORD_LENGTH)]


def _readable(text: str) -> str:
    try:
        parse_rules(text)
    except InvalidInput as error:
        raise Unfit(error.message, hint=error.hint) from error
    return text


class PadSpec(Options):
    """Pad to a length with a character."""

    length: _Length
    character: _Character


class RuleSpec(Options):
    """Rules written out. Those of one object are applied in the order of its fields here."""

    case: Literal["upper", "lower"] | None = None
    remove: _Characters | None = None
    substitute: dict[_Character, _Character] = Field(default_factory=dict, max_length=MAX_PASSWORD_LENGTH)
    pad_start: PadSpec | None = None
    pad_end: PadSpec | None = None
    truncate: _Length | None = None

    def compile_rules(self) -> Iterator[Rule]:
        """Yield the model objects, in order."""
        if self.case is not None:
            yield Case(self.case)
        if self.remove is not None:
            yield Remove(self.remove)
        if self.substitute:
            yield Substitute("".join(self.substitute), "".join(self.substitute.values()))
        if self.pad_start is not None:
            yield Pad("start", self.pad_start.length, self.pad_start.character)
        if self.pad_end is not None:
            yield Pad("end", self.pad_end.length, self.pad_end.character)
        if self.truncate is not None:
            yield Truncate(self.truncate)


def _form(value: Any) -> str:  # noqa: ANN401  # whatever the manifest has there
    match value:
        case dict() | RuleSpec():
            return "object"
        case list():
            return "list"
        case _:
            return "text"


_Rules = Annotated[
    Annotated[str, AfterValidator(_readable), Tag("text")]
    | Annotated[RuleSpec, Tag("object")]
    | Annotated[list[RuleSpec], Tag("list")],
    Discriminator(_form),
]


class PasswordFilterSpec(RuleSpec):
    """The spec of a PasswordFilter: ``rules`` (text, an object, or a list of objects), or the fields of one object."""

    rules: _Rules | None = None

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if self.rules is not None and any(self.compile_rules()):
            raise Unfit(
                "rules and other fields together have no order", hint="write a list of objects in rules", field="rules"
            )
        return self

    def compile(self) -> PasswordFilter:
        """Return the model object."""
        match self.rules:
            case None:
                return PasswordFilter(tuple(self.compile_rules()))
            case str():
                return PasswordFilter(parse_rules(self.rules))
            case RuleSpec():
                return PasswordFilter(tuple(self.rules.compile_rules()))
            case _:
                return PasswordFilter(tuple(rule for part in self.rules for rule in part.compile_rules()))

    @classmethod
    def of(cls, password_filter: PasswordFilter) -> Self:
        """Return the spec that compiles to *password_filter*."""
        return cls(rules=password_filter.notation())


class PasswordFilterManifest(Manifest):
    """How a Windows password becomes the external one."""

    kind: Literal["PasswordFilter"]
    metadata: Metadata
    spec: PasswordFilterSpec = PasswordFilterSpec()
