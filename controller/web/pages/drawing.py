"""The picture of the topology: boxes and arrows with their places, which a template draws as SVG. Pure."""

from collections.abc import Iterator
from collections.abc import Mapping as ReadOnlyMapping
from dataclasses import dataclass, field
from typing import Literal

from controller.model.topology import Adapter, Domain, Key, Kind
from controller.pipeline.topology import Topology
from controller.reconcile.status import Health, ObjectStatus
from controller.web.pages.facts import LaneRow

State = Literal["ok", "busy", "bad", "off"]
BOX_WIDTH, BOX_HEIGHT, ROW = 208, 46, 62
COLUMNS = (12, 330, 560, 878)
"""Left edges: domains, the controller, adapters, applications."""
HUB_WIDTH = 120
WIDTH = COLUMNS[3] + BOX_WIDTH + 12
TOP = 40


@dataclass(frozen=True, slots=True)
class Box:
    """One object of the picture.

    Attributes:
        caption: What kind it is.
        remark: Its state in words.
    """

    name: str
    caption: str
    state: State
    remark: str
    x: int
    y: int
    width: int = BOX_WIDTH
    height: int = BOX_HEIGHT


@dataclass(frozen=True, slots=True)
class Arrow:
    """Passwords flow this way between two points; both ways when both heads are set."""

    x1: int
    y1: int
    x2: int
    y2: int
    at_end: bool
    at_start: bool


@dataclass(frozen=True, slots=True)
class Flow:
    """The text beside the picture: one domain or adapter.

    Attributes:
        sends: Whether passwords flow from it to the controller.
        receives: Whether passwords flow to it.
    """

    name: str
    kind: str
    state: State
    remark: str
    sends: bool
    receives: bool
    applications: tuple[str, ...] = ()


@dataclass(slots=True)
class Drawing:
    """The whole picture."""

    width: int = WIDTH
    height: int = 0
    boxes: list[Box] = field(default_factory=list)
    arrows: list[Arrow] = field(default_factory=list)
    flows: list[Flow] = field(default_factory=list)
    loose: tuple[str, ...] = ()
    """Applications without an adapter."""


def draw(
    topology: Topology, statuses: ReadOnlyMapping[Key, ObjectStatus], lanes: ReadOnlyMapping[str, LaneRow]
) -> Drawing:
    """Place all domains, adapters and applications."""
    loose = tuple(sorted(name for name, spec in topology.applications.items() if spec.adapter is None))
    flows = [*_domain_flows(topology, statuses, lanes), *_adapter_flows(topology, statuses, lanes)]
    drawing = Drawing(flows=flows, loose=loose)
    domains = [flow for flow in flows if flow.kind == "Domain"]
    adapters = [flow for flow in flows if flow.kind == "Adapter"]
    rows = max(len(domains), sum(max(1, len(a.applications)) for a in adapters), 1)
    drawing.height = TOP + rows * ROW
    hub = Box("pwsync", "controller", "ok", _switches(topology), COLUMNS[1], TOP, HUB_WIDTH, rows * ROW - 16)
    drawing.boxes.append(hub)
    _place_domains(drawing, domains, rows)
    _place_adapters(drawing, adapters)
    return drawing


def _place_domains(drawing: Drawing, domains: list[Flow], rows: int) -> None:
    first = TOP + (rows - len(domains)) * ROW // 2
    for index, flow in enumerate(domains):
        y = first + index * ROW
        drawing.boxes.append(Box(flow.name, "domain", flow.state, flow.remark, COLUMNS[0], y))
        _connect(drawing, flow, COLUMNS[0] + BOX_WIDTH, COLUMNS[1], y, is_left=True)


def _place_adapters(drawing: Drawing, adapters: list[Flow]) -> None:
    y = TOP
    for flow in adapters:
        size = max(1, len(flow.applications))
        middle = y + (size - 1) * ROW // 2
        drawing.boxes.append(Box(flow.name, "adapter", flow.state, flow.remark, COLUMNS[2], middle))
        _connect(drawing, flow, COLUMNS[1] + HUB_WIDTH, COLUMNS[2], middle, is_left=False)
        for index, name in enumerate(flow.applications):
            drawing.boxes.append(Box(name, "application", "ok", "", COLUMNS[3], y + index * ROW))
            ends = (middle + BOX_HEIGHT // 2, y + index * ROW + BOX_HEIGHT // 2)
            drawing.arrows.append(Arrow(COLUMNS[2] + BOX_WIDTH, ends[0], COLUMNS[3], ends[1], False, False))
        y += size * ROW


def _connect(drawing: Drawing, flow: Flow, x1: int, x2: int, y: int, *, is_left: bool) -> None:
    if flow.sends or flow.receives:
        middle = y + BOX_HEIGHT // 2
        at_hub, at_box = flow.sends, flow.receives
        at_end, at_start = (at_hub, at_box) if is_left else (at_box, at_hub)
        drawing.arrows.append(Arrow(x1, middle, x2, middle, at_end, at_start))


def _domain_flows(
    topology: Topology, statuses: ReadOnlyMapping[Key, ObjectStatus], lanes: ReadOnlyMapping[str, LaneRow]
) -> Iterator[Flow]:
    changes_windows = topology.is_full_sync_on and any(
        a.enabled and a.sync_from_adapter and a.change_windows_password for a in topology.adapters.values()
    )
    for name, spec in sorted(topology.domains.items()):
        state, remark = _state(statuses.get(Key(Kind.DOMAIN, name)), lanes.get(f"domain/{name}"), spec)
        sends = topology.system.from_windows_to_adapters and bool(spec.sources)
        yield Flow(name, "Domain", state, remark, sends, changes_windows and spec.directory is not None)


def _adapter_flows(
    topology: Topology, statuses: ReadOnlyMapping[Key, ObjectStatus], lanes: ReadOnlyMapping[str, LaneRow]
) -> Iterator[Flow]:
    system = topology.system
    for name, spec in sorted(topology.adapters.items()):
        state, remark = _state(statuses.get(Key(Kind.ADAPTER, name)), lanes.get(f"adapter/{name}"), spec)
        sends = spec.enabled and spec.sync_from_adapter and system.from_adapters_to_database
        receives = spec.enabled and spec.sync_to_adapter
        yield Flow(name, "Adapter", state, remark, sends, receives, tuple(topology.applications_of(name)))


def _state(status: ObjectStatus | None, lane: LaneRow | None, spec: Adapter | Domain) -> tuple[State, str]:
    if isinstance(spec, Adapter) and not spec.enabled:
        return "off", "disabled"
    if lane is not None and lane.offline is not None:
        return "bad", "offline"
    if lane is not None and lane.parked:
        return "bad", f"{lane.parked:,} parked"
    if lane is not None and lane.depth:
        return "busy", f"{lane.depth:,} under way"
    if status is not None and status.health is Health.DEGRADED:
        return "bad", status.conditions[1].message
    return "ok", "healthy"


def _switches(topology: Topology) -> str:
    system = topology.system
    is_any_on = system.from_windows_to_adapters or system.from_adapters_to_database or system.from_adapters_to_windows
    return "" if is_any_on else "all switches off"
