"""What the files of manifests held when they were read: the same again means the same manifests."""

from collections.abc import Callable, Sequence
from hashlib import sha256

from controller.manifests.problems import Problem
from controller.manifests.source import Source, read_file, read_text

Read = Callable[[], str | Problem]


class Contents:
    """Reads files, and remembers a digest of each and how to read it again.

    Attributes:
        sources: What was found to be read, in order.
    """

    def __init__(self, sources: Sequence[Source | Problem]) -> None:
        self.sources = sources
        self._files: list[tuple[Read, str]] = []

    def of_source(self, source: Source) -> str | Problem:
        """The text of a source."""
        return self._note(lambda: read_text(source))

    def of_file(self, path: str, shown: str) -> str | Problem:
        """The text of another file, which a manifest names; *shown* names it in messages."""
        return self._note(lambda: read_file(path, shown))

    def are_again(self, sources: Sequence[Source | Problem]) -> bool:
        """Whether *sources* are the same, and they and the files that they name still hold what they held."""
        return self.sources == sources and all(_digest(read()) == digest for read, digest in self._files)

    def digest(self) -> str:
        """Equal digests of the same sources mean equal manifests."""
        return sha256("".join(digest for _, digest in self._files).encode()).hexdigest()

    def _note(self, read: Read) -> str | Problem:
        text = read()
        self._files.append((read, _digest(text)))
        return text


def _digest(text: str | Problem) -> str:
    return sha256(text.encode()).hexdigest() if isinstance(text, str) else str(text)
