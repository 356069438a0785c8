"""Locks of a spool: one that works, any number that look."""

import fcntl
import os
import threading
from pathlib import Path

import pytest

from controller.capture.locks import is_locked, lock_alone
from controller.model.errors import SettingsError


def test_one_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert not is_locked(path)
    assert not path.exists()
    first = lock_alone(path, "forwarder")
    assert is_locked(path)
    with pytest.raises(SettingsError, match="another forwarder works"):
        lock_alone(path, "forwarder")
    os.close(first)
    assert not is_locked(path)
    os.close(lock_alone(path, "forwarder"))


def test_who_starts_while_somebody_looks_is_not_refused(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.touch()
    with path.open() as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)
        assert not is_locked(path)
        end = threading.Timer(0.05, lambda: fcntl.flock(looking, fcntl.LOCK_UN))
        end.start()
        os.close(lock_alone(path, "forwarder"))
        end.join()


def test_a_folder_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for use in (is_locked, lambda path: lock_alone(path, "forwarder")):
        with pytest.raises(SettingsError, match="cannot be used"):
            use(tmp_path / "file" / "lock")
