"""A remote adapter: serves its notifications until it is stopped, and reports what happens in its system."""

import random
from datetime import datetime

from controller.model.secret import Secret
from controller.sdk.calls import Calls, ReportedChange
from controller.sdk.handlers import Status
from controller.sdk.patience import Patience, StopSign
from controller.sdk.service import Handler, Service
from controller.sdk.signals import stopping_on_signals
from controller.sdk.tokens import TokenSource
from controller.sdk.transport import Transport


class RemoteAdapter:
    """One adapter. ``run`` serves in one thread; ``stop`` and reports may be called from any."""

    def __init__(self, controller: Transport, name: str, *, token: TokenSource | None = None) -> None:
        """Take the names; no call is made yet.

        Args:
            controller: Where the controller is.
            name: Of the Adapter in the manifests.
            token: Of a principal in its ``access``; None when a client certificate proves it.
        """
        self._controller = controller
        self._calls = Calls(controller, name, token)
        self._stop = StopSign()
        self._patience = Patience(self._stop, random.random)

    def run(self, handler: Handler, *, ends_with_controller: bool = False) -> None:
        """Begin a session, and serve notifications until ``stop``, SIGTERM or SIGINT; then end the session.

        While the controller is away, or has disabled the adapter, it waits and tries again. With
        *ends_with_controller* it ends when the controller says that it stops.

        Raises:
            SessionReplaced: Another process of the adapter was started; this one should exit.
            CallRefused: The controller refuses the adapter: its words say why.
            Unusable: There is no token.
        """
        service = Service(self._calls, handler, self._patience, ends_with_controller=ends_with_controller)
        with stopping_on_signals(self.stop):
            try:
                service.serve()
            finally:
                service.end()
                self.close()

    def stop(self) -> None:
        """Let ``run`` end once the notification under way is completed; it stays stopped.

        May be called in a signal handler.
        """
        self._stop.set()
        self._controller.interrupt()

    def close(self) -> None:
        """Give back the connections, for an adapter that only reports; ``run`` does so at its end."""
        self._controller.close()

    def report_change(
        self,
        account: str,
        password: Secret,
        *,
        old_password: Secret | None = None,
        occurred_at: datetime | None = None,
    ) -> str:
        """Report that the system's user has a new password, again and again until the controller has it durably.

        Returns the tracking ID. Until then keep the change: when this raises, or the process dies, report it again.
        Reporting twice does no harm.

        Raises:
            ValueError: *occurred_at* has no offset.
            CallRefused: The controller does not take it.
            Stopped: ``stop`` was called first.
        """
        if occurred_at is not None and occurred_at.tzinfo is None:
            raise ValueError("occurred_at must be aware, such as datetime.now(UTC)")
        return self._patience.insist(lambda: self._calls.report_change(account, password, old_password, occurred_at))

    def report_expired(self, account: str) -> list[str]:
        """Report that the account's password has expired; returns the applications whose credentials are marked.

        Raises:
            CallRefused, Stopped: As ``report_change``.
        """
        return self._patience.insist(lambda: self._calls.report_expired(account))

    def report_status(self, status: Status) -> None:
        """Say how the adapter is, unasked, while ``run`` serves.

        Raises:
            CallRefused, Stopped: As ``report_change``.
        """
        self._patience.insist(lambda: self._calls.report_status(status))

    def change(self, tracking_id: str) -> ReportedChange:
        """Read what became of a change that was reported.

        Raises:
            CallRefused, Stopped: As ``report_change``.
        """
        return self._patience.insist(lambda: self._calls.change(tracking_id))
