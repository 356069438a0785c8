"""What manifests need from outside of them: files of keys, programs, and the files and variables that hold secrets."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from controller.manifests.agreement import Declared
from controller.manifests.problems import Place
from controller.model.options import SecretReference
from controller.model.topology import Adapter, Domain

_FILES = frozenset({"caFile", "knownHosts", "receiverKeyFile"})
_PROGRAM = "command"
_REMOTE = "unix"
"""A type of connector whose program is on another machine."""
_SECRET_SUFFIX = "From"  # noqa: S105  # the end of field names: passwordFrom, urlFrom, ...

Steps = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outside:
    """A file or an environment variable that a manifest names; it may exist only where the controller runs.

    Attributes:
        field: Which field names it, in dots.
        reference: The file or variable.
    """

    place: Place
    field: str
    reference: SecretReference


def named_outside(declared: Declared) -> Iterator[Outside]:
    """Yield what the connector of an Adapter, or the directory of a Domain, names."""
    match declared.resource.spec:
        case Adapter(connector=connector):
            at, fields = ("spec", "connector"), connector.options
            if connector.type == _REMOTE:
                fields = {name: value for name, value in fields.items() if name != _PROGRAM}
        case Domain(directory=directory) if directory is not None:
            at, fields = ("spec", "directory"), directory.endpoint.model_dump(mode="json", by_alias=True)
        case _:
            return
    for steps, reference in _references(fields, at):
        yield Outside(declared.document.key_place(steps), ".".join(steps), reference)


def _references(fields: Mapping[str, Any], at: Steps) -> Iterator[tuple[Steps, SecretReference]]:
    for name, value in fields.items():
        steps = (*at, name)
        match value:
            case str() if name in _FILES:
                yield steps, SecretReference(file=value)
            case [str(program), *_] if name == _PROGRAM:
                yield steps, SecretReference(file=program)
            case {"env": str(variable)} if name.endswith(_SECRET_SUFFIX):
                yield steps, SecretReference(env=variable)
            case {"file": str(path)} if name.endswith(_SECRET_SUFFIX):
                yield steps, SecretReference(file=path)
            case Mapping():
                yield from _references(value, steps)
            case _:
                pass
