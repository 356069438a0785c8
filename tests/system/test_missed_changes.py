"""A password that is set while nobody captures: seen by ``pwdLastSet`` of a real Active Directory."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from controller.model.diagnosis import Verdict
from controller.model.topology import Key, Kind
from controller.reconcile.observer import Observer
from controller.reconcile.picture import object_statuses
from controller.reconcile.verifying import Verifier
from tests.doubles.pipeline import OPEN_ADAPTER, PipelineBench
from tests.servers.connectors import ad_connector
from tests.servers.samba import DOMAIN, SambaServer

pytestmark = [pytest.mark.system, pytest.mark.samba]


AT_ONCE = timedelta(seconds=-2)
"""No report is waited for; the clock of the domain controller tells whole seconds."""


def test_a_password_set_with_samba_tool_is_reported_within_one_round(
    samba: SambaServer, fresh_name: Callable[[str], str], tmp_path: Path
) -> None:
    alice, gone = fresh_name("al"), fresh_name("gone")
    samba.add_user(alice)
    bench = PipelineBench(tmp_path, now=datetime.now(UTC))
    bench.system()
    bench.domain(DOMAIN)
    bench.adapter("x", replace(OPEN_ADAPTER, enabled=False))
    for name in (alice, gone):
        bench.map("X", f"{DOMAIN}\\{name}", name)
    verifier = Verifier(bench.store, bench.sealer, lambda: 0.5)
    observer = Observer(bench.store, lambda _: ad_connector(samba), verifier, latency=AT_ONCE)
    observer.look()
    assert _drift(bench) == [f"1 mapped account does not exist: {gone}"]
    samba.tool("user", "setpassword", alice, "--newpassword=Behind-our-back-1")
    bench.now = datetime.now(UTC)
    observer.look()
    both = f"1 password was set and nobody told, 1 mapped account does not exist: {alice}, {gone}"
    assert _drift(bench) == [both]
    bench.windows(f"{DOMAIN}\\{alice}", "Behind-our-back-1")
    observer.look()
    assert _drift(bench) == [f"1 mapped account does not exist: {gone}"]
    bench.close()


def _drift(bench: PipelineBench) -> list[str]:
    with bench.store.read() as tx:
        status = object_statuses(tx, None)[Key(Kind.DOMAIN, DOMAIN)]
    return [condition.message for condition in status.conditions if condition.type == "Drifted"]


def test_every_step_to_a_domain_controller_is_checked(samba: SambaServer, fresh_name: Callable[[str], str]) -> None:
    alice = fresh_name("al")
    samba.add_user(alice)
    with closing(ad_connector(samba)) as connector:
        findings = list(connector.diagnose([alice]))
    assert [finding.check for finding in findings] == ["name", "port", "certificate", "bind", "base", "rights", "clock"]
    assert {finding.verdict for finding in findings} <= {Verdict.OK, Verdict.WARNING}
    assert samba.try_login(alice, "Initial-password-1")
