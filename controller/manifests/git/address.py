"""Which repository, which branch or tag of it, and which part: ``git+https://host/repo.git?ref=main&path=manifests``."""

import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from controller.manifests.problems import did_you_mean
from controller.model.errors import InvalidInput

PREFIX: Final = "git+"
SCHEMES: Final = ("https", "ssh", "file")
_FIELDS: Final = ("ref", "path")
_REF: Final = re.compile(r"(?!-)(?!.*(?:\.\.|//|@\{|\.lock(?:/|$)))[^\x00-\x20\x7f~^:?*\[\\]+")  # git-check-ref-format
_COMMIT: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_EXAMPLE: Final = "write git+https://host/repository.git?ref=main&path=manifests"


@dataclass(frozen=True, slots=True)
class GitAddress:
    """One part of one branch or tag of a repository.

    Attributes:
        url: As git takes it; no password is in it.
        ref: A branch, a tag or a whole commit id; empty is the default branch of the repository.
        path: The folder or file inside; empty is all of it.
    """

    url: str
    ref: str = ""
    path: str = ""

    @property
    def scheme(self) -> str:
        """The transport."""
        return self.url.partition("://")[0]

    @property
    def host(self) -> str:
        """The host with its port; empty for a repository on this machine."""
        return urlsplit(self.url).netloc.rpartition("@")[2]

    @property
    def ref_name(self) -> str:
        """The ref as people call it."""
        return short_ref(self.ref) or "HEAD"

    @property
    def names_a_commit(self) -> bool:
        """Whether the ref is a commit id, of which there never is a newer one."""
        return _COMMIT.fullmatch(self.ref) is not None

    @property
    def id(self) -> str:
        """A name for files: the same for each ref, so that a plan of a branch names files as the one of main does."""
        return sha256(f"{self.url}\n{self.path}".encode("utf-8", "surrogateescape")).hexdigest()[:16]

    def __str__(self) -> str:
        given = "&".join(f"{name}={value}" for name, value in (("ref", self.ref), ("path", self.path)) if value)
        return f"{PREFIX}{self.url}{'?' if given else ''}{given}"


def short_ref(ref: str) -> str:
    """A ref as people call it: ``main`` for ``refs/heads/main``."""
    return ref.removeprefix("refs/heads/").removeprefix("refs/tags/")


def is_git(path: str) -> bool:
    """Whether a path of manifests is the address of a repository."""
    return path.startswith(PREFIX)


def parse_address(text: str) -> GitAddress:
    """Read an address.

    Raises:
        InvalidInput: It is none, or holds a password; the message does not repeat what could be one.
    """
    try:
        parts = urlsplit(text.removeprefix(PREFIX))
    except ValueError:
        raise InvalidInput("the address of a git repository cannot be read", hint=_EXAMPLE) from None
    _refuse_credentials(parts)
    if parts.scheme not in SCHEMES:
        hint = f"write git+https://, git+ssh:// or git+file://; {_EXAMPLE}"
        raise InvalidInput("manifests are read from git over HTTPS, SSH or from this machine", hint=hint)
    if parts.fragment or not parts.path.strip("/") or bool(parts.netloc) == (parts.scheme == "file"):
        raise InvalidInput(f"{text}: not the address of a git repository", hint=_EXAMPLE)
    if parts.netloc.rpartition("@")[2].startswith("-") or parts.netloc.startswith("-"):
        raise InvalidInput(f"{text}: no host begins with a hyphen")
    fields = _fields(parts.query, text)
    url = f"{parts.scheme}://{parts.netloc}{parts.path}"
    return GitAddress(url, _checked_ref(fields.get("ref", ""), text), _checked_path(fields.get("path", ""), text))


def _refuse_credentials(parts: SplitResult) -> None:
    user, has_user, _ = parts.netloc.rpartition("@")
    if has_user and (parts.scheme != "ssh" or ":" in user):
        raise InvalidInput(
            "the address of a git repository holds a user or password, which other users of this machine can read",
            hint="leave it out, and set PWSYNC_GIT_USER and PWSYNC_GIT_PASSWORD_FILE",
        )


def _fields(query: str, text: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name not in _FIELDS:
            raise InvalidInput(
                f"{text}: unknown field {name!r}", hint=did_you_mean(name, _FIELDS, "there are ref and path")
            )
        if name in fields:
            raise InvalidInput(f"{text}: {name} is given twice", hint="remove one of them")
        fields[name] = value
    return fields


def _checked_ref(ref: str, text: str) -> str:
    if ref and (not _REF.fullmatch(ref) or ref.endswith(("/", "."))):
        raise InvalidInput(f"{text}: ref: not the name of a branch, tag or commit", hint="for example ref=main")
    return ref


def _checked_path(path: str, text: str) -> str:
    inside = unquote(path).strip("/")
    if path.startswith("/") or any(part in {"", ".", "..", ".git"} for part in inside.split("/") if inside):
        raise InvalidInput(f"{text}: path: not a path inside a repository", hint="for example path=manifests")
    return inside
