"""One log for the program and its libraries, in one form."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from controller.runtime.telemetry import configure_logging


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    before = (root.level, list(root.handlers))
    yield
    root.setLevel(before[0])
    root.handlers[:] = before[1]
    structlog.reset_defaults()


def test_what_libraries_warn_of_is_json_too(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("json")
    logging.getLogger("somelibrary.pool").warning("The pool of %d is full", 5)
    logging.getLogger("somelibrary.pool").info("nobody needs to know")
    (line,) = capsys.readouterr().err.splitlines()
    logged = json.loads(line)
    assert (logged["event"], logged["level"]) == ("The pool of 5 is full", "warning")
    assert logged["logger"] == "somelibrary.pool"


def test_of_an_error_only_its_type_is_logged(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("json")
    try:
        int("S3cret")
    except ValueError:
        logging.getLogger("somelibrary").exception("A callback failed")
    (line,) = capsys.readouterr().err.splitlines()
    assert json.loads(line)["error"] == "ValueError"
    assert "S3cret" not in line


def test_the_console_gets_one_line_too(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("console")
    logging.getLogger("somelibrary").warning("Careful")
    assert "Careful" in capsys.readouterr().err
