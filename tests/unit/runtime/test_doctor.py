"""The checks of every channel: what is asked of whom, and when all is well."""

from datetime import timedelta
from pathlib import Path
from unittest.mock import Mock

import pytest

from controller.connectors.registry import installed_connectors
from controller.model.constraints import Constraints
from controller.model.diagnosis import Finding, Verdict
from controller.model.errors import NotFound, PolicyUnknown
from controller.model.policy import PasswordPolicy
from controller.model.session import KEEP_ALIVE, AdapterSession
from controller.model.topology import REMOTE, Adapter, ConnectorSpec, Kind
from controller.ports.connectors import ConnectorCatalogue, ConnectorType
from controller.runtime.doctor import Diagnosis, diagnose, target_names
from tests.doubles.memory import MemoryConnectorType, MemoryDirectory, MemoryOptions
from tests.doubles.pipeline import START, PipelineBench

FOUND = Finding("port", Verdict.OK, "it is open")


class Catalogue:
    """Knows the type ``memory`` alone."""

    def __init__(self, directory: MemoryDirectory) -> None:
        self._type = MemoryConnectorType({"": directory})

    def names(self) -> list[str]:
        return ["memory"]

    def get(self, name: str) -> ConnectorType:
        if name != "memory":
            raise NotFound(f"there is no connector type {name}")
        return self._type


@pytest.fixture
def directory() -> MemoryDirectory:
    return MemoryDirectory(told_policy=PasswordPolicy("the memory", Constraints()))


@pytest.fixture
def bench(tmp_path: Path) -> PipelineBench:
    """An adapter of type memory with mapped accounts, beside a disabled one."""
    bench = PipelineBench(tmp_path)
    bench.adapter("x", Adapter(ConnectorSpec("memory", {"directory": ""})))
    bench.adapter("off", Adapter(ConnectorSpec("memory"), enabled=False))
    for number in range(7):
        bench.map("X", f"u{number}", f"e{number}")
    return bench


def checked(bench: PipelineBench, directory: MemoryDirectory, *targets: str) -> list[Diagnosis]:
    catalogue: ConnectorCatalogue = Catalogue(directory)
    return list(diagnose(bench.store, catalogue, targets))


def test_a_channel_in_order_is_told_with_its_policy(bench: PipelineBench, directory: MemoryDirectory) -> None:
    (diagnosis,) = checked(bench, directory)
    assert diagnosis.target == "adapter/x"
    assert diagnosis.findings == (
        Finding("memory", Verdict.OK, "5 accounts tried"),
        Finding("policy", Verdict.OK, "the password policy is read from the memory"),
    )
    assert diagnosis.is_healthy


def test_a_target_without_policy_has_none(bench: PipelineBench, directory: MemoryDirectory) -> None:
    directory.told_policy = None
    (diagnosis,) = checked(bench, directory)
    assert diagnosis.findings[-1] == Finding("policy", Verdict.OK, "it has no password policy of its own")


def test_a_policy_that_cannot_be_found_out_is_unknown_not_none(
    bench: PipelineBench, directory: MemoryDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hidden(*_: object) -> PasswordPolicy:
        raise PolicyUnknown("it may not be read", hint="let it be read")

    monkeypatch.setattr(MemoryDirectory, "policy_of", hidden)
    (diagnosis,) = checked(bench, directory)
    expected = Finding("policy", Verdict.UNKNOWN, "could not find out: it may not be read", "let it be read")
    assert diagnosis.findings[-1] == expected
    assert diagnosis.is_healthy


def test_after_a_failure_no_policy_is_asked_for(bench: PipelineBench, directory: MemoryDirectory) -> None:
    with directory.down():
        (diagnosis,) = checked(bench, directory)
    assert [finding.check for finding in diagnosis.findings] == ["memory"]
    assert not diagnosis.is_healthy


def test_a_connector_that_cannot_be_made_is_a_finding(bench: PipelineBench, directory: MemoryDirectory) -> None:
    bench.put(Kind.ADAPTER, "y", Adapter(ConnectorSpec("unheard-of")))
    diagnosis = checked(bench, directory, "adapter/y")[0]
    assert diagnosis.findings == (Finding("settings", Verdict.FAILED, "there is no connector type unheard-of"),)


@pytest.mark.parametrize("place", ["connect", "diagnose", "close"])
def test_a_defect_of_one_connector_is_a_finding_without_its_text_and_hides_no_other(
    bench: PipelineBench, directory: MemoryDirectory, place: str
) -> None:
    connector = Mock(**{"diagnose.return_value": iter([FOUND])})
    connector_type = Mock(options=MemoryOptions, **{"connect.return_value": connector})
    getattr(connector_type if place == "connect" else connector, place).side_effect = RuntimeError("S3cret")
    types = {"memory": MemoryConnectorType({"": directory}), "defective": connector_type}
    bench.put(Kind.ADAPTER, "a", Adapter(ConnectorSpec("defective", {"directory": ""})))

    broken, other = diagnose(bench.store, Mock(get=types.__getitem__))

    what, hint = "the connector failed unexpectedly (RuntimeError)", "report it to its author"
    told = (FOUND,) if place == "close" else ()
    assert broken == Diagnosis("adapter/a", (*told, Finding("connector", Verdict.FAILED, what, hint)))
    assert not broken.is_healthy
    assert (other.target, other.is_healthy) == ("adapter/x", True)


@pytest.mark.parametrize(
    ("heard_before", "verdict"),
    [(KEEP_ALIVE, Verdict.OK), (KEEP_ALIVE + timedelta(seconds=1), Verdict.FAILED), (None, Verdict.FAILED)],
)
def test_of_a_remote_adapter_the_session_is_looked_at(
    bench: PipelineBench, directory: MemoryDirectory, heard_before: timedelta | None, verdict: Verdict
) -> None:
    bench.put(Kind.ADAPTER, "far", Adapter(ConnectorSpec(REMOTE)))
    if heard_before is not None:
        with bench.store.write() as tx:
            tx.sessions.put(AdapterSession("far", "s", "agent", START, START - heard_before, START))
    (diagnosis,) = checked(bench, directory, "adapter/far")
    assert [(finding.check, finding.verdict) for finding in diagnosis.findings] == [("session", verdict)]


def test_targets_are_those_that_are_in_use(bench: PipelineBench) -> None:
    bench.domain()
    bench.domain("LAB", has_directory=False)
    assert target_names(bench.store) == ["adapter/x", "domain/CORP"]


def test_a_domain_whose_secret_is_not_there_fails_at_once(
    bench: PipelineBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BIND", raising=False)
    bench.domain()
    (diagnosis,) = diagnose(bench.store, installed_connectors(), ["domain/CORP"])
    assert [(finding.check, finding.verdict) for finding in diagnosis.findings] == [("settings", Verdict.FAILED)]
