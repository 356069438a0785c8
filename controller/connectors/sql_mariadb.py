"""Accounts of MariaDB: ``ALTER USER ... IDENTIFIED VIA`` with a hash computed here, so that no log can hold a password.

An account is ``name@host``; without a host it is ``name@%``, as in MariaDB's own statements. Its password is verified
by the stored hash (mysql.global_priv), so that no wrong try counts (max_password_errors).
"""

import hashlib
import hmac
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, text

from controller.connectors.checking import diagnose_by_check, survey_by_look_up
from controller.connectors.sql_transaction import Transactions
from controller.model.constraints import Capabilities, Constraints
from controller.model.diagnosis import Finding
from controller.model.errors import AccountRefused, AccountUnknown, ChannelRefused, OldPasswordWrong, PasswordRejected
from controller.model.observation import Survey
from controller.model.policy import PasswordPolicy
from controller.model.secret import Secret

CAPABILITIES = Capabilities(is_probe_harmless=True, constraints=Constraints(min_length=1, forbidden="\x00"))
_PLUGIN = "mysql_native_password"
_ANY_HOST = "%"
_UNFIT = re.compile("[\x00\ud800-\udfff]")
_ACCOUNT = text("SELECT Priv FROM mysql.global_priv WHERE User = :name AND Host = :host")
_TAKES_HASHES = text(
    "SELECT NOT @@strict_password_validation OR NOT EXISTS (SELECT * FROM information_schema.PLUGINS"
    " WHERE PLUGIN_TYPE = 'PASSWORD VALIDATION' AND PLUGIN_STATUS = 'ACTIVE')"
)
"""Otherwise ALTER USER fails without a code of its own."""
_OUR_RIGHT = text(
    "SELECT count(*) FROM information_schema.USER_PRIVILEGES WHERE PRIVILEGE_TYPE = 'CREATE USER'"
    " AND GRANTEE = concat('''', substring_index(current_user(), '@', 1), '''@''',"
    " substring_index(current_user(), '@', -1), '''')"
)


def native_hash(password: Secret) -> str:
    """What MariaDB keeps for mysql_native_password: twice SHA-1, without a salt (its PASSWORD())."""
    once = hashlib.sha1(password.reveal().encode("utf-8", "surrogatepass"), usedforsecurity=False).digest()
    return "*" + hashlib.sha1(once, usedforsecurity=False).hexdigest().upper()


@dataclass(slots=True)
class MariadbAccounts:
    """Sets passwords of accounts that are identified by mysql_native_password."""

    transactions: Transactions
    capabilities: Capabilities = field(default=CAPABILITIES)

    def set_password(self, account: str, new: Secret) -> None:
        """Set the password of an account that exists.

        Raises:
            PasswordRejected: No client could send it.
            AccountUnknown: There is no such account.
            AccountRefused: It is identified in another way, which this would replace.
            ConnectorError: As ``ports.Connector`` says.
        """
        violation = self.capabilities.constraints.violation(new)
        if violation is None and not new.is_unicode():
            violation = "with a character that cannot be written in UTF-8"
        if violation is not None:
            raise PasswordRejected(f"the new password of {account!r} is {violation}", hint="choose another password")
        self._stored(account)
        self._expect_hashes_are_taken()
        new_hash = native_hash(new)
        name, host = map(_quoted, _name_and_host(account))
        statement = f"ALTER USER {name}@{host} IDENTIFIED VIA {_PLUGIN} USING '{new_hash}'"  # it takes no parameters

        def alter(connection: Connection) -> None:
            connection.execution_options(no_parameters=True).exec_driver_sql(statement)

        self.transactions.do(alter, new_hash)

    def change_password(self, account: str, old: Secret, new: Secret) -> None:
        """Set the password when *old* is in force.

        Raises:
            OldPasswordWrong: It is not.
            ConnectorError: As for ``set_password``.
        """
        if not self.verify_password(account, old):
            raise OldPasswordWrong(f"{self.transactions.place}: the old password of {account!r} is wrong")
        self.set_password(account, new)

    def verify_password(self, account: str, password: Secret) -> bool:
        """Compare *password* with the stored hash.

        Raises:
            AccountUnknown: There is no such account.
            AccountRefused: It is identified in another way, so that nobody can tell.
            ConnectorError: As ``ports.Connector`` says.
        """
        stored = self._stored(account)
        return not password.is_empty() and hmac.compare_digest(native_hash(password), stored.upper())

    def check(self) -> None:
        """Make sure of login and rights, without changing anything.

        Raises:
            ChannelRefused: Our login may not read or change accounts.
            Busy, Unavailable: As ``ports.Connector`` says.
        """

        def may_change(connection: Connection) -> bool:
            connection.execute(_ACCOUNT, {"name": "", "host": ""})
            return bool(connection.execute(_OUR_RIGHT).scalar())

        if not self.transactions.do(may_change):
            raise ChannelRefused(
                f"{self.transactions.place}: our login may not change accounts", hint="GRANT CREATE USER ON *.* TO it"
            )
        self._expect_hashes_are_taken()

    def policy(self, account: str | None = None) -> PasswordPolicy | None:
        """A server that takes hashes applies no policy: its validation plugins look at clear text alone.

        Raises:
            AccountUnknown: There is no such account.
            ConnectorError: As ``ports.Connector`` says.
        """
        if account is not None:
            self._privileges(account)
        return None

    def survey(self, accounts: Sequence[str]) -> Survey:
        """Look which accounts there are; the server does not tell when a password was set.

        Raises:
            Busy, ChannelRefused, Unavailable: As ``ports.Connector`` says.
        """
        return survey_by_look_up(self.policy, accounts)

    def diagnose(self, accounts: Sequence[str]) -> Iterator[Finding]:  # noqa: ARG002  # as ports.Connector
        """Check the channel."""
        return diagnose_by_check(self.check)

    def close(self) -> None:
        """Give back the connection; the next call opens another."""
        self.transactions.engine.dispose()

    def _expect_hashes_are_taken(self) -> None:
        if not self.transactions.do(lambda connection: connection.execute(_TAKES_HASHES).scalar()):
            raise ChannelRefused(
                f"{self.transactions.place}: a plugin validates passwords in clear, so the server takes no hashes",
                hint="SET GLOBAL strict_password_validation = OFF lets it take them, unvalidated",
            )

    def _stored(self, account: str) -> str:
        """The stored hash; empty when the account has no password."""
        told = self._privileges(account)
        plugin = str(told.get("plugin", ""))
        if told.get("is_role"):
            raise AccountRefused(f"{account!r} is a role, which has no password")
        if plugin not in {_PLUGIN, ""} or "auth_or" in told:
            raise AccountRefused(
                f"the account {account!r} is identified via {plugin or 'several ways'}, which is left as it is",
                hint=f"ALTER USER ... IDENTIFIED VIA {_PLUGIN}, if it shall have such a password",
            )
        return str(told.get("authentication_string", ""))

    def _privileges(self, account: str) -> dict[str, Any]:
        if _UNFIT.search(account):
            raise AccountRefused(f"no account can be named {account!r}", hint="no NUL can be in a name")
        name, host = _name_and_host(account)
        found = self.transactions.do(
            lambda connection: connection.execute(_ACCOUNT, {"name": name, "host": host}).scalar()
        )
        if found is None:
            raise AccountUnknown(f"the server has no account {name}@{host}, for {account!r}")
        told: dict[str, Any] = json.loads(found)
        return told


def _name_and_host(account: str) -> tuple[str, str]:
    name, separator, host = account.rpartition("@")
    return (name, host) if separator and name else (account, _ANY_HOST)


def _quoted(text_: str) -> str:
    escaped = text_.replace("`", "``")
    return f"`{escaped}`"
