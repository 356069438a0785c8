"""The kinds of problems that a call may be answered with: status, code and title of each, and what they mean."""

from dataclasses import dataclass
from http import HTTPStatus


@dataclass(frozen=True, slots=True)
class ProblemKind:
    """One kind of problem (RFC 9457).

    Attributes:
        code: Stable name (camelCase); empty when the status says it all.
        title: The same for every problem of one kind.
        meaning: For the reference page.
    """

    status: HTTPStatus
    code: str
    title: str
    meaning: str

    @property
    def type(self) -> str:
        """The type of the problem as a URI."""
        return f"urn:pwsync:problem:{self.code}" if self.code else "about:blank"


def unnamed(status: HTTPStatus) -> ProblemKind:
    """A problem of which the status says it all."""
    return ProblemKind(status, "", status.phrase, "")


_UNREADABLE = "The request cannot be read"

MALFORMED = ProblemKind(HTTPStatus.BAD_REQUEST, "malformed", _UNREADABLE, "not JSON, or a field twice")
UNAUTHENTICATED = ProblemKind(
    HTTPStatus.UNAUTHORIZED,
    "unauthenticated",
    "The caller did not prove who it is",
    "no token and no client certificate, or not a valid one",
)
REFUSED = ProblemKind(HTTPStatus.FORBIDDEN, "refused", "The request is not allowed", "see the reasons below")
NOT_FOUND = ProblemKind(
    HTTPStatus.NOT_FOUND, "notFound", "The named object does not exist", "no such domain, adapter, change or object"
)
UNKNOWN_PATH = ProblemKind(
    HTTPStatus.NOT_FOUND, "unknownPath", HTTPStatus.NOT_FOUND.phrase, "there is no call of this path"
)
TRACKING_ID_UNKNOWN = ProblemKind(
    HTTPStatus.NOT_FOUND,
    "trackingIdUnknown",
    NOT_FOUND.title,
    "the adapter was handed no notification of this tracking ID",
)
METHOD_NOT_ALLOWED = ProblemKind(
    HTTPStatus.METHOD_NOT_ALLOWED,
    "methodNotAllowed",
    HTTPStatus.METHOD_NOT_ALLOWED.phrase,
    "the path has no call of this method; `Allow` names those that it has",
)
TOO_SLOW = ProblemKind(HTTPStatus.REQUEST_TIMEOUT, "tooSlow", _UNREADABLE, "the body took longer than 15 seconds")
WRONG_STATE = ProblemKind(
    HTTPStatus.CONFLICT, "wrongState", "The adapter has not been initialized", "the adapter has not been initialized"
)
WRONG_SESSION = ProblemKind(
    HTTPStatus.CONFLICT, "wrongSession", "The adapter has another session", "the adapter has another session by now"
)
TOO_LARGE = ProblemKind(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "tooLarge", _UNREADABLE, "the body is larger than 64 KiB")
UNSUPPORTED_MEDIA_TYPE = ProblemKind(
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "unsupportedMediaType",
    _UNREADABLE,
    "not `application/json`, or compressed",
)
INVALID_INPUT = ProblemKind(
    HTTPStatus.UNPROCESSABLE_ENTITY,
    "invalidInput",
    "A value is not acceptable",
    "a field or parameter is missing, unknown or not acceptable",
)
TOO_MANY_CALLS = ProblemKind(
    HTTPStatus.TOO_MANY_REQUESTS,
    "tooManyCalls",
    "Too many calls",
    "this caller, or those at its address that did not prove who they are, called too often; try again after"
    " `Retry-After`",
)
TOO_MANY_LOOKUPS = ProblemKind(
    HTTPStatus.TOO_MANY_REQUESTS,
    "tooManyLookups",
    "Too many look-ups",
    "this principal has looked up credentials too often; try again after `Retry-After`",
)
INTERNAL = ProblemKind(
    HTTPStatus.INTERNAL_SERVER_ERROR,
    "internal",
    "The request failed inside the controller",
    "a defect; the log names the kind of error beside `instance`",
)
STORE_UNAVAILABLE = ProblemKind(
    HTTPStatus.SERVICE_UNAVAILABLE,
    "storeUnavailable",
    "The store cannot be reached",
    "nothing was changed; try again after `Retry-After`",
)
SEAL_BROKEN = ProblemKind(
    HTTPStatus.SERVICE_UNAVAILABLE,
    "sealBroken",
    "The stored credential cannot be opened",
    "the controller lacks the key that a credential was sealed with, or it was altered",
)
TOO_MANY_WAITING = ProblemKind(
    HTTPStatus.SERVICE_UNAVAILABLE,
    "tooManyWaiting",
    "Too many receivers wait",
    "receivers of 500 adapters wait already; try again after `Retry-After`, or without `wait`",
)
TOO_MANY_REPORTS = ProblemKind(
    HTTPStatus.SERVICE_UNAVAILABLE,
    "tooManyReports",
    "Too many reports wait",
    "500 reports wait to be stored already; nothing was changed; try again after `Retry-After`",
)
STOPPING = ProblemKind(
    HTTPStatus.SERVICE_UNAVAILABLE,
    "stopping",
    "The controller is stopping",
    "the controller ends and takes nothing new; nothing was changed; try again after `Retry-After`",
)

PROBLEM_KINDS = (
    MALFORMED,
    UNAUTHENTICATED,
    REFUSED,
    NOT_FOUND,
    UNKNOWN_PATH,
    TRACKING_ID_UNKNOWN,
    METHOD_NOT_ALLOWED,
    TOO_SLOW,
    WRONG_STATE,
    WRONG_SESSION,
    TOO_LARGE,
    UNSUPPORTED_MEDIA_TYPE,
    INVALID_INPUT,
    TOO_MANY_CALLS,
    TOO_MANY_LOOKUPS,
    INTERNAL,
    STORE_UNAVAILABLE,
    SEAL_BROKEN,
    TOO_MANY_WAITING,
    TOO_MANY_REPORTS,
    STOPPING,
)
"""All of them, in the order of their status."""

REASONS = {
    "sourceNotAllowed": "the principal is not a source of the domain",
    "callerNotAllowed": (
        "the principal is not among the `access.users` of the adapter, or the `access.receivers` for what these alone"
        " may call"
    ),
    "sourceTypeOff": "the System's `sources` switches off sources of this type",
    "windowsToAdaptersOff": "the System's switch is off",
    "adaptersToDatabaseOff": "the System's switch is off",
    "adapterDisabled": "the adapter takes no reports; a disabled one may make no call at all",
    "syncFromAdapterOff": "the adapter does not take reports",
    "notRemote": "the adapter's connector runs inside the controller, so it has no session",
    "oldPasswordMissing": "the adapter verifies old passwords",
    "expired": "older than `maxSyncAge`",
    "sealBroken": "a captured password was sealed with another key, or for another account or time",
    "groupAdapter": "a group adapter reports nothing",
    "notReporter": "only who reported a change, or who administers what it concerns, may see it",
    "applicationDisabled": "the application is disabled",
    "mappingDisabled": "the mapping is disabled",
    "notAnApplicationUser": "the Windows account is no user of the application",
    "applicationUsersUnknown": "who the users of the application are could not be found out yet",
    "noRole": "no manifest names the principal, or only adapters that are disabled do",
    "notAllowed": "its [roles](roles.md) do not allow this",
}
"""Reasons of a refusal (403), and what they mean."""
WITHOUT_ROLE = ("noRole", "notAllowed")
"""Reasons why a caller may not read."""
