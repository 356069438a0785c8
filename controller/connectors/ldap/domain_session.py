"""Sessions with the directories of Windows domains, as their manifests describe them."""

from controller.connectors.ldap.endpoint import Endpoint, Patience
from controller.connectors.ldap.session import Session
from controller.model.errors import SettingsError
from controller.model.topology import DomainDirectory
from controller.ports.connectors import ResolveSecret


def domain_session(
    domain: str, directory: DomainDirectory, resolve: ResolveSecret, patience: Patience | None = None
) -> Session:
    """Make a session. No connection is opened before its first use.

    Raises:
        SettingsError: The URL cannot be used, or the secret that it refers to is not there.
    """
    try:
        endpoint = Endpoint.of(directory.endpoint)
    except ValueError as error:
        raise SettingsError(f"the directory of Domain/{domain} cannot be used: {error}") from error
    bind = directory.endpoint.bind
    return Session(endpoint, bind.user, resolve(bind.password_from), patience)
