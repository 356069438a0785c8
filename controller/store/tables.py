"""The tables, as the newest migration leaves them. Sealed values are bytes that this layer cannot open."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    FromClause,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    literal_column,
    text,
)
from sqlalchemy.sql.elements import ColumnElement

from controller.store.columns import Instant, Name, Prose, serial

METADATA = MetaData()


def _required(column_name: str, type_: Any, *, primary_key: bool = False) -> Column[Any]:  # noqa: ANN401  # any column type
    return Column(column_name, type_, primary_key=primary_key, nullable=False)


def _numbered(column_name: str) -> Column[Any]:
    return Column(column_name, serial(), Identity(always=False), primary_key=True)


resources = Table(
    "resources",
    METADATA,
    _required("kind", Name(), primary_key=True),
    _required("name", Name(), primary_key=True),
    _required("spec", Text()),
    _required("labels", Text()),
    _required("annotations", Text()),
    _required("digest", Name()),
    _required("generation", BigInteger()),
    _required("updated_at", Instant()),
    _required("revision", Prose()),
)

counters = Table(
    "counters",
    METADATA,
    _required("name", Name(), primary_key=True),
    _required("value", BigInteger()),
)

suspensions = Table(
    "suspensions",
    METADATA,
    _required("adapter", Name(), primary_key=True),
    _required("principal", Name()),
    _required("since", Instant()),
)

reconciliations = Table(
    "reconciliations",
    METADATA,
    _required("name", Name(), primary_key=True),
    _required("at", Instant()),
    _required("outcome", Name()),
    _required("message", Prose()),
    _required("manifests", Prose()),
    _required("attempted", Prose()),
    _required("applied", Prose()),
    Column("applied_at", Instant()),
    _required("refused", Prose()),
    _required("problem", Prose()),
    Column("problem_since", Instant()),
)

pauses = Table(
    "pauses",
    METADATA,
    _required("name", Name(), primary_key=True),
    _required("principal", Name()),
    _required("since", Instant()),
    _required("reason", Prose()),
)

lanes = Table(
    "lanes",
    METADATA,
    _required("lane", Name(), primary_key=True),
    _required("is_online", Boolean()),
    _required("since", Instant()),
    _required("code", Name()),
    _required("message", Prose()),
)

policies = Table(
    "policies",
    METADATA,
    _required("lane", Name(), primary_key=True),
    _required("declaration", Name()),
    _required("tried_at", Instant()),
    Column("read_at", Instant()),
    _required("policy", Prose()),
    _required("problem", Prose()),
)

observations = Table(
    "observations",
    METADATA,
    _required("lane", Name(), primary_key=True),
    _required("account", Name(), primary_key=True),
    Column("set_at", Instant()),
    Column("missing_since", Instant()),
    Column("missed_since", Instant()),
)

surveys = Table(
    "surveys",
    METADATA,
    _required("lane", Name(), primary_key=True),
    _required("looked_at", Instant()),
    _required("missing", BigInteger()),
    _required("missed", BigInteger()),
    _required("differing", BigInteger()),
    _required("names", Prose()),
    _required("problem", Prose()),
)

verifications = Table(
    "verifications",
    METADATA,
    _required("lane", Name(), primary_key=True),
    _required("account", Name(), primary_key=True),
    _required("tried_at", Instant()),
    _required("stored_at", Instant()),
    _required("outcome", Name()),
)

rule_results = Table(
    "rule_results",
    METADATA,
    _required("name", Name(), primary_key=True),
    _required("noted_at", Instant()),
    Column("found", BigInteger()),
    _required("mapped", BigInteger()),
    _required("overridden", BigInteger()),
    _required("problems", Prose()),
)

sessions = Table(
    "sessions",
    METADATA,
    _required("adapter", Name(), primary_key=True),
    _required("id", Name()),
    _required("principal", Name()),
    _required("since", Instant()),
    _required("heard_at", Instant()),
    _required("asked_at", Instant()),
    _required("presence", Name()),
    Column("told_at", Instant()),
    _required("told", Text()),
)

mappings = Table(
    "mappings",
    METADATA,
    _required("application", Name(), primary_key=True),
    _required("windows_account", Name(), primary_key=True),
    _required("external_account", Name(), primary_key=True),
    _required("enabled", Boolean()),
    _required("origin", Name()),
    Index("mappings_windows", "windows_account", "application"),
    Index("mappings_external", "external_account", "application"),
    sqlite_with_rowid=False,
)

windows_groups = Table(
    "windows_groups",
    METADATA,
    _required("name", Name(), primary_key=True),
    Column("read_at", Instant()),
    _required("members", BigInteger()),
    _required("problem", Prose()),
)

windows_group_members = Table(
    "windows_group_members",
    METADATA,
    _required("name", Name(), primary_key=True),
    _required("windows_account", Name(), primary_key=True),
    sqlite_with_rowid=False,
)

credentials = Table(
    "credentials",
    METADATA,
    _required("application", Name(), primary_key=True),
    _required("external_account", Name(), primary_key=True),
    _required("field", Name(), primary_key=True),
    _required("sealed", LargeBinary()),
    _required("sequence", BigInteger()),
    _required("tracking_id", Name()),
    _required("updated_at", Instant()),
    Column("expired_at", Instant()),
)

windows_passwords = Table(
    "windows_passwords",
    METADATA,
    _required("account", Name(), primary_key=True),
    _required("sealed", LargeBinary()),
    _required("sequence", BigInteger()),
    _required("tracking_id", Name()),
    _required("updated_at", Instant()),
)

changes = Table(
    "changes",
    METADATA,
    _numbered("sequence"),
    _required("tracking_id", Name()),
    _required("lane", Name()),
    _required("account", Name()),
    _required("caller", Name()),
    Column("sealed_password", LargeBinary()),
    Column("sealed_old_password", LargeBinary()),
    Column("occurred_at", Instant()),
    _required("received_at", Instant()),
    _required("state", Name()),
    _required("routed", Boolean()),
    # accepted and not routed: the claim of its own that lets SQLite use the partial indexes below, and no other.
    _required("unrouted", Boolean()),
    _required("reason", Name()),
    _required("message", Prose()),
    Column("finished_at", Instant()),
    Index("changes_tracking_id", "tracking_id", unique=True),
    Index("changes_account", "lane", "account", "sequence"),
    Index("changes_state", "state", "sequence"),
    sqlite_autoincrement=True,
)

deliveries = Table(
    "deliveries",
    METADATA,
    _numbered("number"),
    _required("id", Name()),
    _required("tracking_id", Name()),
    _required("sequence", BigInteger()),
    _required("lane", Name()),
    _required("account", Name()),
    Column("sealed_password", LargeBinary()),
    _required("created_at", Instant()),
    _required("due_at", Instant()),
    _required("expires_at", Instant()),
    _required("state", Name()),
    _required("attempts", Integer()),
    _required("counted_attempts", Integer()),
    _required("must_probe", Boolean()),
    _required("lease", Name()),
    Column("leased_until", Instant()),
    # When a worker may take it: due_at while it waits, leased_until while it is in flight. Lets one index answer both.
    _required("ready_at", Instant()),
    _required("code", Name()),
    _required("directory_code", Prose()),
    _required("message", Prose()),
    Column("settled_at", Instant()),
    Index("deliveries_id", "id", unique=True),
    Index("deliveries_tracking_id", "tracking_id"),
    Index("deliveries_account", "lane", "account", "sequence"),
    Index("deliveries_state", "state", "lane"),
    sqlite_autoincrement=True,
)

fingerprints = Table(
    "fingerprints",
    METADATA,
    _required("lane", Name(), primary_key=True),
    _required("account", Name(), primary_key=True),
    Column("in_force", LargeBinary()),
    _required("sequence", BigInteger()),
    _required("set_by", Name()),
    Column("set_at", Instant()),
    Column("occurred_at", Instant()),
    Column("told", LargeBinary()),
    _required("writes", Prose()),
)

guesses = Table(
    "guesses",
    METADATA,
    _required("lane", Name(), primary_key=True),
    _required("account", Name(), primary_key=True),
    _required("count", Integer()),
    Column("since", Instant()),
)

events = Table(
    "events",
    METADATA,
    _numbered("sequence"),
    _required("at", Instant()),
    _required("name", Name()),
    _required("level", Name()),
    _required("message", Prose()),
    _required("tracking_id", Name()),
    _required("adapter", Name()),
    _required("account", Name()),
    _required("fields", Text()),
    Index("events_tracking_id", "tracking_id"),
    sqlite_autoincrement=True,
)

audit = Table(
    "audit",
    METADATA,
    _required("trail", Name(), primary_key=True),
    _required("sequence", BigInteger(), primary_key=True),
    _required("at", Instant()),
    _required("principal", Name()),
    _required("origin", Name()),
    _required("action", Name()),
    _required("object", Name()),
    _required("detail", Prose()),
    _required("failure", Name()),
    _required("hash", LargeBinary()),
    _required("tag", LargeBinary()),
    sqlite_with_rowid=False,
)

audit_heads = Table(
    "audit_heads",
    METADATA,
    _required("trail", Name(), primary_key=True),
    _required("sequence", BigInteger()),
    _required("hash", LargeBinary()),
    _required("trimmed", BigInteger()),
    _required("trimmed_hash", LargeBinary()),
    _required("tag", LargeBinary()),
)

tokens = Table(
    "tokens",
    METADATA,
    _required("id", Name(), primary_key=True),
    _required("principal", Name()),
    _required("digest", LargeBinary()),
    _required("created_at", Instant()),
    Column("expires_at", Instant()),
    Column("last_used_at", Instant()),
    Column("revoked_at", Instant()),
    Index("tokens_digest", "digest", unique=True),
)

leases = Table(
    "leases",
    METADATA,
    _required("name", Name(), primary_key=True),
    _required("holder", Name()),
    _required("token", BigInteger()),
    _required("expires_at", Instant()),
)

identities = Table(
    "identities",
    METADATA,
    _required("name", Name(), primary_key=True),
    _required("value", LargeBinary()),
)


def is_open(table: FromClause) -> ColumnElement[bool]:
    """Claim of a delivery row that it still moves without a person.

    Written with literals: SQLite uses a partial index only when the terms are the same.
    """
    return table.c.state.in_([literal_column(f"'{state}'") for state in ("inFlight", "pending", "retrying")])


def is_unsettled(table: FromClause) -> ColumnElement[bool]:
    """Claim of a delivery row that it still moves, or waits for a person.

    Written with literals for the same reason, and by what it is not, for which nobody takes the index of the states.
    """
    return table.c.state.not_in([literal_column(f"'{state}'") for state in ("confirmed", "expired", "superseded")])


def same_lane(table: FromClause, lane: ColumnElement[str]) -> ColumnElement[bool]:
    """Claim of a row found by its account that it is of *lane* too, in a form that no index answers.

    A lane has a hundred thousand open rows, an account a few. Without statistics (a queue is empty when it is
    analysed) a planner may take the lane's index for as good as the account's.
    """
    return table.c.lane.concat(literal_column("''")) == lane


_UNROUTED: dict[str, Any] = {
    "sqlite_where": text("unrouted = 1"),
    "postgresql_where": text("unrouted"),
}
_OPEN: dict[str, Any] = {
    "sqlite_where": text("state IN ('inFlight', 'pending', 'retrying')"),
    "postgresql_where": text("state IN ('inFlight', 'pending', 'retrying')"),
}
_UNSETTLED: dict[str, Any] = {
    "sqlite_where": text("state NOT IN ('confirmed', 'expired', 'superseded')"),
    "postgresql_where": text("state NOT IN ('confirmed', 'expired', 'superseded')"),
}
_FINISHED: dict[str, Any] = {
    "sqlite_where": text("finished_at IS NOT NULL"),
    "postgresql_where": text("finished_at IS NOT NULL"),
}
Index("changes_finished", changes.c.finished_at, **_FINISHED)
Index("changes_unrouted", changes.c.sequence, **_UNROUTED)
Index("changes_unrouted_account", changes.c.account, changes.c.sequence, **_UNROUTED)
Index("deliveries_open", deliveries.c.lane, deliveries.c.sequence, deliveries.c.number, deliveries.c.ready_at, **_OPEN)
Index("deliveries_open_account", deliveries.c.account, deliveries.c.sequence, deliveries.c.number, **_OPEN)
Index("deliveries_ready", deliveries.c.lane, deliveries.c.ready_at, **_OPEN)
Index("deliveries_unsettled", deliveries.c.expires_at, deliveries.c.sequence, **_UNSETTLED)
