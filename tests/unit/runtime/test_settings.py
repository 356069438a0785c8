"""The state directory, where it is something else or cannot be looked at."""

from pathlib import Path

import pytest

from controller.model.errors import SettingsError
from controller.runtime.settings import settings_of


def test_a_state_directory_that_cannot_be_looked_at_is_no_mistake_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="is not a directory"):
        settings_of(tmp_path / "file", environ={}).check_state_dir()
    monkeypatch.setattr(Path, "exists", refuse)
    settings_of(tmp_path / "file", environ={}).check_state_dir()
