"""Makes the reference pages from the program itself: ``python -m tests.documentation.reference`` writes them."""

import io
import os
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import yaml

from controller.cli.main import execute
from controller.connectors.registry import installed_connectors
from controller.manifests.schema import Generator, json_schema
from controller.manifests.v1.kinds import KINDS
from controller.model.events import CATALOGUE
from tests.documentation.api import api_page
from tests.documentation.behaviours import behaviours_page
from tests.documentation.metrics import metrics_page
from tests.documentation.roles import roles_page

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"
NOTE = "<!-- Made by: python -m tests.documentation.reference -->"
OPTIONS_PATH = "connector."
_TYPES = {"array": "list of text", "object": "text to text", "string": "text", "boolean": "switch"}
FILTER_NOTATION = """\
### The notation of rules

Tokens separated by `/`, applied in order.

| token | what it does | example |
|---|---|---|
| `dc/` | nothing | |
| `uc/`, `lc/` | upper case, lower case | |
| `rc/N/chars/` | removes these N characters | `rc/2/#@/` turns `C@t#` into `Ct` |
| `sc/N/from/to/` | replaces N characters, one by one | `sc/3/abc/def/` turns `Cat` into `Cdt` |
| `ps/N/c/` | pads at the start to N characters | `ps/8/#/` turns `Cat` into `#####Cat` |
| `pe/N/c/` | pads at the end to N characters | `pe/10/$/` turns `Cat` into `Cat$$$$$$$` |
| `tr/N/` | keeps the first N characters | `tr/11/` turns `Cat123456789` into `Cat12345678` |
"""
COMMANDS = (
    ("validate",),
    ("plan",),
    ("apply",),
    ("run",),
    ("status",),
    ("get",),
    ("describe",),
    ("change",),
    ("change", "windows"),
    ("change", "external"),
    ("simulate",),
    ("simulate", "windows"),
    ("simulate", "external"),
    ("credentials",),
    ("credentials", "set"),
    ("credentials", "clear"),
    ("credentials", "show"),
    ("deliveries",),
    ("deliveries", "list"),
    ("deliveries", "retry"),
    ("deliveries", "discard"),
    ("adapter",),
    ("adapter", "disable"),
    ("adapter", "enable"),
    ("adapter", "reset"),
    ("reset",),
    ("reset", "damping"),
    ("reconcile",),
    ("reconcile", "suspend"),
    ("reconcile", "resume"),
    ("secret",),
    ("secret", "generate"),
    ("secret", "backup"),
    ("secret", "restore"),
    ("secret", "capture-key"),
    ("secret", "rotate"),
    ("token",),
    ("token", "create"),
    ("token", "list"),
    ("token", "revoke"),
    ("audit",),
    ("audit", "list"),
    ("audit", "verify"),
    ("audit", "begin"),
    ("capture",),
    ("capture", "forward"),
    ("capture", "status"),
    ("capture", "retry"),
    ("capture", "samba"),
    ("capture", "pam"),
    ("capture", "openldap"),
    ("capture", "racf"),
    ("capture", "ds389"),
    ("capture", "acknowledge"),
    ("capture", "setup"),
    ("capture", "schema"),
    ("doctor",),
    ("schema",),
    ("demo",),
    ("import-esso",),
)


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a manifest, or of a connector's options."""

    path: str
    type: str
    default: str


class MeaningsDiffer(Exception):
    """A field has no meaning in meanings.yaml, or a meaning has no field."""


def pages() -> dict[Path, Callable[[], str]]:
    """Every page that is made, by its path, and what makes its text."""
    return {
        REFERENCE / "manifests.md": manifests_page,
        REFERENCE / "commands.md": commands_page,
        REFERENCE / "events.md": events_page,
        REFERENCE / "metrics.md": partial(metrics_page, NOTE),
        REFERENCE / "connector-options.md": connectors_page,
        REFERENCE / "api.md": partial(api_page, REFERENCE / "api.md"),
        REFERENCE / "behaviours.md": partial(behaviours_page, NOTE),
        REFERENCE / "roles.md": partial(roles_page, NOTE),
    }


def manifests_page() -> str:
    """Every kind with its fields.

    Raises:
        MeaningsDiffer: The file of meanings does not fit the models.
    """
    meanings = _meanings()
    lines = [
        "# Manifests",
        "",
        NOTE,
        "",
        "YAML, many documents per file, folders read recursively (`*.yaml` and `*.yml`, not hidden ones). Every",
        "document has `apiVersion: pwsync/v1`, `kind`, `metadata` and `spec`. Unknown fields are errors. Nothing is",
        "converted: where text is wanted, quote what looks like a number or a switch.",
        "",
        "`metadata` has `name`, and may have `labels` and `annotations` (text to text). The annotation",
        '`pwsync/protect: "true"` keeps an object from being pruned or replaced, and `pwsync/reconcile: disabled`',
        "[leaves it as it is](../how-to/review-and-apply.md#leave-one-object-alone). Names have letters, digits, `.`,",
        "`_` and `-`, with a letter or digit at both ends.",
        "",
        "Durations are written `90s`, `10m`, `1h30m`, `24h`, `7d`. Paths are relative to the manifest that names them.",
        "",
        "`pwsync schema` prints all of this as JSON Schema, for [editors](../how-to/gitops.md#in-the-editor).",
        "",
    ]
    for kind in KINDS:
        schema = json_schema(kind, installed_connectors())["$defs"]
        fields = [f for f in _fields(schema[kind]["properties"]["spec"], "", schema) if not _is_option(f)]
        lines += [f"## {kind}", "", meanings[kind][""], "", *_table(kind, fields, meanings[kind]), ""]
        if kind == "PasswordFilter":
            lines += [FILTER_NOTATION]
    return "\n".join(lines).rstrip("\n") + "\n"


def connectors_page() -> str:
    """The options of every installed connector type.

    Raises:
        MeaningsDiffer: The file of meanings does not fit the models.
    """
    meanings = _meanings()
    lines = [
        "# Connector options",
        "",
        NOTE,
        "",
        "The fields of `spec.connector` of an Adapter, by its `type`. How they behave: [connectors](connectors.md).",
        "",
    ]
    for name in installed_connectors().names():
        schema = installed_connectors().get(name).options.model_json_schema(by_alias=True, schema_generator=Generator)
        fields = list(_fields(schema, "", schema.get("$defs", {})))
        lines += [f"## {name}", "", *_table(f"connector.{name}", fields, meanings[f"connector.{name}"]), ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def events_page() -> str:
    """The catalogue of events."""
    lines = [
        "# Events",
        "",
        NOTE,
        "",
        "Everything that happens to a change leaves events with its tracking ID. `pwsync get events` lists them, and",
        "`pwsync describe change TRACKING-ID` shows those of one change in order. Names are stable. Fields are only",
        "ever added, and never hold a password. The newest 100,000 are kept.",
        "",
        "`pwsync run` writes each event to its log too, once it is committed: the message, `name`, `level`, as far as",
        "they apply `tracking_id`, `adapter` and `account`, and the fields. With `--log-format json` each is one line.",
        "",
        "Every event has a time and, as far as they apply, a tracking ID, an adapter and an account. Fields come",
        "beside these. The last column names the events of the reference product (ESSO) that tell the same.",
        "",
        "| name | level | message | fields | ESSO |",
        "|---|---|---|---|---|",
    ]
    for name, event in CATALOGUE.items():
        numbers = ", ".join(map(str, event.reference))
        fields = "; ".join(f"`{field}`: {meaning}" for field, meaning in event.fields.items())
        lines.append(f"| `{name}` | {event.level} | {event.message} | {fields} | {numbers} |")
    return "\n".join(lines) + "\n"


def commands_page() -> str:
    """The help of every command."""
    lines = [
        "# Commands",
        "",
        NOTE,
        "",
        "Results go to standard output, messages to standard error. `-o json` writes ASCII JSON and nothing else to",
        'standard output; lists are `{"items": [...]}`; fields are only ever added; times are RFC 3339 in UTC.',
        "",
        "Exit codes: 0 when it did what was asked, 1 when it could not, 2 when the command line is wrong, 130 when",
        "interrupted. `plan --detailed-exitcode` gives 2 another meaning. Where all is already as it was asked to",
        "be, that is 0 too: `adapter disable` of a disabled one, `secret rotate --retire` without older keys,",
        "`--all-parked` when nothing is parked. When something that is named cannot be worked on, it is 1, whatever",
        "became of the others.",
        "",
        "Passwords are never options. They are asked for without echo, or read as one line of standard input.",
        "",
        *_contents(),
        "## pwsync",
        "",
        *_help(),
    ]
    for command in COMMANDS:
        lines += [f"## pwsync {' '.join(command)}", "", *_help(*command)]
    return "\n".join(lines).rstrip("\n") + "\n"


def _contents() -> list[str]:
    """Links to all commands; those of a group are indented."""
    lines = ["- [pwsync](#pwsync): options of all commands"]
    for command in COMMANDS:
        name = " ".join(("pwsync", *command))
        lines.append(f"{'  ' * (len(command) - 1)}- [{name}](#{name.replace(' ', '-')})")
    return [*lines, ""]


def _help(*command: str) -> list[str]:
    printed = io.StringIO()
    with patch.dict(os.environ, COLUMNS="100", NO_COLOR="1", TERM="dumb"), redirect_stdout(printed):
        code = execute([*command, "--help"])
    if code != 0:
        raise RuntimeError(f"pwsync {' '.join(command)} --help: exit code {code}")
    return ["```text", *(line.rstrip() for line in printed.getvalue().strip("\n").splitlines()), "```", ""]


def _meanings() -> dict[str, dict[str, str]]:
    loaded: dict[str, dict[str, str]] = yaml.safe_load((REFERENCE / "meanings.yaml").read_text(encoding="utf-8"))
    return loaded


def _is_option(field: Field) -> bool:
    return field.path.startswith(OPTIONS_PATH)


def _table(owner: str, fields: list[Field], meanings: dict[str, str]) -> list[str]:
    paths = {field.path for field in fields}
    strange = (paths ^ (meanings.keys() - {""})) if fields else set()
    if strange:
        raise MeaningsDiffer(f"{owner}: {', '.join(sorted(strange))}")
    rows = [f"| `{f.path}` | {f.type} | {f.default} | {meanings[f.path]} |" for f in fields]
    return ["| field | type | default | meaning |", "|---|---|---|---|", *rows]


def _fields(node: dict[str, Any], path: str, definitions: dict[str, Any], demand: str = "required") -> Iterator[Field]:
    """Yield the fields below *node* that have no fields of their own, in order; *demand* is said of required ones."""
    resolved = _resolved(node, definitions)
    required = set(resolved.get("required", []))
    for name, inner in resolved.get("properties", {}).items():
        below = f"{path}{name}"
        nested = None if below == "rules" else _nested(inner, definitions)
        if nested is None:
            default = demand if name in required else _default(inner)
            yield Field(below, _type(inner, definitions), default)
        elif below == "connector":
            yield Field(below, "object", demand)
        else:
            demand_below = demand if name in required else f"required in `{name}`"
            yield from _fields(nested[0], f"{below}{nested[1]}.", definitions, demand_below)


def _nested(node: dict[str, Any], definitions: dict[str, Any]) -> tuple[dict[str, Any], str] | None:
    """The object that a field holds, or the members of its list; None when it holds plain values."""
    for option in (node, *node.get("anyOf", [])):
        resolved = _resolved(option, definitions)
        if resolved.get("properties") or resolved.get("oneOf"):
            return resolved, ""
        if resolved.get("type") == "array" and _resolved(resolved["items"], definitions).get("properties"):
            return resolved["items"], "[]"
    return None


def _resolved(node: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        node = definitions[node["$ref"].rpartition("/")[2]]
    return node


def _type(node: dict[str, Any], definitions: dict[str, Any]) -> str:
    options = [_resolved(o, definitions) for o in node.get("anyOf", [node]) if o.get("type") != "null"]
    if len(options) != 1 or "oneOf" in options[0]:
        return "text, object or list"
    (option,) = options
    values = option.get("enum") or ([option["const"]] if "const" in option else None)
    if values:
        return " or ".join(f"`{value}`" for value in values)
    if option.get("type") == "integer":
        return _range(option)
    if str(option.get("pattern", "")).startswith("^(?=[0-9])"):
        return "duration"
    return _TYPES[option["type"]]


def _range(option: dict[str, Any]) -> str:
    low, high = option.get("minimum"), option.get("maximum")
    if high is None:
        return "number" if low is None else f"number from {low}"
    return f"number, {low} to {high}"


def _default(node: dict[str, Any]) -> str:
    value = node.get("default")
    if value is None or value in ("", [], {}):
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def main() -> None:
    """Write the pages."""
    for path, make in pages().items():
        path.write_text(make(), encoding="utf-8")


if __name__ == "__main__":
    main()
