"""A document of a manifest file: its value, and the position of every node in the file."""

from array import array
from collections.abc import Sequence
from typing import Any, NamedTuple

from controller.manifests.problems import Place

Path = Sequence[str | int]
"""The way from the root of a document to a node: field names and list indices."""

_COLUMN_BITS = 24
_COLUMN_MASK = (1 << _COLUMN_BITS) - 1


def pack(line: int, column: int) -> int:
    """Put a position (counting from 0) into one number."""
    return line << _COLUMN_BITS | min(column, _COLUMN_MASK)


def unpack(packed: int, file: str) -> Place:
    """Take a position out of its number."""
    return Place(file, (packed >> _COLUMN_BITS) + 1, (packed & _COLUMN_MASK) + 1)


class _Node(NamedTuple):
    at: int
    key_at: int
    children: dict[str | int, "_Node"]


class Document:
    """One YAML document.

    Positions are kept as one flat array in the order of the text, eight bytes per node and nothing for the cyclic
    garbage collector to walk; the tree over them is only built for a document in which there is something to show.

    Attributes:
        value: Dictionaries with text keys, lists and scalars. Aliased parts are shared: never change it.
    """

    __slots__ = ("_positions", "_root", "file", "folder", "value")

    def __init__(self, value: Any, positions: "array[int]", file: str, folder: str) -> None:  # noqa: ANN401  # any YAML
        self.value = value
        self.file = file
        self.folder = folder
        self._positions = positions
        self._root: _Node | None = None

    def place(self, path: Path = ()) -> Place:
        """Where the value at *path* stands; steps that do not exist are passed over."""
        return unpack(self._node(path).at, self.file)

    def key_place(self, path: Path) -> Place:
        """Where the name of the field at *path* stands; for what has no name, where its value stands."""
        return unpack(self._node(path).key_at, self.file)

    def _node(self, path: Path) -> _Node:
        node = self._tree()
        for step in path:
            node = node.children.get(step, node)
        return node

    def _tree(self) -> _Node:
        if self._root is None:
            self._root, _ = self._build(self.value, 0, None)
        return self._root

    def _build(self, value: Any, index: int, key_at: int | None) -> tuple[_Node, int]:  # noqa: ANN401  # any YAML
        at, index = self._positions[index], index + 1
        children: dict[str | int, _Node] = {}
        if isinstance(value, dict):
            for key, child in value.items():
                children[key], index = self._build(child, index + 1, self._positions[index])
        elif isinstance(value, list):
            for number, child in enumerate(value):
                children[number], index = self._build(child, index, None)
        return _Node(at, at if key_at is None else key_at, children), index
