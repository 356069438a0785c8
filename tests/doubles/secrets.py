"""Ways to resolve secret references in tests."""

from collections.abc import Mapping

from controller.model.errors import SettingsError
from controller.model.options import SecretReference
from controller.model.secret import Secret
from controller.ports.connectors import ResolveSecret


def no_secrets(reference: SecretReference) -> Secret:
    """Resolve nothing: for connectors that have no secret."""
    raise SettingsError(f"{reference} is not set")


def secrets_from(environment: Mapping[str, str]) -> ResolveSecret:
    """Resolve references of the form ``env: NAME`` from *environment*."""

    def resolve(reference: SecretReference) -> Secret:
        if reference.env is None or reference.env not in environment:
            return no_secrets(reference)
        return Secret(environment[reference.env])

    return resolve
