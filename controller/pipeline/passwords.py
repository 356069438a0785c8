"""Whether what is reported as a password can be one, and whether the old one is there that is asked for. Pure."""

from controller.model.accounts import Account, ExternalAccount
from controller.model.errors import PasswordUnusable, Refused
from controller.model.secret import MAX_PASSWORD_LENGTH, Secret
from controller.pipeline.acceptance import EMPTY, NOT_UNICODE, OLD_PASSWORD_MISSING, TOO_LONG
from controller.pipeline.topology import Topology


def check_password(password: Secret, what: str) -> None:
    """Refuse a password that no directory could have (behaviours D6, A9).

    Raises:
        PasswordUnusable: Empty, more than 256 characters, or not valid Unicode.
    """
    if password.is_empty():
        raise PasswordUnusable(f"the {what} is empty", reason=EMPTY, hint="an empty password is never synchronised")
    if password.is_too_long():
        raise PasswordUnusable(f"the {what} has more than {MAX_PASSWORD_LENGTH} characters", reason=TOO_LONG)
    if not password.is_unicode():
        message = f"the {what} is not valid Unicode (a lone surrogate)"
        raise PasswordUnusable(message, reason=NOT_UNICODE, hint="send it as UTF-8")


def check_old_password(topology: Topology, account: Account, old: Secret | None) -> None:
    """Refuse a report without the old password where the account's adapter verifies it (E1), or with none that can be.

    Raises:
        PasswordUnusable: As ``check_password``.
        Refused: There is none.
    """
    if old is not None:
        check_password(old, "old password")
        return
    match account:
        case ExternalAccount(adapter=adapter) if topology.adapters[adapter].verify_old_password:
            raise Refused(
                f"adapter {adapter} verifies the old password, and the report has none",
                reason=OLD_PASSWORD_MISSING,
                hint="send oldPassword, or set verifyOldPassword: false on the adapter",
            )
        case _:
            return
