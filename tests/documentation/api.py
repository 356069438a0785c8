"""The tables of the page of the API, made from its calls and its kinds of problems."""

import re
from pathlib import Path
from typing import get_type_hints

from typing_extensions import is_typeddict

from controller.web.app import all_calls
from controller.web.calls import Answer, Call
from controller.web.problem_kinds import PROBLEM_KINDS, REASONS

MOST_FIELDS = 4
"""Of an answer, so that the table names them all."""
_SECTION = re.compile(r"(<!-- (calls|problems): [^\n]*-->\n).*?(<!-- end -->)", re.DOTALL)


def api_page(path: Path) -> str:
    """The page, with its tables made anew; the text around them is written by hand."""
    tables = {"calls": _calls_table(), "problems": _problems_tables()}
    return _SECTION.sub(lambda found: found[1] + tables[found[2]] + found[3], path.read_text(encoding="utf-8"))


def _calls_table() -> str:
    return _table("| call | body | what, and the answer |", [_row(made) for made in all_calls()])


def _row(made: Call) -> str:
    return f"| `{made.method} {made.path}` | {_body(made)} | {made.summary.removesuffix('.')}: {_answers(made)} |"


def _body(made: Call) -> str:
    fields = {} if made.body is None else made.body.model_fields
    return ", ".join(f"`{field.alias}`{'' if field.is_required() else '?'}" for field in fields.values())


def _answers(made: Call) -> str:
    return ", or ".join(f"{answer.status.value} {_content(answer)}" for answer in made.answers)


def _content(answer: Answer) -> str:
    fields = list(get_type_hints(answer.type)) if is_typeddict(answer.type) else []
    if 0 < len(fields) <= MOST_FIELDS:
        return ", ".join(f"`{field}`" for field in fields)
    return _lower(answer.meaning.removesuffix("."))


def _lower(words: str) -> str:
    return words[0].lower() + words[1:] if words[1:2].islower() or words[1:2] == " " else words


def _problems_tables() -> str:
    kinds = [f"| {kind.status.value} | `{kind.code}` | {kind.meaning} |" for kind in PROBLEM_KINDS]
    reasons = [f"| `{name}` | {meaning} |" for name, meaning in REASONS.items()]
    problems = _table("| status | `code` | meaning |", kinds)
    return f"{problems}\n{_table('| `reason` of a 403 | meaning |', reasons)}"


def _table(head: str, rows: list[str]) -> str:
    return "\n".join([head, "|---" * (head.count("|") - 1) + "|", *rows]) + "\n"
