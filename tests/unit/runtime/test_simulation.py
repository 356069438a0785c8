"""The stage of a simulation: connectors are asked what they can do, and never reached."""

from pathlib import Path

import pytest

from controller.model.accounts import ExternalAccount, WindowsAccount
from controller.model.errors import NotFound, SettingsError
from controller.model.secret import Secret
from controller.model.topology import Adapter, ConnectorSpec, Domain
from controller.pipeline.intake import Caller, Report
from controller.runtime.settings import settings_of
from controller.runtime.simulation import capabilities_of, stage_from_state, stage_from_store
from controller.runtime.wiring import open_installation
from tests.doubles.pipeline import ALL_ON, DIRECTORY
from tests.doubles.topologies import application, mapping, resource, state
from tests.unit.manifests.catalogue import FakeCatalogue

HTPASSWD = ConnectorSpec("htpasswd", {"file": "/nowhere/web"})
FULL = Adapter(
    HTPASSWD, sync_from_adapter=True, change_windows_password=True, verify_old_password=False, sync_to_adapter=True
)
ME = Caller("me", is_local=True)
WORLD = state(
    resource("default", ALL_ON),
    resource("CORP", Domain("corp.example.com", directory=DIRECTORY, password_change="reset")),
    resource("web", FULL),
    application("WEB", adapter="web"),
    mapping("WEB", "alice", "al"),
)


def test_full_sync_asks_the_connector_of_the_domain_what_it_can_do() -> None:
    with stage_from_state(WORLD) as stage:
        result = stage.simulation.play(Report(ExternalAccount("web", "al"), Secret("Ma5-de-up")), ME)
        assert [(fate.outcome, fate.reason) for fate in result.fates] == [("stored", ""), ("delivered", "")]
        assert stage.stored_password(ExternalAccount("web", "al")) == Secret("Ma5-de-up")
        assert [trial.adapter for trial in stage.trials({"web", "gone"})] == ["web"]


def test_a_connector_type_that_is_not_installed_leaves_its_deliveries_waiting() -> None:
    foreign = Adapter(ConnectorSpec("foreign"), sync_to_adapter=True)
    world = state(*WORLD.resources.values(), resource("web", foreign), mapping("WEB", "alice", "al"))
    with stage_from_state(world) as stage:
        result = stage.simulation.play(Report(WindowsAccount("CORP", "alice"), Secret("Ma5-de-up")), ME)
        (fate,) = result.fates
        assert fate.outcome == "waiting"
        assert "foreign" in fate.reason
        assert not stage.trials({"web"})


def test_a_domain_without_a_directory_has_no_connector() -> None:
    with pytest.raises(NotFound, match="no directory"):
        capabilities_of(FakeCatalogue(), Domain("corp.example.com"))


def test_the_key_must_belong_to_the_store(tmp_path: Path) -> None:
    settings = settings_of(tmp_path / "one", environ={})
    other = settings_of(tmp_path / "other", environ={})
    for each in (settings, other):
        with open_installation(each):
            pass
    account = WindowsAccount("CORP", "alice")
    with stage_from_store(settings, account) as stage:
        assert isinstance(stage.simulation.play(Report(account, Secret("Ma5-de-up")), ME).refusal, NotFound)
    settings.key_file.write_bytes(other.key_file.read_bytes())
    with pytest.raises(SettingsError, match="does not belong"), stage_from_store(settings, account):
        pass
