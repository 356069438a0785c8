"""``pwsync run``: the controller."""

import gc
import signal
import sys
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Never

import typer

from controller.cli import failures
from controller.cli.installation import Paths, chosen_manifests, chosen_settings
from controller.cli.output import say, show
from controller.model.errors import InvalidInput

if TYPE_CHECKING:
    from controller.reconcile.reconciler import Reconciler, ReconcileResult
    from controller.runtime.desired import LastingReading
    from controller.runtime.lifecycle import Controller
    from controller.runtime.metrics import Metrics
    from controller.runtime.wiring import Installation
    from controller.web.client_authority import ClientAuthority
    from controller.web.listening import Certificate, Channel, Listen
    from controller.web.pages.site import Insight
    from controller.web.stopping import Stopping

ROUNDS = 3
"""How often ``--once`` plans anew when someone else applies at the same time."""


class LogFormat(StrEnum):
    """Forms of the log."""

    CONSOLE = "console"
    JSON = "json"


def run(
    context: typer.Context,
    paths: Paths = None,
    *,
    listen: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Where the API listens; port 0: any free one.")
    ] = "127.0.0.1:8080",
    once: Annotated[bool, typer.Option("--once", help="Reconcile and deliver what is due, once, then end.")] = False,
    log_format: Annotated[
        LogFormat, typer.Option("--log-format", help="The form of the log on standard error.")
    ] = LogFormat.CONSOLE,
    access_log: Annotated[
        bool, typer.Option("--access-log", help="Log every request, without query string, headers and body.")
    ] = False,
    rate_limit: Annotated[
        int,
        typer.Option(
            min=0, metavar="CALLS", envvar="PWSYNC_RATE_LIMIT", help="Calls of one caller in a minute; 0: no limit."
        ),
    ] = 18_000,
    metrics_listen: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT", help="Where /metrics is answered to anyone; on the API only to administrators."
        ),
    ] = None,
    git_interval: Annotated[
        str,
        typer.Option(
            metavar="DURATION",
            envvar="PWSYNC_GIT_INTERVAL",
            help="How often a git repository with manifests is asked for another revision.",
        ),
    ] = "1m",
    tls_certificate: Annotated[
        Path | None, typer.Option(metavar="FILE", help="PEM certificate with its chain: serve HTTPS.")
    ] = None,
    tls_key: Annotated[Path | None, typer.Option(metavar="FILE", help="PEM key of the certificate.")] = None,
    client_ca: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="PEM certificate of the authority whose client certificates prove a caller."),
    ] = None,
    client_crl: Annotated[
        Path | None, typer.Option(metavar="FILE", help="PEM list of what that authority has revoked.")
    ] = None,
    allow_clear_text: Annotated[
        bool,
        typer.Option("--allow-clear-text", help="Serve HTTP beyond this machine: only behind a proxy that does TLS."),
    ] = False,
) -> None:
    """Run the controller.

    It reconciles, delivers, and serves the HTTP API and the status page until SIGTERM or SIGINT; what is under way is
    finished first, and new reports are answered with 503 meanwhile.

    With --once: exit code 0 when the actual state is as declared, 1 when the plan is held or failed.
    """
    from controller.runtime.desired import LastingReading
    from controller.runtime.desired import Paths as Given
    from controller.runtime.metrics import Metrics
    from controller.runtime.telemetry import configure_logging
    from controller.runtime.wiring import open_installation
    from controller.web.listening import Channel

    manifests = chosen_manifests(paths)
    certificate = _certificate(tls_certificate, tls_key, _clients(client_ca, client_crl))
    elsewhere = None if metrics_listen is None else _listen(metrics_listen)
    poll = _poll(git_interval)
    channel = Channel(_listen(listen), elsewhere, certificate, allows_clear_text=allow_clear_text)
    configure_logging(log_format.value)
    metrics = Metrics()
    settings = chosen_settings(context)
    if not once:
        _check(channel, metrics)
    with open_installation(settings, keeps_changes=True, logs_events=True, metrics=metrics) as installation:
        reading = LastingReading(Given(manifests.paths, manifests.stdin), settings)
        _refuse_to_begin_with_nothing(installation, reading)
        if once:
            _run_once(installation, reading)
        else:
            _serve(installation, reading, channel, metrics, poll=poll, logs_requests=access_log, calls=rate_limit)


def _refuse_to_begin_with_nothing(installation: "Installation", reading: "LastingReading") -> None:
    """Before anything was ever applied, manifests that cannot be read leave nothing to run with.

    Later they do not end the controller: it goes on with what was applied, and every round says what is wrong.
    """
    with installation.store.read() as tx:
        is_empty = not tx.resources.read()
    if is_empty:
        reading.read()


def _clients(ca_file: Path | None, crl_file: Path | None) -> "ClientAuthority | None":
    from controller.web.client_authority import ClientAuthority

    if ca_file is not None:
        return ClientAuthority(ca_file, crl_file)
    if crl_file is None:
        return None
    raise InvalidInput("--client-crl means nothing without --client-ca", hint="give both, or none")


def _certificate(certificate: Path | None, key: Path | None, clients: "ClientAuthority | None") -> "Certificate | None":
    from controller.web.listening import Certificate

    if certificate is not None and key is not None:
        return Certificate(certificate, key, clients)
    if certificate is None and key is None and clients is None:
        return None
    if certificate is None and key is None:
        raise InvalidInput(
            "--client-ca means nothing without TLS",
            hint="give the server's certificate: --tls-certificate and --tls-key",
        )
    raise InvalidInput("--tls-certificate and --tls-key belong together", hint="give both, or none")


def _poll(text: str) -> timedelta:
    from controller.model.duration import parse_duration
    from controller.model.options import Unfit

    try:
        poll = parse_duration(text)
    except Unfit as error:
        raise InvalidInput(f"--git-interval: {error}", hint=error.hint) from None
    if not poll:
        raise InvalidInput("--git-interval: must be longer than nothing", hint="for example 1m")
    return poll


def _listen(text: str) -> "Listen":
    from controller.web.listening import Listen

    return Listen.parse(text)


def _reconciler(installation: "Installation", reading: "LastingReading") -> "Reconciler":
    from controller.runtime.actors import reconciler
    from controller.runtime.reading import ROUND_PATIENCE, make_reconciler

    return make_reconciler(installation.store, reading, by=reconciler(), limit=ROUND_PATIENCE)


def _serve(
    installation: "Installation",
    reading: "LastingReading",
    channel: "Channel",
    metrics: "Metrics",
    *,
    poll: timedelta,
    logs_requests: bool,
    calls: int,
) -> None:
    from controller.runtime.lifecycle import Controller
    from controller.runtime.token_check import warn_of_unnamed_tokens
    from controller.web.limiting import calls_a_minute
    from controller.web.metrics import MetricsPage, make_metrics_app
    from controller.web.server import serve
    from controller.web.service import make_service
    from controller.web.stopping import Stopping
    from controller.web.tls_listening import HandshakeWatch

    signal.signal(signal.SIGTERM, _interrupt)
    controller = Controller(installation, _reconciler(installation, reading))
    controller.watch(reading.paths, reading, poll)
    page, stopping = MetricsPage(installation, metrics), Stopping()
    service = make_service(
        installation,
        controller.wake,
        insight=_insight(installation, reading, controller),
        metrics=metrics,
        page=page,
        stopping=stopping,
        logs_requests=logs_requests,
        limit=calls_a_minute(calls),
    )
    controller.start()
    warn_of_unnamed_tokens(installation.store)
    try:
        serve(
            service,
            channel.listen,
            on_listening=lambda host, port: _announce(channel, host, port),
            on_stop=lambda: _begin_to_stop(installation, stopping),
            drain=controller.stop,
            others=[] if channel.metrics is None else [(channel.metrics, make_metrics_app(page))],
            certificate=channel.certificate,
            on_renewed=lambda: _note_expiry(channel, metrics),
            watch=HandshakeWatch(metrics.note_failed_handshake, installation.admission.note_unproven),
            allows_clear_text=channel.allows_clear_text,
        )
    finally:
        controller.stop()


def _insight(installation: "Installation", reading: "LastingReading", controller: "Controller") -> "Insight":
    from controller.runtime.actors import reconciler
    from controller.runtime.reading import make_onlooker
    from controller.web.pages.site import Insight

    plans = make_onlooker(installation.store, reading, by=reconciler())
    return Insight(plans.plan, controller.rounds)


def _check(channel: "Channel", metrics: "Metrics") -> None:
    """Find out before anything is reconciled whether the server will be able to serve."""
    channel.check()
    _note_expiry(channel, metrics)


def _note_expiry(channel: "Channel", metrics: "Metrics") -> None:
    from controller.web.certificate_expiry import expiry_of

    if channel.certificate is not None:
        metrics.note_certificate(expiry_of(channel.certificate.certificate_file))


def _begin_to_stop(installation: "Installation", stopping: "Stopping") -> None:
    stopping.say()
    installation.bells.stop()
    say("Stopping: requests and deliveries under way are finished first.")


def _announce(channel: "Channel", host: str, port: int) -> None:
    gc.freeze()  # what has been loaded stays: no collection looks at it again
    scheme = "http" if channel.certificate is None else "https"
    show(f"pwsync listens on {scheme}://{f'[{host}]' if ':' in host else host}:{port}")
    sys.stdout.flush()


def _interrupt(signum: int, frame: FrameType | None) -> Never:  # noqa: ARG001  # a signal handler's arguments
    """Before and after the server has the signals, SIGTERM ends the program in good order too."""
    raise KeyboardInterrupt


def _run_once(installation: "Installation", reading: "LastingReading") -> None:
    from contextlib import closing

    from controller.reconcile.reconciler import Outcome
    from controller.runtime.drain import Drain
    from controller.runtime.housekeeping import keep_house_once
    from controller.runtime.lifecycle import log_result
    from controller.runtime.observing import make_observer
    from controller.runtime.policies import make_policy_reader
    from controller.runtime.reading import make_users
    from controller.runtime.token_check import warn_of_unnamed_tokens

    result = _reconcile(_reconciler(installation, reading))
    log_result(result)
    make_users(installation.store).refresh()
    warn_of_unnamed_tokens(installation.store)
    with closing(Drain(installation)) as drain:
        attempts = drain.work_off()
    keep_house_once(installation.make_housekeeping())
    make_policy_reader(installation.store, installation.catalogue).refresh()
    make_observer(installation.store, installation.sealer, installation.catalogue).look()
    for line in _summary(result):
        show(line)
    problem = reading.provenance().problem
    if problem and result.outcome is not Outcome.FAILED:
        show(f"The newest manifests are not used: {problem}")
    show(f"Delivery attempts: {attempts:,}.")
    if problem or result.outcome not in {Outcome.IN_SYNC, Outcome.APPLIED}:
        raise typer.Exit(failures.FAILURE)


def _reconcile(reconciler: "Reconciler") -> "ReconcileResult":
    from controller.reconcile.reconciler import Outcome

    result = reconciler.reconcile()
    for _ in range(ROUNDS - 1):
        if result.outcome is not Outcome.OVERTAKEN:
            break
        result = reconciler.reconcile()
    return result


def _summary(result: "ReconcileResult") -> list[str]:
    from controller.cli.apply import summary
    from controller.reconcile.reconciler import Outcome

    match result.outcome:
        case Outcome.IN_SYNC:
            return ["Nothing to do: the actual state is as declared."]
        case Outcome.APPLIED if result.applied is not None:
            return [summary(result.applied)]
        case Outcome.SUSPENDED:
            return ["Suspended: nothing is applied ('pwsync reconcile resume' ends that)."]
        case Outcome.HELD if result.plan is not None:
            return [f"Held: {hold.message} ({hold.hint})" for hold in result.plan.holds]
        case _:
            return [f"Not reconciled: {result.error}"]
