"""How far somebody who is no administrator sees."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reach:
    """Which changes or deliveries somebody may see: those of which any of these is true.

    Attributes:
        lanes: They are of an account of one of these lanes.
        caller: They are changes that this principal reported; empty means none are.
        applications: Their account is mapped in one of these applications. Each with the lane of its adapter, on which
            the external accounts of its mappings are; an empty one when it has no adapter.
    """

    lanes: tuple[str, ...] = ()
    caller: str = ""
    applications: tuple[tuple[str, str], ...] = ()
