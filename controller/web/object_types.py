"""What answers about objects and the status look like, as types."""

from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from controller.model.change import ChangeState
from controller.model.delivery import DeliveryState
from controller.model.topology import Kind
from controller.web.answer_types import Code, DeliveryAnswer, Next, Words
from controller.web.terms import Time

Count = Annotated[int, Field(ge=0)]
Manifest = Annotated[dict[str, Any], Field(description="As in a manifest of this kind.")]


Revision = Annotated[
    str, Field(description="Of manifests: `main@sha1:...` of a repository, else the digest of what they declare.")
]


class ObjectStatusRecord(TypedDict):
    """What the store knows of an object."""

    generation: Annotated[int, Field(ge=1)]
    updatedAt: Time
    hasDrifted: Annotated[bool, Field(description="It was altered outside of apply.")]
    revision: Revision


class ObjectAnswer(TypedDict):
    """An object, as it is applied."""

    apiVersion: Literal["pwsync/v1"]
    kind: Kind
    metadata: Manifest
    spec: NotRequired[Manifest]
    status: ObjectStatusRecord


class MappingAnswer(TypedDict):
    """A mapping, as it is applied."""

    apiVersion: Literal["pwsync/v1"]
    kind: Literal["Mapping"]
    metadata: NotRequired[Manifest]
    spec: Manifest
    origin: Annotated[str, Field(description="The manifest object that declares it.")]


class ObjectList(TypedDict):
    """A page of objects of one kind, by name."""

    items: list[ObjectAnswer] | list[MappingAnswer]
    next: Next


class Condition(TypedDict):
    """One thing that is so with an object, or not."""

    type: str
    status: bool | None
    reason: str
    message: str


class ObjectCondition(TypedDict):
    """How an object is."""

    kind: Kind
    name: str
    sync: Annotated[Literal["Synced", "OutOfSync"] | None, Field(description="Null: there is nothing to compare with.")]
    health: Literal["Healthy", "Degraded", "Progressing"]
    conditions: list[Condition]
    observedGeneration: Annotated[int | None, Field(description="Null: it does not exist yet.")]
    revision: Revision


class MappingCount(TypedDict):
    """How many mappings there are, and how many differ from the manifests."""

    count: Count
    differing: Count | None


class DeliveryCount(TypedDict):
    """How many deliveries of a lane are in a state."""

    lane: str
    state: DeliveryState
    count: Count


class OfflineLane(TypedDict):
    """A target that is away, or does not accept us."""

    lane: str
    since: Time
    code: Code
    message: Words


class ReplayRecord(TypedDict):
    """Changes that were kept while the store was away."""

    waiting: Count
    setAside: Annotated[list[str], Field(description="Files that a person must look at.")]


class UnnamedToken(TypedDict):
    """A token whose principal no object names."""

    id: str
    principal: str


class Suspended(TypedDict):
    """An operator's word that the reconcile loop applies nothing."""

    principal: str
    since: Time
    reason: str


class LastRound(TypedDict):
    """How the last round of the reconcile loop ended."""

    at: Time
    outcome: Literal["inSync", "applied", "held", "suspended", "overtaken", "failed"]
    message: Annotated[str, Field(description="Why nothing was applied; empty when all is well.")]
    manifests: Annotated[str, Field(description="Their paths, as the controller was given them.")]
    attemptedRevision: Revision
    appliedRevision: Revision
    appliedAt: Time | None
    refusedRevision: Annotated[str, Field(description="A newer revision that cannot be used; empty when not known.")]
    problem: Annotated[str, Field(description="Why the newest manifests are not used; empty when they are.")]
    problemSince: Time | None


class ReconcileRecord(TypedDict):
    """What the reconcile loop does."""

    suspended: Suspended | None
    lastRound: Annotated[LastRound | None, Field(description="Null: there was none yet.")]


class StatusAnswer(TypedDict):
    """Whether everything is as declared and does its work, and what waits."""

    sync: Annotated[Literal["Synced", "OutOfSync"] | None, Field(description="Null: there is nothing to compare with.")]
    objects: list[ObjectCondition]
    mappings: MappingCount
    changes: dict[ChangeState, Count]
    deliveries: list[DeliveryCount]
    offline: list[OfflineLane]
    parked: list[DeliveryAnswer]
    replay: ReplayRecord
    unnamedTokens: list[UnnamedToken]
    reconcile: ReconcileRecord
