"""Mappings of Enterprise SSO, sorted into sets of one application and one domain."""

from dataclasses import dataclass, field

from controller.manifests.esso.elements import Element
from controller.manifests.esso.fields import Fields
from controller.manifests.problems import Place, Problem
from controller.model.accounts import ExternalAccount, WindowsAccount
from controller.model.errors import InvalidInput


@dataclass(slots=True)
class MappingTable:
    """Mappings of one application, as its name was written, and one domain.

    Attributes:
        first: Where the first one stands.
        rows: Name of the Windows account and external account, in the order of the files.
    """

    application: str
    domain: str
    first: Place
    rows: list[tuple[str, str]] = field(default_factory=list)
    enabled: bytearray = field(default_factory=bytearray)


class MappingTables:
    """Takes mappings one by one.

    Attributes:
        problems: What is wrong with them.
    """

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self._tables: dict[tuple[str, str], MappingTable] = {}

    def add(self, element: Element) -> None:
        """Take one."""
        fields = Fields(element)
        domain, user = fields.text("windowsDomain"), fields.text("windowsUserId")
        application, external = fields.text("externalApplication", "application"), fields.text("externalUserId")
        is_enabled = fields.flag("enabled", "enableMapping", otherwise=True)
        self.problems += fields.problems
        if not application:
            hint = "write <externalApplication>"
            self.problems.append(Problem(element.place, "a mapping has no application", hint))
            return
        try:
            account = WindowsAccount.parse(user if "\\" in user else f"{domain}\\{user}")
            ExternalAccount.parse("", external)
        except InvalidInput as error:
            self.problems.append(Problem(element.place, error.message, error.hint))
            return
        table = self._tables.setdefault(
            (application, account.domain), MappingTable(application, account.domain, element.place)
        )
        table.rows.append((account.name, external))
        table.enabled.append(is_enabled)

    def tables(self) -> list[MappingTable]:
        """The sets, in order of application and domain."""
        return [self._tables[key] for key in sorted(self._tables)]
