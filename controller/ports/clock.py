"""Time, identifiers and chance are arguments, so that tests need no sleeping."""

from collections.abc import Callable
from datetime import datetime

Clock = Callable[[], datetime]
"""Tells the time, aware, in UTC."""


NewId = Callable[[], str]
"""Makes an identifier that no one can guess and that never repeats."""


Jitter = Callable[[], float]
"""A number in [0, 1)."""
