"""The connector type of adapters that pull their notifications."""

import pytest

from controller.connectors.registry import installed_connectors
from controller.model.errors import PolicyUntold, Unavailable
from controller.model.options import SecretReference
from controller.model.secret import Secret
from controller.ports.connectors import Connector


def no_secret(_: SecretReference) -> Secret:
    """It has none."""
    raise AssertionError


@pytest.fixture
def connector() -> Connector:
    """A connector, as any other is made."""
    found = installed_connectors().get("remote")
    options = found.options.model_validate({})
    assert found.capabilities(options) == found.connect(options, no_secret).capabilities
    return found.connect(options, no_secret)


def test_it_can_repeat_but_not_verify(connector: Connector) -> None:
    assert connector.capabilities.is_repeatable
    assert not connector.capabilities.can_verify
    assert not connector.capabilities.needs_old_password


def test_nothing_reaches_its_system_from_here(connector: Connector) -> None:
    with pytest.raises(Unavailable, match="pulls its notifications"):
        connector.set_password("a", Secret("x"))
    with pytest.raises(Unavailable, match="pulls its notifications"):
        connector.change_password("a", Secret("x"), Secret("y"))
    with pytest.raises(Unavailable, match="pulls its notifications"):
        connector.verify_password("a", Secret("x"))


def test_there_is_nothing_to_check_and_the_policy_is_unknown(connector: Connector) -> None:
    connector.check()
    with pytest.raises(PolicyUntold):
        connector.policy()
    connector.close()
