"""Full sync with real servers: what we wrote to Active Directory is captured there and damped; a new change is not."""

import base64
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.leaks import Leaks, assert_none
from tests.servers.capture import Capture, capturing, keeping_passwords
from tests.servers.fixtures import require_server
from tests.servers.samba import SambaServer
from tests.servers.slapd import SERVICE_PASSWORD, SlapdServer
from tests.system.controller_process import ControllerProcess, controller_process

pytestmark = pytest.mark.samba
EXAMPLE = Path(__file__).parents[2] / "examples" / "samba-ad-openldap"
SOON = timedelta(seconds=2)
DAMPING_WINDOW = timedelta(minutes=10)
"""Of the reference system, and the default here: so long it refuses a second change."""


@dataclass
class Company:
    """The example's servers and its controller, with the domain's changes captured."""

    samba: SambaServer
    slapd: SlapdServer
    controller: ControllerProcess
    capture: Capture
    user: str

    @property
    def account(self) -> str:
        """The user's Windows account."""
        return f"CORP\\{self.user}"

    def change_in_openldap(self, password: str) -> dict[str, Any]:
        """The user changed the password in OpenLDAP, and the agent there reports it."""
        self.slapd.set_password(self.user, password)
        tracking_id = self.controller.report_external("openldap-staff", self.user, password, by="openldap-agent")
        return self.controller.finished(tracking_id, by="openldap-agent")

    def change_in_windows(self, old: str, new: str) -> None:
        """The user changes the password in Active Directory. Nobody reports it: the capture has to see it."""
        self.samba.modify(
            f"dn: {self.samba.user_dn(self.user)}\nchangetype: modify\n"
            f"delete: unicodePwd\nunicodePwd:: {_unicode(old)}\n-\nadd: unicodePwd\nunicodePwd:: {_unicode(new)}\n"
        )

    def password_set_at(self) -> datetime:
        """When Active Directory says that the password was last set."""
        ticks = int(self.samba.read(self.samba.user_dn(self.user), "pwdLastSet"))  # 100 ns since 1601-01-01
        return datetime(1601, 1, 1, tzinfo=UTC) + timedelta(microseconds=ticks // 10)

    def captured(self, count: int) -> list[dict[str, Any]]:
        """The reports of the user's Windows account, oldest first, once *count* have been captured and are finished."""
        self.capture.hand_over()
        found: list[dict[str, Any]] = []

        def are_there() -> bool:
            found[:] = [c for c in reversed(self.items("changes")) if c["account"] == self.account]
            return len(found) >= count and all(c["state"] != "accepted" for c in found)

        self.controller.wait_for(are_there, f"{count} captured changes")
        return found

    def items(self, kind: str) -> list[dict[str, Any]]:
        """What ``pwsync get`` lists, newest first."""
        listed: list[dict[str, Any]] = json.loads(self.controller.command("get", kind, "-o", "json"))["items"]
        return listed


def _unicode(password: str) -> str:
    return base64.b64encode(f'"{password}"'.encode("utf-16-le")).decode()


@pytest.fixture
def leaks() -> Leaks:
    """The passwords of this test."""
    return Leaks()


@pytest.fixture
def company(
    samba: SambaServer, slapd: SlapdServer, tmp_path: Path, leaks: Leaks, warm_pwsync: Path
) -> Iterator[Company]:
    """The example with one user, whose first password the capture reports."""
    require_server("gpg", "gpgconf")
    user, first, service_password = "echo", leaks.password(), leaks.password("Svc-")
    shutil.copytree(EXAMPLE / "manifests", tmp_path / "example" / "manifests")
    shutil.copy(samba.ca_file, tmp_path / "example" / "samba-ca.pem")
    shutil.copy(slapd.ca_file, tmp_path / "example" / "openldap-ca.pem")
    manifests = tmp_path / "example" / "manifests"
    for manifest in manifests.glob("*.yaml"):
        text = manifest.read_text().replace("ldaps://127.0.0.1:1636", slapd.ldaps_url)
        manifest.write_text(text.replace("svc-pwsync@", "svc-echo@"))
    (manifests / "staff.csv").write_text(f"windows,external\n{user},{user}\n")
    environment = {"CORP_BIND_PASSWORD": service_password, "OPENLDAP_BIND_PASSWORD": leaks.known(SERVICE_PASSWORD)}
    slapd.add_person(user)
    running = controller_process(tmp_path, manifests, environment, warm=warm_pwsync)
    with keeping_passwords(samba), samba.lenient(), running as controller:
        samba.add_user("svc-echo", service_password)
        samba.add_user(user, first)
        controller.command("apply", str(manifests), "--yes")
        controller.make_token("dc1")
        controller.make_token("openldap-agent")
        controller.start()
        url, token = f"http://127.0.0.1:{controller.port}", controller.tokens["dc1"]
        with capturing(samba, tmp_path, controller.command, users=[user], url=url, token=token) as capture:
            company = Company(samba, slapd, controller, capture, user)
            (reported,) = company.captured(1)
            assert reported["state"] == "completed", reported
            yield company
        assert controller.stop() == 0
        found = leaks.in_files(tmp_path) + [f for answer in controller.answers for f in leaks.in_text(answer)]
        assert_none(found)


def test_t2_our_write_to_windows_is_captured_again_and_damped_and_a_change_two_seconds_later_goes_through(
    company: Company, leaks: Leaks
) -> None:
    from_openldap, from_windows = leaks.password(), leaks.password()
    full_sync = company.change_in_openldap(from_openldap)
    assert full_sync["state"] == "completed", full_sync
    assert company.samba.try_login(company.user, from_openldap)
    written_at = company.password_set_at()

    echo = company.captured(2)[1]
    assert (echo["state"], echo["reason"]) == ("discarded", "damped")
    assert datetime.fromisoformat(echo["occurredAt"]) == written_at
    assert not _deliveries_of(company, echo), "an echo is never sent anywhere"

    company.controller.wait_for(lambda: datetime.now(UTC) >= written_at + SOON, "two seconds to pass")
    company.change_in_windows(from_openldap, from_windows)
    assert SOON <= company.password_set_at() - written_at < DAMPING_WINDOW

    real = company.captured(3)[2]
    assert real["state"] == "completed", real
    (delivery,) = _deliveries_of(company, real)
    assert (delivery["adapter"], delivery["account"], delivery["state"]) == (
        "openldap-staff",
        company.user,
        "confirmed",
    )
    assert company.slapd.can_bind(company.slapd.person_dn(company.user), from_windows)
    assert not company.slapd.can_bind(company.slapd.person_dn(company.user), from_openldap)
    assert len(company.captured(3)) == 3, "nothing was written to Windows again"


def _deliveries_of(company: Company, change: dict[str, Any]) -> list[dict[str, Any]]:
    return [d for d in company.items("deliveries") if d["trackingId"] == change["trackingId"]]
