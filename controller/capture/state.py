"""What the forwarder has done, in a small file of the spool, for whoever looks from outside."""

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from controller.capture.spool import STATE


@dataclass(frozen=True, slots=True)
class State:
    """Counts of all that this spool has seen.

    Attributes:
        sent: Changes that a controller has durably.
        refused: Changes set aside because the controller does not take them, or they could not be read.
        expired: Changes given up because they became older than maxAge.
        last_sent_at: RFC 3339; empty before the first.
        problem: Why nothing can be sent now; empty when all is well.
    """

    sent: int = 0
    refused: int = 0
    expired: int = 0
    last_sent_at: str = ""
    problem: str = ""


def load_state(folder: Path) -> State:
    """Read it. What is missing or damaged counts as nothing: these are only counts."""
    with suppress(OSError, ValueError, TypeError):
        return State(**json.loads((folder / STATE).read_bytes()))
    return State()


def save_state(folder: Path, state: State) -> None:
    """Write it in one step.

    Raises:
        OSError: It could not be written.
    """
    beside = folder / f"{STATE}.beside"
    beside.write_text(json.dumps(asdict(state)))
    beside.replace(folder / STATE)
