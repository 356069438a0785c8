"""Files written for their owner alone; one process at a time changes the key file."""

import os
from pathlib import Path

import pytest

from controller.model.errors import SettingsError
from controller.sealing.private_file import sole_writer, write_new


def test_a_new_file_is_private_and_complete(tmp_path: Path) -> None:
    write_new(tmp_path / "b", b"content", "the backup")

    assert (tmp_path / "b").read_bytes() == b"content"
    assert (tmp_path / "b").stat().st_mode & 0o7777 == 0o600


def test_nothing_is_overwritten_and_no_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "b").write_text("kept")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")

    for name in ("b", "link"):
        with pytest.raises(SettingsError, match="exists already"):
            write_new(tmp_path / name, b"content", "the backup")
    assert (tmp_path / "b").read_text() == "kept"
    assert not (tmp_path / "elsewhere").exists()


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be made: No such file"):
        write_new(tmp_path / "missing" / "b", b"content", "the backup")


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(SettingsError, match="No space left"):
        write_new(tmp_path / "b", b"content", "the backup")
    assert list(tmp_path.iterdir()) == []


def test_one_process_at_a_time_changes_the_key_file(tmp_path: Path) -> None:
    key_file = tmp_path / "state" / "master.key"
    with (
        sole_writer(key_file),
        pytest.raises(SettingsError, match="another pwsync is changing"),
        sole_writer(key_file),
    ):
        pass
    with sole_writer(key_file):
        assert key_file.parent.is_dir()


def test_a_file_in_the_place_of_the_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    with pytest.raises(SettingsError, match="Not a directory"), sole_writer(tmp_path / "state" / "master.key"):
        pass


LEFTOVER = ".master.key.0123456789abcdef"


def test_what_a_killed_writer_left_is_deleted_by_the_next_one(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    for name in ("master.key", LEFTOVER, ".master.key.swp", "master.key.replaced-20260101"):
        (tmp_path / name).write_text("keys")
    with sole_writer(tmp_path / "master.key"):
        pass

    assert {path.name for path in tmp_path.iterdir()} == {
        "master.key",
        ".master.key.swp",
        "master.key.replaced-20260101",
    }


def test_a_first_key_file_that_is_being_made_is_left_alone(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    (tmp_path / LEFTOVER).write_text("keys")
    with sole_writer(tmp_path / "master.key"):
        assert (tmp_path / LEFTOVER).exists()


def test_a_leftover_that_cannot_be_deleted_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    (tmp_path / "master.key").write_text("keys")
    (tmp_path / LEFTOVER).mkdir()
    with pytest.raises(SettingsError, match="cannot be used"), sole_writer(tmp_path / "master.key"):
        pass
