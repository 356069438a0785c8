"""The whole main job on real directories: examples/samba-ad-openldap, all three directions, through a real process."""

import base64
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.leaks import UNUSUAL, Leaks, assert_none
from tests.servers.samba import SambaServer
from tests.servers.slapd import BASE_DN, SERVICE_PASSWORD, SlapdServer
from tests.system.controller_process import ControllerProcess, controller_process

pytestmark = pytest.mark.samba
EXAMPLE = Path(__file__).parents[2] / "examples" / "samba-ad-openldap"
SERVICE_USER = "svc-pwsync"
USERS = ("alice", "bob", "carol")
INITIAL = "Initial-password-1"


class Company:
    """The example's servers and its controller."""

    def __init__(self, samba: SambaServer, slapd: SlapdServer, controller: ControllerProcess, leaks: Leaks) -> None:
        self.samba = samba
        self.slapd = slapd
        self.controller = controller
        self.leaks = leaks

    def opens_windows(self, user: str, password: str) -> bool:
        """Whether a user can log in to Active Directory."""
        return self.samba.try_login(user, password)

    def opens_openldap(self, user: str, password: str) -> bool:
        """Whether a user can log in to OpenLDAP."""
        return self.slapd.can_bind(self.slapd.person_dn(user), password)

    def stored(self, application: str, account: str) -> str:
        """What the credential database holds."""
        out = self.controller.command("credentials", "show", application, account, "--reveal")
        self.controller.answers.pop(-2)  # it is shown on purpose
        return out.rstrip("\n")

    def windows(self, user: str, password: str) -> dict[str, Any]:
        """A user changed the password in Active Directory, and the domain controller reports it."""
        self.samba.modify(_reset(self.samba.user_dn(user), password))
        tracking_id = self.controller.report_windows(f"CORP\\{user}", password)
        return self.controller.finished(tracking_id, by="dc1")

    def external(self, adapter: str, account: str, password: str, *, old: str | None = None) -> dict[str, Any]:
        """A user changed the password in OpenLDAP, and the agent there reports it."""
        tracking_id = self.controller.report_external(adapter, account, password, old=old, by="openldap-agent")
        return self.controller.finished(tracking_id, by="openldap-agent")


def _reset(dn: str, password: str) -> str:
    value = base64.b64encode(f'"{password}"'.encode("utf-16-le")).decode()
    return f"dn: {dn}\nchangetype: modify\nreplace: unicodePwd\nunicodePwd:: {value}\n"


@pytest.fixture(scope="module")
def company(
    samba: SambaServer, slapd: SlapdServer, tmp_path_factory: pytest.TempPathFactory, warm_pwsync: Path
) -> Iterator[Company]:
    """The example, with the ports and certificates of these servers."""
    folder = tmp_path_factory.mktemp("company")
    leaks = Leaks()
    service_password = leaks.password("Svc-")
    shutil.copytree(EXAMPLE / "manifests", folder / "example" / "manifests")
    shutil.copy(samba.ca_file, folder / "example" / "samba-ca.pem")
    shutil.copy(slapd.ca_file, folder / "example" / "openldap-ca.pem")
    for manifest in (folder / "example" / "manifests").glob("*.yaml"):
        manifest.write_text(manifest.read_text().replace("ldaps://127.0.0.1:1636", slapd.ldaps_url))
    samba.add_user(SERVICE_USER, service_password)
    for user in USERS:
        samba.add_user(user)
    slapd.add_person("alice")
    slapd.add_person("bob")
    slapd.add(f"dn: ou=partners,{BASE_DN}\nobjectClass: organizationalUnit\nou: partners\n")
    environment = {"CORP_BIND_PASSWORD": service_password, "OPENLDAP_BIND_PASSWORD": leaks.known(SERVICE_PASSWORD)}
    running = controller_process(folder, folder / "example" / "manifests", environment, warm=warm_pwsync)
    with samba.lenient(), running as controller:
        controller.command("apply", str(controller.manifests), "--yes")
        controller.make_token("dc1")
        controller.make_token("openldap-agent")
        for user in ("alice", "bob"):
            controller.command("credentials", "set", "STAFF", f"CORP\\{user}", stdin=f"{INITIAL}\n")
        controller.start()
        yield Company(samba, slapd, controller, leaks)
        assert controller.stop() == 0
        found = leaks.in_files(folder) + [f for answer in controller.answers for f in leaks.in_text(answer)]
        assert_none(found)
    samba.remove_users(SERVICE_USER, *USERS)


@pytest.mark.parametrize("flavour", ["plain", "unusual", "numeric", "quoted"])
def test_a_windows_change_opens_openldap_and_the_stored_credential_follows(company: Company, flavour: str) -> None:
    password = {
        "plain": company.leaks.password(),
        "unusual": company.leaks.password(UNUSUAL),
        "numeric": company.leaks.numeric(),
        "quoted": company.leaks.password('it\'s "q" \\ {x} ,;= '),
    }[flavour]
    said = company.windows("alice", password)
    assert said["state"] == "completed", said
    assert company.opens_openldap("alice", password)
    assert company.stored("STAFF", "alice") == password


@pytest.mark.parametrize("flavour", ["plain", "unusual", "numeric"])
def test_an_openldap_change_opens_windows(company: Company, flavour: str) -> None:
    password = {
        "plain": company.leaks.password(),
        "unusual": company.leaks.password(UNUSUAL),
        "numeric": company.leaks.numeric(),
    }[flavour]
    said = company.external("openldap-staff", "bob", password)
    assert said["state"] == "completed", said
    assert company.opens_windows("bob", password)
    assert company.stored("STAFF", "bob") == password


def test_partial_sync_updates_the_database_and_leaves_windows_alone(company: Company) -> None:
    first, second = company.leaks.password(), company.leaks.password()
    company.controller.command("credentials", "set", "PARTNERS", "carol.partner", stdin=f"{first}\n")
    said = company.external("openldap-partners", "carol.partner", second, old=first)
    assert said["state"] == "completed", said
    assert company.stored("PARTNERS", "carol.partner") == second
    assert company.opens_windows("carol", INITIAL)
    refused = company.external("openldap-partners", "carol.partner", company.leaks.password(), old=first)
    assert (refused["state"], refused["reason"]) == ("failed", "oldPasswordWrong")
    assert company.stored("PARTNERS", "carol.partner") == second


def test_a_wrong_stored_windows_password_is_deleted_after_one_try(company: Company) -> None:
    by_hand = company.leaks.password()
    company.samba.modify(_reset(company.samba.user_dn("bob"), by_hand))
    company.controller.command("credentials", "set", "STAFF", "bob", stdin=f"{company.leaks.password()}\n")
    said = company.external("openldap-staff", "bob", company.leaks.password())
    assert (said["state"], said["reason"]) == ("failed", "deliveryParked")
    (delivery,) = said["deliveries"]
    assert (delivery["code"], delivery["directoryCode"]) == ("oldPasswordWrong", "00000056")
    assert company.opens_windows("bob", by_hand)
    assert company.samba.read(company.samba.user_dn("bob"), "badPwdCount") in {"", "0", "1"}
    again = company.external("openldap-staff", "bob", company.leaks.password())
    assert (again["state"], again["reason"]) == ("failed", "noStoredWindowsPassword")
    company.controller.command("credentials", "set", "STAFF", "bob", stdin=f"{by_hand}\n")
    last = company.leaks.password()
    assert company.external("openldap-staff", "bob", last)["state"] == "completed"
    assert company.opens_windows("bob", last)


def test_openldap_s_refusal_is_told_in_its_own_words_and_the_credential_stays(company: Company) -> None:
    before = company.leaks.password()
    company.windows("alice", before)
    said = company.windows("alice", company.leaks.known("Sh0rt!7"))
    assert (said["state"], said["reason"]) == ("failed", "deliveryParked")
    (delivery,) = said["deliveries"]
    assert delivery["code"] == "passwordRejected"
    assert "quality" in delivery["message"].lower()
    assert company.stored("STAFF", "alice") == before
    assert company.opens_openldap("alice", before)


def test_the_echo_of_a_change_is_damped_and_a_differing_one_right_after_it_is_not(company: Company) -> None:
    first, second = company.leaks.password(), company.leaks.password()
    assert company.windows("alice", first)["state"] == "completed"
    tracking_id = company.controller.report_external("openldap-staff", "alice", first, by="openldap-agent")
    echo = company.controller.finished(tracking_id, by="openldap-agent")
    assert (echo["state"], echo["reason"]) == ("discarded", "notNew")
    assert company.windows("alice", second)["state"] == "completed"
    assert company.opens_openldap("alice", second)


def test_a_second_plan_has_nothing_to_do(company: Company) -> None:
    company.controller.command("plan", str(company.controller.manifests), "--detailed-exitcode", expected=0)
