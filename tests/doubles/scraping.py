"""Metrics as a scraper reads them: parsed by Prometheus' own reader of the format."""

from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families


@dataclass(frozen=True)
class Scrape:
    """One page of metrics."""

    text: str

    def names(self) -> set[str]:
        """Names of all series, as a query would write them."""
        return {name for name, _, _ in self._samples()}

    def value(self, series: str, /, **labels: str) -> float | None:
        """The value of one series; None when there is none."""
        found = [value for name, had, value in self._samples() if name == series and had == labels]
        assert len(found) <= 1, f"{series} {labels} is told {len(found)} times"
        return found[0] if found else None

    def label_values(self) -> set[str]:
        """Every value of every label."""
        return {value for _, labels, _ in self._samples() for value in labels.values()}

    def _samples(self) -> Iterator[tuple[str, dict[str, str], float]]:
        for family in text_string_to_metric_families(self.text):
            for sample in family.samples:
                yield sample.name, dict(sample.labels), sample.value
