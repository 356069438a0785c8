"""The kinds of manifests there are."""

from collections.abc import Mapping as ReadOnlyMapping
from typing import Final

from controller.manifests.v1.adapter import AdapterManifest
from controller.manifests.v1.adapter_group import AdapterGroupManifest
from controller.manifests.v1.application import ApplicationManifest
from controller.manifests.v1.domain import DomainManifest
from controller.manifests.v1.mapping import MappingManifest
from controller.manifests.v1.mapping_rule import MappingRuleManifest
from controller.manifests.v1.mapping_set import MappingSetManifest
from controller.manifests.v1.password_filter import PasswordFilterManifest
from controller.manifests.v1.system import SystemManifest

ResourceManifest = (
    SystemManifest
    | DomainManifest
    | PasswordFilterManifest
    | AdapterGroupManifest
    | AdapterManifest
    | ApplicationManifest
    | MappingRuleManifest
)
"""A manifest that stands for one object."""
AnyManifest = ResourceManifest | MappingManifest | MappingSetManifest
"""A manifest of any kind."""

KINDS: Final[ReadOnlyMapping[str, type[AnyManifest]]] = {
    "System": SystemManifest,
    "Domain": DomainManifest,
    "PasswordFilter": PasswordFilterManifest,
    "AdapterGroup": AdapterGroupManifest,
    "Adapter": AdapterManifest,
    "Application": ApplicationManifest,
    "Mapping": MappingManifest,
    "MappingSet": MappingSetManifest,
    "MappingRule": MappingRuleManifest,
}
