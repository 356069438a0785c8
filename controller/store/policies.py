"""What was found out about the password policies of targets: one row for each lane."""

import json
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Row, bindparam, delete, select

from controller.model.policy import PasswordPolicy, PolicyReading
from controller.store.rows import readable
from controller.store.session import Session
from controller.store.tables import policies
from controller.store.upsert import upsert

_C = policies.c
_ALL = select(policies)
_PUT = upsert(policies)
_REMOVE = delete(policies).where(_C.lane == bindparam("lane_"))
_POLICY: TypeAdapter[PasswordPolicy | None] = TypeAdapter(PasswordPolicy | None)


class SqlPolicies:
    """Implements ``ports.Policies``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def read(self) -> dict[str, PolicyReading]:
        """All, by lane.

        Raises:
            StoreUnusable: A row was altered so that it cannot be read.
        """
        return {row.lane: readable("policies", row.lane, row, _reading) for row in self._session.execute(_ALL)}

    def put(self, lane: str, reading: PolicyReading) -> None:
        """Insert or replace."""
        given = {
            "lane": lane,
            "declaration": reading.declaration,
            "tried_at": reading.tried_at,
            "read_at": reading.read_at,
            "policy": json.dumps(_POLICY.dump_python(reading.policy, mode="json")),
            "problem": reading.problem,
        }
        self._session.execute(_PUT[self._session.is_postgresql], given)

    def remove(self, lane: str) -> None:
        """Forget; no error when it is not there."""
        self._session.execute(_REMOVE, {"lane_": lane})


def _reading(row: Row[Any]) -> PolicyReading:
    policy = _POLICY.validate_json(row.policy)
    return PolicyReading(row.declaration, row.tried_at, row.read_at, policy, row.problem)
