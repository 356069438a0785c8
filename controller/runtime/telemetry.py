"""Logs: a constant sentence and key=value fields, for a console or as JSON lines, on standard error."""

import logging
import sys
from typing import Literal

import structlog


def configure_logging(style: Literal["console", "json"], *, level: str = "info") -> None:
    """Send the program's logs, and those of libraries from warning on, to standard error."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if style == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[*shared, last],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=logging.WARNING, handlers=[_FromLibraries()], force=True)


class _FromLibraries(logging.Handler):
    """Brings what libraries log into the same log. Of an error only its type: its text may hold a secret."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log one record."""
        error = record.exc_info[0] if record.exc_info else None
        fields = {"logger": record.name, **({} if error is None else {"error": error.__qualname__})}
        structlog.get_logger().log(record.levelno, record.getMessage(), **fields)
