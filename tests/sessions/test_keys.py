"""Sessions of the keyring: made, backed up, lost, restored, rotated, killed while rotating."""

import json
import signal
from datetime import UTC, datetime
from pathlib import Path

from controller.model.credential import StoredSecret, external_credential_place
from controller.model.secret import Secret
from controller.sealing.keysource import load_keyring
from controller.sealing.sealer import KeyringSealer
from controller.store.opening import open_store
from tests.sessions.shell import Shell
from tests.sessions.test_run import call

PASSWORD = "In-force-before-31"
BACKUP_PASSWORD = "six random words are long enough"
VALUES = 3000


def key_file(shell: Shell) -> Path:
    return shell.folder / ".pwsync" / "master.key"


def let_settle(shell: Shell) -> None:
    """As if the newest key had been sealing for a long time."""
    shell.alter_store(
        "UPDATE identities SET value = CAST('2026-01-01T00:00:00+00:00' AS BLOB) WHERE name LIKE 'sealing since %'"
    )


def stored(shell: Shell) -> str:
    return shell.expect(0, "credentials", "show", "INTRANET", "alice", "--reveal").out


def test_a_lost_keyring_comes_back_from_its_backup_and_everything_opens(quickstart: Shell) -> None:
    quickstart.expect(0, "secret", "generate")
    assert "exists already" in quickstart.expect(1, "secret", "generate").err
    quickstart.expect(0, "demo")
    quickstart.expect(0, "credentials", "set", "INTRANET", "alice", stdin=f"{PASSWORD}\n")
    made = quickstart.expect(0, "secret", "backup", "keys.backup", stdin=f"{BACKUP_PASSWORD}\n")
    assert "(1 key)" in made.err
    backup = quickstart.folder / "keys.backup"
    assert backup.stat().st_mode & 0o7777 == 0o600
    assert "exists already" in quickstart.expect(1, "secret", "backup", "keys.backup", stdin=f"{BACKUP_PASSWORD}\n").err

    key_file(quickstart).unlink()
    assert "does not exist" in quickstart.expect(1, "credentials", "show", "INTRANET", "alice", "--reveal").err
    assert "sealed with another keyring" in quickstart.expect(1, "secret", "generate").err
    wrong = quickstart.expect(1, "secret", "restore", "keys.backup", stdin="another password of mine\n")
    assert "does not open with this password" in wrong.err
    assert not key_file(quickstart).exists()
    restored = quickstart.expect(0, "secret", "restore", "keys.backup", stdin=f"{BACKUP_PASSWORD}\n")
    assert "It belongs to this database" in restored.err
    assert stored(quickstart) == f"{PASSWORD}\n"

    again = quickstart.expect(0, "secret", "restore", "keys.backup", stdin=f"{BACKUP_PASSWORD}\n")
    assert "is this keyring already" in again.err
    names = [event["name"] for event in json.loads(quickstart.expect(0, "get", "events", "-o", "json").out)["items"]]
    assert {"keyringBackedUp", "keyringRestored"} <= set(names)
    assert BACKUP_PASSWORD not in quickstart.transcript


def test_the_backup_password_comes_from_a_file_or_a_variable_and_is_never_short(quickstart: Shell) -> None:
    quickstart.expect(0, "demo")
    quickstart.write("password", f"{BACKUP_PASSWORD}\n").chmod(0o600)
    quickstart.variables["BACKUP_PASSWORD"] = BACKUP_PASSWORD
    quickstart.expect(0, "secret", "backup", "one", "--password-file", "password")
    quickstart.expect(0, "secret", "restore", "one", "--password-env", "BACKUP_PASSWORD")
    short = quickstart.expect(1, "secret", "backup", "two", stdin="elevenchars\n")
    assert "fewer than 12 characters" in short.err
    both = quickstart.expect(1, "secret", "backup", "two", "--password-file", "p", "--password-env", "E")
    assert "exclude each other" in both.err
    unset = quickstart.expect(1, "secret", "backup", "two", "--password-env", "NOT-SET")
    assert "not set" in unset.err
    assert "NOT-SET" not in unset.err
    assert not (quickstart.folder / "two").exists()


def test_a_backup_of_another_installation_is_refused_and_one_that_replaces_keeps_the_former(quickstart: Shell) -> None:
    quickstart.expect(0, "demo")
    quickstart.expect(0, "secret", "generate", "--state-dir", "other")
    quickstart.expect(0, "secret", "backup", "other.backup", "--state-dir", "other", stdin=f"{BACKUP_PASSWORD}\n")
    foreign = quickstart.expect(1, "secret", "restore", "other.backup", "--replace", stdin=f"{BACKUP_PASSWORD}\n")
    assert "does not belong to this database" in foreign.err

    quickstart.expect(0, "credentials", "set", "INTRANET", "alice", stdin=f"{PASSWORD}\n")
    quickstart.expect(0, "secret", "backup", "before", stdin=f"{BACKUP_PASSWORD}\n")
    quickstart.expect(0, "secret", "rotate")
    refused = quickstart.expect(1, "secret", "restore", "before", stdin=f"{BACKUP_PASSWORD}\n")
    assert "the backup is older than the key file" in refused.err
    assert "nothing needs to be restored" in refused.err
    older = quickstart.expect(0, "secret", "restore", "before", "--replace", stdin=f"{BACKUP_PASSWORD}\n")
    assert "older than the last rotation" in older.err
    (former,) = key_file(quickstart).parent.glob("master.key.replaced-*")
    former.rename(key_file(quickstart))
    assert stored(quickstart) == f"{PASSWORD}\n"


def test_a_file_in_which_nothing_can_be_restored_is_told(shell: Shell) -> None:
    shell.write("empty", "")
    assert "is no backup" in shell.expect(1, "secret", "restore", "empty", stdin="x\n").err
    assert "cannot be read" in shell.expect(1, "secret", "restore", "missing", stdin="x\n").err
    assert "does not exist" in shell.expect(1, "secret", "backup", "b", stdin=f"{BACKUP_PASSWORD}\n").err
    assert "does not exist" in shell.expect(1, "secret", "rotate").err
    assert "two different steps" in shell.expect(1, "secret", "rotate", "--prepare", "--retire").err


def test_a_restored_keyring_without_a_database_says_that_nothing_was_checked(shell: Shell) -> None:
    shell.expect(0, "secret", "generate", "--state-dir", "other")
    shell.expect(0, "secret", "backup", "b", "--state-dir", "other", stdin=f"{BACKUP_PASSWORD}\n")
    restored = shell.expect(0, "secret", "restore", "b", "--state-dir", "fresh", stdin=f"{BACKUP_PASSWORD}\n")
    assert "no database yet to check it against" in restored.err


def test_keys_are_rotated_beside_a_running_controller_and_retired_afterwards(quickstart: Shell) -> None:
    quickstart.expect(0, "demo")
    token = quickstart.expect(0, "token", "create", "dc1").out.strip()
    with quickstart.started("run", "--listen", "127.0.0.1:0") as process:
        assert process.stdout is not None
        address = process.stdout.readline().decode().split()[-1]
        changes = f"{address}/v1/domains/CORP/changes"
        for number in range(3):
            assert call(changes, token, {"account": "CORP\\alice", "password": f"{PASSWORD}-{number}"})[0] == 202
            quickstart.expect(0, "secret", "rotate")
        quickstart.expect(0, "secret", "rotate", "--prepare")
        assert "seals only since" in quickstart.expect(1, "secret", "rotate", "--retire").err
        let_settle(quickstart)
        assert "Removed:" in quickstart.expect(0, "secret", "rotate", "--retire").err
        status, answer = call(changes, token, {"account": "CORP\\alice", "password": f"{PASSWORD}-last"})
        assert status == 202
        while call(f"{address}/v1/changes/{answer['trackingId']}", token)[1]["state"] == "accepted":
            pass
        quickstart.ended(process, by=signal.SIGTERM)
    assert stored(quickstart) == f"{PASSWORD}-last\n"
    masters = load_keyring(key_file(quickstart)).masters
    assert len(masters) == 2
    quickstart.expect(0, "secret", "rotate")
    assert load_keyring(key_file(quickstart)).newest.id == masters[0].id
    let_settle(quickstart)
    assert "Removed:" in quickstart.expect(0, "secret", "rotate", "--retire").err
    assert "no older keys" in quickstart.expect(0, "secret", "rotate", "--retire").err
    assert stored(quickstart) == f"{PASSWORD}-last\n"
    assert "sealBroken" not in quickstart.transcript


def test_older_keys_are_kept_while_something_cannot_be_rewrapped(quickstart: Shell) -> None:
    quickstart.expect(0, "demo")
    quickstart.expect(0, "credentials", "set", "INTRANET", "alice", stdin=f"{PASSWORD}\n")
    quickstart.alter_store(
        "UPDATE credentials SET sealed = CAST(substr(sealed, 1, 40) || zeroblob(length(sealed) - 40) AS BLOB)"
    )
    assert "Left as it is" in quickstart.expect(0, "secret", "rotate").err
    let_settle(quickstart)
    refused = quickstart.expect(1, "secret", "rotate", "--retire")
    assert "older keys are kept" in refused.err
    quickstart.expect(0, "credentials", "clear", "INTRANET", "alice")
    quickstart.alter_store("DELETE FROM credentials")
    assert "Removed:" in quickstart.expect(0, "secret", "rotate", "--retire").err


def test_older_keys_are_kept_while_replay_files_may_need_them(quickstart: Shell) -> None:
    quickstart.expect(0, "demo")
    quickstart.expect(0, "secret", "rotate")
    let_settle(quickstart)
    aside = quickstart.write(".pwsync/replay/000000000001-0123456789abcdef.replay.damaged", "")
    aside.parent.chmod(0o700)
    assert "replay files" in quickstart.expect(1, "secret", "rotate", "--retire").err
    aside.unlink()
    quickstart.expect(0, "secret", "rotate", "--retire")


def test_a_rotation_that_is_killed_again_and_again_comes_to_its_end(quickstart: Shell) -> None:
    quickstart.expect(0, "demo")
    fill(quickstart)
    for batches in (1, 2, 5):
        with quickstart.started("secret", "rotate") as process:
            assert process.stderr is not None
            for _ in range(batches):
                assert process.stderr.readline().startswith(b"Sealed anew")
            process.kill()
            process.wait()
    assert len(load_keyring(key_file(quickstart)).masters) == 2
    assert "An earlier rotation is finished" in quickstart.expect(0, "secret", "rotate").err
    assert len(load_keyring(key_file(quickstart)).masters) == 2
    let_settle(quickstart)
    quickstart.expect(0, "secret", "rotate", "--retire")
    assert all_open(quickstart) == VALUES


def fill(shell: Shell) -> None:
    """Many credentials, sealed with the key of the installation."""
    sealer = KeyringSealer(load_keyring(key_file(shell)))
    store = open_store(f"sqlite:///{shell.folder / '.pwsync' / 'pwsync.db'}")
    try:
        with store.write() as tx:
            for number in range(VALUES):
                name = f"user{number:05}"
                sealed = sealer.seal(Secret(name), external_credential_place("FILL", name, "Password"))
                secret = StoredSecret(sealed, 0, "", datetime(2026, 1, 1, tzinfo=UTC))
                tx.credentials.put_external("FILL", name, "Password", secret)
    finally:
        store.close()


def all_open(shell: Shell) -> int:
    """How many of the many open with the key that is left."""
    keyring = load_keyring(key_file(shell))
    assert len(keyring.masters) == 1
    sealer = KeyringSealer(keyring)
    store = open_store(f"sqlite:///{shell.folder / '.pwsync' / 'pwsync.db'}")
    try:
        with store.read() as tx:
            names = [f"user{number:05}" for number in range(VALUES)]
            opened = (
                sealer.open(
                    tx.credentials.external("FILL", name)["Password"].sealed,
                    external_credential_place("FILL", name, "Password"),
                )
                == Secret(name)
                for name in names
            )
            return sum(opened)
    finally:
        store.close()
