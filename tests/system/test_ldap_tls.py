"""Only the server that we mean is spoken to: its certificate, its name, its protocol version."""

from pathlib import Path
from typing import Any

import pytest

from controller.model.diagnosis import Verdict
from controller.model.errors import ChannelRefused, Unavailable
from tests.servers.certificates import Authority
from tests.servers.connectors import ldap_connector
from tests.servers.processes import ServerProcess, free_port
from tests.servers.slapd import SlapdServer, running_slapd


def _ways(slapd: SlapdServer) -> list[dict[str, Any]]:
    return [{"url": slapd.ldaps_url}, {"url": slapd.ldap_url, "startTLS": True}]


@pytest.mark.parametrize("way", [0, 1], ids=["ldaps", "startTLS"])
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_trusted_server_is_accepted_by_name_and_by_address(slapd: SlapdServer, way: int, host: str) -> None:
    options = _ways(slapd)[way]
    connector = ldap_connector(slapd, **{**options, "url": str(options["url"]).replace("127.0.0.1", host)})

    connector.check()
    connector.close()


@pytest.mark.parametrize("way", [0, 1], ids=["ldaps", "startTLS"])
def test_an_unknown_authority_is_refused(slapd: SlapdServer, tmp_path: Path, way: int) -> None:
    stranger = Authority(tmp_path, "Somebody Else")

    with pytest.raises(ChannelRefused, match=r"certificate .* is not accepted") as caught:
        ldap_connector(slapd, **_ways(slapd)[way], caFile=str(stranger.ca_file)).check()
    assert "caFile" in caught.value.hint


@pytest.mark.parametrize("way", [0, 1], ids=["ldaps", "startTLS"])
def test_without_a_ca_file_the_system_decides_and_knows_no_private_authority(slapd: SlapdServer, way: int) -> None:
    with pytest.raises(ChannelRefused, match="is not accepted"):
        ldap_connector(slapd, **_ways(slapd)[way], caFile=None).check()


@pytest.mark.parametrize("way", [0, 1], ids=["ldaps", "startTLS"])
@pytest.mark.parametrize(
    "names",
    [("dc1.example.com",), ("127.0.0.2",), ("*.localhost",), ("localhost",)],
    ids=["other name", "other address", "wildcard", "a name does not stand for an address"],
)
def test_a_certificate_for_another_host_is_refused(tmp_path: Path, way: int, names: tuple[str, ...]) -> None:
    authority = Authority(tmp_path / "ca")
    folder = tmp_path / "slapd"
    folder.mkdir()
    with running_slapd(folder, certificate=authority.issue(*names)) as server:
        connector = ldap_connector(server, **_ways(server)[way], caFile=str(authority.ca_file))
        with pytest.raises(ChannelRefused, match=r"is not accepted: .*mismatch"):
            connector.check()


def test_a_ca_file_that_cannot_be_read_is_named(slapd: SlapdServer, tmp_path: Path) -> None:
    broken = tmp_path / "broken.pem"
    broken.write_text("-----BEGIN CERTIFICATE-----\nnonsense\n")
    for file in (broken, tmp_path / "missing.pem"):
        with pytest.raises(ChannelRefused, match=file.name):
            ldap_connector(slapd, caFile=str(file)).check()


def test_a_port_without_tls_is_never_sent_a_password(slapd: SlapdServer) -> None:
    connector = ldap_connector(slapd, url=slapd.ldap_url.replace("ldap://", "ldaps://"))
    with pytest.raises((Unavailable, ChannelRefused)):
        connector.check()
    found = list(connector.diagnose(()))[-1]
    assert (found.check, found.verdict) == ("certificate", Verdict.FAILED)
    assert found.remedy == "that port may not speak TLS: use ldap:// with startTLS: true, or the port for ldaps (636)"


def test_a_server_that_only_speaks_an_old_tls_is_refused(slapd: SlapdServer, tmp_path: Path) -> None:
    certificate = Authority(tmp_path)
    issued, port = certificate.issue("127.0.0.1"), free_port()
    command = ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0"]
    command += ["-cert", str(issued.certificate_file), "-key", str(issued.key_file), "-quiet"]
    server = ServerProcess(command, tmp_path / "server.log", [port])
    server.start()
    try:
        with pytest.raises(ChannelRefused, match="no TLS with"):
            ldap_connector(slapd, url=f"ldaps://127.0.0.1:{port}", caFile=str(certificate.ca_file)).check()
    finally:
        server.stop()


@pytest.mark.parametrize("url", ["ldaps://no-such-host.invalid", "ldaps://127.0.0.1:1"], ids=["name", "port"])
def test_a_server_that_is_not_there_is_unavailable(slapd: SlapdServer, url: str) -> None:
    with pytest.raises(Unavailable, match="cannot be reached"):
        ldap_connector(slapd, url=url).check()
