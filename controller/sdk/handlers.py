"""What an adapter's author writes: the code that speaks to the external system."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from controller.sdk.notifications import PasswordChange


@dataclass(frozen=True, slots=True)
class Status:
    """How an adapter is.

    Attributes:
        error_code: When it is offline: why, as of a failure.
        message: The same in words.
    """

    is_online: bool = True
    error_code: int = 0
    message: str = ""


class PasswordHandler(ABC):
    """Sets passwords in the external system. One notification at a time, in the thread of ``run``."""

    @abstractmethod
    def set_password(self, change: PasswordChange) -> None:
        """Set the password. It may be the one in force already (``is_redelivered``): that must do no harm.

        Raises:
            Failure: The system did not take it; the type says why. Any other exception tells the controller that
                nobody knows.
        """

    def status(self) -> Status:
        """Tell how the adapter is; asked every few minutes. While it is offline, it is handed no passwords."""
        return Status()


class GroupHandler(ABC):
    """Follows which adapters are in a group, for the group adapter."""

    @abstractmethod
    def serve(self, adapters: frozenset[str]) -> None:
        """These and no others are in the group now. Called at the start, and whenever they are others."""

    def status(self) -> Status:
        """Tell how the adapter is; asked every few minutes. While it is offline, it is told nothing."""
        return Status()
