"""``pwsync capture``: runs next to a source, and hands over what changes there."""

import sys
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from controller.cli import failures
from controller.cli.output import say, show, show_json, write

if TYPE_CHECKING:
    from controller.capture.sending import Sender
    from controller.capture.settings import CaptureSettings, CaptureSpec
    from controller.capture.taking import Capture

app = typer.Typer(help="Capture password changes next to a source, and hand them over to the controller.")


class Form(StrEnum):
    """Forms of the status."""

    TEXT = "text"
    JSON = "json"
    METRICS = "metrics"


class SourceProgram(StrEnum):
    """Sources that there is a program for."""

    SAMBA = "samba"
    OPENLDAP = "openldap"
    PAM = "pam"


Config = Annotated[
    Path, typer.Option("--config", metavar="FILE", envvar="PWSYNC_CAPTURE_CONFIG", help="The settings (kind Capture).")
]
FILE = Path("/etc/pwsync/capture.yaml")


@app.command("forward")
def forward(config: Config = FILE) -> None:
    """Hand over what the spool holds, in its order, until SIGTERM or SIGINT."""
    import random

    from controller.capture.forwarder import Forwarder
    from controller.capture.spool import Spool
    from controller.sdk.signals import stopping_on_signals

    _log()
    spec = _settings(config).spec
    sender = _sender(spec)
    spool = Spool.open(Path(spec.spool), spec.max_changes)
    forwarder = Forwarder(spool, sender, spec.max_age, now=_now, jitter=random.random)
    with stopping_on_signals(forwarder.stop):
        forwarder.run()


@app.command("status")
def status(
    config: Config = FILE,
    output: Annotated[Form, typer.Option("--output", "-o", help="The form of the status.")] = Form.TEXT,
) -> int:
    """Show what waits, and what a person must look at; exit code 1 when there is any such thing.

    'metrics' is the text format of Prometheus, for the textfile collector of its node exporter.
    """
    from controller.capture.status import look

    found = look(_settings(config).spec, _now())
    match output:
        case Form.JSON:
            show_json(found.view())
        case Form.METRICS:
            write(found.metrics())
        case Form.TEXT:
            show(f"{found.waiting} waiting, {found.state.sent} sent, {found.used} of {found.most} kept")
            for alarm in found.alarms():
                show(f"ALARM: {alarm}")
    return failures.FAILURE if any(found.alarms()) else 0


@app.command("retry")
def retry(config: Config = FILE) -> None:
    """Let what the controller has refused be sent again, in its old place."""
    from controller.capture.spool import Spool

    spec = _settings(config).spec
    show(f"{Spool.open(Path(spec.spool), spec.max_changes).put_back()} put back")


@app.command("samba")
def samba(config: Config = FILE) -> None:
    """Take one record from 'samba-tool user syncpasswords', on standard input."""
    from controller.capture.samba import take_record

    show(take_record(_capture(config), sys.stdin.buffer.read(), _now()))


@app.command("pam")
def pam(config: Config = FILE) -> None:
    """Take one change from pam_exec: PAM_USER in the environment, the new password on standard input."""
    import os

    from controller.capture.pam import take_pam

    take_pam(_capture(config), os.environ, sys.stdin.buffer.read(), _now())


@app.command("openldap")
def openldap(config: Config = FILE) -> None:
    """Take changes from slapd's overlay 'sock', until SIGTERM or SIGINT."""
    from controller.capture.ldap_login import LoginSocket
    from controller.capture.openldap import SockListener, SockProgram
    from controller.model.errors import InvalidInput
    from controller.sdk.signals import stopping_on_signals

    _log()
    spec = _settings(config).spec.openldap
    if spec is None:
        raise InvalidInput("the settings have no spec.openldap", hint="add openldap: {socket: ..., loginSocket: ...}")
    capture = _capture(config)
    login = LoginSocket(Path(spec.login_socket))
    capture.spool.doubt()
    listener = SockListener(SockProgram(capture, spec, login.opens, _now), Path(spec.socket))
    with stopping_on_signals(listener.stop):
        listener.serve(lambda: _tell(f"pwsync listens on {spec.socket}"))


@app.command("setup")
def setup(
    source: Annotated[SourceProgram, typer.Argument(help="What tells its changes.")],
    config: Config = FILE,
    program: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Where to write the program of samba or pam. [/usr/local/sbin/pwsync-capture-SOURCE]",
        ),
    ] = None,
    trial: Annotated[bool, typer.Option(help="Ask the controller whether it would take what is captured.")] = True,
) -> None:
    """Check the settings, write the program that the source calls, and print what is to be done on the source.

    The trial sends the controller a change that it can only refuse. So it tries address, proof, rights and key; and it
    sees that slapd answers on its login socket.
    """
    from controller.capture.setting_up import openldap_steps, pam_steps, samba_steps, write_program

    settings = _settings(config)
    _capture(config)
    if trial:
        _try_out(settings, source)
        say("The controller would take what is captured here.")
    chosen = program or Path(f"/usr/local/sbin/pwsync-capture-{source.value}")
    if source is not SourceProgram.OPENLDAP:
        write_program(chosen, source.value, settings)
        say(f"{chosen} was written.")
    match source:
        case SourceProgram.SAMBA:
            steps = samba_steps(chosen)
        case SourceProgram.PAM:
            steps = pam_steps(chosen)
        case SourceProgram.OPENLDAP:
            steps = openldap_steps(settings)
    show(steps, end="")


@app.command("schema")
def schema() -> None:
    """Print the JSON Schema of the settings."""
    from controller.capture.settings import settings_schema

    show_json(settings_schema())


def _try_out(settings: "CaptureSettings", source: SourceProgram) -> None:
    from contextlib import closing

    from controller.capture.ldap_login import LoginSocket
    from controller.capture.taking import read_key
    from controller.capture.trial import try_out

    spec = settings.spec
    with closing(_sender(spec)) as sender:
        try_out(spec, read_key(Path(spec.key_file)), sender, _now())
    if source is SourceProgram.OPENLDAP and spec.openldap is not None:
        LoginSocket(Path(spec.openldap.login_socket)).check()


def _sender(spec: "CaptureSpec") -> "Sender":
    from controller.capture.sending import make_sender
    from controller.model.errors import SettingsError
    from controller.sdk.errors import Unusable

    try:
        return make_sender(spec)
    except Unusable as error:
        raise SettingsError(error.message, hint=error.hint) from error


def _settings(config: Path) -> "CaptureSettings":
    from controller.capture.settings import read_settings

    return read_settings(config)


def _capture(config: Path) -> "Capture":
    from controller.capture.taking import Capture

    return Capture.open(_settings(config).spec)


def _now() -> datetime:
    return datetime.now(UTC)


def _tell(text: str) -> None:
    show(text)
    sys.stdout.flush()


def _log() -> None:
    import logging

    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
