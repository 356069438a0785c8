"""The field ``timeout`` of connectors that wait for a program or a receiver."""

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator

from controller.model.duration import PositiveDuration
from controller.model.options import Unfit

LONGEST = timedelta(minutes=5)


def _bearable(timeout: timedelta) -> timedelta:
    if timeout > LONGEST:
        raise Unfit("longer than 5m", hint="other passwords of this adapter wait meanwhile")
    return timeout


Timeout = Annotated[PositiveDuration, AfterValidator(_bearable)]
