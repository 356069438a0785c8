"""Connector type ``racf``: passwords and password phrases of RACF, through the SDBM back end of the z/OS LDAP server.

An administrator replaces ``racfPassword`` or ``racfPassPhrase`` of ``racfid=USER,profiletype=USER,SUFFIX``. A user
changes the own one by a simple bind with ``old/new`` as the password. So no password with a slash can be used there: a
bind would take what follows for a new one.
"""

import re
import string
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, Field

from controller.connectors.checking import diagnose_by_check
from controller.connectors.ldap.endpoint import Endpoint, LdapUrl, Patience
from controller.connectors.ldap.escaping import PLACEHOLDER, in_dn
from controller.connectors.ldap.messages import Modification
from controller.connectors.ldap.racf_codes import change_refused, is_right, set_refused
from controller.model.constraints import Capabilities, Constraints
from controller.model.diagnosis import Finding
from controller.model.errors import (
    AccountUnknown,
    ChannelRefused,
    OldPasswordWrong,
    PasswordRejected,
    PolicyUntold,
    SettingsError,
)
from controller.model.observation import Survey
from controller.model.options import Bind, LdapEndpoint
from controller.model.policy import PasswordPolicy
from controller.model.secret import Secret
from controller.ports.connectors import Connector, ResolveSecret

if TYPE_CHECKING:
    from controller.connectors.ldap.session import Session

LONGEST_PASSWORD, LONGEST_PHRASE = 8, 100
_NEW_VALUE_FOLLOWS = "/"
_USER_ID = re.compile(r"[A-Za-z0-9#$@]{1,8}")
_IN_PASSWORDS = frozenset(string.ascii_letters + string.digits + "#$@.<+|&!*-%_>?:=")
"""RACF's letters, digits and national characters, and those of SETROPTS PASSWORD(SPECIALCHARS)."""
_IN_PHRASES = "".join(map(chr, range(0x20, 0x7F))).replace(_NEW_VALUE_FOLLOWS, "")
"""What every EBCDIC code page has."""


class RacfOptions(LdapEndpoint):
    """Options of ``type: racf``."""

    url: LdapUrl
    suffix: str = Field(min_length=1)
    mixed_case: bool = False
    no_expired: bool = True
    shortest_phrase: int = Field(default=14, ge=9, le=14)
    mode: Literal["reset", "change"] = "reset"


class RacfConnector:
    """Sets, changes and verifies passwords (up to 8 characters) and phrases (longer ones) of RACF user IDs."""

    def __init__(self, options: RacfOptions, session: "Session") -> None:
        self.capabilities = _capabilities(options)
        self._options = options
        self._session = session

    def set_password(self, account: str, new: Secret) -> None:
        """Replace it as an administrator: RACF's history and interval do not apply."""
        attribute, value = self._attribute_and_value(account, new)
        dn = self._existing(account)
        changes = [Modification("replace", attribute, value)]
        if self._options.no_expired:  # else the user must change it at the next logon
            changes.append(Modification("add", "racfAttributes", b"noexpired"))
        answer = self._session.modify(dn, changes)
        if not answer.is_success:
            raise set_refused(answer, self._subject(account), new)

    def change_password(self, account: str, old: Secret, new: Secret) -> None:
        """Bind as the user with both: RACF changes no password by a phrase, and no phrase by a password."""
        attribute, new_value = self._attribute_and_value(account, new)
        old_attribute, old_value = self._as_sent(old)
        dn = self._existing(account)
        if old_value is None:
            raise OldPasswordWrong(f"{self._subject(account)}: the old password cannot be one of RACF's")
        if old_attribute != attribute:
            raise PasswordRejected(
                f"{self._subject(account)}: one of the old and the new value is a password, the other a phrase",
                hint="keep to one kind with the adapter's password filter, or use mode: reset",
            )
        sent = old_value + _NEW_VALUE_FOLLOWS.encode() + new_value
        answer = self._session.bind_to_change(dn, sent)
        if not answer.is_success:
            raise change_refused(answer, self._subject(account), old, new)

    def verify_password(self, account: str, password: Secret) -> bool:
        """Bind as the user, once; each wrong try counts towards revoking the user ID (SETROPTS PASSWORD(REVOKE))."""
        dn = self._existing(account)
        _, value = self._as_sent(password)
        return value is not None and is_right(self._session.try_bind(dn, value), self._subject(account), password)

    def check(self) -> None:
        """Open and bind anew, and look for the suffix."""
        self._session.check()
        base = f"profiletype=USER,{self._options.suffix}"
        if self._session.read(base) is None:
            raise ChannelRefused(f"{self._session}: there is no {base}", hint="check suffix, and the rights to read it")

    def policy(self, account: str | None = None) -> PasswordPolicy | None:  # noqa: ARG002  # as ports.Connector
        """Refuse: the rules (SETROPTS PASSWORD) are not in what SDBM tells of users.

        Raises:
            PolicyUntold: Always.
        """
        raise PolicyUntold("RACF does not tell its password rules to those who look at users")

    def survey(self, accounts: Sequence[str]) -> Survey:  # noqa: ARG002  # as ports.Connector
        """Tell nothing: this system is not asked about its accounts."""
        return Survey()

    def diagnose(self, accounts: Sequence[str]) -> Iterator[Finding]:  # noqa: ARG002  # as ports.Connector
        """Check the channel."""
        return diagnose_by_check(self.check)

    def close(self) -> None:
        """Give back the connection."""
        self._session.close()

    def _existing(self, account: str) -> str:
        """The DN of a user ID that RACF has."""
        if not _USER_ID.fullmatch(account):
            raise AccountUnknown(f"{self._subject(account)}: no RACF user ID is spelt so")
        dn = in_dn(f"racfid={PLACEHOLDER},profiletype=USER,{self._options.suffix}", account.upper())
        if self._session.read(dn) is None:
            raise AccountUnknown(f"{self._subject(account)}: there is no {dn}")
        return dn

    def _attribute_and_value(self, account: str, new: Secret) -> tuple[str, bytes]:
        attribute, value = self._as_sent(new)
        if value is None:
            reason = self.capabilities.constraints.violation(new) or "with a character that RACF takes in phrases only"
            raise PasswordRejected(
                f"{self._subject(account)}: the password is {reason}", hint="change the adapter's password filter"
            )
        return attribute, value

    def _as_sent(self, password: Secret) -> tuple[str, bytes | None]:
        """Which of the two it is, and its bytes; None when RACF can have no such one."""
        text = password.reveal()
        if len(text) > LONGEST_PASSWORD:
            attribute, is_fit = "racfPassPhrase", True
        else:
            attribute, is_fit = "racfPassword", _IN_PASSWORDS.issuperset(text)
            text = text if self._options.mixed_case else text.upper()
        if not is_fit or self.capabilities.constraints.violation(password) is not None:
            return attribute, None
        return attribute, text.encode("ascii")

    def _subject(self, account: str) -> str:
        return f"{self._session}, RACF user ID {account}"


class RacfType:
    """The connector type ``racf``."""

    name: str = "racf"
    options: type[BaseModel] = RacfOptions

    def __init__(self, patience: Patience | None = None) -> None:
        self._patience = patience or Patience()

    def capabilities(self, options: RacfOptions) -> Capabilities:
        """With ``mode: change`` the old password is needed, and RACF's history applies."""
        return _capabilities(options)

    def connect(self, options: RacfOptions, resolve: ResolveSecret) -> Connector:
        """Make a connector; ldap3 is imported here, the connection opened on first use.

        Raises:
            SettingsError: The service account's password has a slash: binding with it would set another one.
        """
        from controller.connectors.ldap.session import Session

        password = service_password(options.bind, resolve)
        session = Session(Endpoint.of(options), options.bind.user, password, self._patience)
        return RacfConnector(options, session)


def service_password(bind: Bind, resolve: ResolveSecret) -> Secret:
    """The password of a service account of RACF.

    Raises:
        SettingsError: It has a slash: binding with it would set another one.
    """
    password = resolve(bind.password_from)
    if _NEW_VALUE_FOLLOWS in password.reveal():
        raise SettingsError(
            f"the password in {bind.password_from} has a slash: a bind would set what follows as a new one",
            hint="give the service account a password without a slash",
        )
    return password


def _capabilities(options: RacfOptions) -> Capabilities:
    changes = options.mode == "change"
    gaps = (
        ((LONGEST_PASSWORD + 1, options.shortest_phrase - 1),) if options.shortest_phrase > LONGEST_PASSWORD + 1 else ()
    )
    return Capabilities(
        needs_old_password=changes,
        is_repeatable=not changes,
        can_read_policy=False,
        can_survey=False,
        constraints=Constraints(min_length=1, max_length=LONGEST_PHRASE, gaps=gaps, alphabet=_IN_PHRASES),
    )


CONNECTOR_TYPE = RacfType()
