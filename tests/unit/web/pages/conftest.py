"""The status page over a bench."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.doubles.status_pages import PagesBench


@pytest.fixture
def pages(tmp_path: Path) -> Iterator[PagesBench]:
    bench = PagesBench(tmp_path)
    yield bench
    bench.close()
