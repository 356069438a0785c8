"""Which entries of a directory are accounts that are captured."""

import re
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field

from controller.capture.distinguished_name import account_name, split_dn
from controller.manifests.v1.document import NonEmpty
from controller.manifests.v1.mapping_rule import AttributeName
from controller.model.errors import InvalidInput
from controller.model.options import Options, Unfit

_NEVER_PLAIN: Final = re.compile(r"""(?:[^\\]|\\.)*?([";<>\x00-\x1f\x7f]|= *\#)""", re.DOTALL)


def _dn(text: str) -> str:
    try:
        parts = [part for name in split_dn(text) for part in name]
    except InvalidInput as error:
        raise Unfit(error.message, hint="all parts down to the suffix, as in ou=people,dc=example,dc=com") from None
    if found := _NEVER_PLAIN.match(text):
        wrong = found[1][-1]
        instead = f"\\{ord(wrong):02X} for {wrong!r} in a name"
        hint = f"write ',' between the parts, and {instead}" if wrong == ";" else f"write {instead}"
        raise Unfit(f"{text!r} is not a DN", hint=hint)
    for attribute, value in parts:
        if attribute[0].isdigit():
            raise Unfit(f"{text!r} names an attribute by its number", hint=f"write the name that {attribute} has")
        if not value:
            raise Unfit(f"{text!r} is not a DN", hint=f"give {attribute}= a value")
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
