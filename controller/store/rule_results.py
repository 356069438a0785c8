"""What came of each mapping rule when the controller last planned: one row for each."""

import json
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Row, bindparam, delete, select

from controller.model.rule_reading import NotedResult, RuleResult
from controller.store.rows import readable
from controller.store.session import Session
from controller.store.tables import rule_results
from controller.store.upsert import upsert

_ALL = select(rule_results)
_PUT = upsert(rule_results)
_REMOVE = delete(rule_results).where(rule_results.c.name == bindparam("name_"))
_PROBLEMS: TypeAdapter[tuple[str, ...]] = TypeAdapter(tuple[str, ...])


class SqlRuleResults:
    """Implements ``ports.RuleResults``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def read(self) -> dict[str, NotedResult]:
        """All, by name of the rule.

        Raises:
            StoreUnusable: A row was altered so that it cannot be read.
        """
        rows = self._session.execute(_ALL)
        return {row.name: readable("rule_results", row.name, row, _result) for row in rows}

    def put(self, name: str, result: RuleResult) -> None:
        """Insert or replace, with the time of the transaction."""
        given = {
            "name": name,
            "noted_at": self._session.now,
            "found": result.found,
            "mapped": result.mapped,
            "overridden": result.overridden,
            "problems": json.dumps(result.problems),
        }
        self._session.execute(_PUT[self._session.is_postgresql], given)

    def remove(self, name: str) -> None:
        """Forget; no error when it is not there."""
        self._session.execute(_REMOVE, {"name_": name})


def _result(row: Row[Any]) -> NotedResult:
    problems = _PROBLEMS.validate_json(row.problems)
    return NotedResult(row.noted_at, RuleResult(row.found, row.mapped, row.overridden, problems))
