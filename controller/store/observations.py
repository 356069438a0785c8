"""What was last seen of accounts at their own systems: one row for each account, and one for each target."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Row, Select, bindparam, delete, select

from controller.model.observation import Observation, SurveyNote
from controller.store.rows import readable
from controller.store.session import Session
from controller.store.tables import observations, surveys
from controller.store.upsert import upsert

_O, _S = observations.c, surveys.c
_NOTES = select(surveys)
_OF_LANE: Select[Any] = select(_O.account, _O.set_at, _O.missing_since, _O.missed_since).where(
    _O.lane == bindparam("lane_")
)
_PUT, _NOTE = upsert(observations), upsert(surveys)
_FORGET = delete(observations).where(_O.lane == bindparam("lane_"), _O.account == bindparam("account_"))
_FORGET_LANE = delete(observations).where(_O.lane == bindparam("lane_"))
_FORGET_NOTE = delete(surveys).where(_S.lane == bindparam("lane_"))
_NAMES: TypeAdapter[tuple[str, ...]] = TypeAdapter(tuple[str, ...])


class SqlObservations:
    """Implements ``ports.Observations``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def notes(self) -> dict[str, SurveyNote]:
        """How the last look at each target went, by lane.

        Raises:
            StoreUnusable: A row was altered so that it cannot be read.
        """
        return {row.lane: readable("surveys", row.lane, row, _note) for row in self._session.execute(_NOTES)}

    def of_lane(self, lane: str) -> dict[str, Observation]:
        """What was last seen of the accounts of a lane, by name."""
        return {account: Observation(*seen) for account, *seen in self._session.execute(_OF_LANE, {"lane_": lane})}

    def put(self, lane: str, observations: Mapping[str, Observation]) -> None:
        """Insert or replace what was seen of some accounts."""
        rows = [
            {
                "lane": lane,
                "account": account,
                "set_at": seen.set_at,
                "missing_since": seen.missing_since,
                "missed_since": seen.missed_since,
            }
            for account, seen in observations.items()
        ]
        if rows:
            self._session.execute(_PUT[self._session.is_postgresql], rows)

    def forget(self, lane: str, accounts: Iterable[str]) -> None:
        """Delete what was seen of some accounts; no error when there is nothing."""
        rows = [{"lane_": lane, "account_": account} for account in accounts]
        if rows:
            self._session.execute(_FORGET, rows)

    def note(self, lane: str, note: SurveyNote) -> None:
        """Insert or replace how the last look at a target went."""
        given = {
            "lane": lane,
            "looked_at": note.at,
            "missing": note.missing,
            "missed": note.missed,
            "differing": note.differing,
            "names": json.dumps(note.names),
            "problem": note.problem,
        }
        self._session.execute(_NOTE[self._session.is_postgresql], given)

    def forget_lane(self, lane: str) -> None:
        """Delete all about a lane."""
        self._session.execute(_FORGET_LANE, {"lane_": lane})
        self._session.execute(_FORGET_NOTE, {"lane_": lane})


def _note(row: Row[Any]) -> SurveyNote:
    names = _NAMES.validate_json(row.names)
    return SurveyNote(row.looked_at, row.missing, row.missed, row.differing, names, row.problem)
