"""The external password is the filtered Windows password (behaviours section 9)."""

from controller.model.accounts import Account, ExternalAccount
from controller.model.change import PasswordChange
from controller.model.errors import FilterUnusable
from controller.model.secret import Secret
from controller.pipeline.topology import Topology


def filtered(topology: Topology, adapter: str, password: Secret) -> Secret:
    """What the password filter of *adapter* makes of a Windows password.

    Raises:
        FilterUnusable: The filter is not there, or makes a password that cannot be used (filters fail closed).
    """
    name = topology.adapters[adapter].filter
    if name is None:
        return password
    if name not in topology.filters:
        raise FilterUnusable(f"the adapter's password filter {name!r} does not exist")
    return topology.filters[name].apply(password)


def password_for(topology: Topology, account: Account, change: PasswordChange, password: Secret) -> Secret:
    """What *account* shall have after *change* to *password*: its own system's report is never filtered.

    Raises:
        FilterUnusable: As ``filtered``.
    """
    match account:
        case ExternalAccount(adapter=adapter) if account != change.account:
            return filtered(topology, adapter, password)
        case _:
            return password
