"""A remote adapter in Python, made with the kit. Its "external system" is a folder with one file per account.

    loopback.py serve  URL ADAPTER TOKEN_FILE FOLDER             serve notifications until SIGTERM
    loopback.py passwd URL ADAPTER TOKEN_FILE FOLDER ACCOUNT     change a password here, and report it

An account is a file of the folder (``touch FOLDER/ALICE1`` makes one). It holds a salted hash, never a password. The
environment variable PWSYNC_CA_FILE names the authority of the controller's certificate, if it is one of your own.
"""

import argparse
import getpass
import hashlib
import hmac
import logging
import os
import re
import sys
from datetime import UTC, datetime
from pathlib import Path

from controller.model.secret import Secret
from controller.sdk.adapter import RemoteAdapter
from controller.sdk.errors import SdkError, SessionReplaced
from controller.sdk.handlers import PasswordHandler
from controller.sdk.notifications import PasswordChange
from controller.sdk.outcomes import AccountUnknown, PasswordRejected
from controller.sdk.tokens import TokenFile
from controller.sdk.transport import Controller

SHORTEST = 8
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*", re.ASCII)


class Accounts:
    """The external system."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def has(self, account: str) -> bool:
        """Whether there is such an account."""
        return _NAME.fullmatch(account) is not None and (self._folder / account).exists()

    def verify(self, account: str, password: Secret) -> bool:
        """Whether it has this password."""
        kept = (self._folder / account).read_text(encoding="ascii").strip()
        if not kept:
            return False
        salt, digest = (bytes.fromhex(part) for part in kept.split(":"))
        return hmac.compare_digest(_digest(password, salt), digest)

    def set(self, account: str, password: Secret) -> None:
        """Give it this password: all of the file is there, or nothing of it."""
        salt = os.urandom(16)
        new = self._folder / f".{account}.new"
        new.touch(mode=0o600)
        new.write_text(f"{salt.hex()}:{_digest(password, salt).hex()}\n", encoding="ascii")
        new.replace(self._folder / account)


def _digest(password: Secret, salt: bytes) -> bytes:
    return hashlib.scrypt(password.reveal().encode(), salt=salt, n=2**14, r=8, p=1)


class Loopback(PasswordHandler):
    """Puts into the accounts what the controller hands out."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    def set_password(self, change: PasswordChange) -> None:
        """Set it, unless it is in force already."""
        if not self._accounts.has(change.account):
            raise AccountUnknown("there is no file of this name")
        if len(change.password.reveal()) < SHORTEST:
            raise PasswordRejected(f"shorter than {SHORTEST} characters")
        if not self._accounts.verify(change.account, change.password):
            self._accounts.set(change.account, change.password)


def change_here(adapter: RemoteAdapter, accounts: Accounts, account: str) -> int:
    """A user changes the password of an account, and the controller is told."""
    if not accounts.has(account):
        return fail(f"there is no account {account}")
    old, new = typed("Old password: "), typed("New password: ")
    if not accounts.verify(account, old):
        return fail("the old password is wrong")
    accounts.set(account, new)
    print(adapter.report_change(account, new, old_password=old, occurred_at=datetime.now(UTC)))  # noqa: T201  # the result
    return 0


def typed(prompt: str) -> Secret:
    """What is typed without echo, or the next line of standard input."""
    return Secret(getpass.getpass(prompt) if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n"))


def fail(message: str) -> int:
    """Say what is wrong; returns the exit code."""
    sys.stderr.write(f"{message}\n")
    return 1


def main() -> int:
    """Run one command."""
    parser = argparse.ArgumentParser(description="A remote adapter whose system is a folder.")
    parser.add_argument("command", choices=["serve", "passwd"])
    parser.add_argument("url")
    parser.add_argument("adapter")
    parser.add_argument("token_file", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("account", nargs="?", default="")
    given = parser.parse_args()
    if not given.folder.is_dir():
        parser.error(f"there is no folder {given.folder}: make it first")
    logging.basicConfig(
        stream=sys.stdout if given.command == "serve" else sys.stderr, level="INFO", format="%(message)s"
    )
    accounts = Accounts(given.folder)
    try:
        controller = Controller(given.url, ca_file=os.environ.get("PWSYNC_CA_FILE"))
        adapter = RemoteAdapter(controller, given.adapter, token=TokenFile(given.token_file))
        if given.command == "passwd":
            return change_here(adapter, accounts, given.account)
        adapter.run(Loopback(accounts))
    except SessionReplaced as replaced:
        fail(str(replaced))
        return 3
    except SdkError as error:
        return fail(str(error))
    return 0


if __name__ == "__main__":
    sys.exit(main())
