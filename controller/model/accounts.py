"""Accounts: a Windows account of a domain, or an external account behind an adapter."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from controller.model.errors import InvalidInput

_FORBIDDEN_SAM = re.compile(r'["/\\\[\]:;|=,+*?<>@\x00-\x1f\x7f]')  # MS-SAMR 3.1.1.6: characters of sAMAccountName
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_NETBIOS = re.compile(r"[A-Z0-9][A-Z0-9!@#$%^&()_'{}.~-]{0,14}")
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,14}\\[A-Za-z0-9._-]{1,256}")  # nothing wrong but built-in accounts
_ESCAPES = re.compile(r"[\x00-\x1f\x85\xa0\u2028\u2029]")  # what YAML and JSON make of \a, \b, \N, \L, \P, ...
ESCAPED = "a backslash in double quotes begins an escape: write 'CORP\\alice', or \"CORP\\\\alice\""
"""A hint for who has lost a backslash that way."""
MAX_ACCOUNT_LENGTH = 256
BUILT_IN_DOMAINS = frozenset({"BUILTIN", "NT AUTHORITY", "NT SERVICE"})
BUILT_IN_NAMES = frozenset({"everyone", "system", "krbtgt", "guest", "local service", "network service"})


@dataclass(frozen=True, order=True, slots=True)
class WindowsAccount:
    r"""An account of a Windows domain, in one spelling: the domain in upper case, the name in lower case.

    Active Directory compares both without case, so ``corp\Alice`` and ``CORP\alice`` are one account.
    """

    domain: str
    name: str

    @classmethod
    def parse(cls, text: str) -> "WindowsAccount":
        r"""Read ``DOMAIN\user`` (behaviour D7).

        Raises:
            InvalidInput: It is not of that form, names a built-in account (behaviour A7), or has a character such as
                the Kelvin sign (U+212A), which in lower case is a letter of ASCII.
        """
        domain, separator, name = text.partition("\\")
        if _PLAIN.fullmatch(text) and domain.upper() not in BUILT_IN_DOMAINS and name.lower() not in BUILT_IN_NAMES:
            return cls(domain.upper(), name.lower())
        if not separator or not domain or not name:
            hint = ESCAPED if _ESCAPES.search(text) else r"write DOMAIN\user, for example CORP\alice"
            raise InvalidInput(f"{text!r} is not a Windows account", hint=hint)
        if _gains_ascii(domain, str.upper) or _gains_ascii(name, str.lower):
            raise InvalidInput(
                f"{text!a} has a character that becomes an ASCII letter when case is ignored",
                hint="two different names would be one account; write the plain letter",
            )
        domain, name = domain.upper(), name.lower()
        if domain in BUILT_IN_DOMAINS or name in BUILT_IN_NAMES:
            raise InvalidInput(f"{text!r} is a built-in account", hint="only ordinary domain accounts can be mapped")
        if not _NETBIOS.fullmatch(domain):
            raise InvalidInput(
                f"{domain!r} is not a NetBIOS domain name",
                hint="at most 15 characters, as in CORP, not the DNS name",
            )
        if len(name) > MAX_ACCOUNT_LENGTH or _FORBIDDEN_SAM.search(name) or _CONTROL.search(name):
            hint = r"one backslash; in YAML two only in double quotes" if name.startswith("\\") else ""
            hint = ESCAPED if _ESCAPES.search(name) else hint
            raise InvalidInput(f"{text!r} has a character that no Windows account name may have", hint=hint)
        return cls(domain, name)

    @property
    def lane(self) -> str:
        """The queue in which deliveries to this account wait: one per domain."""
        return f"domain/{self.domain}"

    def __str__(self) -> str:
        return f"{self.domain}\\{self.name}"


@dataclass(frozen=True, order=True, slots=True)
class ExternalAccount:
    """An account of the external system behind an adapter. The name is compared exactly as written."""

    adapter: str
    name: str

    @classmethod
    def parse(cls, adapter: str, text: str) -> "ExternalAccount":
        """Check the name of an external account.

        Raises:
            InvalidInput: It is empty, too long, or has control characters.
        """
        if not text or text != text.strip():
            raise InvalidInput(f"{text!r} is not an external account", hint="no empty name, no space around it")
        if len(text) > MAX_ACCOUNT_LENGTH or _CONTROL.search(text):
            raise InvalidInput(
                f"{text[:40]!r} is not an external account",
                hint=f"at most {MAX_ACCOUNT_LENGTH} characters and no control characters",
            )
        return cls(adapter, text)

    @property
    def lane(self) -> str:
        """The queue in which deliveries to this account wait: one per adapter."""
        return f"adapter/{self.adapter}"

    def __str__(self) -> str:
        return f"{self.adapter}:{self.name}"


def _gains_ascii(text: str, recase: Callable[[str], str]) -> bool:
    return not text.isascii() and any(new.isascii() for old in text if not old.isascii() for new in recase(old))


Account = WindowsAccount | ExternalAccount


def account_of(lane: str, name: str) -> Account:
    """Rebuild an account from its lane and name, as stored."""
    kind, _, owner = lane.partition("/")
    match kind:
        case "domain":
            return WindowsAccount(owner, name)
        case "adapter":
            return ExternalAccount(owner, name)
        case _:
            raise InvalidInput(f"{lane!r} is not a lane")
