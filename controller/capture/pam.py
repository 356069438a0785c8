"""Unix hosts: the program of ``pam_exec expose_authtok`` in the stack ``password``. Facts: pam_exec(8)."""

from collections.abc import Mapping
from datetime import datetime

from controller.capture.taking import Capture
from controller.model.errors import InvalidInput
from controller.model.secret import Secret

_HINT = "this is the program of pam_exec: 'pwsync capture setup pam' prints the line for the stack 'password'"
_TOO_OLD = "pam_exec does so in the stack 'password' from Linux-PAM 1.6.0 on; older ones leave it out without a word"


def take_pam(capture: Capture, environ: Mapping[str, str], token: bytes, now: datetime) -> None:
    """Take the change that PAM tells: who in the environment, the new password on standard input.

    Raises:
        InvalidInput: PAM tells no change, or one that is of no use to anybody.
        SpoolFull, SettingsError: It was not taken.
    """
    user = environ.get("PAM_USER", "")
    if environ.get("PAM_TYPE") != "password" or not user:
        raise InvalidInput("PAM tells of no password change", hint=_HINT)
    if not token.strip(b"\x00"):
        raise InvalidInput(f"PAM hands over no new password of {user}", hint=_TOO_OLD)
    try:
        password = token.removesuffix(b"\x00").decode("utf-8")
    except UnicodeDecodeError:
        password = None
    if password is None:  # raised outside of the handler: its error quotes the password
        raise InvalidInput(f"the new password of {user} is not UTF-8")
    capture.take(user, Secret(password), now)
