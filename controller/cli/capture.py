"""``pwsync capture``: runs next to a source, and hands over what changes there."""

import sys
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from controller.cli import failures
from controller.cli.output import say, show, show_json, write

if TYPE_CHECKING:
    from controller.capture.change_log.reader import ChangeLogReader
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
    RACF = "racf"
    DS389 = "ds389"


From = Annotated[
    int | None,
    typer.Option("--from", metavar="NUMBER", min=1, help="Read the log again from this entry on. [where it was]"),
]
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

    show(take_record(_capture(_settings(config).spec), sys.stdin.buffer.read(), _now()))


@app.command("pam")
def pam(config: Config = FILE) -> None:
    """Take one change from pam_exec: PAM_USER in the environment, the new password on standard input."""
    import os

    from controller.capture.pam import take_pam

    take_pam(_capture(_settings(config).spec), os.environ, sys.stdin.buffer.read(), _now())


@app.command("openldap")
def openldap(config: Config = FILE) -> None:
    """Take changes from slapd's overlay 'sock', until SIGTERM or SIGINT."""
    from concurrent.futures import ThreadPoolExecutor

    from controller.capture.ldap_login import LoginSocket
    from controller.capture.locks import lock_alone
    from controller.capture.openldap import PROGRAM, PROGRAM_LOCK, SockProgram
    from controller.capture.setting_up import openldap_of
    from controller.capture.sock_listener import THREADS, SockListener
    from controller.sdk.signals import stopping_on_signals

    _log()
    settings = _settings(config).spec
    spec, capture = openldap_of(settings), _capture(settings)
    login = LoginSocket(Path(spec.login_socket))
    lock_alone(capture.spool.path / PROGRAM_LOCK, PROGRAM)  # until this process ends
    capture.spool.doubt()
    with ThreadPoolExecutor(THREADS) as logins:
        program = SockProgram(capture, spec, login.opens, _now, later=logins.submit)
        listener = SockListener(program, Path(spec.socket))
        with stopping_on_signals(listener.stop):
            listener.serve(lambda: _tell(f"pwsync listens on {spec.socket}"))
    program.close()


@app.command("racf")
def racf(
    config: Config = FILE,
    from_: From = None,
) -> None:
    """Read the change log of RACF (z/OS LDAP server) and take new passwords from it, until SIGTERM or SIGINT."""
    import random
    import time

    from controller.capture.racf.reader import LogReader
    from controller.capture.racf.setting_up import make_directory, make_opener, racf_of
    from controller.runtime.references import resolve_secret

    _log()
    settings = _settings(config).spec
    spec = racf_of(settings)
    reader = LogReader(
        *(_capture(settings), spec, make_directory(spec, resolve_secret), make_opener(spec, resolve_secret)),
        now=_now,
        steady_time=time.monotonic,
        jitter=random.random,
    )
    _read_on(reader, from_)


@app.command("ds389")
def ds389(
    config: Config = FILE,
    from_: From = None,
) -> None:
    """Read the Retro Changelog of a 389 Directory Server and take new passwords out of it, until SIGTERM or SIGINT."""
    import random
    import time

    from controller.capture.ds389.reader import Ds389Reader
    from controller.capture.ds389.setting_up import ds389_of, make_directory
    from controller.runtime.references import resolve_secret

    _log()
    settings = _settings(config).spec
    spec = ds389_of(settings)
    reader = Ds389Reader(
        *(_capture(settings), spec, make_directory(spec, resolve_secret)),
        now=_now,
        steady_time=time.monotonic,
        jitter=random.random,
    )
    _read_on(reader, from_)


@app.command("acknowledge")
def acknowledge(config: Config = FILE) -> None:
    """Say that you have seen what the reader of a change log could not have; those alarms end."""
    from controller.capture.change_log.state import acknowledge
    from controller.capture.spool import Spool
    from controller.model.errors import InvalidInput

    spec = _settings(config).spec
    if spec.log_source is None:
        raise InvalidInput("the settings have neither spec.racf nor spec.ds389", hint="a change log has one of them")
    new = acknowledge(Spool.open(Path(spec.spool), spec.max_changes).path)
    without = "" if spec.racf is None else f"{new.no_envelope} without an envelope, "
    show(f"{without}{new.refused} not captured, {new.missing} missing, {new.resets} new logs acknowledged")


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
    from controller.capture.ds389 import setting_up as on_ds389
    from controller.capture.racf import setting_up as on_racf
    from controller.capture.setting_up import openldap_of, openldap_steps, pam_steps, samba_steps, write_program
    from controller.runtime.references import resolve_secret

    settings = _settings(config)
    _capture(settings.spec)
    _sender(settings.spec, has_token=False).close()
    if trial:
        _try_out(settings, source)
        say("The controller would take what is captured here.")
    chosen = program or Path(f"/usr/local/sbin/pwsync-capture-{source.value}")
    if source in {SourceProgram.SAMBA, SourceProgram.PAM}:
        write_program(chosen, source.value, settings)
        say(f"{chosen} was written.")
    match source:
        case SourceProgram.SAMBA:
            steps = samba_steps(chosen)
        case SourceProgram.PAM:
            steps = pam_steps(chosen)
        case SourceProgram.OPENLDAP:
            steps = openldap_steps(openldap_of(settings.spec))
        case SourceProgram.RACF:
            of_racf = on_racf.racf_of(settings.spec)
            on_racf.make_opener(of_racf, resolve_secret)
            on_racf.make_directory(of_racf, resolve_secret)
            steps = on_racf.racf_steps(of_racf)
        case SourceProgram.DS389:
            of_ds389 = on_ds389.ds389_of(settings.spec)
            on_ds389.make_directory(of_ds389, resolve_secret)
            steps = on_ds389.ds389_steps(of_ds389)
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


def _read_on(reader: "ChangeLogReader[Any]", number: int | None) -> None:
    """Read a change log from an entry on, or from where it was, until SIGTERM or SIGINT."""
    from controller.sdk.signals import stopping_on_signals

    if number is not None:
        reader.begin_with(number)
    with stopping_on_signals(reader.stop):
        reader.run()


def _sender(spec: "CaptureSpec", *, has_token: bool = True) -> "Sender":
    from controller.capture.sending import make_sender
    from controller.model.errors import SettingsError
    from controller.sdk.errors import Unusable

    try:
        sender = make_sender(spec)
        if has_token:
            sender.check_token()
    except Unusable as error:
        raise SettingsError(error.message, hint=error.hint) from error
    return sender


def _settings(config: Path) -> "CaptureSettings":
    from controller.capture.settings import read_settings

    return read_settings(config)


def _capture(spec: "CaptureSpec") -> "Capture":
    from controller.capture.taking import Capture

    return Capture.open(spec)


def _now() -> datetime:
    return datetime.now(UTC)


def _tell(text: str) -> None:
    show(text)
    sys.stdout.flush()


def _log() -> None:
    import logging

    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
