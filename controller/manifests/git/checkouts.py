"""Where revisions of repositories stand on this machine: the newest one for reading, the last good one to fall back on.

FOLDER/ID/trees/COMMIT/    the files of one commit, never altered
FOLDER/ID/current          a link to the last one whose manifests could be used
FOLDER/ID/ref              what the branch or tag of that one is called
"""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from controller.manifests.git.access import GitAccess
from controller.manifests.git.address import GitAddress
from controller.manifests.git.command import Git
from controller.manifests.git.revision import Tip, fetch, look_up, named
from controller.manifests.git.tree import write_out
from controller.model.errors import ManifestsUnavailable

_TREES, _CURRENT, _REF = "trees", "current", "ref"


@dataclass(frozen=True, slots=True)
class Checkout:
    """The files of one revision.

    Attributes:
        ref: What its branch or tag is called.
        tree: Where the files are.
        stored_as: The same place under a name that stays when the revision changes: objects are stored with it.
    """

    address: GitAddress
    ref: str
    commit: str
    tree: Path
    stored_as: Path

    @property
    def path(self) -> Path:
        """The folder or file to read."""
        return self.tree / self.address.path

    @property
    def revision(self) -> str:
        """For people and for the record: ``main@sha1:...``."""
        return f"{self.ref}@{named(self.commit)}"


class Checkouts:
    """The revisions of any number of addresses. Several processes may share the folder."""

    def __init__(self, folder: Path, access: GitAccess, *, stored_in: Path | None = None) -> None:
        """Keep them in *folder*; objects are stored as if that were *stored_in*."""
        self._folder = folder
        self._stored_in = stored_in or folder
        self._access = access
        self._tried: dict[GitAddress, Tip] = {}
        self._commits: dict[tuple[GitAddress, Tip, bytes], str] = {}

    def newest(self, address: GitAddress) -> Checkout:
        """The newest revision, fetched when it is not here yet, or who may sign it has changed since.

        Raises:
            ManifestsUnavailable: It cannot be had.
            ManifestsRefused: It must not be used.
        """
        git = Git(self._access, address)
        with self._locked(address) as home:
            tip = look_up(git, address, home)
            self._tried[address] = tip
            key = (address, tip, self._access.signers_digest())
            commit = self._commits.get(key)
            if commit is None or not (home / _TREES / commit).is_dir():
                commit = self._fetched(git, address, tip, home)
                self._commits = {other: value for other, value in self._commits.items() if other[0] != address}
                self._commits[key] = commit
            return self._checkout(address, tip.name, commit, home)

    def has_news(self, address: GitAddress) -> bool:
        """Whether the remote has another revision than the one that was last tried.

        Raises:
            ManifestsUnavailable: The remote cannot be asked.
        """
        with TemporaryDirectory(prefix="pwsync-git-") as empty:
            tip = look_up(Git(self._access, address), address, Path(empty))
        return self._tried.get(address) != tip

    def last_good(self, address: GitAddress) -> Checkout | None:
        """The revision that was accepted last, also before a restart; None when none ever was."""
        home = self._folder / address.id
        try:
            commit = (home / _CURRENT).readlink().name
            ref = (home / _REF).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        if ref != address.ref_name:
            return None
        return self._checkout(address, ref, commit, home)

    def accept(self, checkout: Checkout) -> None:
        """Make it the last good one. Of those before only the one that it replaces is kept, for who still reads it."""
        with self._locked(checkout.address) as home:
            before = self.last_good(checkout.address)
            if before is not None and before.commit == checkout.commit:
                return
            (home / _REF).write_text(checkout.ref, encoding="utf-8")
            new = home / f".{_CURRENT}"
            new.unlink(missing_ok=True)
            new.symlink_to(Path(_TREES, checkout.commit))
            new.replace(home / _CURRENT)
            kept = {checkout.commit} | ({before.commit} if before is not None else set())
            for tree in (home / _TREES).iterdir():
                if tree.name not in kept:
                    shutil.rmtree(tree, ignore_errors=True)  # what cannot be removed now is removed the next time

    def _fetched(self, git: Git, address: GitAddress, tip: Tip, home: Path) -> str:
        with TemporaryDirectory(prefix="fetch-", dir=home) as folder:
            repository, new = Path(folder, "repository"), Path(folder, "tree")
            repository.mkdir()
            commit = fetch(git, self._access, address, tip, repository)
            tree = home / _TREES / commit
            if not tree.is_dir():
                write_out(git, address, commit, repository, new)
                tree.parent.mkdir(mode=0o700, exist_ok=True)
                new.rename(tree)
        return commit

    def _checkout(self, address: GitAddress, ref: str, commit: str, home: Path) -> Checkout:
        stored_as = self._stored_in / address.id / _CURRENT
        return Checkout(address, ref, commit, home / _TREES / commit, stored_as)

    @contextmanager
    def _locked(self, address: GitAddress) -> Iterator[Path]:
        """The folder of *address*, with other processes kept out."""
        home = self._folder / address.id
        try:
            home.mkdir(mode=0o700, parents=True, exist_ok=True)
            with (home / "lock").open("w", encoding="utf-8") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield home
        except OSError as error:
            message = f"{address}: its files cannot be kept in {home}: {error.strerror}"
            raise ManifestsUnavailable(
                message, hint="check the disk and the permissions of the state directory"
            ) from error
