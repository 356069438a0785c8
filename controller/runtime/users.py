"""Who the users of applications are, asked beside the reconcile loop: after each of its rounds, and about new names."""

from datetime import timedelta
from threading import Event, Thread

from controller.reconcile.users import Users
from controller.runtime.workers import warn

LOOK = timedelta(seconds=10)
"""How soon a name is asked about that another process has applied."""
PATIENCE = timedelta(minutes=1)
"""How long a round waits for all directories together."""


class UserRounds:
    """Asks in a thread of its own, so that a directory that does not answer holds up nothing else."""

    def __init__(self, users: Users, look: timedelta = LOOK, patience: timedelta = PATIENCE) -> None:
        self._users = users
        self._look = look
        self._patience = patience
        self._wanted = Event()
        self._is_stopping = Event()
        self._thread = Thread(target=self._run, name="pwsync-users", daemon=True)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def wake(self) -> None:
        """Say that a round of the reconcile loop has ended: all names are asked about anew."""
        self._wanted.set()

    def stop(self) -> None:
        """End; no directory is waited for."""
        self._is_stopping.set()
        self._users.stop()
        self._wanted.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._is_stopping.is_set():
            is_round = self._wanted.wait(self._look.total_seconds())
            self._wanted.clear()
            if not self._is_stopping.is_set():
                self._ask(only_new=not is_round)

    def _ask(self, *, only_new: bool) -> None:
        try:
            self._users.refresh(limit=self._patience, only_new=only_new)
        except Exception as error:  # noqa: BLE001  # a defect must not end the rounds for good
            warn("The users of applications are asked about later", error)
