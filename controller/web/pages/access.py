"""Who may see what: administrators of the System everything, those of an adapter its parked deliveries."""

from dataclasses import dataclass

from controller.model.accounts import ExternalAccount
from controller.model.delivery import Delivery
from controller.model.errors import Refused
from controller.pipeline.topology import Topology

HOW_TO_NAME_ONE = "name principals in spec.administrators of the System manifest, and apply it"


@dataclass(frozen=True, slots=True)
class Viewer:
    """Somebody who may look.

    Attributes:
        principal: Proven by an API token.
        is_administrator: Named by the System.
        adapters: Those whose manifests name the principal as administrator.
    """

    principal: str
    is_administrator: bool
    adapters: frozenset[str]

    def check_administrator(self) -> None:
        """Let only administrators of the System pass.

        Raises:
            Refused: It is none.
        """
        if not self.is_administrator:
            raise Refused(
                "only an administrator of the System may see or do this",
                reason="notAdministrator",
                hint=HOW_TO_NAME_ONE,
            )

    def may_retry(self, delivery: Delivery) -> bool:
        """Whether a delivery is theirs to retry."""
        account = delivery.account
        return self.is_administrator or (isinstance(account, ExternalAccount) and account.adapter in self.adapters)


def viewer_of(topology: Topology, principal: str) -> Viewer:
    """Find out what a principal may see.

    Raises:
        Refused: Nothing; or the System names nobody, and then nobody may see anything.
    """
    administrators = topology.system.administrators
    adapters = {name for name, spec in topology.adapters.items() if principal in spec.access.administrators}
    if not administrators or not (principal in administrators or adapters):
        raise Refused("this principal may not see the status page", reason="notAdministrator", hint=HOW_TO_NAME_ONE)
    return Viewer(principal, principal in administrators, frozenset(adapters))
