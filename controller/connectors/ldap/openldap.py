"""Connector type ``ldap``: OpenLDAP, 389 Directory Server and others that keep ``userPassword``.

``passwordModify`` (RFC 3062) lets the server hash the password and apply its policy; ``replace`` writes
``userPassword`` as sent, which most servers hash as well.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, Field, model_validator

from controller.connectors.checking import failed
from controller.connectors.ldap.diagnosis import diagnose_channel, diagnose_clock
from controller.connectors.ldap.endpoint import Endpoint, LdapUrl, Patience
from controller.connectors.ldap.errors import change_refused, is_right_password, write_refused
from controller.connectors.ldap.escaping import PLACEHOLDER, in_dn, in_filter
from controller.connectors.ldap.messages import Answer, Code, Entry, Modification
from controller.connectors.ldap.passwords import utf8
from controller.connectors.ldap.policy_entry import POLICY_SUBENTRY
from controller.connectors.ldap.standing import ENTRY_ATTRIBUTES, entry_sighting
from controller.connectors.ldap.subentry_policy import read_subentry_policy
from controller.model.constraints import Capabilities, Constraints
from controller.model.diagnosis import Finding, Verdict
from controller.model.errors import AccountUnknown, ConnectorError, OldPasswordWrong, PasswordRejected, PolicyUnknown
from controller.model.observation import Sighting, Survey
from controller.model.options import LdapEndpoint, Options
from controller.model.policy import PasswordPolicy
from controller.model.secret import Secret
from controller.ports.connectors import Connector, ResolveSecret

if TYPE_CHECKING:
    from controller.connectors.ldap.session import Session

PASSWORD_MODIFY = "1.3.6.1.4.1.4203.1.11.1"  # noqa: S105  # an object identifier
_HASH = re.compile(rb"\{[^}]*\}")
"""How a value of userPassword that is no clear text begins (RFC 2307 section 5.3, RFC 3112)."""
# A server that keeps passwords as C strings would take what stands before a NUL for the whole password.
_CAPABILITIES = Capabilities(is_repeatable=False, constraints=Constraints(min_length=1, forbidden="\x00"))


def _with_placeholder(template: str) -> str:
    if PLACEHOLDER not in template:
        raise ValueError(f"must have {PLACEHOLDER} where the account name goes")
    return template


def _is_filter(template: str) -> str:
    if not template.startswith("(") or not template.endswith(")") or template.count("(") != template.count(")"):
        raise ValueError(f"must be a search filter in parentheses, as in (uid={PLACEHOLDER})")
    return template


class AccountSearch(Options):
    """Where accounts are found."""

    base_dn: str = Field(alias="baseDN", min_length=1)
    filter: Annotated[str, AfterValidator(_with_placeholder), AfterValidator(_is_filter)]


class LdapOptions(LdapEndpoint):
    """Options of ``type: ldap``."""

    url: LdapUrl
    account_dn: Annotated[str, AfterValidator(_with_placeholder)] | None = Field(default=None, alias="accountDN")
    search: AccountSearch | None = None
    method: Literal["passwordModify", "replace"] = "passwordModify"
    policy_dn: str | None = Field(default=None, alias="policyDN", min_length=1)

    @model_validator(mode="after")
    def _one_way_to_find_accounts(self) -> Self:
        if (self.account_dn is None) == (self.search is None):
            raise ValueError("give exactly one of accountDN and search")
        return self


class LdapConnector:
    """Sets, changes and verifies passwords of accounts found by a DN template or a search."""

    capabilities = _CAPABILITIES

    def __init__(self, options: LdapOptions, session: "Session") -> None:
        self._options = options
        self._session = session

    def set_password(self, account: str, new: Secret) -> None:
        """Set the password with the rights of the service account."""
        value = self._value(account, new)
        dn = self._dn(account)
        answer = self._write(dn, value, None)
        if answer.code == Code.INSUFFICIENT_ACCESS_RIGHTS:
            self._need(account, dn)  # 389 Directory Server gives this answer where there is no such entry
        if not answer.is_success:
            raise write_refused(answer, self._subject(account), new)

    def change_password(self, account: str, old: Secret, new: Secret) -> None:
        """Set the password after a bind proved the old one, which is sent along with ``passwordModify``.

        The bind is needed: servers refuse a wrong old password with codes that also mean other things (OpenLDAP:
        unwillingToPerform), and some do not look at it when the service account asks.
        """
        value, dn = self._value(account, new), self._dn(account)
        old_value = utf8(old)
        if not old_value or not self._is_in_force(account, dn, old):
            raise OldPasswordWrong(f"{self._subject(account)}: the old password is wrong")
        answer = self._write(dn, value, old_value)
        if not answer.is_success:
            raise change_refused(answer, self._subject(account), old, new)

    def verify_password(self, account: str, password: Secret) -> bool:
        """Bind as the account, once, on a connection of its own."""
        return self._is_in_force(account, self._dn(account), password)

    def check(self) -> None:
        """Open and bind anew; with a search, run it for a name that need not exist."""
        self._session.check()
        if self._options.search is not None:
            self._session.find(self._options.search.base_dn, in_filter(self._options.search.filter, "pwsync"), limit=1)

    def policy(self, account: str | None = None) -> PasswordPolicy | None:
        """Read the entry of the policy that applies."""
        entry = None
        if account is not None:
            dn = self._dn(account)
            entry = self._session.read(dn, [POLICY_SUBENTRY])
            if entry is None:
                raise AccountUnknown(f"{self._subject(account)}: there is no {dn}")
        return read_subentry_policy(self._session, self._options.policy_dn, entry)

    def survey(self, accounts: Sequence[str]) -> Survey:
        """Look for each account, and when its password was set, where the directory keeps that."""
        max_ages: dict[str | None, timedelta | None] = {}
        return Survey({account: self._sighting(account, max_ages) for account in accounts})

    def _sighting(self, account: str, max_ages: dict[str | None, timedelta | None]) -> Sighting:
        try:
            entry = self._session.read(self._dn(account), ENTRY_ATTRIBUTES)
        except AccountUnknown:
            entry = None
        if entry is None:
            return Sighting(False)
        own = entry.text(POLICY_SUBENTRY)
        if own not in max_ages and entry.text("pwdChangedTime") is not None:
            max_ages[own] = self._max_age(entry)
        return entry_sighting(entry, max_ages.get(own))

    def _max_age(self, entry: Entry) -> timedelta | None:
        """How long a password lasts under the policy of *entry*; None when that cannot be found out."""
        try:
            policy = read_subentry_policy(self._session, self._options.policy_dn, entry)
        except PolicyUnknown:
            return None
        return policy.max_age if policy is not None else timedelta()

    def diagnose(self, accounts: Sequence[str]) -> Iterator[Finding]:
        """Check the channel, the mapped accounts, and the operation that sets passwords; LDAP cannot ask for rights."""
        is_open = True
        for finding in diagnose_channel(self._session):
            is_open = finding.verdict is not Verdict.FAILED
            yield finding
        if is_open:
            yield self._diagnose_accounts(accounts)
            yield self._diagnose_method()
            hint = "give the service account the right to write userPassword; the first delivery tells"
            yield Finding("rights", Verdict.UNKNOWN, "LDAP has no way to ask what the service account may write", hint)
            yield diagnose_clock(self._session)

    def _diagnose_accounts(self, accounts: Sequence[str]) -> Finding:
        try:
            self.check()
            seen = self.survey(accounts).accounts
        except ConnectorError as error:
            return failed("base", error)
        missing = [account for account, sighting in seen.items() if not sighting.exists]
        if missing:
            hint = "check accountDN or search, the mappings, and what the service account may read"
            return Finding("base", Verdict.WARNING, f"mapped, but not found: {', '.join(missing)}", hint)
        return Finding("base", Verdict.OK, f"{len(seen):,} mapped accounts tried are found")

    def _diagnose_method(self) -> Finding:
        if self._options.method == "replace":
            return Finding("method", Verdict.OK, "userPassword is replaced")
        try:
            root = self._session.read("", ["supportedExtension"])
        except ConnectorError as error:
            return failed("method", error)
        offered = root.attributes.get("supportedextension", ()) if root is not None else ()
        if PASSWORD_MODIFY.encode() in offered:
            return Finding("method", Verdict.OK, "the directory offers the password modify operation (RFC 3062)")
        told = "does not offer" if offered else "does not tell whether it offers"
        verdict = Verdict.FAILED if offered else Verdict.UNKNOWN
        what = f"the directory {told} the password modify operation (RFC 3062)"
        return Finding("method", verdict, what, "set method: replace, if the directory hashes what is written")

    def close(self) -> None:
        """Give back the connection."""
        self._session.close()

    def _write(self, dn: str, new: bytes, old: bytes | None) -> Answer:
        if self._options.method == "replace":
            return self._session.modify(dn, [Modification("replace", "userPassword", new)])
        return self._session.modify_password(dn, new, old)

    def _is_in_force(self, account: str, dn: str, password: Secret) -> bool:
        value = utf8(password)
        is_right = bool(value) and is_right_password(
            self._session.try_bind(dn, value or b""), self._subject(account), password
        )
        if not is_right:
            self._need(account, dn)  # a bind does not tell a wrong name from a wrong password
        return is_right

    def _need(self, account: str, dn: str) -> None:
        """Make sure that there is such an entry.

        Raises:
            AccountUnknown: There is none.
        """
        if self._session.read(dn) is None:
            raise AccountUnknown(f"{self._subject(account)}: there is no {dn}")

    def _dn(self, account: str) -> str:
        if self._options.account_dn is not None:
            return in_dn(self._options.account_dn, account)
        assert self._options.search is not None  # noqa: S101  # validated: exactly one of the two
        base_dn, template = self._options.search.base_dn, self._options.search.filter
        found = self._session.find(base_dn, in_filter(template, account), limit=2)
        if len(found) != 1:
            what = "no entry fits" if not found else "more than one entry fits"
            raise AccountUnknown(f"{self._subject(account)}: {what} {template} below {base_dn}")
        return found[0].dn

    def _value(self, account: str, new: Secret) -> bytes:
        value = utf8(new)
        if not value:
            reason = "is empty" if new.is_empty() else "has a character that UTF-8 cannot express"
            raise PasswordRejected(f"{self._subject(account)}: the password {reason}")
        if self._options.method == "replace" and _HASH.match(value):
            raise PasswordRejected(
                f"{self._subject(account)}: the password begins like a hash, and the directory would take it for one",
                hint="use method: passwordModify, which hashes every password",
            )
        return value

    def _subject(self, account: str) -> str:
        return f"{self._session}, account {account}"


class LdapType:
    """The connector type ``ldap``."""

    name: str = "ldap"
    options: type[BaseModel] = LdapOptions

    def __init__(self, patience: Patience | None = None) -> None:
        self._patience = patience or Patience()

    def capabilities(self, options: LdapOptions) -> Capabilities:  # noqa: ARG002  # the same for all
        """A history may refuse a password that was already set, so that writes are not repeatable."""
        return _CAPABILITIES

    def connect(self, options: LdapOptions, resolve: ResolveSecret) -> Connector:
        """Make a connector; ldap3 is imported here, the connection opened on first use."""
        from controller.connectors.ldap.session import Session

        password = resolve(options.bind.password_from)
        return LdapConnector(options, Session(Endpoint.of(options), options.bind.user, password, self._patience))


CONNECTOR_TYPE = LdapType()
