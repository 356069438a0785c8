"""A git repository on this machine, in which tests commit."""

import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

_ENVIRONMENT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Ann",
    "GIT_AUTHOR_EMAIL": "ann@example.com",
    "GIT_COMMITTER_NAME": "Ann",
    "GIT_COMMITTER_EMAIL": "ann@example.com",
}


@dataclass
class Repository:
    """A working tree with its repository; readers fetch from it.

    Attributes:
        signing_key: Signs every commit and tag from now on; None signs none.
    """

    folder: Path
    signing_key: Path | None = None
    environment: dict[str, str] = field(default_factory=lambda: {**os.environ, **_ENVIRONMENT})

    @classmethod
    def make(cls, folder: Path) -> "Repository":
        """Make an empty one with the branch main."""
        folder.mkdir(parents=True)
        made = cls(folder)
        made.git("init", "--quiet", "--initial-branch=main")
        return made

    @property
    def url(self) -> str:
        """Where it is, as git takes it."""
        return f"file://{self.folder}"

    @property
    def address(self) -> str:
        """Where it is, as pwsync takes it."""
        return f"git+{self.url}"

    def git(self, *arguments: str) -> str:
        """Run git in it."""
        signing = ["-c", "gpg.format=ssh", "-c", f"user.signingKey={self.signing_key}"] if self.signing_key else []
        return subprocess.run(
            ["git", *signing, *arguments],
            cwd=self.folder,
            env=self.environment,
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()

    def write(self, name: str, text: str) -> Path:
        """Write a file of the working tree."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def commit(self, files: dict[str, str] | None = None, message: str = "a change") -> str:
        """Write *files*, commit all that differs, and return the id of the commit."""
        for name, text in (files or {}).items():
            self.write(name, text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", *(["-S"] if self.signing_key else []), "-m", message)
        return self.git("rev-parse", "HEAD")


def make_signing_key(folder: Path, name: str) -> Path:
    """Make an SSH key pair; return the private one."""
    key = folder / name
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(key)], check=True)
    return key


def allow(signers: Path, *keys: Path) -> Path:
    """Write a file of allowed signers with *keys* in it."""
    lines = (f'{key.name}@example.com namespaces="git" {key.with_suffix(".pub").read_text()}' for key in keys)
    signers.write_text("".join(lines), encoding="utf-8")
    return signers
