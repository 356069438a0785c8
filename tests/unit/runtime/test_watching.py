"""Manifests that change are noticed at once."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Event

import pytest
from watchfiles import Change

from controller.runtime.desired import LastingReading, Paths
from controller.runtime.settings import settings_of
from controller.runtime.watching import ManifestWatch, _may_matter
from tests.doubles.repositories import Repository

PATIENCE = 30
SYSTEM = "apiVersion: pwsync/v1\nkind: System\nmetadata: {name: default}\n"


@contextmanager
def watching(tmp_path: Path, given: str) -> Iterator[tuple[LastingReading, Event]]:
    """A watch that is under way, and what it sets."""
    woken = Event()
    reading = LastingReading(Paths((given,)), settings_of(tmp_path / "state", environ={}))
    watch = ManifestWatch(reading.paths, reading, timedelta(milliseconds=50), woken.set)
    watch.start()
    try:
        yield reading, woken
    finally:
        watch.stop()


def _write_until_noticed(path: Path, woken: Event) -> bool:
    """The kernel tells only of what happens after the watch has begun, which nothing tells."""
    for number in range(PATIENCE * 2):
        path.write_text(f"{SYSTEM}# {number}\n", encoding="utf-8")
        if woken.wait(0.5):
            return True
    return False


@pytest.mark.parametrize("given", ["folder", "folder/a.yaml"])
def test_a_file_that_changes_is_noticed(tmp_path: Path, given: str) -> None:
    file = tmp_path / "folder" / "a.yaml"
    file.parent.mkdir()
    file.write_text(SYSTEM, encoding="utf-8")
    with watching(tmp_path, str(tmp_path / given)) as (_, woken):
        assert _write_until_noticed(file, woken)


def test_the_store_beside_the_manifests_is_not_noticed() -> None:
    names = ("pwsync.db-wal", "x.pem", "x.yaml", "x.csv", "..data")
    assert [name for name in names if _may_matter(Change.modified, name)] == ["x.yaml", "x.csv", "..data"]


def test_another_commit_is_noticed(tmp_path: Path) -> None:
    repository = Repository.make(tmp_path / "remote")
    repository.commit({"a.yaml": SYSTEM})
    with watching(tmp_path, repository.address) as (reading, woken):
        assert woken.wait(PATIENCE), "what was never read is news"
        reading.read()
        assert not reading.has_news()
        repository.commit({"b.yaml": "a broken one"})
        assert reading.has_news()
        woken.clear()
        assert woken.wait(PATIENCE)
