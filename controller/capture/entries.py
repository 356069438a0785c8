"""Which entries of a directory are accounts that are captured."""

import re
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field

from controller.capture.ldap_operation import account_name
from controller.manifests.v1.document import NonEmpty
from controller.manifests.v1.mapping_rule import AttributeName
from controller.model.options import Options, Unfit

_PART: Final = r"\s*(?:[A-Za-z][A-Za-z0-9-]*|[0-9]+(?:\.[0-9]+)*)\s*=(?:[^\\,]|\\.)+"
_DN: Final = re.compile(f"{_PART}(?:,{_PART})*", re.DOTALL)


def _dn(text: str) -> str:
    if not _DN.fullmatch(text):
        raise Unfit(f"{text!r} is not a DN", hint="all parts down to the suffix, as in ou=people,dc=example,dc=com")
    return text


BaseDn = Annotated[NonEmpty, AfterValidator(_dn)]
"""A distinguished name (RFC 4514) that is not empty."""


class CapturedEntries(Options):
    """Entries, and how their accounts are called.

    Attributes:
        account_attribute: The attribute of the first part of an entry's DN that is the account's name.
        base_dn: Entries elsewhere are passed over.
        scope: Whether entries further below are captured: whoever may make one there may give it any account's name.
    """

    account_attribute: AttributeName = "uid"
    base_dn: BaseDn = Field(alias="baseDN")
    scope: Literal["oneLevel", "subtree"] = "oneLevel"

    def account_of(self, dn: str) -> str | None:
        """The account of an entry; None of one that is not captured."""
        return account_name(dn, self.account_attribute, self.base_dn, is_subtree=self.scope == "subtree")

    def passed_over(self, dn: str) -> str:
        """Why an entry is none, for the log; whoever makes entries chooses their names."""
        where = "below" if self.scope == "subtree" else "directly below"
        return f"dn={dn!r} problem=it is no {self.account_attribute}=... {where} {self.base_dn}"
