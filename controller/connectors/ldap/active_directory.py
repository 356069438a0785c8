"""Connector type ``activeDirectory``: passwords of a Windows domain over LDAP (MS-ADTS 3.1.1.3.1.5).

The value of ``unicodePwd`` can be written and never read. *replace* resets it, as an administrator; *delete* of the
old and *add* of the new value in one request changes it, as the user would: history and minimum age apply.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal, Self

from pydantic import BaseModel, Field, model_validator

from controller.connectors.checking import failed
from controller.connectors.ldap.diagnosis import diagnose_channel, diagnose_clock
from controller.connectors.ldap.domain_policy import RESULTANT_POLICY, read_domain_policy
from controller.connectors.ldap.endpoint import Endpoint, LdapUrl, Patience
from controller.connectors.ldap.errors import change_refused, is_right_password, write_refused
from controller.connectors.ldap.escaping import PLACEHOLDER, in_filter
from controller.connectors.ldap.former_password import may_still_be_accepted
from controller.connectors.ldap.messages import Answer, Entry, Modification
from controller.connectors.ldap.passwords import unicode_pwd, utf8
from controller.connectors.ldap.standing import USER_ATTRIBUTES, user_sighting
from controller.connectors.ldap.times import generalized_time
from controller.model.constraints import Capabilities, Constraints
from controller.model.diagnosis import Finding, Verdict
from controller.model.errors import (
    AccountRefused,
    AccountUnknown,
    Busy,
    ChannelRefused,
    ConnectorError,
    Indeterminate,
    OldPasswordWrong,
    PasswordRejected,
    Unavailable,
)
from controller.model.observation import Sighting, Survey
from controller.model.options import LdapEndpoint
from controller.model.policy import PasswordPolicy
from controller.model.secret import Secret
from controller.model.topology import DomainDirectory
from controller.ports.connectors import Connector, ResolveSecret

if TYPE_CHECKING:
    from controller.connectors.ldap.session import Session

_IS_USER = "(objectCategory=person)(objectClass=user)"
_ACCOUNT_FILTER = f"(&{_IS_USER}(sAMAccountName={PLACEHOLDER}))"
_WRITABLE = "allowedAttributesEffective"
_RIGHT = "delegate the extended right Reset Password on the containers of the mapped accounts"
_SOME = 50
"""Users that one filter names."""
_MUST_CHANGE = "0"  # of pwdLastSet, MS-ADA3 2.175
_LONGEST = 256  # UTF-16 code units, MS-SAMR
_CONSTRAINTS = Constraints(min_length=1, max_length=_LONGEST, forbidden="\x00")  # a bind would end at a NUL
_UNREPRESENTABLE = "has a character that UTF-16 cannot express"


class ActiveDirectoryOptions(LdapEndpoint):
    """Options of ``type: activeDirectory``."""

    url: LdapUrl
    base_dn: str = Field(alias="baseDN", min_length=1)
    mode: Literal["reset", "change"] = "reset"
    must_change: Literal["clear", "keep"] = "clear"

    @model_validator(mode="after")
    def _kept_by_a_reset_alone(self) -> Self:
        if self.must_change == "keep" and self.mode == "change":
            raise ValueError(
                "mustChange: keep belongs to mode: reset; a user who must change a password has to change it"
            )
        return self


def directory_options(
    directory: DomainDirectory, password_change: Literal["change", "reset"]
) -> ActiveDirectoryOptions:
    """Options of the connector that writes to a declared domain's own directory (full sync)."""
    endpoint = directory.endpoint
    return ActiveDirectoryOptions(
        url=endpoint.url,
        ca_file=endpoint.ca_file,
        start_tls=endpoint.start_tls,
        bind=endpoint.bind,
        base_dn=directory.base_dn,
        mode=password_change,
    )


class ActiveDirectoryConnector:
    """Sets, changes and verifies passwords of accounts named by their ``sAMAccountName``."""

    def __init__(self, options: ActiveDirectoryOptions, session: "Session") -> None:
        self.capabilities = _capabilities(options)
        self._base_dn = options.base_dn
        self._keeps_must_change = options.must_change == "keep"
        self._session = session

    def set_password(self, account: str, new: Secret) -> None:
        """Reset the password; history and minimum age do not apply. A lock, and a disabled account, stay."""
        value = self._value(account, new)
        user = self._find(account)
        changes = [Modification("replace", "unicodePwd", value)]
        if self._keeps_must_change and user.text("pwdLastSet") == _MUST_CHANGE:
            changes.append(Modification("replace", "pwdLastSet", _MUST_CHANGE.encode()))  # a reset would clear it
        answer = self._session.modify(user.dn, changes)
        if not answer.is_success:
            raise write_refused(answer, self._subject(account), new)

    def change_password(self, account: str, old: Secret, new: Secret) -> None:
        """Change the password, for which the directory asks the old one."""
        new_value, old_value = self._value(account, new), unicode_pwd(old)
        if old.is_empty() or old_value is None:
            raise OldPasswordWrong(f"{self._subject(account)}: the old password cannot be one of this directory")
        answer = self._change(self._find(account).dn, old_value, new_value)
        if not answer.is_success:
            raise change_refused(answer, self._subject(account), old, new)

    def verify_password(self, account: str, password: Secret) -> bool:
        """Bind as the user, once, on a connection of its own; soon after a change, make sure it is not the former one.

        A password just set cannot be told from its predecessor by a bind (``former_password``), so then it is
        "changed" to itself: the controller checks the old value, and its history refuses the new one.
        """
        user, value, bind_value = self._find(account), unicode_pwd(password), utf8(password)
        if value is None or not bind_value:
            return False
        answer = self._session.try_bind(user.dn, bind_value)
        if not is_right_password(answer, self._subject(account), password):
            return False
        if answer.is_success and may_still_be_accepted(user, self._session.read("", ["currentTime"])):
            return self._is_present(account, user.dn, value, password)
        return True

    def check(self) -> None:
        """Open and bind anew, and look for the search base."""
        self._session.check()
        if self._session.read(self._base_dn) is None:
            raise ChannelRefused(
                f"{self._session}: there is no {self._base_dn}", hint="check baseDN, and the rights to read it"
            )

    def policy(self, account: str | None = None) -> PasswordPolicy | None:
        """Read the domain's policy, or the account's own one (MS-SAMR 3.1.1.7.1, MS-ADTS ``msDS-ResultantPSO``)."""
        user = None if account is None else self._find(account, RESULTANT_POLICY)
        return read_domain_policy(self._session.read, str(self._session), user)

    def survey(self, accounts: Sequence[str]) -> Survey:
        """Look for users by ``sAMAccountName``, some with each search; ``pwdLastSet`` tells of their passwords.

        ``badPwdCount`` is this controller's own count: others do not tell theirs (MS-ADA1 2.58).
        """
        root = self._session.read("", ["currentTime"])
        found: dict[str, Sighting] = {}
        for some in (accounts[start : start + _SOME] for start in range(0, len(accounts), _SOME)):
            names = "".join(in_filter(f"(sAMAccountName={PLACEHOLDER})", account) for account in some)
            for user in self._session.scan(self._base_dn, f"(&{_IS_USER}(|{names}))", USER_ATTRIBUTES):
                found[(user.text("sAMAccountName") or "").lower()] = user_sighting(user)
        seen = {account: found.get(account.lower(), Sighting(False)) for account in accounts}
        return Survey(seen, generalized_time(root.text("currentTime")) if root is not None else None)

    def diagnose(self, accounts: Sequence[str]) -> Iterator[Finding]:
        """Check the channel, the search base, the right to reset passwords and the clock."""
        is_open = True
        for finding in diagnose_channel(self._session):
            is_open = finding.verdict is not Verdict.FAILED
            yield finding
        if is_open:
            yield self._diagnose_base()
            yield self._diagnose_rights(accounts)
            yield diagnose_clock(self._session)

    def _diagnose_base(self) -> Finding:
        try:
            self.check()
        except ConnectorError as error:
            return failed("base", error)
        return Finding("base", Verdict.OK, f"{self._base_dn} can be read")

    def _diagnose_rights(self, accounts: Sequence[str]) -> Finding:
        """``allowedAttributesEffective`` (MS-ADTS 3.1.1.4.5.20) tells what the service account may write of a user."""
        if self.capabilities.needs_old_password:
            return Finding("rights", Verdict.OK, "passwords are changed with the old one, which needs no right")
        try:
            users = [self._find(account, _WRITABLE) for account in accounts]
        except ConnectorError as error:
            return failed("rights", error)
        lacking = [user.dn for user in users if b"unicodePwd" not in user.attributes.get(_WRITABLE.lower(), ())]
        if users and not lacking:
            return Finding("rights", Verdict.OK, f"unicodePwd may be written of {len(users):,} mapped accounts tried")
        what = "no account is mapped that could be asked"
        if lacking:
            what = f"the directory does not say that unicodePwd of {lacking[0]} may be written; Reset Password may do"
        return Finding("rights", Verdict.UNKNOWN, what, _RIGHT)

    def close(self) -> None:
        """Give back the connection."""
        self._session.close()

    def _is_present(self, account: str, dn: str, value: bytes, password: Secret) -> bool:
        try:
            answer = self._change(dn, value, value)
        except Indeterminate as error:
            raise Unavailable(error.message, hint=error.hint) from error
        if answer.is_success:
            return True
        match change_refused(answer, self._subject(account), password):
            case OldPasswordWrong():
                return False
            case PasswordRejected():
                return True
            case (Busy() | Unavailable()) as not_now:
                raise not_now
            case refused:
                raise AccountRefused(refused.message, directory_code=refused.directory_code, words=refused.words)

    def _change(self, dn: str, old: bytes, new: bytes) -> Answer:
        changes = [Modification("delete", "unicodePwd", old), Modification("add", "unicodePwd", new)]
        return self._session.modify(dn, changes)

    def _find(self, account: str, attribute: str = "pwdLastSet") -> Entry:
        found = self._session.find(self._base_dn, in_filter(_ACCOUNT_FILTER, account), [attribute], limit=2)
        if len(found) != 1:
            what = "there is no such user" if not found else "there is more than one such user"
            raise AccountUnknown(f"{self._subject(account)}: {what} below {self._base_dn}")
        return found[0]

    def _value(self, account: str, new: Secret) -> bytes:
        value = unicode_pwd(new)
        violation = _CONSTRAINTS.violation(new)
        reason = _UNREPRESENTABLE if value is None else f"is {violation}" if violation is not None else None
        if value is None or reason is not None or len(value) > 2 * (_LONGEST + 2):
            raise PasswordRejected(
                f"{self._subject(account)}: the password {reason or f'is longer than {_LONGEST} UTF-16 units'}"
            )
        return value

    def _subject(self, account: str) -> str:
        return f"{self._session}, account {account}"


class ActiveDirectoryType:
    """The connector type ``activeDirectory``."""

    name: str = "activeDirectory"
    options: type[BaseModel] = ActiveDirectoryOptions

    def __init__(self, patience: Patience | None = None) -> None:
        self._patience = patience or Patience()

    def capabilities(self, options: ActiveDirectoryOptions) -> Capabilities:
        """With ``mode: change`` the old password is needed."""
        return _capabilities(options)

    def connect(self, options: ActiveDirectoryOptions, resolve: ResolveSecret) -> Connector:
        """Make a connector; ldap3 is imported here, the connection opened on first use."""
        from controller.connectors.ldap.session import Session

        password = resolve(options.bind.password_from)
        return ActiveDirectoryConnector(
            options, Session(Endpoint.of(options), options.bind.user, password, self._patience)
        )


def _capabilities(options: ActiveDirectoryOptions) -> Capabilities:
    changes = options.mode == "change"
    return Capabilities(needs_old_password=changes, is_repeatable=not changes, constraints=_CONSTRAINTS)


CONNECTOR_TYPE = ActiveDirectoryType()
