"""Who may see which pages and do what there, as the roles say."""

from dataclasses import dataclass

from controller.model.delivery import Delivery
from controller.model.errors import Refused
from controller.pipeline.roles import Action, Role, Standing, administers, standing_of
from controller.pipeline.topology import Topology

HOW_TO_NAME_ONE = "name principals in spec.administrators of the System manifest, and apply it"


@dataclass(frozen=True, slots=True)
class Viewer:
    """Somebody who may look.

    Attributes:
        standing: What the manifests make of the principal that an API token has proven.
    """

    standing: Standing

    @property
    def principal(self) -> str:
        """Who it is."""
        return self.standing.principal

    @property
    def is_administrator(self) -> bool:
        """Whether it sees all pages."""
        return self.standing.may(Action.VIEW_PAGES)

    @property
    def adapters(self) -> frozenset[str]:
        """Those whose parked deliveries it may see and retry, if it does not see all."""
        return self.standing.over(Role.ADAPTER_ADMINISTRATOR)

    def check(self, action: Action) -> None:
        """Let only those pass who may do that.

        Raises:
            Refused: It may not.
        """
        if not self.standing.may(action):
            raise Refused(
                "only an administrator of the System may see or do this",
                reason="notAdministrator",
                hint=HOW_TO_NAME_ONE,
            )

    def may_retry(self, delivery: Delivery) -> bool:
        """Whether a delivery is theirs to retry."""
        return administers(self.standing, delivery.account)


def viewer_of(topology: Topology, principal: str) -> Viewer:
    """Find out what a principal may see.

    Raises:
        Refused: Nothing; or the System names nobody, and then nobody may see anything.
    """
    standing = standing_of(topology, principal)
    if not standing.has_administrators or not standing.may(Action.LOG_IN):
        raise Refused("this principal may not see the status page", reason="notAdministrator", hint=HOW_TO_NAME_ONE)
    return Viewer(standing)
