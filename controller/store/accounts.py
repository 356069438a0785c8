"""How a person's text names accounts in the columns ``lane`` and ``account``."""

from sqlalchemy import ColumnElement, FromClause, and_, or_

from controller.model.accounts import Account, ExternalAccount, WindowsAccount


def named(table: FromClause, text: str) -> ColumnElement[bool]:
    r"""Rows whose account *text* names: ``DOMAIN\user``, ``adapter:account``, or the bare account name."""
    claims: list[ColumnElement[bool]] = [table.c.account == text]
    domain, backslash, user = text.partition("\\")
    if backslash:
        claims.append(of_account(table, WindowsAccount(domain.upper(), user.lower())))
    adapter, colon, name = text.partition(":")
    if colon:
        claims.append(of_account(table, ExternalAccount(adapter, name)))
    return or_(*claims)


def of_account(table: FromClause, account: Account) -> ColumnElement[bool]:
    """Rows of one account."""
    return and_(table.c.lane == account.lane, table.c.account == account.name)


def spellings(text: str) -> set[str]:
    r"""*text*, and where it names a Windows account, that account as it is written in events."""
    domain, backslash, user = text.partition("\\")
    return {text, str(WindowsAccount(domain.upper(), user.lower()))} if backslash else {text}
