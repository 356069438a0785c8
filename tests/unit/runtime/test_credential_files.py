"""Key file and database URL may stand in files that the service manager hands over."""

from pathlib import Path

import pytest

from controller.model.errors import SettingsError
from controller.runtime.settings import settings_of
from controller.runtime.wiring import open_installation

URL = "postgresql+psycopg://pwsync:S3cret@db.example.com/pwsync"


def url_file(folder: Path, content: str = URL, mode: int = 0o400) -> Path:
    """A file that holds the URL of the database."""
    file = folder / "database-url"
    file.write_text(content)
    file.chmod(mode)
    return file


def test_the_key_file_is_where_the_flag_or_the_environment_says(tmp_path: Path) -> None:
    environ = {"PWSYNC_KEY_FILE": str(tmp_path / "env.key")}
    assert settings_of(tmp_path, environ={}).key_file == tmp_path / "master.key"
    assert settings_of(tmp_path, environ=environ).key_file == tmp_path / "env.key"
    assert settings_of(tmp_path, environ=environ, key_file=tmp_path / "flag.key").key_file == tmp_path / "flag.key"


def test_a_key_file_elsewhere_is_used_and_none_is_made_in_the_state_directory(tmp_path: Path) -> None:
    first = settings_of(tmp_path / "first", environ={})
    with open_installation(first):
        pass
    credentials = tmp_path / "credentials"
    credentials.mkdir(mode=0o700)
    key = credentials / "master.key"
    first.key_file.rename(key)
    key.chmod(0o400)
    credentials.chmod(0o500)
    with open_installation(settings_of(tmp_path / "first", environ={"PWSYNC_KEY_FILE": str(key)})):
        pass
    assert not first.key_file.exists()


def test_the_database_may_be_named_by_a_file(tmp_path: Path) -> None:
    environ = {"PWSYNC_DATABASE_FILE": str(url_file(tmp_path, f"{URL}\n"))}
    settings = settings_of(tmp_path, environ=environ)
    assert settings.database == URL
    assert "S3cret" not in repr(settings)
    assert settings_of(tmp_path, "sqlite:///x.db", environ=environ).database == "sqlite:///x.db"


def test_one_that_every_user_can_read_is_refused(open_folder: Path) -> None:
    environ = {"PWSYNC_DATABASE_FILE": str(url_file(open_folder, mode=0o644))}
    with pytest.raises(SettingsError, match="by every user of this machine"):
        settings_of(open_folder, environ=environ)


def test_two_ways_to_name_the_database_contradict_each_other(tmp_path: Path) -> None:
    environ = {"PWSYNC_DATABASE_FILE": str(url_file(tmp_path)), "PWSYNC_DATABASE": URL}
    with pytest.raises(SettingsError, match="both PWSYNC_DATABASE and PWSYNC_DATABASE_FILE") as caught:
        settings_of(tmp_path, environ=environ)
    assert "S3cret" not in str(caught.value)
