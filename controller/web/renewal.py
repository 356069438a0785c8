"""Renewed certificates: when their files change, new connections get what is in them now."""

from collections.abc import Callable
from pathlib import Path

import structlog

from controller.model.errors import SettingsError
from controller.web.client_certificate import DatedContext
from controller.web.listening import Certificate

log = structlog.get_logger()


class Renewal:
    """Watches the files of a certificate. Used by the event loop alone."""

    def __init__(self, certificate: Certificate, context: DatedContext, on_renewed: Callable[[], None]) -> None:
        """Watch the files from which *context* was made just now.

        Args:
            certificate: Which files.
            context: In use: what is loaded into it holds for new connections.
            on_renewed: Told each time.
        """
        self._certificate = certificate
        self._context = context
        self._on_renewed = on_renewed
        self._seen = _marks(certificate.files)

    def look(self) -> None:
        """Load the files if they have changed and can be used; else what is loaded stays, with a warning in the log."""
        marks = _marks(self._certificate.files)
        if marks == self._seen:
            return
        try:
            self._certificate.context()  # tried on one that nobody uses: half a renewal is none
            self._certificate.load(self._context)
            self._on_renewed()
        except SettingsError as error:
            log.warning("The TLS files have changed and cannot be used; the earlier ones stay", problem=str(error))
            return
        self._seen = marks
        log.info("The TLS files have changed; new connections use them", file=str(self._certificate.certificate_file))


def _marks(files: tuple[Path, ...]) -> list[tuple[int, int, int] | None]:
    """What changes with the content of each file; None for one that cannot be looked at."""
    return [_mark(file) for file in files]


def _mark(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
