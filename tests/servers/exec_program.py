"""A program for the exec connector: keeps salted hashes of passwords in a file, which its first argument names.

Standard library only; it runs in a clean environment.
"""

import hashlib
import json
import secrets
import sys
from pathlib import Path

REFUSED, OLD_WRONG, UNKNOWN, AWAY = 65, 66, 67, 69
SHORTEST = 8


def hashed(password: str, salt: str) -> str:
    """What is kept of a password."""
    return hashlib.sha256((salt + password).encode()).hexdigest()


def main() -> int:
    """Carry out what standard input asks for; returns the exit code."""
    file, asked = Path(sys.argv[1]), json.load(sys.stdin)
    if not file.exists():
        print("the file is away", file=sys.stderr)  # noqa: T201  # told to people
        return AWAY
    accounts = json.loads(file.read_text())
    if asked["operation"] == "check":
        return 0
    return carry_out(file, accounts, asked) if asked["account"] in accounts else UNKNOWN


def carry_out(file: Path, accounts: dict[str, tuple[str, str]], asked: dict[str, str]) -> int:
    """Carry out what is about an account."""
    salt, stored = accounts[asked["account"]]
    if asked["operation"] == "verify":
        return 0 if hashed(asked["password"], salt) == stored else 1
    if asked["operation"] == "change" and hashed(asked["oldPassword"], salt) != stored:
        return OLD_WRONG
    if len(asked["password"]) < SHORTEST:
        print(f"too short: {json.dumps(asked['password'])}", file=sys.stderr)  # noqa: T201  # a careless program
        return REFUSED
    salt = secrets.token_hex()
    accounts[asked["account"]] = (salt, hashed(asked["password"], salt))
    file.write_text(json.dumps(accounts))
    return 0


if __name__ == "__main__":
    sys.exit(main())
