"""The way in: paths to desired state, with every problem of every file at once."""

import gc
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from controller.manifests.compile import Compiled, Compiler
from controller.manifests.contents import Contents
from controller.manifests.loading import Loader
from controller.manifests.plain_mapping import Passage, PlainMapping, recognise
from controller.manifests.problems import ManifestErrors, Place, Problem
from controller.manifests.source import Source, find_sources, shown
from controller.ports.connectors import ConnectorCatalogue


class Reader:
    """Reads manifests, again and again: what holds the same as the last time is not compiled anew."""

    def __init__(self, catalogue: ConnectorCatalogue) -> None:
        self._catalogue = catalogue
        self._last: tuple[Contents, Compiled] | None = None

    def read(self, paths: Sequence[str], *, stdin: str | None = None) -> Compiled:
        """Read the manifests at *paths* (files, folders, ``-`` for the text *stdin*) into desired state.

        Raises:
            ManifestErrors: With every problem of every file. No manifests at all are a problem too, so that an empty
                pipe is never taken for the wish to remove everything.
        """
        sources = list(find_sources(paths, stdin))
        if self._last is not None and self._last[0].are_again(sources):
            return self._last[1]
        self._last = None  # what it held need not be in memory beside what takes its place
        contents = Contents(sources)
        compiled = _compile(contents, self._catalogue, Place(shown(paths[0]) if paths else "."))
        self._last = contents, compiled
        return compiled


def read_manifests(paths: Sequence[str], catalogue: ConnectorCatalogue, *, stdin: str | None = None) -> Compiled:
    """Read manifests once: see ``Reader.read``."""
    return Reader(catalogue).read(paths, stdin=stdin)


def _compile(contents: Contents, catalogue: ConnectorCatalogue, start: Place) -> Compiled:
    compiler = Compiler(catalogue, contents)
    with _paused_collector():
        count = 0
        for found in contents.sources:
            if isinstance(found, Problem):
                compiler.problems.append(found)
                compiler.is_complete = False
            else:
                count += _read(found, compiler, contents)
        if count == 0 and not compiler.problems:
            raise ManifestErrors([Problem(start, "there are no manifests here", "give a file or folder of manifests")])
        return compiler.finish(start)


def _read(source: Source, compiler: Compiler, contents: Contents) -> int:
    """Add the documents of one source; tell how many there were."""
    text = contents.of_source(source)
    if isinstance(text, Problem):
        compiler.problems.append(text)
        compiler.is_complete = False
        return 0
    loader, count = Loader(source.file, source.folder), 0
    for found in recognise(text, source.file, source.folder):
        if isinstance(found, PlainMapping):
            compiler.add_plain(found)
            count += 1
        else:
            count += _parse(found, text, loader, compiler)
        if not loader.is_complete:
            break
    compiler.problems.extend(loader.problems)
    compiler.is_complete &= loader.is_complete
    return count


def _parse(passage: Passage, text: str, loader: Loader, compiler: Compiler) -> int:
    """Add the documents of a passage of *text*; tell how many there were."""
    count, known = 0, len(loader.problems)
    for document in loader.documents(passage.text, passage.line):
        compiler.add(document)
        count += 1
    if not loader.is_complete:  # what is wrong with it may be seen only with what follows
        whole = Loader(loader.file, loader.folder)
        deque(whole.documents(text[passage.start :], passage.line), maxlen=0)
        loader.problems[known:] = whole.problems or loader.problems[known:]
    return count


@contextmanager
def _paused_collector() -> Iterator[None]:
    """Spare the cyclic collector a walk over growing piles of objects that are all in use."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
