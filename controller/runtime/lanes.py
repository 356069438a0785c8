"""The connectors of the lanes: made when first used, kept, and made anew when their declaration changes."""

from typing import assert_never

from controller.connectors.ldap.active_directory import directory_options
from controller.model.errors import NotFound
from controller.model.topology import Adapter, Domain
from controller.pipeline.topology import Topology
from controller.ports.connectors import Connector, ConnectorCatalogue, ResolveSecret


class LaneConnector:
    """Gives one worker its connector."""

    def __init__(self, catalogue: ConnectorCatalogue, resolve: ResolveSecret) -> None:
        self._catalogue = catalogue
        self._resolve = resolve
        self._held: tuple[Adapter | Domain, Connector] | None = None

    def connect(self, topology: Topology, lane: str) -> Connector:
        """Return the connector of a lane.

        Raises:
            NotFound: The lane's adapter, domain or connector type is not there.
            SettingsError: A secret that it needs is not there.
        """
        spec = spec_of(topology, lane)
        if self._held is not None and self._held[0] == spec:
            return self._held[1]
        self.close()
        connector = make_connector(self._catalogue, self._resolve, spec)
        self._held = (spec, connector)
        return connector

    def close(self) -> None:
        """Give back the connection."""
        if self._held is not None:
            self._held[1].close()
            self._held = None


def spec_of(topology: Topology, lane: str) -> Adapter | Domain:
    """Return what declares a lane.

    Raises:
        NotFound: It is not declared any more.
    """
    kind, _, name = lane.partition("/")
    spec = topology.adapters.get(name) if kind == "adapter" else topology.domains.get(name)
    if spec is None:
        raise NotFound(f"there is no {kind} {name}")
    return spec


def make_connector(catalogue: ConnectorCatalogue, resolve: ResolveSecret, spec: Adapter | Domain) -> Connector:
    """Make the connector that an adapter, or a domain's directory, declares.

    Raises:
        NotFound: No such connector type, or the domain has no directory.
        SettingsError: A secret that it needs is not there.
    """
    match spec:
        case Adapter(connector=declared):
            connector_type = catalogue.get(declared.type)
            return connector_type.connect(connector_type.options.model_validate(dict(declared.options)), resolve)
        case Domain():
            if spec.directory is None:
                raise NotFound("the domain has no directory")
            options = directory_options(spec.directory, spec.password_change)
            return catalogue.get("activeDirectory").connect(options, resolve)
        case _:
            assert_never(spec)
