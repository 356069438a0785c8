"""Addresses of repositories."""

import pytest

from controller.manifests.git.address import GitAddress, is_git, parse_address
from controller.model.errors import InvalidInput

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("git+https://git.example.com/ops/pw.git", GitAddress("https://git.example.com/ops/pw.git")),
        (
            "git+https://git.example.com:8443/pw.git?ref=main&path=manifests/prod/",
            GitAddress("https://git.example.com:8443/pw.git", "main", "manifests/prod"),
        ),
        (
            "git+ssh://git@git.example.com/ops/pw.git?ref=release/1.2",
            GitAddress("ssh://git@git.example.com/ops/pw.git", "release/1.2"),
        ),
        ("git+file:///srv/pw.git?ref=v1", GitAddress("file:///srv/pw.git", "v1")),
        (f"git+https://h/r?ref={COMMIT}", GitAddress("https://h/r", COMMIT)),
    ],
)
def test_an_address_names_repository_ref_and_path(text: str, address: GitAddress) -> None:
    assert is_git(text)
    assert parse_address(text) == address
    assert parse_address(str(address)) == address


def test_a_commit_id_is_told_from_a_branch() -> None:
    assert parse_address(f"git+https://h/r?ref={COMMIT}").names_a_commit
    assert not parse_address("git+https://h/r?ref=main").names_a_commit


def test_each_folder_of_a_repository_has_files_of_its_own_whatever_the_ref() -> None:
    texts = ("git+https://h/r", "git+https://h/r?ref=main", "git+https://h/r?path=main", "git+https://h/r2")
    assert len({parse_address(text).id for text in texts}) == 3


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("git+http://h/r", "HTTPS, SSH or from this machine"),
        ("git+ext::sh -c id", "HTTPS, SSH or from this machine"),
        ("git+https://h", "not the address of a git repository"),
        ("git+https:///r", "not the address of a git repository"),
        ("git+file://host/r", "not the address of a git repository"),
        ("git+https://h/r#main", "not the address of a git repository"),
        ("git+https://[h/r", "cannot be read"),
        ("git+ssh://-oProxyCommand=id/r", "no host begins with a hyphen"),
        ("git+ssh://git@-oProxyCommand=id/r", "no host begins with a hyphen"),
        ("git+https://h/r?branch=main", "unknown field 'branch'"),
        ("git+https://h/r?reff=main", "did you mean 'ref'"),
        ("git+https://h/r?ref=a&ref=b", "ref is given twice"),
        ("git+https://h/r?ref=--upload-pack=id", "not the name of a branch"),
        ("git+https://h/r?ref=a..b", "not the name of a branch"),
        ("git+https://h/r?ref=a b", "not the name of a branch"),
        ("git+https://h/r?ref=main/", "not the name of a branch"),
        ("git+https://h/r?path=../x", "not a path inside"),
        ("git+https://h/r?path=/etc", "not a path inside"),
        ("git+https://h/r?path=a/.git/hooks", "not a path inside"),
    ],
)
def test_what_is_no_address_is_refused_with_a_reason(text: str, told: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_address(text)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    "text",
    ["git+https://ann:s3cret@h/r", "git+https://s3cret@h/r", "git+ssh://git:s3cret@h/r", "git+http://a:s3cret@h/r"],
)
def test_credentials_in_an_address_are_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_address(text)
    assert "s3cret" not in str(caught.value)
    assert "PWSYNC_GIT_PASSWORD_FILE" in caught.value.hint
