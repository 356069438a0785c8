"""Model objects back into manifests: the opposite of compiling."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final, assert_never

import yaml

from controller.manifests.scalars import resolve
from controller.manifests.v1 import mapping as single
from controller.manifests.v1 import mapping_set
from controller.manifests.v1.adapter import AdapterSpec
from controller.manifests.v1.adapter_group import AdapterGroupSpec
from controller.manifests.v1.application import ApplicationSpec
from controller.manifests.v1.document import API_VERSION
from controller.manifests.v1.domain import DomainSpec
from controller.manifests.v1.mapping_rule import MappingRuleSpec
from controller.manifests.v1.password_filter import PasswordFilterSpec
from controller.manifests.v1.system import SystemSpec
from controller.model.filters import PasswordFilter
from controller.model.options import Options
from controller.model.topology import (
    Adapter,
    AdapterGroup,
    Application,
    Domain,
    Mapping,
    MappingRule,
    Resource,
    Spec,
    System,
)
from controller.planning.rule_mappings import ORIGIN as RULE_ORIGIN
from controller.planning.state import State

if TYPE_CHECKING:
    from yaml import SafeDumper as _YamlDumper
else:
    _YamlDumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)  # the same text, only slower, without libyaml

_LINE_WIDTH: Final = 120
_LAST_OF_FOUR_DIGITS: Final = 0xFFFF


def export_state(state: State) -> Iterator[dict[str, Any]]:
    """Yield the documents of a state: objects in order of creation, then mappings, those of a set together."""
    for key in sorted(state.resources, key=lambda key: (key.kind.rank, key.name)):
        yield export_resource(state.resources[key])
    yield from export_mappings(state.mappings)


def export_resource(resource: Resource) -> dict[str, Any]:
    """Return the document of an object; defaults are left out."""
    metadata: dict[str, Any] = {"name": resource.name}
    if resource.labels:
        metadata["labels"] = dict(resource.labels)
    if resource.annotations:
        metadata["annotations"] = dict(resource.annotations)
    return _document(str(resource.kind), metadata, _plain(_spec(resource.spec)))


def export_mapping(mapping: Mapping) -> dict[str, Any]:
    """Return the document of one mapping; a name that would be derived anyway is left out."""
    name = mapping.origin.removeprefix(single.ORIGIN)
    derived = single.derived_name(mapping.application, mapping.windows)
    is_named = mapping.origin.startswith(single.ORIGIN) and name != derived
    return _document("Mapping", {"name": name} if is_named else {}, _plain(single.MappingSpec.of(mapping)))


def export_mappings(mappings: Iterable[Mapping]) -> Iterator[dict[str, Any]]:
    """Yield a document for each mapping that came from one, then one for each mapping set.

    What a rule has derived is left out: the rule declares it.
    """
    sets: dict[tuple[str, str, str], list[Mapping]] = {}
    for mapping in mappings:
        if mapping.origin.startswith(mapping_set.ORIGIN):
            sets.setdefault((mapping.origin, mapping.application, mapping.windows.domain), []).append(mapping)
        elif not mapping.origin.startswith(RULE_ORIGIN):
            yield export_mapping(mapping)
    for (origin, application, domain), members in sets.items():
        entries = [_entry(mapping) for mapping in members]
        spec = {"application": application, "domain": domain, "mappings": entries}
        yield _document("MappingSet", {"name": origin.removeprefix(mapping_set.ORIGIN)}, spec)


def dump_yaml(documents: Iterable[dict[str, Any]]) -> str:
    """Return the documents as YAML that reads back as the same documents.

    Control and direction characters are escaped in it: nobody's name rewrites a terminal.
    """
    text: str = yaml.dump_all(
        documents, Dumper=_Dumper, sort_keys=False, allow_unicode=True, explicit_start=True, width=_LINE_WIDTH
    )
    return "".join(c if c == "\n" or c.isprintable() else _escaped(c) for c in text)


def _escaped(character: str) -> str:
    r"""``\u`` or ``\U`` of YAML 1.2, section 5.7; the dumper puts text that needs it into double quotes."""
    code = ord(character)
    return f"\\u{code:04x}" if code <= _LAST_OF_FOUR_DIGITS else f"\\U{code:08x}"


def _document(kind: str, metadata: dict[str, Any], spec: dict[str, Any]) -> dict[str, Any]:
    document: dict[str, Any] = {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}
    return {name: part for name, part in document.items() if part != {}}


def _entry(mapping: Mapping) -> dict[str, Any]:
    entry: dict[str, Any] = {"windows": mapping.windows.name, "external": mapping.external}
    return entry if mapping.enabled else {**entry, "enabled": False}


def _plain(spec: Options) -> dict[str, Any]:
    return spec.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def _spec(spec: Spec) -> Options:  # noqa: PLR0911  # one for each kind
    match spec:
        case System():
            return SystemSpec.of(spec)
        case Domain():
            return DomainSpec.of(spec)
        case PasswordFilter():
            return PasswordFilterSpec.of(spec)
        case AdapterGroup():
            return AdapterGroupSpec.of(spec)
        case Adapter():
            return AdapterSpec.of(spec)
        case Application():
            return ApplicationSpec.of(spec)
        case MappingRule():
            return MappingRuleSpec.of(spec)
        case _:
            assert_never(spec)


class _Dumper(_YamlDumper):
    """Quotes all text that reading would not take for text; writes everything out instead of using aliases."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ANN401, ARG002  # as in the class it extends
        return True


def _represent_text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    style = '"' if not text.isprintable() else None if resolve(text) == text else "'"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)
