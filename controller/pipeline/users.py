"""Whether mapped Windows accounts are users of their applications, as the directories last told (M1, A13, E4).

No directory is asked here: routing looks up what was found out beside it, for just the mappings concerned. Where nobody
has asked yet, it waits.
"""

from collections.abc import Iterable

from controller.model.accounts import WindowsAccount
from controller.model.change import Reason
from controller.model.topology import Mapping
from controller.pipeline.topology import Topology
from controller.ports.store import Transaction


class UsersAwaited(Exception):  # not for a person: it ends one attempt to route and does not leave the pipeline
    """Nobody has asked yet about a name that decides who is a user. That lasts until the next look-up has ended."""


def user_names(topology: Topology, mapping: Mapping) -> tuple[WindowsAccount, ...]:
    """The accounts and groups that the mapping's application names as its users; empty: everybody that is mapped."""
    application = topology.applications.get(mapping.application)
    return application.users if application is not None else ()


def refused_mappings(tx: Transaction, topology: Topology, mappings: Iterable[Mapping]) -> dict[Mapping, Reason]:
    """The mappings whose Windows account is not a user of the application, or not known to be one, and why.

    A mapped account that is named itself needs no directory: in a domain no group has the name of an account.
    """
    named = {m: names for m in mappings if m.windows not in (names := user_names(topology, m)) and names}
    if not named:
        return {}
    every = {name for some in named.values() for name in some}
    is_behind = tx.windows_groups.memberships({m.windows for m in named}, every)
    answered = tx.windows_groups.answered(every)
    return {
        mapping: Reason.NOT_AN_APPLICATION_USER if answered.issuperset(some) else Reason.APPLICATION_USERS_UNKNOWN
        for mapping, some in named.items()
        if not any((mapping.windows, name) in is_behind for name in some)
    }


def known_refusals(tx: Transaction, topology: Topology, mappings: Iterable[Mapping]) -> dict[Mapping, Reason]:
    """As ``refused_mappings``, where that is sure to hold: a change must not be lost to a question that was never put.

    Raises:
        UsersAwaited: A mapping that might be followed depends on a name that is still to be asked about.
    """
    refused = refused_mappings(tx, topology, mappings)
    unknown = [m for m, reason in refused.items() if m.enabled and reason is Reason.APPLICATION_USERS_UNKNOWN]
    names = {name for mapping in unknown for name in user_names(topology, mapping) if _is_askable(topology, name)}
    if names and not names <= tx.windows_groups.readings().keys():
        raise UsersAwaited
    return refused


def _is_askable(topology: Topology, name: WindowsAccount) -> bool:
    domain = topology.domains.get(name.domain)
    return domain is not None and domain.directory is not None
