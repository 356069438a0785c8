"""Settings, keys, secret references and connectors of an installation."""

import os
from pathlib import Path

import pytest

from controller.model.errors import NotFound, PwsyncError, SettingsError
from controller.model.options import Bind, LdapEndpoint, SecretReference
from controller.model.secret import Secret
from controller.model.topology import Adapter, ConnectorSpec, Domain, DomainDirectory
from controller.pipeline.topology import Topology
from controller.runtime.lanes import LaneConnector, make_connector, spec_of
from controller.runtime.reading import open_for_reading
from controller.runtime.references import resolve_secret
from controller.runtime.settings import settings_of
from controller.runtime.wiring import open_installation
from tests.doubles.memory import MemoryConnector, MemoryDirectory
from tests.unit.runtime.conftest import MemoryCatalogue


def test_flags_come_before_the_environment_and_the_environment_before_defaults(tmp_path: Path) -> None:
    environ = {"PWSYNC_STATE_DIR": str(tmp_path / "env"), "PWSYNC_DATABASE": "postgresql+psycopg://db/x"}
    assert settings_of(environ={}).state_dir == Path(".pwsync").absolute()
    assert settings_of(environ=environ).state_dir == tmp_path / "env"
    assert settings_of(tmp_path / "flag", environ=environ).state_dir == tmp_path / "flag"
    assert settings_of(environ=environ).database == "postgresql+psycopg://db/x"
    assert settings_of(database="sqlite:///x.db", environ=environ).database == "sqlite:///x.db"
    assert settings_of(tmp_path, environ={}).database == f"sqlite:///{tmp_path}/pwsync.db"


def test_the_state_directory_is_for_its_owner_alone(tmp_path: Path) -> None:
    settings = settings_of(tmp_path / "a" / "state", environ={})
    with open_installation(settings):
        assert settings.state_dir.stat().st_mode & 0o777 == 0o700
        assert settings.key_file.stat().st_mode & 0o777 == 0o600
        assert settings.embedded_database.stat().st_mode & 0o777 == 0o600


def test_a_state_directory_that_others_can_enter_is_refused(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir(mode=0o755)
    with pytest.raises(SettingsError, match=r"can be entered by others.*chmod 700"):
        settings_of(tmp_path / "open", environ={}).make_state_dir()


def test_a_state_directory_of_another_user_is_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "theirs").mkdir(mode=0o700)
    if os.geteuid() == 0:
        os.chown(tmp_path / "theirs", 65534, 65534)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: 65534)
    with (
        pytest.raises(SettingsError, match="belongs to another user"),
        open_installation(settings_of(tmp_path / "theirs")),
    ):
        pass
    assert list((tmp_path / "theirs").iterdir()) == []


def test_the_password_of_a_database_is_not_shown_with_the_settings(tmp_path: Path) -> None:
    assert "S3cret" not in repr(settings_of(tmp_path, environ={"PWSYNC_DATABASE": "postgresql+psycopg://a:S3cret@h/d"}))


@pytest.mark.parametrize(
    "url", ["postgresql://a:S3cret@h/d", "postgresql://a:S3/#ret@h/d", "postgresql://h/d?PASSWORD=S3"]
)
def test_a_password_on_the_command_line_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(SettingsError, match="PWSYNC_DATABASE") as caught:
        settings_of(database=url, environ={})
    assert "S3" not in str(caught.value)
    assert settings_of(environ={"PWSYNC_DATABASE": url}).database == url


@pytest.mark.parametrize("url", ["postgresql://a@h:5432/d?sslmode=verify-full", "sqlite:////srv/a:b@c.db", "nonsense"])
def test_other_databases_may_be_named_on_the_command_line(url: str) -> None:
    assert settings_of(database=url, environ={}).database == url


def test_a_state_directory_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="cannot be used"):
        settings_of(tmp_path / "file" / "state", environ={}).make_state_dir()


def test_reading_creates_nothing(tmp_path: Path) -> None:
    settings = settings_of(tmp_path / "state", environ={})
    with open_for_reading(settings) as store, store.read() as tx:
        assert tx.resources.read() == {}
    assert not settings.state_dir.exists()


def test_a_lost_key_file_is_told_and_not_replaced(tmp_path: Path) -> None:
    settings = settings_of(tmp_path / "state", environ={})
    with open_installation(settings):
        pass
    settings.key_file.unlink()
    with pytest.raises(SettingsError, match="restore the key file"), open_installation(settings):
        pass
    assert not settings.key_file.exists()


def test_a_foreign_key_file_is_refused(tmp_path: Path) -> None:
    ours, theirs = (settings_of(tmp_path / name, environ={}) for name in ("ours", "theirs"))
    for settings in (ours, theirs):
        with open_installation(settings):
            pass
    theirs.key_file.replace(ours.key_file)
    with pytest.raises(PwsyncError), open_installation(ours):
        pass


def test_secrets_come_from_the_environment_or_a_file_exactly_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIVEN", " päss ")
    assert resolve_secret(SecretReference(env="GIVEN")) == Secret(" päss ")
    file = tmp_path / "secret"
    file.write_bytes("päss \n\n".encode())
    assert resolve_secret(SecretReference(file=str(file))) == Secret("päss \n")


@pytest.mark.parametrize(
    ("content", "message"), [(None, "cannot be read"), (b"", "is empty"), (b"\xff\xfe", "is not UTF-8")]
)
def test_a_secret_that_is_not_there_is_told_with_its_place(tmp_path: Path, content: bytes | None, message: str) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SettingsError, match=message):
        resolve_secret(SecretReference(file=str(file)))


@pytest.mark.parametrize(
    ("mode", "folder_mode", "is_refused"),
    [
        (0o644, 0o755, True),
        (0o602, 0o711, True),
        (0o440, 0o755, False),
        (0o640, 0o755, False),
        (0o400, 0o755, False),
        (0o644, 0o750, False),
    ],
)
def test_a_secret_that_every_user_can_read_is_refused(
    open_folder: Path, mode: int, folder_mode: int, is_refused: bool
) -> None:
    folder = open_folder / "folder"
    folder.mkdir()
    file = folder / "secret"
    file.write_text("päss")
    file.chmod(mode)
    folder.chmod(folder_mode)
    link = open_folder / "link"
    link.symlink_to(file)
    for path in (file, link):
        if not is_refused:
            assert resolve_secret(SecretReference(file=str(path))) == Secret("päss")
            continue
        with pytest.raises(SettingsError, match="by every user of this machine") as caught:
            resolve_secret(SecretReference(file=str(path)))
        assert caught.value.hint.startswith(f"chmod o-rw {path}")
        assert "päss" not in str(caught.value)


def test_a_folder_above_may_keep_others_out(open_folder: Path) -> None:
    file = open_folder / "closed" / "open" / "secret"
    file.parent.mkdir(parents=True)
    file.write_text("päss")
    file.chmod(0o644)
    file.parent.parent.chmod(0o700)
    assert resolve_secret(SecretReference(file=str(file))) == Secret("päss")


def test_a_variable_that_is_not_set_is_told_by_name() -> None:
    with pytest.raises(SettingsError, match="PWSYNC_NOT_THERE is not set"):
        resolve_secret(SecretReference(env="PWSYNC_NOT_THERE"))


def test_a_connector_is_kept_until_its_declaration_changes() -> None:
    connections = LaneConnector(MemoryCatalogue(MemoryDirectory()), resolve_secret)
    before = Topology(adapters={"m": Adapter(ConnectorSpec("memory"))})
    first = connections.connect(before, "adapter/m")
    assert connections.connect(before, "adapter/m") is first
    after = Topology(adapters={"m": Adapter(ConnectorSpec("memory", {"maxLength": 8}))})
    second = connections.connect(after, "adapter/m")
    assert second.capabilities.constraints.max_length == 8
    assert isinstance(first, MemoryConnector)
    assert first.closed == 1
    connections.close()
    connections.close()


def test_a_lane_without_a_declaration_or_directory_is_told() -> None:
    with pytest.raises(NotFound, match="no adapter gone"):
        spec_of(Topology(), "adapter/gone")
    with pytest.raises(NotFound, match="no directory"):
        make_connector(MemoryCatalogue(MemoryDirectory()), resolve_secret, Domain(dns_name="corp"))


def test_a_domain_s_directory_is_an_active_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIND", "x")
    endpoint = LdapEndpoint(
        url="ldaps://dc1.corp.example.com", bind=Bind(user="svc", password_from=SecretReference(env="BIND"))
    )
    domain = Domain(dns_name="corp", directory=DomainDirectory(endpoint, "DC=corp"))
    with open_installation(settings_of(tmp_path / "state", environ={})) as installation:
        connector = make_connector(installation.catalogue, resolve_secret, domain)
    assert connector.capabilities.needs_old_password
