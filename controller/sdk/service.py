"""Serving: one notification after another, until the adapter is stopped or another process takes its place."""

import logging
from typing import assert_never

from controller.sdk.calls import Calls
from controller.sdk.errors import CallRefused, ControllerAway, SessionMissing, SessionReplaced, Stopped
from controller.sdk.handlers import GroupHandler, PasswordHandler
from controller.sdk.notifications import (
    AdapterAdded,
    AdapterDeleted,
    AdaptersInGroup,
    MembershipNotification,
    Notification,
    PasswordChange,
    Shutdown,
    StatusRequest,
    Unknown,
)
from controller.sdk.outcomes import Busy
from controller.sdk.patience import Patience
from controller.sdk.verdict import outcome_of, status_of

Handler = PasswordHandler | GroupHandler
WAIT_SECONDS = 30
"""How long one call waits for a notification; with the next one the controller hears that the adapter is there."""

log = logging.getLogger("pwsync.sdk")


class Service:
    """The loop of one adapter, in one thread."""

    def __init__(self, calls: Calls, handler: Handler, patience: Patience, *, ends_with_controller: bool) -> None:
        self._calls = calls
        self._handler = handler
        self._patience = patience
        self._ends_with_controller = ends_with_controller
        self._members: frozenset[str] | None = None
        self._has_session = False

    def serve(self) -> None:
        """Serve until it is stopped.

        Raises:
            CallRefused, Unusable: As ``RemoteAdapter.run``.
        """
        backoff = self._patience.new_backoff()
        while not self._patience.is_over:
            try:
                found = self._next()
                if isinstance(found, Shutdown):
                    return
                backoff.reset()
                if found is not None:
                    self._dispatch(found)
            except Stopped as stopped:  # the loop ends; what was not answered comes again
                log.warning("An answer was not delivered: problem=%s", stopped)
            except SessionReplaced:
                self._has_session = False
                raise
            except SessionMissing as missing:
                self._has_session = False
                self._patience.pause(backoff, missing.message)
            except ControllerAway as away:
                self._patience.pause(backoff, away.message, away.retry_after)
            except CallRefused as refusal:
                if refusal.reason != "adapterDisabled":
                    raise
                self._patience.pause(backoff, refusal.message)

    def end(self) -> None:
        """End the session, if there is one and the controller can be told; if not, it notices by itself."""
        if not self._has_session:
            return
        self._has_session = False
        try:
            log.info("The session has ended: returned=%s", self._calls.shut_down())
        except (ControllerAway, CallRefused) as error:
            log.warning("The controller could not be told of the end: problem=%s", error)

    def _next(self) -> Notification | None:
        if not self._has_session:
            is_reconnect = self._calls.initialize()
            self._has_session = True
            log.info("The session has begun: reconnected=%s", is_reconnect)
        found = self._calls.receive(WAIT_SECONDS)
        if isinstance(found, Shutdown) and not self._ends_with_controller:
            raise ControllerAway("the controller stops")
        return found

    def _dispatch(self, notification: PasswordChange | StatusRequest | MembershipNotification | Unknown) -> None:
        match notification:
            case PasswordChange():
                self._change(notification)
            case StatusRequest():
                self._patience.insist(lambda: self._calls.report_status(status_of(self._handler)))
            case AdaptersInGroup() | AdapterAdded() | AdapterDeleted():
                self._follow(notification)
            case Unknown(type=name):
                log.warning("A notification of an unknown type was passed over: type=%s", name)
            case _:
                assert_never(notification)

    def _change(self, change: PasswordChange) -> None:
        log.info(
            "A password is to be set: tracking_id=%s account=%s attempt=%s",
            *(change.tracking_id, change.account, change.attempt),
        )
        if isinstance(self._handler, GroupHandler):
            code, message = Busy.error_code, "a group adapter's process runs in the place of this adapter"
        else:
            code, message = outcome_of(self._handler, change)
        try:
            state = self._patience.insist(lambda: self._calls.complete(change, code, message))
        except (SessionReplaced, SessionMissing):
            raise
        except CallRefused as refusal:  # what is not confirmed comes again, if it is still wanted
            log.warning("A completion was refused: tracking_id=%s problem=%s", change.tracking_id, refusal)
        else:
            log.info(
                "The notification is completed: tracking_id=%s error_code=%s state=%s",
                *(change.tracking_id, code, state),
            )

    def _follow(self, notification: MembershipNotification) -> None:
        members = _followed(self._members or frozenset(), notification)
        if isinstance(self._handler, PasswordHandler):
            log.warning("The adapter is a group adapter, and its handler is not: adapters=%s", sorted(members))
        elif members != self._members:
            self._handler.serve(members)
        self._members = members


def _followed(members: frozenset[str], notification: MembershipNotification) -> frozenset[str]:
    match notification:
        case AdaptersInGroup(adapters=names):
            return names
        case AdapterAdded(adapter=name):
            return members | {name}
        case AdapterDeleted(adapter=name):
            return members - {name}
        case _:
            assert_never(notification)
