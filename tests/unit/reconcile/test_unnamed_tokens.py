"""Tokens of principals that no manifest names."""

from datetime import UTC, datetime, timedelta

from controller.model.topology import (
    Access,
    Adapter,
    AdapterGroup,
    Application,
    ConnectorSpec,
    Domain,
    Source,
    Spec,
    System,
)
from controller.ports.tokens import Token
from controller.reconcile.unnamed_tokens import unnamed_tokens

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SPECS: tuple[Spec, ...] = (
    System(administrators=("ops",), affiliate_administrators=("affiliates",)),
    Domain("corp.example.com", sources=(Source("dc1"),)),
    AdapterGroup(),
    Adapter(ConnectorSpec("remote"), access=Access(("racf-ops",), ("racf-agent",), ("racf",))),
    Application(access=Access(administrators=("payroll-ops",), users=("CORP\\staff",), lookups=("portal",))),
)


def token(principal: str, *, expires: timedelta | None = None, is_revoked: bool = False) -> Token:
    return Token(
        id=f"of-{principal}",
        principal=principal,
        created_at=NOW,
        expires_at=None if expires is None else NOW + expires,
        last_used_at=None,
        revoked_at=NOW if is_revoked else None,
    )


def found(*tokens: Token) -> list[str]:
    return [t.principal for t in unnamed_tokens(SPECS, tokens, NOW)]


def test_principals_that_any_object_names_are_known() -> None:
    known = ("ops", "affiliates", "dc1", "racf-ops", "racf-agent", "racf", "payroll-ops", "portal")

    assert found(*map(token, known)) == []


def test_others_are_found_in_their_order() -> None:
    assert found(token("dc-1"), token("dc1"), token("CORP\\staff")) == ["dc-1", "CORP\\staff"]


def test_tokens_that_have_ended_do_not_matter() -> None:
    assert found(token("a", is_revoked=True), token("b", expires=timedelta())) == []
    assert found(token("c", expires=timedelta(seconds=1))) == ["c"]
