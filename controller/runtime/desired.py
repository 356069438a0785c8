"""The desired state of one command, or of the controller: read from files, folders and repositories."""

from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from controller.connectors.registry import installed_connectors
from controller.manifests.compile import Compiled
from controller.manifests.git.address import GitAddress, is_git, parse_address
from controller.manifests.git.checkouts import Checkout, Checkouts
from controller.manifests.problems import ManifestErrors
from controller.manifests.reader import Reader
from controller.manifests.relocation import Move, relocated, renamed, renamed_errors
from controller.model.errors import ManifestsRefused, ManifestsUnavailable, PwsyncError
from controller.model.options import SecretReference
from controller.planning.state import State
from controller.ports.manifests import Provenance
from controller.runtime.references import missing_outside, resolve_secret
from controller.runtime.settings import Settings

SHORT = 12
"""Digits of a commit id that messages show."""


@dataclass(frozen=True, slots=True)
class Paths:
    """Where manifests are.

    Attributes:
        given: Files, folders, ``-`` and addresses of repositories.
        stdin: The text behind ``-``.
    """

    given: tuple[str, ...]
    stdin: str | None = None
    addresses: dict[str, GitAddress] = field(init=False)

    def __post_init__(self) -> None:
        """Read the addresses; raises InvalidInput."""
        object.__setattr__(self, "addresses", {path: parse_address(path) for path in self.given if is_git(path)})

    def __str__(self) -> str:
        return ", ".join(str(self.addresses.get(path, path)) for path in self.given)


class Reading:
    """Reads manifests as they are now: whatever is wrong with them is an error. For a person's command.

    Attributes:
        checkouts: What was read of each repository.
    """

    def __init__(self, paths: Paths, settings: Settings, *, keeps: bool = False, looks_outside: bool = False) -> None:
        """Prepare to read *paths*.

        Args:
            paths: What to read.
            settings: Where revisions are kept, and how repositories are reached.
            keeps: Keep what is fetched in the state directory; otherwise nothing stays.
            looks_outside: Warn of files and variables that are not there.
        """
        self.checkouts: dict[str, Checkout] = {}
        self._paths = paths
        self._looks_outside = looks_outside
        self._temporary: TemporaryDirectory[str] | None = None
        if paths.addresses and keeps:
            settings.make_state_dir()
        elif paths.addresses:
            self._temporary = TemporaryDirectory(prefix="pwsync-")  # goes with this object
        folder = settings.revisions_dir if self._temporary is None else Path(self._temporary.name)
        self._repositories = _repositories(paths, settings, folder)

    def compile(self) -> Compiled:
        """Fetch, and read.

        Raises:
            ManifestErrors: With every problem of every file.
            ManifestsUnavailable: A repository cannot be read.
            ManifestsRefused: A revision must not be used.
        """
        self.checkouts = {path: self._repositories.newest(address) for path, address in self._paths.addresses.items()}
        return _compile(Reader(installed_connectors()), self._paths, self.checkouts)

    def read(self) -> tuple[State, list[str]]:
        """The desired state, and warnings; raises as ``compile``."""
        compiled = self.compile()
        missing = missing_outside(compiled) if self._looks_outside else []
        return compiled.state, [str(warning) for warning in (*compiled.warnings, *missing)]

    def provenance(self) -> Provenance:
        """Where what was read last comes from."""
        return Provenance(str(self._paths), revision_of(self.checkouts))

    def accept(self) -> None:
        """What was read last is in force now.

        Raises:
            ManifestsUnavailable: It cannot be kept.
        """
        for checkout in self.checkouts.values():
            self._repositories.accept(checkout)


@dataclass(frozen=True, slots=True)
class _Good:
    """Manifests that could be read, and what they declare."""

    checkouts: dict[str, Checkout]
    state: State
    warnings: list[str]


class LastingReading:
    """Reads manifests again and again; what cannot be used never replaces what could. For the reconcile loop.

    The last good ones are kept in memory and, of repositories, in the state directory too.

    Attributes:
        paths: What is read.
    """

    def __init__(self, paths: Paths, settings: Settings) -> None:
        self.paths = paths
        self._repositories = _repositories(paths, settings, settings.revisions_dir)
        self._reader = Reader(installed_connectors())
        self._good: _Good | None = None
        self._provenance = Provenance(str(paths))

    def read(self) -> tuple[State, list[str]]:
        """The newest desired state that can be used, and warnings.

        Raises:
            ManifestErrors: The manifests cannot be used, and there are no last good ones.
            ManifestsUnavailable: Likewise of a repository that cannot be read.
            ManifestsRefused: Likewise of a revision that must not be used.
        """
        newest: dict[str, Checkout] = {}
        try:
            newest, unread = self._newest()
            good = self._compiled(newest)
        except (ManifestErrors, ManifestsUnavailable, ManifestsRefused) as error:
            self._provenance = Provenance(str(self.paths), "", _refused(error, newest), _words(error))
            good = self._fallen_back(newest, error)
            unread = error
        self._good = good
        refused = "" if unread is None else _refused(unread, newest)
        problem = "" if unread is None else _words(unread)
        self._provenance = Provenance(str(self.paths), revision_of(good.checkouts), refused, problem)
        return good.state, good.warnings

    def provenance(self) -> Provenance:
        """Where what was read last comes from."""
        return self._provenance

    def accept(self) -> None:
        """What was read last is in force now.

        Raises:
            ManifestsUnavailable: It cannot be kept.
        """
        if self._good is not None:
            for checkout in self._good.checkouts.values():
                self._repositories.accept(checkout)

    def read_in_force(self) -> tuple[State, list[str]]:
        """What was read last, without asking anybody; for who only looks. Reads when nothing was read yet."""
        good = self._good
        return self.read() if good is None else (good.state, good.warnings)

    def has_news(self) -> bool:
        """Whether a repository has another revision than the one that was tried last.

        Raises:
            ManifestsUnavailable: It cannot be asked.
        """
        return any(self._repositories.has_news(address) for address in self.paths.addresses.values())

    def _newest(self) -> tuple[dict[str, Checkout], PwsyncError | None]:
        """The newest revision of each repository, or its last good one and why."""
        found: dict[str, Checkout] = {}
        problem: PwsyncError | None = None
        for path, address in self.paths.addresses.items():
            try:
                found[path] = self._repositories.newest(address)
            except (ManifestsUnavailable, ManifestsRefused) as error:
                good = self._last_good(path, address)
                if good is None:
                    raise
                found[path], problem = good, problem or error
        return found, problem

    def _last_good(self, path: str, address: GitAddress) -> Checkout | None:
        read_before = None if self._good is None else self._good.checkouts.get(path)
        return read_before or self._repositories.last_good(address)

    def _fallen_back(self, newest: dict[str, Checkout], error: PwsyncError) -> _Good:
        if self._good is not None:
            return self._good
        kept = {path: self._repositories.last_good(address) for path, address in self.paths.addresses.items()}
        good = {path: checkout for path, checkout in kept.items() if checkout is not None}
        if good and good.keys() == kept.keys() and good != newest:
            with suppress(ManifestErrors):  # then the first error is the one to tell
                return self._compiled(good)
        raise error

    def _compiled(self, checkouts: dict[str, Checkout]) -> _Good:
        compiled = _compile(self._reader, self.paths, checkouts)
        return _Good(checkouts, compiled.state, [str(warning) for warning in compiled.warnings])


def _repositories(paths: Paths, settings: Settings, folder: Path) -> Checkouts:
    """What fetches into *folder*.

    Raises:
        SettingsError: The file with the password is not there, or is open to every user.
    """
    if paths.addresses and settings.git.password_file is not None:
        resolve_secret(SecretReference(file=str(settings.git.password_file)))
    return Checkouts(folder, settings.git, stored_in=settings.revisions_dir)


def _compile(reader: Reader, paths: Paths, checkouts: dict[str, Checkout]) -> Compiled:
    """Read manifests with the repositories among them as they were checked out.

    Raises:
        ManifestErrors: With every problem of every file.
    """
    moves = [Move(c.tree, c.stored_as, f"{c.ref}@{c.commit[:SHORT]}") for c in checkouts.values()]
    read = [str(checkouts[path].path) if path in checkouts else path for path in paths.given]
    try:
        compiled = reader.read(read, stdin=paths.stdin)
    except ManifestErrors as error:
        raise renamed_errors(error, moves) from None
    return replace(
        compiled,
        state=relocated(compiled.state, moves),
        warnings=tuple(renamed(compiled.warnings, moves)),
        weakening=tuple(renamed(compiled.weakening, moves)),
    )


def revision_of(checkouts: dict[str, Checkout]) -> str:
    """The revisions of all repositories; empty when there are none."""
    return " ".join(checkout.revision for checkout in checkouts.values())


def _refused(error: PwsyncError, newest: dict[str, Checkout]) -> str:
    if isinstance(error, ManifestsRefused):
        return error.revision
    return revision_of(newest) if isinstance(error, ManifestErrors) else ""


def _words(error: PwsyncError) -> str:
    return "; ".join(str(error).splitlines())
