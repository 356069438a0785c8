"""Connector type ``htpasswd``: the password file of Apache httpd and nginx, hashed with bcrypt.

Only accounts that are in the file get a password; this product does not make accounts.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, Field

from controller.connectors.hashing import Bcrypt, HashUnknown, hash_password, matches
from controller.connectors.htpasswd_file import PasswordFile
from controller.model.constraints import Capabilities
from controller.model.diagnosis import Finding, Verdict
from controller.model.errors import AccountRefused, ChannelRefused, ConnectorError, OldPasswordWrong
from controller.model.observation import Sighting, Survey
from controller.model.options import FilePath, Options
from controller.model.policy import PasswordPolicy
from controller.model.secret import Secret
from controller.ports.connectors import Connector, ConnectorType, ResolveSecret


class HtpasswdOptions(Options):
    """``spec.connector`` of type ``htpasswd``."""

    file: FilePath = Field(description="The password file; it must exist.")
    scheme: Literal["bcrypt"] = "bcrypt"
    cost: int = Field(default=12, ge=4, le=15, description="The cost of bcrypt: each step doubles the time.")


@dataclass(slots=True)
class HtpasswdConnector:
    """Sets passwords in one file. It keeps nothing between calls."""

    file: PasswordFile
    scheme: Bcrypt
    capabilities: Capabilities

    def set_password(self, account: str, new: Secret) -> None:
        """Set the password of an account that is in the file.

        Raises:
            PasswordRejected: bcrypt cannot take it.
            AccountUnknown: The file has no such account.
            AccountRefused: The name cannot stand in such a file.
            Busy: Another program holds the file's lock, or changed the file just now.
            Unavailable: The file is not there, or cannot be read or written now. Nothing was changed.
            ChannelRefused: We may not read or replace it.
            Indeterminate: It was replaced, but maybe not durably.
        """
        self.file.find(account)  # an unknown account is told before time is spent on hashing
        self.file.replace(account, hash_password(self.scheme, new, account))

    def change_password(self, account: str, old: Secret, new: Secret) -> None:
        """Set the password when *old* is in force.

        Raises:
            OldPasswordWrong: It is not.
            AccountRefused: The stored hash is not bcrypt, so that nobody can tell.
            ConnectorError: As for ``set_password``.
        """
        stored = self.file.find(account)
        if not self._matches(account, stored, old):
            raise OldPasswordWrong(f"{self.file} holds another password of {account!r} than the old one given")
        self.file.replace(account, hash_password(self.scheme, new, account), only_if=stored)

    def verify_password(self, account: str, password: Secret) -> bool:
        """Compare *password* with the stored hash; no lockout can come of it.

        Raises:
            AccountUnknown: The file has no such account.
            AccountRefused: The stored hash is not bcrypt, so that nobody can tell.
            Unavailable: The file is not there.
            ChannelRefused: We may not read it.
        """
        return self._matches(account, self.file.find(account), password)

    def check(self) -> None:
        """Make sure that the file can be read and replaced, without changing it.

        Raises:
            Unavailable: It is not there.
            ChannelRefused: We may not read or replace it.
        """
        self.file.read()
        if not os.access(self.file.folder, os.W_OK | os.X_OK):
            raise ChannelRefused(
                f"{self.file} cannot be replaced: no right to write to its folder",
                hint=f"give user {os.geteuid()} the right to write to {self.file.folder}",
            )

    def policy(self, account: str | None = None) -> PasswordPolicy | None:
        """A file has no policy beyond the limits of its hashes.

        Raises:
            AccountUnknown: The file has no such account.
            ConnectorError: As for ``verify_password``.
        """
        if account is not None:
            self.file.find(account)
        return None

    def survey(self, accounts: Sequence[str]) -> Survey:
        """Look which accounts the file has; it does not tell when a password was set.

        Raises:
            Unavailable: The file is not there.
            ChannelRefused: We may not read it.
        """
        names = self.file.names()
        return Survey({account: Sighting(account in names) for account in accounts})

    def diagnose(self, accounts: Sequence[str]) -> Iterator[Finding]:
        """Check that the file can be read and replaced, and that the mapped accounts are in it."""
        try:
            self.check()
        except ConnectorError as error:
            yield Finding("file", Verdict.FAILED, error.message, error.hint)
            return
        yield Finding("file", Verdict.OK, f"{self.file} can be read and replaced")
        missing = [account for account, sighting in self.survey(accounts).accounts.items() if not sighting.exists]
        if missing:
            hint = "make them with htpasswd, or correct the mappings"
            yield Finding("base", Verdict.WARNING, f"mapped, but not in the file: {', '.join(missing)}", hint)
        else:
            yield Finding("base", Verdict.OK, f"{len(accounts):,} mapped accounts tried are in it")

    def close(self) -> None:
        """Nothing is kept open."""

    def _matches(self, account: str, stored: str, password: Secret) -> bool:
        try:
            if stored.startswith("$2"):
                return matches(stored, password)
        except HashUnknown:
            pass  # told below, like a hash of another kind
        raise AccountRefused(
            f"the hash of {account!r} in {self.file} is not bcrypt, so its password cannot be verified",
            hint="set the password once as an administrator: it is then stored with bcrypt",
        )


class HtpasswdType:
    """The connector type ``htpasswd``."""

    name = "htpasswd"
    options: type[BaseModel] = HtpasswdOptions

    def capabilities(self, options: HtpasswdOptions) -> Capabilities:
        """Passwords are set without the old one, verified without risk of lockout, and repeatable."""
        return Capabilities(is_probe_harmless=True, constraints=_scheme(options).constraints)

    def connect(self, options: HtpasswdOptions, resolve: ResolveSecret) -> Connector:  # noqa: ARG002  # has no secret
        """Make a connector; the file is first looked at when it is used."""
        return HtpasswdConnector(PasswordFile(options.file), _scheme(options), self.capabilities(options))


def _scheme(options: HtpasswdOptions) -> Bcrypt:
    return Bcrypt(options.cost, prefix="2y")  # Apache (apr_password_validate) knows no 2b


CONNECTOR_TYPE: ConnectorType = HtpasswdType()
