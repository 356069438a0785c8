"""Kind MappingRule: mappings of one application, derived from the directory of a domain."""

import re
from itertools import accumulate
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field

from controller.manifests.v1.document import Manifest, Metadata, NonEmpty
from controller.manifests.v1.domain import NetBiosName
from controller.model.options import Options, Unfit
from controller.model.topology import MappingRule

_ATTRIBUTE: Final = r"[A-Za-z][A-Za-z0-9-]*"
_ESCAPED: Final = re.compile(r"\\[0-9A-Fa-f]{2}")


def _attribute(text: str) -> str:
    if not re.fullmatch(_ATTRIBUTE, text):
        raise Unfit(f"{text!r} is not the name of an attribute", hint="letters, digits and '-', as in employeeID")
    return text


def _filter(text: str) -> str:
    """Refuse what surely is no filter; the rest is for the directory to say (RFC 4515)."""
    if not _is_one_pair(_ESCAPED.sub("", text)):
        raise Unfit(f"{text!r} is not a search filter", hint="one pair of parentheses around it, as in (employeeID=*)")
    return text


def _is_one_pair(text: str) -> bool:
    """Whether parentheses stand around all of *text*, and are in pairs inside."""
    depths = list(accumulate({"(": 1, ")": -1}.get(character, 0) for character in text))
    return text.endswith(")") and depths[-1] == 0 and min(depths[:-1], default=0) > 0


AttributeName = Annotated[str, AfterValidator(_attribute), Field(json_schema_extra={"pattern": f"^{_ATTRIBUTE}$"})]
"""The name of an attribute of a directory (RFC 4512)."""
SearchFilter = Annotated[str, AfterValidator(_filter)]
"""A search filter (RFC 4515)."""


def _expression(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        words = f"{text!r} is not a regular expression: {error}"
        raise Unfit(words, hint="as in E[0-9]{5}, for the whole name") from error
    return text


RegularExpression = Annotated[NonEmpty, AfterValidator(_expression)]
"""A regular expression of Python, for the whole of a name."""


class MatchSpec(Options):
    """Which accounts of the directory are mapped."""

    base_dn: NonEmpty | None = Field(default=None, alias="baseDN")
    filter: SearchFilter = "(objectClass=*)"


class WindowsAccountSpec(Options):
    """Where the name of the Windows account stands."""

    attribute: AttributeName = "sAMAccountName"


class ExternalAccountSpec(Options):
    """Where the name of the external account stands, and how it is written."""

    attribute: AttributeName
    case: Literal["asIs", "upper", "lower"] = "asIs"
    allowed: RegularExpression | None = None
    exclude: list[NonEmpty] = Field(default_factory=list)


class MappingRuleSpec(Options):
    """The spec of a MappingRule."""

    application: str
    domain: NetBiosName
    match: MatchSpec = MatchSpec()
    windows_account: WindowsAccountSpec = WindowsAccountSpec()
    external_account: ExternalAccountSpec
    create: bool = True
    delete: bool = True
    delete_all: bool = False

    def compile(self) -> MappingRule:
        """Return the model object."""
        return MappingRule(
            application=self.application,
            domain=self.domain,
            external_attribute=self.external_account.attribute,
            base_dn=self.match.base_dn,
            filter=self.match.filter,
            account_attribute=self.windows_account.attribute,
            case=self.external_account.case,
            allowed=self.external_account.allowed,
            exclude=tuple(self.external_account.exclude),
            create=self.create,
            delete=self.delete,
            delete_all=self.delete_all,
        )

    @classmethod
    def of(cls, rule: MappingRule) -> Self:
        """Return the spec that compiles to *rule*."""
        return cls(
            application=rule.application,
            domain=rule.domain,
            match=MatchSpec(base_dn=rule.base_dn, filter=rule.filter),
            windows_account=WindowsAccountSpec(attribute=rule.account_attribute),
            external_account=ExternalAccountSpec(
                attribute=rule.external_attribute, case=rule.case, allowed=rule.allowed, exclude=list(rule.exclude)
            ),
            create=rule.create,
            delete=rule.delete,
            delete_all=rule.delete_all,
        )


class MappingRuleManifest(Manifest):
    """Mappings of one application, derived from the directory of a domain."""

    kind: Literal["MappingRule"]
    metadata: Metadata
    spec: MappingRuleSpec
