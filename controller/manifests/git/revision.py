"""The newest revision of a branch or tag: found out, fetched, and its signature checked."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from controller.manifests.git.access import GitAccess
from controller.manifests.git.address import GitAddress, short_ref
from controller.manifests.git.command import Git, said
from controller.model.errors import ManifestsRefused, ManifestsUnavailable

_SHA1_DIGITS: Final = 40
_FETCHED: Final = "refs/pwsync/fetched"
_HEADS, _TAGS = "refs/heads/", "refs/tags/"


@dataclass(frozen=True, slots=True)
class Tip:
    """What a ref points to on the remote.

    Attributes:
        ref: Its full name; a commit id when the address names one.
        object_id: A commit, or the tag object of an annotated tag.
    """

    ref: str
    object_id: str

    @property
    def name(self) -> str:
        """As people call it."""
        return short_ref(self.ref)


def named(commit: str) -> str:
    """A commit id with the name of its algorithm, as revisions are written."""
    return f"{'sha1' if len(commit) == _SHA1_DIGITS else 'sha256'}:{commit}"


def look_up(git: Git, address: GitAddress, folder: Path) -> Tip:
    """Ask the remote what the ref of *address* points to now; nothing is fetched.

    Raises:
        ManifestsUnavailable: The remote cannot be asked, or has no such branch or tag, or both.
    """
    if address.names_a_commit:
        return Tip(address.ref, address.ref)
    patterns = _patterns(address.ref)
    lines = git.run(folder, "ls-remote", "--quiet", "--", address.url, *patterns).splitlines()
    advertised = [Tip(ref, object_id) for object_id, _, ref in (line.partition("\t") for line in lines)]
    found = [tip for tip in advertised if tip.ref in patterns]
    match found:
        case [tip]:
            return tip
        case []:
            what = f"branch or tag {address.ref!r}" if address.ref else "default branch"
            raise ManifestsUnavailable(f"{address}: the repository has no {what}", hint="check ref in the address")
        case _:
            hint = f"write ref={_HEADS}{address.ref} or ref={_TAGS}{address.ref}"
            raise ManifestsUnavailable(f"{address}: {address.ref!r} is a branch and a tag", hint=hint)


def _patterns(ref: str) -> tuple[str, ...]:
    if not ref:
        return ("HEAD",)
    return (ref,) if ref.startswith("refs/") else (_HEADS + ref, _TAGS + ref)


def fetch(git: Git, access: GitAccess, address: GitAddress, tip: Tip, folder: Path) -> str:
    """Fetch what *tip* names, one commit deep, into the bare repository *folder*; return the id of the commit.

    Raises:
        ManifestsUnavailable: It cannot be fetched.
        ManifestsRefused: It is not signed by anyone who may.
    """
    git.run(folder, "init", "--quiet", "--bare", "--template=", ".")
    refspec = f"+{tip.ref}:{_FETCHED}"
    git.run(folder, "fetch", "--quiet", "--depth=1", "--no-tags", "--no-write-fetch-head", "--", address.url, refspec)
    commit = git.run(folder, "rev-parse", "--verify", "--quiet", f"{_FETCHED}^{{commit}}").strip()
    if access.allowed_signers is not None:
        is_tag = git.run(folder, "cat-file", "-t", _FETCHED).strip() == "tag"
        _check_signature(git, access, address, commit, folder, is_tag=is_tag)
        if is_tag and not address.names_a_commit:
            _check_name(git, address, tip, commit, folder)
    return commit


def _check_signature(
    git: Git, access: GitAccess, address: GitAddress, commit: str, folder: Path, *, is_tag: bool
) -> None:
    """An annotated tag is checked itself; of everything else the commit.

    Raises:
        ManifestsRefused: There is no good signature of somebody in the file of allowed signers.
        ManifestsUnavailable: That file cannot be read, so that nobody knows.
    """
    if access.allowed_signers is None or not access.allowed_signers.is_file():
        raise ManifestsUnavailable(f"the file of allowed signers {access.allowed_signers} is not there")
    code, _, err = git.attempt(folder, *(("verify-tag", _FETCHED) if is_tag else ("verify-commit", commit)))
    if code != 0:
        what = "tag" if is_tag else "commit"
        raise ManifestsRefused(
            f"{address}: the {what} {commit} is not signed by anybody in {access.allowed_signers}: {said(err)}",
            revision=named(commit),
            hint="sign it with an SSH key that the file names: git commit -S",
        )


def _check_name(git: Git, address: GitAddress, tip: Tip, commit: str, folder: Path) -> None:
    """A signature holds for the name that the tag was given: the ref that leads to it is not signed.

    Raises:
        ManifestsRefused: It was signed under another name than that of the ref.
    """
    heading = git.run(folder, "cat-file", "tag", _FETCHED).partition("\n\n")[0]
    name = next((line.removeprefix("tag ") for line in heading.splitlines() if line.startswith("tag ")), "")
    if tip.ref != _TAGS + name:
        raise ManifestsRefused(
            f"{address}: what {tip.name} leads to was signed as tag {name!r}",
            revision=named(commit),
            hint="sign a tag of the name that the address asks for: git tag -s",
        )
