"""Revisions of real repositories on this machine."""

import os
import shutil
import stat
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from controller.manifests.git import command
from controller.manifests.git.access import GitAccess
from controller.manifests.git.address import GitAddress, parse_address
from controller.manifests.git.checkouts import Checkouts
from controller.manifests.git.command import Git
from controller.model.errors import ManifestsRefused, ManifestsUnavailable
from tests.doubles.repositories import Repository, allow, make_signing_key

MAIN = {"manifests/a.yaml": "a: 1\n", "manifests/sub/b.csv": "b\n", "README.md": "hello\n"}


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository.make(tmp_path / "remote")
    made.commit(MAIN)
    return made


@pytest.fixture
def checkouts(tmp_path: Path) -> Checkouts:
    return Checkouts(tmp_path / "kept", GitAccess())


def address(repository: Repository, query: str = "ref=main&path=manifests") -> GitAddress:
    return parse_address(f"{repository.address}?{query}" if query else repository.address)


def files_of(folder: Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): p.read_text() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_a_revision_is_the_files_at_its_path(repository: Repository, checkouts: Checkouts) -> None:
    found = checkouts.newest(address(repository))
    commit = repository.git("rev-parse", "HEAD")
    assert files_of(found.path) == {"a.yaml": "a: 1\n", "sub/b.csv": "b\n"}
    assert files_of(found.tree).keys() == {"manifests/a.yaml", "manifests/sub/b.csv"}
    assert found.revision == f"main@sha1:{commit}"
    modes = {stat.S_IMODE(p.stat().st_mode) & 0o077 for p in found.tree.parent.parent.rglob("*") if p.is_dir()}
    assert modes == {0}, "for its owner alone"


@pytest.mark.parametrize(("query", "name"), [("", "HEAD"), ("ref=v1", "v1"), ("ref=refs/heads/main", "main")])
def test_a_ref_is_a_branch_a_tag_or_the_default(
    repository: Repository, checkouts: Checkouts, query: str, name: str
) -> None:
    repository.git("tag", "-a", "v1", "-m", "one")
    found = checkouts.newest(address(repository, query))
    assert found.revision == f"{name}@sha1:{repository.git('rev-parse', 'HEAD')}"


def test_a_commit_id_is_fetched_where_the_host_allows_it(repository: Repository, checkouts: Checkouts) -> None:
    first = repository.git("rev-parse", "HEAD")
    repository.commit({"manifests/a.yaml": "a: 2\n"})
    repository.git("config", "uploadpack.allowAnySHA1InWant", "true")
    found = checkouts.newest(address(repository, f"ref={first}&path=manifests/a.yaml"))
    assert found.path.read_text() == "a: 1\n"


def test_news_are_noticed_and_fetched_once(repository: Repository, checkouts: Checkouts) -> None:
    main = address(repository)
    assert checkouts.has_news(main)
    first = checkouts.newest(main)
    assert not checkouts.has_news(main)
    before = first.tree.stat().st_ino
    assert checkouts.newest(main).tree.stat().st_ino == before
    repository.commit({"manifests/a.yaml": "a: 2\n"})
    assert checkouts.has_news(main)
    assert files_of(checkouts.newest(main).path)["a.yaml"] == "a: 2\n"


def test_the_last_good_one_outlives_the_remote_and_the_process(
    tmp_path: Path, repository: Repository, checkouts: Checkouts
) -> None:
    main = address(repository)
    assert checkouts.last_good(main) is None
    checkouts.accept(checkouts.newest(main))
    shutil.rmtree(repository.folder)
    after = Checkouts(tmp_path / "kept", GitAccess())
    with pytest.raises(ManifestsUnavailable):
        after.newest(main)
    good = after.last_good(main)
    assert good is not None
    assert files_of(good.path)["a.yaml"] == "a: 1\n"
    assert after.last_good(address(repository, "ref=other&path=manifests")) is None, "it is that of another branch"
    assert (good.stored_as / "manifests" / "a.yaml").read_text() == "a: 1\n", "objects name a place that stays"


def test_revisions_that_nobody_reads_any_more_are_removed(repository: Repository, checkouts: Checkouts) -> None:
    main = address(repository)
    for number in range(4):
        repository.commit({"manifests/a.yaml": f"a: {number}\n"})
        last = checkouts.newest(main)
        checkouts.accept(last)
        checkouts.accept(last)
    assert len(list(last.tree.parent.iterdir())) == 2
    assert files_of(last.stored_as)["manifests/a.yaml"] == "a: 3\n"


def test_a_tree_that_is_gone_is_fetched_again(repository: Repository, checkouts: Checkouts) -> None:
    found = checkouts.newest(address(repository))
    shutil.rmtree(found.tree)
    assert files_of(checkouts.newest(address(repository)).path)["a.yaml"] == "a: 1\n"


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("ref=away", "no branch or tag 'away'"),
        ("ref=both", "'both' is a branch and a tag"),
        ("ref=main&path=nothing", "has no file at 'nothing'"),
    ],
)
def test_what_is_not_there_is_told(repository: Repository, checkouts: Checkouts, query: str, told: str) -> None:
    repository.git("branch", "both")
    repository.git("tag", "both")
    with pytest.raises((ManifestsUnavailable, ManifestsRefused)) as caught:
        checkouts.newest(address(repository, query))
    assert told in str(caught.value)


@pytest.mark.parametrize("target", ["/etc/passwd", "../../../../etc", "up/../../..", "z"])
def test_a_link_that_leads_out_is_refused(repository: Repository, checkouts: Checkouts, target: str) -> None:
    (repository.folder / "manifests/up").symlink_to(".")
    (repository.folder / "manifests/z").symlink_to(target)
    repository.commit()
    with pytest.raises(ManifestsRefused) as caught:
        checkouts.newest(address(repository))
    assert "leads out of the manifests" in str(caught.value)
    assert caught.value.revision == f"sha1:{repository.git('rev-parse', 'HEAD')}"


def test_a_link_inside_is_followed_and_a_submodule_left_out(repository: Repository, checkouts: Checkouts) -> None:
    (repository.folder / "manifests/again.yaml").symlink_to("a.yaml")
    commit = repository.git("rev-parse", "HEAD")
    repository.git("update-index", "--add", "--cacheinfo", f"160000,{commit},manifests/module")
    repository.commit()
    assert files_of(checkouts.newest(address(repository)).path).keys() == {"a.yaml", "again.yaml", "sub/b.csv"}


def test_what_is_too_large_is_refused(
    repository: Repository, checkouts: Checkouts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("controller.manifests.git.tree.MOST_FILES", 1)
    with pytest.raises(ManifestsRefused, match="more than 1 files"):
        checkouts.newest(address(repository))


def test_a_folder_that_cannot_be_written_is_told(repository: Repository, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ManifestsUnavailable, match="cannot be kept"):
        Checkouts(tmp_path / "file" / "kept", GitAccess()).newest(address(repository))


def test_only_signed_revisions_count_when_signers_are_named(repository: Repository, tmp_path: Path) -> None:
    ann, eve = make_signing_key(tmp_path, "ann"), make_signing_key(tmp_path, "eve")
    signers = allow(tmp_path / "signers", ann)
    checkouts = Checkouts(tmp_path / "kept", GitAccess(allowed_signers=signers))
    with pytest.raises(ManifestsRefused, match="is not signed by anybody in"):
        checkouts.newest(address(repository))
    repository.signing_key = eve
    repository.commit({"manifests/a.yaml": "a: eve\n"})
    with pytest.raises(ManifestsRefused, match="is not signed by anybody in"):
        checkouts.newest(address(repository))
    repository.signing_key = ann
    repository.commit({"manifests/a.yaml": "a: ann\n"})
    assert files_of(checkouts.newest(address(repository)).path)["a.yaml"] == "a: ann\n"
    signers.unlink()
    with pytest.raises(ManifestsUnavailable, match="file of allowed signers"):
        Checkouts(tmp_path / "other", GitAccess(allowed_signers=signers)).newest(address(repository))


def test_a_signed_tag_vouches_for_its_commit(repository: Repository, tmp_path: Path) -> None:
    repository.signing_key = make_signing_key(tmp_path, "ann")
    repository.git("tag", "-s", "v1", "-m", "one")
    repository.signing_key = make_signing_key(tmp_path, "eve")
    repository.git("tag", "-s", "v2", "-m", "two")
    checkouts = Checkouts(tmp_path / "kept", GitAccess(allowed_signers=allow(tmp_path / "s", tmp_path / "ann")))
    assert checkouts.newest(address(repository, "ref=v1")).ref == "v1"
    with pytest.raises(ManifestsRefused, match=r"the tag .* is not signed"):
        checkouts.newest(address(repository, "ref=v2"))


def test_a_tag_counts_under_the_name_alone_that_was_signed(repository: Repository, tmp_path: Path) -> None:
    repository.signing_key = make_signing_key(tmp_path, "ann")
    repository.git("tag", "-s", "old", "-m", "one")
    repository.git("update-ref", "refs/tags/release", "refs/tags/old")
    repository.git("update-ref", "refs/other/old", "refs/tags/old")
    checkouts = Checkouts(tmp_path / "kept", GitAccess(allowed_signers=allow(tmp_path / "s", tmp_path / "ann")))
    for ref in ("release", "refs/other/old"):
        with pytest.raises(ManifestsRefused, match="was signed as tag 'old'"):
            checkouts.newest(address(repository, f"ref={ref}"))
    assert checkouts.newest(address(repository, "ref=old")).ref == "old"


def test_a_signer_who_is_taken_out_counts_no_longer(repository: Repository, tmp_path: Path) -> None:
    ann, eve = make_signing_key(tmp_path, "ann"), make_signing_key(tmp_path, "eve")
    signers = allow(tmp_path / "signers", ann)
    repository.signing_key = ann
    repository.commit({"manifests/a.yaml": "a: ann\n"})
    checkouts = Checkouts(tmp_path / "kept", GitAccess(allowed_signers=signers))
    found = checkouts.newest(address(repository))
    assert checkouts.newest(address(repository)) == found
    signers.unlink()
    allow(signers, eve)
    with pytest.raises(ManifestsRefused, match="is not signed by anybody in"):
        checkouts.newest(address(repository))


def test_a_git_that_says_too_much_is_not_believed(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "MOST_SAID", 2)
    git = Git(GitAccess(), address(repository))
    with pytest.raises(ManifestsUnavailable, match="git version said more than"):
        git.run(tmp_path, "version")


def test_a_signature_of_another_kind_asks_no_keyring(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gpg that finds every signature good, first in PATH."""
    gpg = repository.write(
        "bin/gpg", "#!/bin/sh\necho '[GNUPG:] GOODSIG 1 ann' >&1\necho '[GNUPG:] TRUST_ULTIMATE' >&1\n"
    )
    gpg.chmod(0o755)
    monkeypatch.setenv("PATH", f"{gpg.parent}:{os.environ['PATH']}")
    text = repository.git("cat-file", "commit", "HEAD")
    head, _, message = text.partition("\n\n")
    armour = "gpgsig -----BEGIN PGP SIGNATURE-----\n \n aaaa\n -----END PGP SIGNATURE-----"
    forged = repository.write("forged", f"{head}\n{armour}\n\n{message}\n")
    commit = repository.git("hash-object", "-t", "commit", "-w", str(forged))
    repository.git("update-ref", "refs/heads/main", commit)
    signers = allow(tmp_path / "signers", make_signing_key(tmp_path, "ann"))
    with pytest.raises(ManifestsRefused, match="is not signed by anybody"):
        Checkouts(tmp_path / "kept", GitAccess(allowed_signers=signers)).newest(address(repository))


def test_nothing_that_comes_with_a_repository_or_a_user_is_run(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Filters in attributes, hooks and helpers in the user's own settings."""
    trace = tmp_path / "trace"
    home = tmp_path / "home"
    home.mkdir()
    hook = home / "hooks" / "reference-transaction"
    hook.parent.mkdir()
    hook.write_text(f"#!/bin/sh\necho hook >> {trace}\n")
    hook.chmod(0o755)
    (home / ".gitconfig").write_text(
        f'[core]\n hooksPath = {hook.parent}\n[filter "x"]\n smudge = echo smudge >> {trace}\n required = true\n'
        f'[url "file:///nowhere/"]\n insteadOf = file://\n'
    )
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.hooksPath")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", str(hook.parent))
    kept = Repository(repository.folder, environment={**repository.environment, "HOME": str(tmp_path)})
    kept.commit({"manifests/.gitattributes": "*.yaml filter=x export-ignore\n"})
    found = Checkouts(tmp_path / "kept", GitAccess()).newest(address(repository))
    assert files_of(found.path)["a.yaml"] == "a: 1\n"
    assert not trace.exists()


def test_a_git_that_does_not_end_is_ended_with_its_family(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = repository.write("bin/git", f"#!/bin/sh\nsleep 1000 & echo $! > {tmp_path}/child\nwait\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}:{os.environ['PATH']}")
    git = Git(GitAccess(), address(repository), patience=timedelta(seconds=1))
    with pytest.raises(ManifestsUnavailable, match="did not end within 1 seconds"):
        git.run(tmp_path, "version")
    child = int((tmp_path / "child").read_text())
    deadline = time.monotonic() + 60
    while not _has_ended(child):
        assert time.monotonic() < deadline, "it goes on"


def _has_ended(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().split()[2] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_a_machine_without_git_says_so(repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    with pytest.raises(ManifestsUnavailable, match="there is no git on this machine"):
        Git(GitAccess(), address(repository)).run(tmp_path, "version")


def test_over_ssh_nothing_is_asked_and_the_key_and_hosts_are_those_given(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An ssh that runs what it is told on this machine, as the host would."""
    ssh = repository.write(
        "bin/ssh", f'#!/bin/sh\nprintf "%s\\n" "$@" >{tmp_path}/words\nfor last; do :; done\nexec sh -c "$last"\n'
    )
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{ssh.parent}:{os.environ['PATH']}")
    access = GitAccess(ssh_key=tmp_path / "a key", known_hosts=tmp_path / "known hosts")
    over_ssh = replace(address(repository), url=f"ssh://git@host.example.com{repository.folder}")
    assert files_of(Checkouts(tmp_path / "kept", access).newest(over_ssh).path)["a.yaml"] == "a: 1\n"
    words = (tmp_path / "words").read_text().splitlines()
    assert {"-oBatchMode=yes", "-oStrictHostKeyChecking=yes", "-oIdentitiesOnly=yes"} < set(words)
    assert str(tmp_path / "a key") in words
    assert f'-oUserKnownHostsFile="{tmp_path}/known hosts"' in words
