"""What an element says, however it is written: as attribute, as attribute of ``<flags>``, or as element."""

from collections.abc import Iterator
from typing import Final

from controller.manifests.esso.elements import Element
from controller.manifests.problems import Place, Problem, did_you_mean

_SWITCHES: Final = {"yes": True, "no": False, "true": True, "false": False, "1": True, "0": False}
_SECRET: Final = ("pass", "pwd", "secret", "key", "cred", "token")


class Fields:
    """The fields of one element. What nobody asks for is told at the end, so that nothing is lost in silence.

    Attributes:
        problems: Values that cannot be understood.
    """

    def __init__(self, element: Element) -> None:
        self.element = element
        self.problems: list[Problem] = []
        self._values: dict[str, list[tuple[str, Place]]] = {}
        for name, value in element.attributes.items():
            self._values.setdefault(name, []).append((value, element.place))
        for child in element.children:
            if child.name == "flags":
                for name, value in child.attributes.items():
                    self._values.setdefault(name, []).append((value, child.place))
            elif not child.children and not child.attributes:
                self._values.setdefault(child.name, []).append((child.text, child.place))

    def texts(self, *names: str) -> list[tuple[str, Place]]:
        """All values of a field that has one of these names, but empty ones, with their places."""
        found = (self._values.pop(name.lower(), []) for name in names)
        return [(text, place) for values in found for text, place in values if text]

    def text(self, *names: str) -> str:
        """The value of a field that has one of these names; empty when there is none."""
        return next((text for text, _ in self.texts(*names)), "")

    def flag(self, *names: str, otherwise: bool = False) -> bool:
        """A switch: yes or no."""
        for text, place in self.texts(*names):
            if (value := _SWITCHES.get(text.lower())) is not None:
                return value
            self._complain(place, names[0], text, "write yes or no")
        return otherwise

    def number(self, *names: str, otherwise: int) -> int:
        """A whole number."""
        for text, place in self.texts(*names):
            if text.isascii() and text.isdecimal() and len(text) < 10:  # noqa: PLR2004  # fits every limit there is
                return int(text)
            self._complain(place, names[0], text, "write a whole number")
        return otherwise

    def names(self, *names: str) -> list[str]:
        """A list, which the reference system writes with semicolons."""
        parts = (part.strip() for text, _ in self.texts(*names) for part in text.split(";"))
        return list(dict.fromkeys(part for part in parts if part))

    def rest(self) -> Iterator[str]:
        """Yield what nobody asked for, in words; values that could be secrets are withheld."""
        for name, values in self._values.items():
            yield from (f"{name} = {_shown(name, text)}" for text, _ in values if text)

    def _complain(self, place: Place, name: str, text: str, hint: str) -> None:
        self.problems.append(Problem(place, f"{name}: {text[:40]!r} is not understood", hint))


def _shown(name: str, value: str) -> str:
    return "(value withheld)" if any(word in name.lower() for word in _SECRET) else value


def property_of(element: Element) -> str:
    """One of the free properties of an adapter, in words."""
    name = element.attributes.get("name", element.name)
    return f"{name} = {_shown(name, element.attributes.get('value', element.text))}"


class Names:
    """Names of objects: those of the reference system may have spaces and other characters that ours have not."""

    def __init__(self) -> None:
        self._given: dict[str, str] = {}

    def of(self, written: str) -> str:
        """The name here; the same for the same name there, and another one for another."""
        if written not in self._given:
            plain = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "-" for c in written[:200])
            stem = plain.strip("._-") or "unnamed"
            taken, name, number = set(self._given.values()), stem, 2
            while name in taken:
                name, number = f"{stem}-{number}", number + 1
            self._given[written] = name
        return self._given[written]

    def hint(self, written: str) -> str:
        """Which name that has been given comes closest."""
        return did_you_mean(written, self._given, "give the file that declares it too")

    def has(self, written: str) -> bool:
        """Whether it has been given."""
        return written in self._given
