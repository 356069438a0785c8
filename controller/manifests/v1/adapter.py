"""Kind Adapter: a declared endpoint of one external system."""

from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field

from controller.manifests.v1.access import AdapterAccessSpec
from controller.manifests.v1.document import Manifest, Metadata, NonEmpty
from controller.model.duration import Duration
from controller.model.options import Options
from controller.model.topology import Adapter, ConnectorSpec, NotificationPolicy


class ConnectorField(Options):
    """The connector: ``type`` chooses what the other fields are, and its connector type checks them."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Any]

    type: NonEmpty

    def compile(self) -> ConnectorSpec:
        """Return the model object."""
        return ConnectorSpec(self.type, dict(self.__pydantic_extra__))

    @classmethod
    def of(cls, connector: ConnectorSpec) -> Self:
        """Return the field that compiles to *connector*."""
        return cls.model_validate({"type": connector.type, **connector.options})


class NotificationSpec(Options):
    """Retry and queue limits."""

    retry_count: Annotated[int, Field(ge=0, le=1000)] = 5
    retry_delay: Duration = timedelta(minutes=1)
    max_pending: Annotated[int, Field(ge=1)] = 8
    store_when_offline: bool = True


class AdapterSpec(Options):
    """The spec of an Adapter."""

    connector: ConnectorField
    description: str = ""
    enabled: bool = True
    sync_to_adapter: bool = False
    sync_from_adapter: bool = False
    verify_old_password: bool = True
    change_windows_password: bool = False
    send_old_password: bool = False
    allow_mapping_conflicts: bool = False
    group: str | None = None
    filter: str | None = None
    access: AdapterAccessSpec = AdapterAccessSpec()
    notifications: NotificationSpec = NotificationSpec()

    def compile(self) -> Adapter:
        """Return the model object."""
        plain = self._plain(self)
        return Adapter(
            connector=self.connector.compile(),
            access=self.access.compile(),
            notifications=NotificationPolicy(**dict(self.notifications)),
            **plain,
        )

    @classmethod
    def of(cls, adapter: Adapter) -> Self:
        """Return the spec that compiles to *adapter*."""
        return cls(
            connector=ConnectorField.of(adapter.connector),
            access=AdapterAccessSpec.of(adapter.access),
            notifications=NotificationSpec.model_validate(adapter.notifications, from_attributes=True),
            **cls._plain(adapter),
        )

    @classmethod
    def _plain(cls, owner: Any) -> dict[str, Any]:  # noqa: ANN401  # a spec or a model object, whose names agree
        parts = {"connector", "access", "notifications"}
        return {name: getattr(owner, name) for name in cls.model_fields if name not in parts}


class AdapterManifest(Manifest):
    """A declared endpoint of one external system."""

    kind: Literal["Adapter"]
    metadata: Metadata
    spec: AdapterSpec
