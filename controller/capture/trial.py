"""A trial of an agent's settings: whether the controller would take what is captured. It changes nothing there."""

from datetime import datetime

from controller.capture.record import CapturedChange
from controller.capture.sending import Sender
from controller.capture.settings import CaptureSpec
from controller.model.errors import SettingsError
from controller.model.secret import Secret
from controller.sdk.errors import CallRefused, ControllerAway, Unusable
from controller.sealing.capture import CaptureKey

ACCOUNT = "pwsync-setup"
_EMPTY = "emptyPassword"
"""Why the controller refuses a password that nobody can have: the last thing that it looks at."""


def try_out(spec: CaptureSpec, key: CaptureKey, sender: Sender, now: datetime) -> None:
    """Send a change that no controller can take: with an empty password. It is refused for that, if all else is right.

    So the address, the token or certificate, its rights, the switches and the key are tried in the way that counts.

    Raises:
        SettingsError: The controller does not answer, or would refuse what is captured; with the reason.
    """
    account = spec.account(ACCOUNT)
    trial = CapturedChange(account, now, key.seal(Secret(""), account, now))
    try:
        sender.send(trial)
    except CallRefused as refused:
        if refused.reason != _EMPTY:
            raise SettingsError(
                f"the controller would not take what is captured here: {refused.message}", hint=refused.hint
            ) from refused
    except ControllerAway as away:
        raise SettingsError(
            f"the settings could not be tried: {away.message}",
            hint="see that spec.servers is right and the controller runs; --no-trial leaves this trial out",
        ) from away
    except Unusable as error:
        raise SettingsError(error.message, hint=error.hint) from error
    else:
        raise SettingsError("what answers has taken an empty password", hint="see that spec.servers names a controller")
