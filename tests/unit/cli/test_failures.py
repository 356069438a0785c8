"""What nobody foresaw becomes one line, and never tells a secret."""

from pathlib import Path

import pytest

from controller.cli import main
from controller.cli.installation import hoisted
from controller.model.errors import Refused
from tests.unit.cli.console import Console, Result


@pytest.fixture
def failing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "Failing":
    """A command line on which every command fails."""
    return Failing(tmp_path, monkeypatch)


class Failing:
    """Lets every command fail with an error of choice."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._console = Console(folder)
        self._monkeypatch = monkeypatch

    def by(self, error: BaseException) -> Result:
        """Run a command that raises *error*."""

        def app(**_: object) -> None:
            raise error

        self._monkeypatch.setattr(main, "command_line", lambda: app)
        return self._console.pwsync("plan")


def test_an_unexpected_error_is_one_line_without_its_text(failing: Failing) -> None:
    result = failing.by(ValueError("Geheim-1"))
    assert result.code == 1
    assert result.out == ""
    assert result.err.startswith("Error: unexpected ValueError. This is a mistake of pwsync")
    assert "PWSYNC_DEBUG=1" in result.err
    assert "Geheim" not in result.err


def test_the_traceback_is_there_for_who_asks_for_it(failing: Failing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PWSYNC_DEBUG", "1")
    result = failing.by(ValueError("told"))
    assert result.code == 1
    assert "Traceback" in result.err
    assert "ValueError: told" in result.err


def test_a_foreseen_error_is_a_sentence_and_a_hint(failing: Failing) -> None:
    refused = failing.by(Refused("it is switched off", reason="off", hint="switch it on"))
    assert refused == Result(1, "", "Error: it is switched off\nHint: switch it on\n")
    assert failing.by(Refused("it is so", reason="off")).err == "Error: it is so\n"


def test_an_interrupt_is_no_error(failing: Failing) -> None:
    assert failing.by(KeyboardInterrupt()) == Result(130, "", "")


def test_the_version_is_shown(console: Console) -> None:
    assert console.expect(0, "--version").out.startswith("pwsync ")


def test_global_options_are_found_wherever_they_stand() -> None:
    assert hoisted(["plan", "--state-dir", "x", "m"]) == ["--state-dir", "x", "plan", "m"]
    assert hoisted(["plan", "--database=u"]) == ["--database=u", "plan"]
    assert hoisted(["plan", "--", "--database", "x"]) == ["plan", "--", "--database", "x"]
    assert hoisted(["plan", "--database"]) == ["--database"]
