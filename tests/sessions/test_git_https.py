"""Manifests from a host that asks for a password, over HTTPS."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.manifests.git.access import GitAccess
from controller.manifests.git.address import parse_address
from controller.manifests.git.checkouts import Checkouts
from controller.model.errors import ManifestsUnavailable
from tests.doubles.repositories import Repository
from tests.servers.certificates import Authority
from tests.servers.git_host import GitHost, git_host

PASSWORD = "gl-Pa55 word'\"$(id)"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def host(tmp_path: Path, authority: Authority) -> Iterator[GitHost]:
    """A host with one repository that ann may read."""
    repository = Repository.make(tmp_path / "repositories" / "ops")
    repository.commit({"a.yaml": "a: 1\n"})
    repository.git("config", "http.receivepack", "false")
    with git_host(tmp_path / "repositories", authority, f"ann:{PASSWORD}") as host:
        yield host


def _newest(folder: Path, host: GitHost, access: GitAccess) -> str:
    checkout = Checkouts(folder / "kept", access).newest(parse_address(host.address("ops/.git")))
    return (checkout.path / "a.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize("place", ["file", "variable"])
def test_the_password_comes_from_a_file_or_a_variable_and_stands_in_no_command_line(
    tmp_path: Path, host: GitHost, authority: Authority, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    trace = tmp_path / "trace"
    monkeypatch.setattr("controller.manifests.git.access._PASSED_ON", ("PATH", "GIT_TRACE"))
    monkeypatch.setenv("GIT_TRACE", str(trace))  # writes every command line that git starts
    file = tmp_path / "password"
    file.write_text(PASSWORD, encoding="utf-8")
    given = {"password_file": file} if place == "file" else {"password": PASSWORD}
    access = GitAccess(user="ann", ca_file=authority.ca_file, **given)
    assert _newest(tmp_path, host, access) == "a: 1\n"
    assert f"ann:{PASSWORD}" in host.logins
    traced = trace.read_text(encoding="utf-8")
    assert "git-remote-https" in traced
    assert "gl-Pa55" not in traced
    assert "gl-Pa55" not in repr(access)


def test_without_a_password_nothing_is_asked_and_the_remedy_is_told(
    tmp_path: Path, host: GitHost, authority: Authority
) -> None:
    with pytest.raises(ManifestsUnavailable) as caught:
        _newest(tmp_path, host, GitAccess(ca_file=authority.ca_file))
    assert "PWSYNC_GIT_PASSWORD_FILE" in caught.value.hint
    with pytest.raises(ManifestsUnavailable, match="Authentication failed"):
        _newest(tmp_path, host, GitAccess(user="ann", password="wrong", ca_file=authority.ca_file))


def test_a_host_of_an_unknown_authority_is_not_trusted(tmp_path: Path, host: GitHost) -> None:
    with pytest.raises(ManifestsUnavailable) as caught:
        _newest(tmp_path, host, GitAccess(user="ann", password=PASSWORD))
    assert "PWSYNC_GIT_CA_FILE" in caught.value.hint
    assert host.logins == []


def test_no_redirection_takes_the_password_elsewhere(tmp_path: Path, host: GitHost, authority: Authority) -> None:
    access = GitAccess(user="ann", password=PASSWORD, ca_file=authority.ca_file)
    with git_host(host.root, authority, "nobody:none") as other:
        host.redirect_to = f"https://localhost:{other.port}"
        with pytest.raises(ManifestsUnavailable):
            _newest(tmp_path, host, access)
        assert other.logins == []
