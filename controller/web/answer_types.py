"""What answers look like: the JSON objects of the API, as types."""

from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from controller.model.change import ChangeState
from controller.model.delivery import DeliveryState
from controller.model.events import Level
from controller.web.terms import SessionId, Time, TrackingId

Account = Annotated[str, Field(description=r"`DOMAIN\user`, or as the external system writes it.")]
Domain = Annotated[str, Field(description="Of a Windows account.")]
Adapter = Annotated[str, Field(description="Of an external account.")]
Code = Annotated[str, Field(description="Stable name of what went wrong last; empty: nothing.")]
Next = Annotated[str | None, Field(description="Send it as `cursor` for the next page; null on the last one.")]
Words = Annotated[str, Field(description="The same in words.")]


class AcceptedAnswer(TypedDict):
    """A change is durable."""

    trackingId: TrackingId


class AccountNames(TypedDict):
    """Whose password is meant."""

    account: Account
    domain: NotRequired[Domain]
    adapter: NotRequired[Adapter]


class DeliveryAnswer(AccountNames):
    """A change on its way to one account."""

    id: str
    trackingId: TrackingId
    state: DeliveryState
    attempts: Annotated[int, Field(ge=0)]
    code: Code
    directoryCode: Annotated[str, Field(description="The target's own code.")]
    message: Words
    createdAt: Time
    dueAt: Time
    expiresAt: Time
    settledAt: Time | None


class OperatedAnswer(TypedDict):
    """What an operator did to a delivery."""

    id: str
    outcome: Literal["queued", "superseded", "discarded"]


class AdapterSwitchedAnswer(TypedDict):
    """Whether an adapter takes part from now on."""

    adapter: Adapter
    enabled: bool
    changed: Annotated[bool, Field(description="False: it was so already.")]


class QueueEmptiedAnswer(TypedDict):
    """The queue of an adapter is empty."""

    adapter: Adapter
    discarded: Annotated[int, Field(ge=0, description="How many deliveries.")]


class ChangeRecord(AccountNames):
    """A change."""

    trackingId: TrackingId
    caller: Annotated[str, Field(description="The principal that reported it.")]
    state: ChangeState
    reason: Annotated[str, Field(description="Why it was discarded or failed, or empty.")]
    message: Words
    receivedAt: Time
    occurredAt: Time | None
    finishedAt: Time | None


class ChangeAnswer(ChangeRecord):
    """A change, and what became of it."""

    deliveries: list[DeliveryAnswer]


class EventRecord(TypedDict):
    """Something that happened."""

    sequence: Annotated[int, Field(ge=1)]
    at: Time
    name: str
    level: Level
    message: str
    trackingId: str
    adapter: str
    account: str
    fields: dict[str, Any]


class ChangeList(TypedDict):
    """A page of changes, newest first."""

    items: list[ChangeRecord]
    next: Next


class DeliveryList(TypedDict):
    """A page of deliveries, newest first."""

    items: list[DeliveryAnswer]
    next: Next


class EventList(TypedDict):
    """A page of events, newest first."""

    items: list[EventRecord]
    next: Next


class SessionAnswer(TypedDict):
    """A session of a remote adapter has begun."""

    session: SessionId
    reconnected: Annotated[bool, Field(description="It replaced an earlier one.")]


class SessionEndAnswer(TypedDict):
    """A session of a remote adapter has ended."""

    returned: Annotated[int, Field(ge=0, description="Notifications that went back into the queue.")]


class PasswordChangeNotification(TypedDict):
    """An account of the adapter's system shall have a new password."""

    type: Literal["passwordChange"]
    trackingId: TrackingId
    account: Annotated[str, Field(description="As the external system writes it.")]
    password: Annotated[str, Field(description="The new one, filtered.")]
    oldPassword: NotRequired[Annotated[str, Field(description="With `sendOldPassword`, when one is stored.")]]
    occurredAt: Time
    attempt: Annotated[int, Field(ge=1)]
    redelivered: Annotated[bool, Field(description="An earlier attempt may have arrived.")]


class StatusRequestNotification(TypedDict):
    """The adapter shall report its status."""

    type: Literal["statusRequest"]


class AdaptersInGroupNotification(TypedDict):
    """To a group adapter: these and no others are the adapters in its group."""

    type: Literal["adaptersInGroup"]
    adapters: list[str]


class GroupChangeNotification(TypedDict):
    """To a group adapter: an adapter has come into its group, or has left it."""

    type: Literal["addAdapter", "deleteAdapter"]
    adapter: str


class ShutdownNotification(TypedDict):
    """The controller stops."""

    type: Literal["shutdown"]


NotificationAnswer = Annotated[
    PasswordChangeNotification
    | StatusRequestNotification
    | AdaptersInGroupNotification
    | GroupChangeNotification
    | ShutdownNotification,
    Field(discriminator="type"),
]


class SettledAnswer(TypedDict):
    """A delivery after its completion."""

    trackingId: TrackingId
    account: Annotated[str, Field(description="As the external system writes it.")]
    state: DeliveryState
    code: Code


class ExpirationAnswer(TypedDict):
    """Which stored credentials are marked as expired."""

    applications: list[str]


class HealthAnswer(TypedDict):
    """The process is up."""

    status: Literal["up"]


class ReadinessAnswer(TypedDict):
    """Changes can be accepted."""

    status: Literal["ready"]


class NotReadyAnswer(TypedDict):
    """Changes cannot be accepted."""

    status: Literal["notReady"]


class CredentialField(TypedDict):
    """One field of a stored credential."""

    label: str
    value: Annotated[str, Field(description="In clear.")]
    masked: bool


class CredentialAnswer(TypedDict):
    """A stored credential."""

    application: str
    windowsAccount: Annotated[str, Field(description=r"`DOMAIN\user`.")]
    externalAccount: Annotated[str, Field(description="As the external system writes it.")]
    fields: list[CredentialField]
    expiredAt: Time | None


class OpenApiAnswer(TypedDict):
    """The description of the API."""

    openapi: Literal["3.1.0"]
    jsonSchemaDialect: str
    info: dict[str, Any]
    servers: list[dict[str, Any]]
    security: list[dict[str, Any]]
    paths: dict[str, Any]
    components: dict[str, Any]


class ProblemDetails(TypedDict):
    """A problem, as RFC 9457 describes it."""

    type: str
    title: Annotated[str, Field(description="The same for every problem of one type.")]
    status: int
    detail: NotRequired[Annotated[str, Field(description="This occurrence in words.")]]
    instance: NotRequired[Annotated[str, Field(description="URN of this occurrence; the log tells more.")]]
    code: NotRequired[Annotated[str, Field(description="Stable name of the problem.")]]
    reason: NotRequired[Annotated[str, Field(description="Stable reason of a refusal.")]]
    hint: NotRequired[Annotated[str, Field(description="What to do about it.")]]
