"""Checks of the channel to a directory, step by step: name, port, certificate, service account, clock. Only reads."""

import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from controller.connectors.checking import failed
from controller.connectors.ldap import tls
from controller.connectors.ldap.times import generalized_time
from controller.model.diagnosis import Finding, Verdict
from controller.model.errors import ConnectorError

if TYPE_CHECKING:
    from controller.connectors.ldap.session import Session

SOON = timedelta(days=30)
"""A certificate that ends earlier is worth a word."""
MOST_DIFFERENCE = timedelta(minutes=5)
"""What clocks may differ in a Kerberos domain (RFC 4120), and what the judgement of reports rests on."""
_CERTIFICATE = "certificate"


def diagnose_channel(session: "Session") -> Iterator[Finding]:
    """Check what lies between here and a bound connection. The last finding failed, or all is well."""
    try:
        for step in (_name, _port, _certificate, _bind):
            yield step(session)
    except _Failed as failed:
        yield failed.finding


class _Failed(Exception):
    """A step failed, and those after it would fail for the same reason."""

    def __init__(self, check: str, error: ConnectorError) -> None:
        super().__init__(check)
        self.finding = failed(check, error)


def _name(session: "Session") -> Finding:
    host = session.endpoint.host
    try:
        found = socket.getaddrinfo(host, session.endpoint.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        what = f"the name {host} does not resolve: {error}"
        raise _Failed("name", ConnectorError(what, hint="check url, and DNS on this machine")) from error
    addresses = ", ".join(dict.fromkeys(str(address[0]) for *_, address in found))
    return Finding("name", Verdict.OK, f"{host} is {addresses}")


def _port(session: "Session") -> Finding:
    try:
        tls.connect(session.endpoint, session.patience).close()
    except ConnectorError as error:
        raise _Failed("port", error) from error
    return Finding("port", Verdict.OK, f"{session} accepts connections")


def _certificate(session: "Session") -> Finding:
    try:
        ends = session.certificate_ends()
    except ConnectorError as error:
        raise _Failed(_CERTIFICATE, error) from error
    until = datetime.fromtimestamp(ssl.cert_time_to_seconds(ends), UTC)
    message = f"it is for {session.endpoint.host}, of a trusted authority, and valid until {until:%Y-%m-%d}"
    if until - datetime.now(UTC) < SOON:
        return Finding(_CERTIFICATE, Verdict.WARNING, message, "renew it before it ends")
    return Finding(_CERTIFICATE, Verdict.OK, message)


def _bind(session: "Session") -> Finding:
    try:
        session.check()
    except ConnectorError as error:
        raise _Failed("bind", error) from error
    return Finding("bind", Verdict.OK, "the service account is let in")


def diagnose_clock(session: "Session") -> Finding:
    """Compare the directory's clock, where it tells it (``currentTime`` of the root entry), with this machine's."""
    try:
        root = session.read("", ["currentTime"])
    except ConnectorError as error:
        return failed("clock", error)
    told = generalized_time(root.text("currentTime")) if root is not None else None
    if told is None:
        return Finding("clock", Verdict.UNKNOWN, "the directory does not tell what time it is")
    difference = abs(datetime.now(UTC) - told)
    message = f"it differs by {difference.total_seconds():.0f} s from this machine's"
    if difference > MOST_DIFFERENCE:
        return Finding("clock", Verdict.FAILED, message, "synchronise the clocks of both (NTP)")
    return Finding("clock", Verdict.OK, message)
