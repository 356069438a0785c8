"""Who runs this process, as the audit names them. Imports little, so that commands start at once."""

import os
import pwd
from dataclasses import replace

from controller.model.actor import LOCAL, RECONCILER, Actor


def local_principal() -> str:
    """The user of the operating system who runs this, by the kernel's word, not the environment's."""
    uid = os.geteuid()
    try:
        return f"{LOCAL}{pwd.getpwuid(uid).pw_name}"
    except KeyError:
        return f"{LOCAL}{uid}"


def process_name() -> str:
    """Name this process among all on one store: ``host:pid``."""
    return f"{os.uname().nodename}:{os.getpid()}"


def local_actor() -> Actor:
    """Whoever gives this command, from this process."""
    return Actor(local_principal(), process_name())


def reconciler() -> Actor:
    """The controller that runs in this process."""
    return replace(RECONCILER, origin=process_name())
