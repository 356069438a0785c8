"""The pipeline with replay files, on a store that tests take away."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from controller.model.errors import StoreUnavailable
from controller.pipeline.intake import Intake
from controller.pipeline.replay import Replay
from controller.pipeline.router import Router
from controller.pipeline.topology import TopologyReader
from controller.ports.store import Store, Transaction
from controller.replay.appending import Limits
from controller.replay.folder import is_replay_file, is_set_aside
from controller.replay.log import ReplayFiles
from tests.doubles.pipeline import PipelineBench


@dataclass
class OutageStore:
    """A store that can be away.

    Attributes:
        is_away: Nothing can be read or written.
        loses_answers: Commits happen, but nobody hears of it.
    """

    store: Store
    is_away: bool = False
    loses_answers: bool = False

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """See ``ports.Store``."""
        self._reach()
        with self.store.write() as tx:
            yield tx
        if self.loses_answers:
            raise StoreUnavailable("the answer to the commit was lost")

    def read(self) -> AbstractContextManager[Transaction]:
        """See ``ports.Store``."""
        self._reach()
        return self.store.read()

    def close(self) -> None:
        """See ``ports.Store``."""
        self.store.close()

    def _reach(self) -> None:
        if self.is_away:
            raise StoreUnavailable("the store is away")


@dataclass
class ReplayBench(PipelineBench):
    """A bench that keeps changes in ``folder/replay`` while its store is away."""

    limits: Limits = field(default_factory=Limits)
    log: ReplayFiles | None = None

    def restart(self) -> None:
        """Forget everything that is only in memory, as after a crash, and read the replay folder anew."""
        super().restart()
        if not isinstance(self.store, OutageStore):
            self.outage = OutageStore(self.store)
            self.store = self.outage
        if self.log is not None:
            self.log.close()
        self.log = ReplayFiles.open(self.replay_dir, self.sealer, self.limits)
        assert self.log is not None
        self.replay = Replay(self.store, self.log, lambda: self.now)
        self.intake = Intake(self.store, self.sealer, self.new_id, self.replay)
        self.router = Router(self.store, self.sealer, self.new_id)

    @property
    def replay_dir(self) -> Path:
        """Where the replay files are."""
        return self.folder / "replay"

    def close(self) -> None:
        """Give back store and folder."""
        super().close()
        if self.log is not None:
            self.log.close()

    def learn(self) -> None:
        """Let intake see the store, as the controller's first round does."""
        with self.outage.store.read() as tx:
            self.replay.learn(TopologyReader().read(tx), tx.now)

    @contextmanager
    def away(self) -> Iterator[None]:
        """Within it the store is away."""
        self.outage.is_away = True
        try:
            yield
        finally:
            self.outage.is_away = False

    def catch_up(self) -> None:
        """Take over everything that was kept."""
        while self.replay.step():
            pass

    def files(self) -> list[Path]:
        """Replay files, oldest first."""
        return sorted(path for path in self.replay_dir.iterdir() if is_replay_file(path.name))

    def set_aside(self) -> list[Path]:
        """Files set aside."""
        return sorted(path for path in self.replay_dir.iterdir() if is_set_aside(path.name))


@contextmanager
def replay_bench(folder: Path, limits: Limits = Limits()) -> Iterator[ReplayBench]:  # noqa: B008  # frozen
    """A bench with all switches on, the domain CORP (source dc1), whose intake has seen the store."""
    bench = ReplayBench(folder, limits=limits)
    try:
        bench.system()
        bench.domain()
        bench.learn()
        yield bench
    finally:
        bench.close()
