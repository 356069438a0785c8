"""Fixtures over ``PipelineBench``, for the conftest files of tests that move changes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.doubles.pipeline import FULL_ADAPTER, PipelineBench, pipeline_bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[PipelineBench]:
    """An installation with all switches on and the domain CORP, whose users alice and bob have the password ``old``."""
    with pipeline_bench(tmp_path) as made:
        made.system()
        made.domain()
        yield made


@pytest.fixture
def full(bench: PipelineBench) -> PipelineBench:
    """Full sync: alice is mapped on the adapters ``ldap`` and ``racf``; her stored Windows password is known."""
    bench.adapter("ldap", FULL_ADAPTER, "alice")
    bench.adapter("racf", FULL_ADAPTER, "ALICE1")
    bench.map("LDAP", "alice", "alice")
    bench.map("RACF", "alice", "ALICE1")
    bench.set_stored_windows("alice", "old")
    return bench
