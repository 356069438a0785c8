"""The graph of accounts along which passwords travel, and the conflicts in it. Linear in the number of mappings."""

from collections import deque
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from itertools import chain, islice, product

from controller.model.accounts import Account, ExternalAccount, WindowsAccount
from controller.planning.conflict import Conflict, Conflicts

_WINDOWS = ""
"""Stands for the adapter of Windows accounts."""
Node = int
"""An account, by its position: numbers are compared far faster than names."""


@dataclass(frozen=True, slots=True)
class AccountGraph:
    """All accounts, and where a change of each goes on to.

    Attributes:
        tolerant: Adapters that allow mapping conflicts.
        accounts: By node.
        adapters: By node; that of Windows accounts is empty.
        edges: By node, the next nodes.
        senders: By node of an external account, the Windows accounts that go on to it.
    """

    tolerant: AbstractSet[str]
    accounts: list[Account] = field(default_factory=list)
    adapters: list[str] = field(default_factory=list)
    edges: list[list[Node]] = field(default_factory=list)
    senders: list[list[Node]] = field(default_factory=list)
    _nodes: dict[Account, Node] = field(default_factory=dict)

    def connect(self, windows: WindowsAccount, external: ExternalAccount, *, sends: bool, takes: bool) -> None:
        """Add a mapping: *windows* goes on to *external*, or the other way, or both."""
        here, there = self._node(windows, _WINDOWS), self._node(external, external.adapter)
        if sends:
            self.edges[here].append(there)
            self.senders[there].append(here)
        if takes:
            self.edges[there].append(here)

    def _node(self, account: Account, adapter: str) -> Node:
        node = self._nodes.setdefault(account, len(self.accounts))
        if node == len(self.accounts):
            self.accounts.append(account)
            self.adapters.append(adapter)
            self.edges.append([])
            self.senders.append([])
        return node

    def conflicts(self, most: int) -> Conflicts:
        """Find the changes that would reach a second account of one system; *most* of them with their ways."""
        found = {node: join for node in self._joints() if (join := self._join_at(node)) is not None}
        for node in found:  # what lies beyond a join is not reported once more
            self.edges[node].clear()
        forks = list(self._forks())
        paths = (Conflict(adapter, self._paths(start, adapter)) for start, adapter in forks)
        shown = tuple(islice(chain(found.values(), paths), most))
        return Conflicts(shown, len(found) + len(forks) - len(shown))

    def _joints(self) -> Iterator[Node]:
        """External accounts whose changes go to Windows, and must go to one account there."""
        return (node for node, nexts in enumerate(self.edges) if nexts and self.is_strict(node))

    def is_strict(self, node: Node) -> bool:
        """Whether it is an account of which a change must not reach a second one: its adapter does not allow it."""
        return self.adapters[node] != _WINDOWS and self.adapters[node] not in self.tolerant

    def _join_at(self, node: Node) -> Conflict | None:
        """What is wrong when such an account has several Windows accounts."""
        takers, senders = list(dict.fromkeys(self.edges[node])), list(dict.fromkeys(self.senders[node]))
        for first, last in product(senders[:2], takers[:2]):
            if first != last:
                return Conflict(self.adapters[node], (self._named(first, node, last),))
        if len(takers) > 1:
            return Conflict(self.adapters[node], (self._named(node, takers[0]), self._named(node, takers[1])))
        return None

    def _named(self, *nodes: Node) -> tuple[Account, ...]:
        return tuple(self.accounts[node] for node in nodes)

    def _forks(self) -> Iterator[tuple[Node, str]]:
        """Yield whose changes would reach two accounts of an adapter that does not allow it, and which adapter.

        An external account that comes back to another one of its adapter does so over a Windows account that sends to
        both, since an adapter sends to all of its accounts or to none: that Windows account is the start.
        """
        for start, adapters in enumerate(_Reached(self).several):
            yield from ((start, adapter) for adapter in sorted(adapters))

    def _paths(self, start: Node, adapter: str) -> tuple[tuple[Account, ...], ...]:
        """The shortest ways from *start* to a second account of *adapter*, or to two."""
        came_from: dict[Node, Node] = {start: start}
        found: list[tuple[Account, ...]] = []
        waiting = deque([start])
        while len(found) < 2:  # noqa: PLR2004  # two accounts are the conflict
            node = waiting.popleft()
            if self.adapters[node] == adapter:
                found.append(self._named(*_way_to(node, came_from)))
            fresh = [n for n in self.edges[node] if n not in came_from]
            came_from.update(dict.fromkeys(fresh, node))
            waiting.extend(dict.fromkeys(fresh))
        return tuple(found[1:] if len(found[0]) == 1 else found)


def _way_to(node: Node, came_from: dict[Node, Node]) -> list[Node]:
    way = [node]
    while came_from[way[-1]] != way[-1]:
        way.append(came_from[way[-1]])
    return way[::-1]


class _Reached:
    """For each account the accounts that a change of it reaches, one of each adapter, or that there are several.

    Attributes:
        several: By node, the adapters of which it reaches several accounts.
    """

    def __init__(self, graph: AccountGraph) -> None:
        self._graph = graph
        self._one: list[dict[str, Node]] = [{} for _ in graph.accounts]
        self.several: list[set[str]] = [set() for _ in graph.accounts]
        self._sources: list[list[Node]] = [[] for _ in graph.accounts]
        self._find_ways_back()
        self._fill()

    def _find_ways_back(self) -> None:
        """Who leads to each account, over those accounts alone that several Windows accounts may share."""
        is_strict = self._graph.is_strict
        for node, nexts in enumerate(self._graph.edges):
            if not is_strict(node):
                for following in nexts:
                    if not is_strict(following):
                        self._sources[following].append(node)

    def _fill(self) -> None:
        waiting = deque(
            (node, following)
            for node, nexts in enumerate(self._graph.edges)
            if self._graph.adapters[node] == _WINDOWS
            for following in nexts
            if self._graph.is_strict(following)
        )
        while waiting:
            node, external = waiting.popleft()
            if self._is_news(node, external):
                waiting.extend((source, external) for source in self._sources[node])

    def _is_news(self, node: Node, external: Node) -> bool:
        """Note that *node* reaches *external*. Of each adapter at most two are noted, and passed on."""
        adapter = self._graph.adapters[external]
        first = self._one[node].setdefault(adapter, -1)
        if first == -1:
            self._one[node][adapter] = external
            return True
        if first == external or adapter in self.several[node]:
            return False
        self.several[node].add(adapter)
        return True
