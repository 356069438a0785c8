"""Objects and mappings, read over the API: as they are applied."""

from collections.abc import Callable
from typing import Any

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request

from controller.model.accounts import WindowsAccount
from controller.model.errors import InvalidInput, NotFound, Refused
from controller.model.topology import Key, Kind, Resource
from controller.pipeline.roles import Action, Standing, adapters_seen, applications_seen
from controller.pipeline.topology import Topology
from controller.ports.mappings import MappingQuery
from controller.ports.store import Transaction
from controller.runtime.wiring import Installation
from controller.views.kinds import RESOURCE_KINDS, Word, word_of
from controller.views.objects import find_mapping, mapping_view, resource_view
from controller.web.answers import JsonAnswer
from controller.web.calls import Answer, call
from controller.web.object_types import MappingAnswer, ObjectAnswer, ObjectList
from controller.web.problem_kinds import INVALID_INPUT, NOT_FOUND, WITHOUT_ROLE
from controller.web.query import ACCOUNT, ADAPTER, PAGE, PAGING, Query, is_storable, page
from controller.web.security import principal_of

_KINDS = (*RESOURCE_KINDS, Word.MAPPINGS)
_FILTERS: dict[Word, tuple[str, ...]] = {Word.APPLICATIONS: ("adapter",), Word.MAPPINGS: ("adapter", "account")}
_PARTS_OF_A_KEY = 3


class ObjectsApi:
    """The calls that read objects. Whatever blocks runs in a thread of *limiter*."""

    def __init__(self, installation: Installation, limiter: CapacityLimiter) -> None:
        self._installation = installation
        self._limiter = limiter

    @call(
        "GET",
        "/v1/objects/{kind}",
        Answer("Objects of the kind, by name.", ObjectList),
        parameters=(ACCOUNT, ADAPTER, *PAGE),
        problems=(NOT_FOUND, INVALID_INPUT),
        reasons=WITHOUT_ROLE,
    )
    async def list_objects(self, request: Request) -> JsonAnswer:
        """List the objects of a kind, by name."""
        principal = await principal_of(request, self._installation.callers, self._limiter)
        word = _kind(request)
        asked = Query(request, *_FILTERS.get(word, ()), *PAGING)
        read = self._mappings if word is Word.MAPPINGS else self._resources
        return JsonAnswer(await to_thread.run_sync(read, principal, word, asked, limiter=self._limiter))

    @call(
        "GET",
        "/v1/objects/{kind}/{name:path}",
        Answer("The object.", ObjectAnswer | MappingAnswer),
        problems=(NOT_FOUND, INVALID_INPUT),
        reasons=WITHOUT_ROLE,
    )
    async def show_object(self, request: Request) -> JsonAnswer:
        """Show one object."""
        principal = await principal_of(request, self._installation.callers, self._limiter)
        word = _kind(request)
        Query(request)
        name = request.path_params["name"]
        return JsonAnswer(await to_thread.run_sync(self._one, principal, word, name, limiter=self._limiter))

    def _resources(self, principal: str, word: Word, asked: Query) -> dict[str, Any]:
        (after,) = asked.after(word, 1)
        adapter, limit = asked.text("adapter"), asked.limit

        def read(tx: Transaction, _: Topology, standing: Standing) -> dict[str, Any]:
            names = _names_seen(word, standing)
            of_kind = sorted((r for r in tx.resources.read().values() if r.kind == RESOURCE_KINDS[word]), key=_name)
            found = [r for r in of_kind if r.name > after and (names is None or r.name in names)]
            found = [r for r in found if not adapter or _adapter_of(r) == adapter]
            return page(word, found[: limit + 1], limit, lambda r: resource_view(tx, r), lambda r: [r.name])

        return self._admit(principal, read)

    def _mappings(self, principal: str, word: Word, asked: Query) -> dict[str, Any]:
        application, windows, external = asked.after(word, _PARTS_OF_A_KEY)
        adapter, account, limit = asked.text("adapter"), asked.text("account"), asked.limit

        def read(tx: Transaction, topology: Topology, standing: Standing) -> dict[str, Any]:
            seen = _names_seen(word, standing)
            wanted = set(topology.applications_of(adapter)) if adapter else seen
            query = MappingQuery(
                applications=None if wanted is None else tuple(sorted(wanted if seen is None else wanted & seen)),
                windows=_windows(account),
                external="" if "\\" in account else account,
                after=(application, windows, external),
                limit=limit + 1,
            )
            return page(word, tx.mappings.find(query), limit, mapping_view, lambda mapping: mapping.sort_key)

        return self._admit(principal, read)

    def _one(self, principal: str, word: Word, name: str) -> dict[str, Any]:
        def read(tx: Transaction, _: Topology, standing: Standing) -> dict[str, Any]:
            names = _names_seen(word, standing)
            if names is not None and (name.partition("/")[0] if word is Word.MAPPINGS else name) not in names:
                raise _out_of_reach()
            if not is_storable(name):
                raise _no_such_object()
            if word is Word.MAPPINGS:
                return _mapping(tx, name)
            resource = tx.resources.read().get(Key(Kind(RESOURCE_KINDS[word]), name))
            if resource is None:
                raise _no_such_object()
            return resource_view(tx, resource)

        return self._admit(principal, read)

    def _admit(
        self, principal: str, read: Callable[[Transaction, Topology, Standing], dict[str, Any]]
    ) -> dict[str, Any]:
        return self._installation.admission.admit(principal, Action.READ_OBJECTS, read)


def _names_seen(word: Word, standing: Standing) -> frozenset[str] | None:
    """Which of a kind a principal may read, of mappings by their application; None means all.

    Raises:
        Refused: None of that kind.
    """
    if standing.is_administrator:
        return None
    match word:
        case Word.APPLICATIONS | Word.MAPPINGS:
            names = applications_seen(standing)
        case Word.ADAPTERS:
            names = adapters_seen(standing)
        case _:
            names = frozenset()
    if names is not None and not names:
        raise _out_of_reach()
    return names


def _out_of_reach() -> Refused:
    """The same for what is not there: who may not see an object is not told whether there is one."""
    return Refused(
        "no role of this principal lets it read this",
        reason="notAllowed",
        hint="the reference of roles lists what each may do",
    )


def _kind(request: Request) -> Word:
    """Read the kind of the path, in any case, singular or plural.

    Raises:
        NotFound: There is none, or nothing of it is an object.
    """
    try:
        word = word_of(request.path_params["kind"])
    except InvalidInput:
        word = None
    if word not in _KINDS:
        hint = f"there are {', '.join(_KINDS)}; those of a mapping set are among the mappings, with it as their origin"
        raise NotFound("there is no such kind of objects", hint=hint)
    return word


def _name(resource: Resource) -> str:
    return resource.name


def _adapter_of(resource: Resource) -> str | None:
    return getattr(resource.spec, "adapter", None)


def _windows(account: str) -> WindowsAccount | None:
    domain, backslash, user = account.partition("\\")
    return WindowsAccount(domain.upper(), user.lower()) if backslash else None


def _mapping(tx: Transaction, name: str) -> dict[str, Any]:
    try:
        return mapping_view(find_mapping(tx, name))
    except NotFound:
        raise _no_such_object() from None  # nothing that a caller sent is repeated
    except InvalidInput:
        hint = "add the external account to the name"
    raise InvalidInput("the name is that of several mappings", hint=hint)


def _no_such_object() -> NotFound:
    return NotFound("there is no object of this kind and name")
