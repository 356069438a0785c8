"""A session with a directory: one bound connection that is kept between requests and opened anew when it was lost.

The one place that decides what was sent: before that a failure is ``Unavailable``; after that, for a write,
``Indeterminate``.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import Literal

from controller.connectors.ldap import requests
from controller.connectors.ldap.codes import PASSWORD_POLICY
from controller.connectors.ldap.endpoint import Endpoint, Patience
from controller.connectors.ldap.errors import lookup_refused, service_bind_refused
from controller.connectors.ldap.messages import Answer, Code, Entry, Modification
from controller.connectors.ldap.passwords import utf8
from controller.connectors.ldap.requests import Control, Request
from controller.connectors.ldap.wire import NoAnswer, NotSent, TimedOut, Wire
from controller.model.errors import ChannelRefused, Indeterminate, Rejected, Unavailable
from controller.model.secret import Secret

_PAGE = 500
_MOST_PAGES = 5_000
"""Of one search: more than two million entries. A directory that goes round in circles must not do so for ever."""
_WITH_POLICY: Sequence[Control] = ((PASSWORD_POLICY, False, None),)
_Reply = tuple[list[Entry], Answer]


class Session:
    """Reads and writes a directory with a service account. For one thread at a time.

    Every call opens and binds the connection when that is needed, and may raise:

        Unavailable: The directory cannot be reached; nothing was sent.
        Busy: It answered the bind of the service account with "not now".
        ChannelRefused: Certificate, or credentials of the service account.

    Attributes:
        endpoint: Where the directory is.
        patience: How long it is waited for.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        user: str,
        password: Secret,
        patience: Patience | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.endpoint = endpoint
        self._user = user
        self._password = password
        self.patience = patience or Patience()
        self._monotonic = monotonic
        self._wire: Wire | None = None
        self._last_used = 0.0

    def __str__(self) -> str:
        return str(self.endpoint)

    def check(self) -> None:
        """Open and bind anew, whatever connection there is."""
        self.close()
        self._connect()

    def certificate_ends(self) -> str:
        """Until when the server's certificate is valid, as OpenSSL writes it; no name and no password is sent.

        Raises:
            Unavailable, ChannelRefused: There is no connection, or the certificate is not accepted.
        """
        with closing(Wire(self.endpoint, self.patience)) as wire:
            return wire.certificate_ends()

    def close(self) -> None:
        """Close the connection; the next call opens another."""
        if self._wire is not None:
            self._wire.close()
            self._wire = None

    def modify(self, dn: str, changes: Sequence[Modification]) -> Answer:
        """Modify one entry; the changes take effect together or not at all.

        Raises:
            Indeterminate: It was sent, and no answer came.
        """
        return self._write(requests.modify(dn, changes, _WITH_POLICY))

    def modify_password(self, dn: str, new: bytes, old: bytes | None = None) -> Answer:
        """Set a password by the password modify operation (RFC 3062).

        Raises:
            Indeterminate: It was sent, and no answer came.
        """
        return self._write(requests.modify_password(dn, new, old, _WITH_POLICY))

    def read(self, dn: str, attributes: Sequence[str] = ("1.1",)) -> Entry | None:
        """Read one entry; None when it is not there (or the service account may not know).

        Raises:
            Busy, Unavailable, ChannelRefused: It was refused.
        """
        entries, answer = self._look_up(requests.search(dn, "(objectClass=*)", attributes, scope="base"))
        if answer.code in {Code.NO_SUCH_OBJECT, Code.INVALID_DN_SYNTAX}:
            return None
        if not answer.is_success:
            raise lookup_refused(answer, str(self))
        return entries[0] if entries else None

    def find(self, base: str, search_filter: str, attributes: Sequence[str] = ("1.1",), *, limit: int) -> list[Entry]:
        """Search a subtree for at most *limit* entries. Values in the filter must be escaped (RFC 4515).

        Raises:
            Busy, Unavailable, ChannelRefused: It was refused.
        """
        entries, answer = self._look_up(_subtree(base, search_filter, attributes, size_limit=limit))
        if answer.code not in {Code.SUCCESS, Code.SIZE_LIMIT_EXCEEDED}:
            raise lookup_refused(answer, str(self))
        return entries

    def find_all(self, base: str, search_filter: str, attributes: Sequence[str]) -> list[Entry]:
        """Search a subtree for all entries of a filter that lets few through; part of them is no answer.

        Raises:
            Busy, Unavailable, ChannelRefused: It was refused, or the directory's limits cut it off.
        """
        entries, answer = self._look_up(_subtree(base, search_filter, attributes))
        if not answer.is_success:
            raise lookup_refused(answer, str(self))
        return entries

    def scan(self, base: str, search_filter: str, attributes: Sequence[str]) -> Iterator[Entry]:
        """Search a subtree for all entries, page by page (RFC 2696), without holding them all.

        Raises:
            Busy, Unavailable, ChannelRefused: It was refused, or broke off; what was yielded is then incomplete.
            Rejected: It does not come to an end.
        """
        cookie, is_first = b"", True
        for _ in range(_MOST_PAGES):
            page = _subtree(base, search_filter, attributes, controls=(requests.paged(_PAGE, cookie),))
            entries, answer = self._look_up(page) if is_first else self._continue(page)
            if not answer.is_success:
                raise lookup_refused(answer, str(self))
            yield from entries
            cookie, is_first = requests.next_page(answer.controls.get(requests.PAGED_RESULTS, b"")), False
            if not cookie:
                return
        raise Rejected(
            f"{self}: a search below {base} has no end after {_MOST_PAGES:,} pages",
            hint="choose a smaller part of the directory",
        )

    def try_bind(self, user: str, password: bytes) -> Answer:
        """Bind as someone else, on a connection of its own; tried once, since wrong tries count towards lockout.

        Raises:
            Unavailable: No answer.
            ChannelRefused: The certificate.
        """
        request = requests.bind(user, password, _WITH_POLICY)
        with closing(Wire(self.endpoint, self.patience)) as wire:
            return self._exchange(wire, request)[1]

    def bind_to_change(self, user: str, password: bytes) -> Answer:
        """Bind as someone else with a password that tells the new one too, as z/OS takes it; tried once.

        Raises:
            Unavailable: It was not sent.
            ChannelRefused: The certificate.
            Indeterminate: It was sent, and no answer came.
        """
        with closing(Wire(self.endpoint, self.patience)) as wire:
            try:
                wire.send(requests.bind(user, password))
                return wire.receive()[1]
            except NotSent as error:
                raise self._no_answer(error) from error
            except NoAnswer as error:
                raise self._lost(error) from error

    def _write(self, request: Request) -> Answer:
        self._send(request)
        try:
            _, answer = self._receive()
        except NoAnswer as error:
            raise self._lost(error) from error
        return answer

    def _look_up(self, request: Request) -> _Reply:
        was_kept = self._send(request)
        try:
            return self._receive()
        except NoAnswer as error:
            if not was_kept or isinstance(error, TimedOut):
                raise self._no_answer(error) from error
        return self._exchange(self._connect(), request)

    def _continue(self, request: Request) -> _Reply:
        if self._wire is None:
            raise Unavailable(f"{self}: the connection was closed in the midst of a search")
        return self._exchange(self._wire, request)

    def _send(self, request: Request) -> bool:
        """Send on the connection there is, or on a new one when that is gone; tell whether it was the kept one."""
        if self._wire is not None and not self._is_idle_too_long() and self._wire.is_usable():
            try:
                self._wire.send(request)
            except NotSent:
                self.close()
            else:
                return True
        self.close()
        try:
            self._connect().send(request)
        except NotSent as error:
            raise self._no_answer(error) from error
        return False

    def _receive(self) -> _Reply:
        wire, self._wire = self._wire, None  # whatever interrupts this, the answer must not be taken for the next one
        if wire is None:
            raise NoAnswer("nothing was sent")
        try:
            reply = wire.receive()
        except BaseException:
            wire.close()
            raise
        self._wire, self._last_used = wire, self._monotonic()
        return reply

    def _connect(self) -> Wire:
        password = utf8(self._password)
        if not self._user or not password:
            raise ChannelRefused(
                f"{self}: the service account has no name, or no password that can be sent",
                hint="check bind.user and bind.passwordFrom",
            )
        self._wire = wire = Wire(self.endpoint, self.patience)
        _, answer = self._exchange(wire, requests.bind(self._user, password))
        if not answer.is_success:
            self.close()
            raise service_bind_refused(answer, f"{self}, {self._user}", self._password)
        self._last_used = self._monotonic()
        return wire

    def _exchange(self, wire: Wire, request: Request) -> _Reply:
        try:
            wire.send(request)
            return wire.receive()
        except BaseException as error:
            wire.close()
            self._wire = None if self._wire is wire else self._wire
            if isinstance(error, NotSent | NoAnswer):
                raise self._no_answer(error) from error
            raise

    def _lost(self, error: NoAnswer) -> Indeterminate:
        return Indeterminate(
            f"{self}: the change was sent, but {error}", hint="it is looked up before it is tried again"
        )

    def _is_idle_too_long(self) -> bool:
        return self._monotonic() - self._last_used > self.patience.idle.total_seconds()

    def _no_answer(self, error: Exception) -> Unavailable:
        return Unavailable(f"{self}: {error}", hint="check that the directory is up and not overloaded")


def _subtree(
    base: str,
    search_filter: str,
    attributes: Sequence[str],
    *,
    size_limit: int = 0,
    controls: Sequence[Control] = (),
) -> Request:
    scope: Literal["subtree"] = "subtree"
    return requests.search(base, search_filter, attributes, scope=scope, size_limit=size_limit, controls=controls)
