"""First schema.

Spelled out and not taken from ``store.tables``, which will move on while this script stays.
"""

from itertools import product
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create all tables, and the triggers that keep audit rows and count what changes the topology."""
    _create_topology()
    _create_credentials()
    _create_guesses()
    _create_queue()
    _create_records()
    if op.get_context().dialect.name == "postgresql":
        _create_postgresql_triggers()
    else:
        _create_sqlite_triggers()


def _name() -> Any:  # noqa: ANN401  # a column type
    return sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def _names(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(n, _name(), nullable=False) for n in names]


def _keys(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(n, _name(), primary_key=True, nullable=False) for n in names]


def _texts(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(n, sa.Text(), nullable=False) for n in names]


def _numbers(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(n, sa.BigInteger(), nullable=False) for n in names]


def _optional_numbers(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(n, sa.BigInteger()) for n in names]


def _bytes(*names: str, nullable: bool = False) -> list[sa.Column[Any]]:
    return [sa.Column(n, sa.LargeBinary(), nullable=nullable) for n in names]


def _booleans(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(n, sa.Boolean(), nullable=False) for n in names]


def _serial(name: str) -> sa.Column[Any]:
    type_ = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return sa.Column(name, type_, sa.Identity(always=False), primary_key=True)


def _create_topology() -> None:
    op.create_table(
        "resources",
        *_keys("kind", "name"),
        *_texts("spec", "labels", "annotations"),
        *_names("digest"),
        *_numbers("generation", "updated_at"),
        *_texts("revision"),
    )
    op.create_table("counters", *_keys("name"), *_numbers("value"))
    op.execute("INSERT INTO counters (name, value) VALUES ('resources', 0), ('mappings', 0)")
    op.create_table("suspensions", *_keys("adapter"), *_names("principal"), *_numbers("since"))
    op.create_table(
        "reconciliations",
        *_keys("name"),
        *_numbers("at"),
        *_names("outcome"),
        *_texts("message", "manifests", "attempted", "applied"),
        *_optional_numbers("applied_at"),
        *_texts("refused", "problem"),
        *_optional_numbers("problem_since"),
    )
    op.create_table("pauses", *_keys("name"), *_names("principal"), *_numbers("since"), *_texts("reason"))
    op.create_table(
        "policies",
        *_keys("lane"),
        *_names("declaration"),
        *_numbers("tried_at"),
        *_optional_numbers("read_at"),
        *_texts("policy", "problem"),
    )
    op.create_table(
        "observations", *_keys("lane", "account"), *_optional_numbers("set_at", "missing_since", "missed_since")
    )
    op.create_table(
        "surveys", *_keys("lane"), *_numbers("looked_at", "missing", "missed", "differing"), *_texts("names", "problem")
    )
    op.create_table("verifications", *_keys("lane", "account"), *_numbers("tried_at", "stored_at"), *_names("outcome"))
    op.create_table(
        "rule_results",
        *_keys("name"),
        *_numbers("noted_at"),
        *_optional_numbers("found"),
        *_numbers("mapped", "overridden"),
        *_texts("problems"),
    )
    op.create_table(
        "lanes", *_keys("lane"), *_booleans("is_online"), *_numbers("since"), *_names("code"), *_texts("message")
    )
    op.create_table(
        "sessions",
        *_keys("adapter"),
        *_names("id", "principal"),
        *_numbers("since", "heard_at", "asked_at"),
        *_names("presence"),
        *_optional_numbers("told_at"),
        *_texts("told"),
    )
    op.create_table(
        "mappings",
        *_keys("application", "windows_account", "external_account"),
        *_booleans("enabled"),
        *_names("origin"),
        sqlite_with_rowid=False,
    )
    op.create_index("mappings_windows", "mappings", ["windows_account", "application"])
    op.create_index("mappings_external", "mappings", ["external_account", "application"])

    op.create_table(
        "windows_groups", *_keys("name"), *_optional_numbers("read_at"), *_numbers("members"), *_texts("problem")
    )
    op.create_table("windows_group_members", *_keys("name", "windows_account"), sqlite_with_rowid=False)


def _create_credentials() -> None:
    op.create_table(
        "credentials",
        *_keys("application", "external_account", "field"),
        *_bytes("sealed"),
        *_numbers("sequence"),
        *_names("tracking_id"),
        *_numbers("updated_at"),
        *_optional_numbers("expired_at"),
    )
    op.create_table(
        "windows_passwords",
        *_keys("account"),
        *_bytes("sealed"),
        *_numbers("sequence"),
        *_names("tracking_id"),
        *_numbers("updated_at"),
    )
    op.create_table(
        "fingerprints",
        *_keys("lane", "account"),
        *_bytes("in_force", nullable=True),
        *_numbers("sequence"),
        *_names("set_by"),
        *_optional_numbers("set_at", "occurred_at"),
        *_bytes("told", nullable=True),
        *_texts("writes"),
    )


def _create_guesses() -> None:
    op.create_table(
        "guesses",
        *_keys("lane", "account"),
        sa.Column("count", sa.Integer(), nullable=False),
        *_optional_numbers("since"),
    )


def _create_queue() -> None:
    op.create_table(
        "changes",
        _serial("sequence"),
        *_names("tracking_id", "lane", "account", "caller"),
        *_bytes("sealed_password", "sealed_old_password", nullable=True),
        *_optional_numbers("occurred_at"),
        *_numbers("received_at"),
        *_names("state"),
        *_booleans("routed", "unrouted"),
        *_names("reason"),
        *_texts("message"),
        *_optional_numbers("finished_at"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "deliveries",
        _serial("number"),
        *_names("id", "tracking_id"),
        *_numbers("sequence"),
        *_names("lane", "account"),
        *_bytes("sealed_password", nullable=True),
        *_numbers("created_at", "due_at", "expires_at"),
        *_names("state"),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("counted_attempts", sa.Integer(), nullable=False),
        *_booleans("must_probe"),
        *_names("lease"),
        *_optional_numbers("leased_until"),
        *_numbers("ready_at"),
        *_names("code"),
        *_texts("directory_code", "message"),
        *_optional_numbers("settled_at"),
        sqlite_autoincrement=True,
    )
    _create_queue_indexes()


def _create_queue_indexes() -> None:
    op.create_index("changes_tracking_id", "changes", ["tracking_id"], unique=True)
    op.create_index("changes_account", "changes", ["lane", "account", "sequence"])
    op.create_index("changes_state", "changes", ["state", "sequence"])
    unrouted: dict[str, Any] = {
        "sqlite_where": sa.text("unrouted = 1"),
        "postgresql_where": sa.text("unrouted"),
    }
    op.create_index("changes_unrouted", "changes", ["sequence"], **unrouted)
    op.create_index("changes_unrouted_account", "changes", ["account", "sequence"], **unrouted)
    op.create_index("deliveries_id", "deliveries", ["id"], unique=True)
    op.create_index("deliveries_tracking_id", "deliveries", ["tracking_id"])
    op.create_index("deliveries_account", "deliveries", ["lane", "account", "sequence"])
    op.create_index("deliveries_state", "deliveries", ["state", "lane"])
    is_open = sa.text("state IN ('inFlight', 'pending', 'retrying')")
    still_open: dict[str, Any] = {"sqlite_where": is_open, "postgresql_where": is_open}
    op.create_index("deliveries_open", "deliveries", ["lane", "sequence", "number", "ready_at"], **still_open)
    op.create_index("deliveries_open_account", "deliveries", ["account", "sequence", "number"], **still_open)
    op.create_index("deliveries_ready", "deliveries", ["lane", "ready_at"], **still_open)
    is_unsettled = sa.text("state NOT IN ('confirmed', 'expired', 'superseded')")
    unsettled: dict[str, Any] = {"sqlite_where": is_unsettled, "postgresql_where": is_unsettled}
    op.create_index("deliveries_unsettled", "deliveries", ["expires_at", "sequence"], **unsettled)
    is_finished = sa.text("finished_at IS NOT NULL")
    finished: dict[str, Any] = {"sqlite_where": is_finished, "postgresql_where": is_finished}
    op.create_index("changes_finished", "changes", ["finished_at"], **finished)


def _create_records() -> None:
    op.create_table(
        "events",
        _serial("sequence"),
        *_numbers("at"),
        *_names("name", "level"),
        *_texts("message"),
        *_names("tracking_id", "adapter", "account"),
        *_texts("fields"),
        sqlite_autoincrement=True,
    )
    op.create_index("events_tracking_id", "events", ["tracking_id"])
    _create_audit()
    op.create_table(
        "tokens",
        *_keys("id"),
        *_names("principal"),
        *_bytes("digest"),
        *_numbers("created_at"),
        *_optional_numbers("expires_at", "last_used_at", "revoked_at"),
    )
    op.create_index("tokens_digest", "tokens", ["digest"], unique=True)
    op.create_table("leases", *_keys("name"), *_names("holder"), *_numbers("token", "expires_at"))
    op.create_table("identities", *_keys("name"), *_bytes("value"))


def _create_audit() -> None:
    op.create_table(
        "audit",
        *_keys("trail"),
        sa.Column("sequence", sa.BigInteger(), primary_key=True, nullable=False),
        *_numbers("at"),
        *_names("principal", "origin", "action", "object"),
        *_texts("detail"),
        *_names("failure"),
        *_bytes("hash", "tag"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "audit_heads",
        *_keys("trail"),
        *_numbers("sequence"),
        *_bytes("hash"),
        *_numbers("trimmed"),
        *_bytes("trimmed_hash", "tag"),
    )


_COUNTED = ("resources", "mappings")
_TRIMMED = "(SELECT trimmed FROM audit_heads WHERE trail = OLD.trail)"
_GOES_BACK = "NEW.trail <> OLD.trail OR NEW.sequence < OLD.sequence OR NEW.trimmed < OLD.trimmed"


def _create_sqlite_triggers() -> None:
    refused = "BEGIN SELECT RAISE(ABORT, 'audit rows are never changed'); END"
    op.execute(f"CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit {refused}")
    op.execute(
        f"CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit WHEN OLD.sequence > coalesce({_TRIMMED}, 0) {refused}"
    )
    op.execute(f"CREATE TRIGGER audit_heads_no_delete BEFORE DELETE ON audit_heads {refused}")
    op.execute(f"CREATE TRIGGER audit_heads_no_return BEFORE UPDATE ON audit_heads WHEN {_GOES_BACK} {refused}")
    for table, event in product(_COUNTED, ("INSERT", "UPDATE", "DELETE")):
        op.execute(
            f"CREATE TRIGGER {table}_count_{event.lower()} AFTER {event} ON {table} "  # noqa: S608  # constants
            f"BEGIN UPDATE counters SET value = value + 1 WHERE name = '{table}'; END"
        )


def _create_postgresql_triggers() -> None:
    op.execute(
        "CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'audit rows are never changed'; END $$"
    )
    op.execute(
        "CREATE FUNCTION refuse_audit_removal() RETURNS trigger LANGUAGE plpgsql AS "  # constants
        f"$$ BEGIN IF OLD.sequence > coalesce({_TRIMMED}, 0) THEN "
        "RAISE EXCEPTION 'audit rows are never changed'; END IF; RETURN OLD; END $$"
    )
    op.execute(
        "CREATE FUNCTION refuse_audit_return() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN IF {_GOES_BACK} THEN RAISE EXCEPTION 'audit rows are never changed'; END IF; RETURN NEW; END $$"
    )
    for event in ("UPDATE OR TRUNCATE ON audit", "DELETE OR TRUNCATE ON audit_heads"):
        op.execute(
            f"CREATE TRIGGER audit_no_change BEFORE {event} FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change()"
        )
    op.execute(
        "CREATE TRIGGER audit_no_removal BEFORE DELETE ON audit FOR EACH ROW EXECUTE FUNCTION refuse_audit_removal()"
    )
    op.execute(
        "CREATE TRIGGER audit_heads_no_return BEFORE UPDATE ON audit_heads "
        "FOR EACH ROW EXECUTE FUNCTION refuse_audit_return()"
    )
    op.execute(
        "CREATE FUNCTION count_change() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN UPDATE counters SET value = value + 1 WHERE name = TG_TABLE_NAME; RETURN NULL; END $$"
    )
    for table in _COUNTED:
        op.execute(
            f"CREATE TRIGGER {table}_count AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION count_change()"
        )
