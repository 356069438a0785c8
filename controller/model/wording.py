"""Numbers in sentences."""


def counted(count: int, one: str, many: str = "") -> str:
    """A number and what is counted, with an 's' when *many* is not given: ``1 account``, ``2,000 accounts``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
