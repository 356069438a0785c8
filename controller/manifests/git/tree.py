"""The files of a commit, written out without a working tree: no hook, filter or attribute has a say in it."""

import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Final

from controller.manifests.git.address import GitAddress
from controller.manifests.git.command import Git
from controller.manifests.git.revision import named
from controller.model.errors import ManifestsRefused

MOST_FILES: Final = 50_000
MOST_BYTES: Final = 256 * 1024 * 1024
_LINK, _SUBMODULE = "120000", "160000"
_NEVER: Final = {"", ".", "..", ".git"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One file, or symbolic link, of a commit."""

    path: str
    object_id: str
    size: int
    is_link: bool


def write_out(git: Git, address: GitAddress, commit: str, repository: Path, folder: Path) -> None:
    """Write what *commit* has at the path of *address* into the new folder *folder*, for its owner alone.

    Raises:
        ManifestsRefused: It is too large, has nothing there, or a link that leads out of it.
        ManifestsUnavailable: Git cannot read it.
    """
    entries = _entries(git, address, commit, repository)
    try:
        folder.mkdir(mode=0o700, parents=True)
        with TemporaryFile() as wanted, TemporaryFile() as content:
            wanted.write("".join(f"{entry.object_id}\n" for entry in entries).encode())
            wanted.seek(0)
            git.run(repository, "cat-file", "--batch", stdin=wanted, stdout=content)
            content.seek(0)
            # Links come last, so that nothing is ever written through one.
            for entry, data in sorted(_contents(content, entries), key=lambda found: found[0].is_link):
                _write(folder / entry.path, data, is_link=entry.is_link)
        _refuse_ways_out(folder, entries, address, commit)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _entries(git: Git, address: GitAddress, commit: str, repository: Path) -> list[Entry]:
    within = ("--", address.path) if address.path else ()
    listed = git.run(repository, "ls-tree", "-r", "-z", "-l", "--full-tree", commit, *within)
    entries = [entry for line in listed.split("\0") if line and (entry := _entry(line)) is not None]
    revision = named(commit)
    if not entries:
        where = f"at {address.path!r}" if address.path else "in it"
        raise ManifestsRefused(f"{address}: the commit {commit} has no file {where}", revision=revision)
    if len(entries) > MOST_FILES or sum(entry.size for entry in entries) > MOST_BYTES:
        message = f"{address}: more than {MOST_FILES:,} files or {MOST_BYTES // 1024**2} MiB"
        raise ManifestsRefused(message, revision=revision, hint="name the folder of the manifests with path=")
    if bad := next((entry for entry in entries if _NEVER & set(entry.path.split("/"))), None):
        raise ManifestsRefused(f"{address}: the commit {commit} has a file called {bad.path!r}", revision=revision)
    return entries


def _entry(line: str) -> Entry | None:
    """Read a line of git-ls-tree(1); a submodule is left out."""
    about, _, path = line.partition("\t")
    mode, _, object_id, size = about.split()
    return None if mode == _SUBMODULE else Entry(path, object_id, int(size), mode == _LINK)


def _contents(content: IO[bytes], entries: Sequence[Entry]) -> Iterator[tuple[Entry, bytes]]:
    """The answers of git-cat-file(1) come in the order of the questions."""
    for entry in entries:
        content.readline()
        yield entry, content.read(entry.size)
        content.read(1)


def _write(path: Path, data: bytes, *, is_link: bool) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if is_link:
        path.symlink_to(os.fsdecode(data.replace(b"\0", b"?")))  # one with a NUL leads nowhere
        return
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb") as file:
        file.write(data)


def _refuse_ways_out(folder: Path, entries: Sequence[Entry], address: GitAddress, commit: str) -> None:
    root = folder.resolve()
    for entry in entries:
        if entry.is_link and not _leads_to(folder / entry.path, root):
            link = f"{address}: the symbolic link {entry.path} of the commit {commit}"
            raise ManifestsRefused(
                f"{link} leads out of the manifests or to itself",
                revision=named(commit),
                hint="put a file in its place",
            )


def _leads_to(link: Path, root: Path) -> bool:
    try:
        return link.resolve().is_relative_to(root)
    except RuntimeError:  # it leads to itself
        return False
