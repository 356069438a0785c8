"""The forwarder: sends what is in the spool, oldest first and one after the other, for as long as it makes sense."""

import logging
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from http import HTTPStatus

from controller.capture.locks import lock_alone
from controller.capture.record import CapturedChange, Damaged
from controller.capture.sending import Sender
from controller.capture.spool import Aside, Spool
from controller.capture.state import State, load_state, save_state
from controller.sdk.errors import CallRefused, ControllerAway, Unusable
from controller.sdk.patience import Backoff, StopSign

log = logging.getLogger("pwsync.capture")

LOOK_EVERY = 0.5
"""Seconds between two looks into an empty spool."""
FORWARDER, FORWARDER_LOCK = "forwarder", "forwarder.lock"
_EXPIRED = "expired"
_SEAL_BROKEN = "sealBroken"
_TO_BE_MENDED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND})
"""What a person mends on the controller's side: the change waits for that."""


class Held(Exception):
    """Nothing can be sent now; the message says why.

    Attributes:
        at_least: Seconds that the controller asks to wait.
    """

    def __init__(self, why: str, at_least: float = 0) -> None:
        super().__init__(why)
        self.at_least = at_least


class Forwarder:
    """Sends from one spool. ``stop`` may be called in a signal handler."""

    def __init__(
        self,
        spool: Spool,
        sender: Sender,
        max_age: timedelta,
        *,
        now: Callable[[], datetime],
        jitter: Callable[[], float],
    ) -> None:
        self._spool = spool
        self._sender = sender
        self._max_age = max_age
        self._now = now
        self._backoff = Backoff(jitter)
        self._stop = StopSign()
        self._state = load_state(spool.path)
        self._noted = self._state

    def stop(self) -> None:
        """Let ``run`` end after the change under way."""
        self._stop.set()

    def run(self) -> None:
        """Send what comes, until ``stop``.

        Raises:
            SettingsError: Another forwarder works on this spool.
        """
        lock = lock_alone(self._spool.path / FORWARDER_LOCK, FORWARDER)
        try:
            while not self._stop.is_set:
                self._stop.wait(self.send_waiting())
        finally:
            self._sender.close()
            os.close(lock)

    def send_waiting(self) -> float:
        """Send all that waits, until it is held up; returns after how many seconds to look again."""
        seconds = LOOK_EVERY
        try:
            for name in self._spool.waiting():
                if self._stop.is_set:
                    break
                self._forward(name)
            self._backoff.reset()
            self._state = replace(self._state, problem="")
        except Held as held:
            seconds = self._backoff.seconds(held.at_least)
            self._state = replace(self._state, problem=str(held))
            log.warning("Captured changes wait: seconds=%.1f problem=%s", seconds, held)
        self._note()
        return seconds

    def _forward(self, name: str) -> None:
        """Send one change, or set it aside.

        Raises:
            Held: It cannot be sent now.
        """
        try:
            change = self._spool.read(name)
        except Damaged as error:
            self._set_aside(name, Aside.DAMAGED, str(error))
            return
        except FileNotFoundError:
            return  # a newer one of the same account has taken its place
        except OSError as error:
            raise Held(f"the spool cannot be read: {error.strerror or error}") from error
        if self._now() - change.occurred_at > self._max_age:
            self._give_up(name, change)
            return
        try:
            tracking_id = self._sender.send(change)
        except ControllerAway as away:
            raise Held(away.message, away.retry_after) from away
        except Unusable as error:
            raise Held(str(error)) from error
        except CallRefused as refused:
            self._refused(name, change, refused)
            return
        self._spool.remove(name)
        self._state = replace(self._state, sent=self._state.sent + 1, last_sent_at=self._now().isoformat())
        log.info("A change was handed over: account=%s tracking_id=%s", change.account, tracking_id)

    def _refused(self, name: str, change: CapturedChange, refused: CallRefused) -> None:
        if refused.reason == _EXPIRED:
            self._give_up(name, change)
        elif refused.status in _TO_BE_MENDED and refused.reason != _SEAL_BROKEN:
            raise Held(f"the controller refuses this agent: {refused}") from refused
        else:
            self._set_aside(name, Aside.REFUSED, str(refused))

    def _give_up(self, name: str, change: CapturedChange) -> None:
        self._spool.remove(name)
        self._state = replace(self._state, expired=self._state.expired + 1)
        log.error("A change was too old and is given up: account=%s occurred_at=%s", change.account, change.occurred_at)

    def _set_aside(self, name: str, why: Aside, words: str) -> None:
        if not self._spool.set_aside(name, why):
            return  # a newer one of the same account has taken its place
        self._state = replace(self._state, refused=self._state.refused + 1)
        log.error("A change was set aside: file=%s why=%s problem=%s", name, why.value, words)

    def _note(self) -> None:
        if self._state != self._noted:
            with suppress(OSError):  # a full disk must not keep changes from being sent; the counts go on in memory
                save_state(self._spool.path, self._state)
                self._noted = self._state

    @property
    def state(self) -> State:
        """What it has done."""
        return self._state
