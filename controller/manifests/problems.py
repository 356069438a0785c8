"""Problems of manifests: where, what is wrong, and what to do about it. All of them are shown at once."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from controller.model.errors import PwsyncError

_SHOWN = 20  # choices; a longer list helps no one


@dataclass(frozen=True, order=True, slots=True)
class Place:
    """A position in a file. Lines and columns (in characters) count from 1; 1:1 also stands for the whole file."""

    file: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, order=True, slots=True)
class Problem:
    """One mistake, or one warning. The message never holds a value that could be a secret."""

    place: Place
    message: str
    hint: str = ""

    def __str__(self) -> str:
        text = f"{self.place}: {self.message}"
        return f"{text} ({self.hint})" if self.hint else text


class ManifestErrors(PwsyncError):
    """The manifests, or what is read as they are, cannot be used.

    Attributes:
        problems: Every problem of every file, in order of file, line and column.
    """

    code = "manifests"

    def __init__(self, problems: Iterable[Problem], *, what: str = "the manifests") -> None:
        """*what* has the problems."""
        self.problems = tuple(sorted(set(problems)))
        count = len(self.problems)
        super().__init__(f"{count} problem{'s' if count != 1 else ''} in {what}")

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


def did_you_mean(word: str, choices: Iterable[str], otherwise: str = "") -> str:
    """Return a hint that names the choice closest to *word*; *otherwise* when none is close."""
    names = sorted(choices)
    folded = {name.casefold(): name for name in names}
    close = get_close_matches(word.casefold(), folded, n=1, cutoff=0.6)
    return f"did you mean {folded[close[0]]!r}?" if close else otherwise


def there_are(what: str, choices: Iterable[str]) -> str:
    """Return a hint that lists the choices, shortened when they are many."""
    names = sorted(choices)
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{what}: {', '.join(names[:_SHOWN])}{more}" if names else ""
