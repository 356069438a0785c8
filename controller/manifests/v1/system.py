"""Kind System: the global switches and limits."""

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field

from controller.manifests.v1.document import Described, Manifest, NonEmpty
from controller.model.audit import HIGHEST_LEVEL, AuditPolicy
from controller.model.duration import Duration, PositiveDuration, format_duration
from controller.model.options import Options, Unfit
from controller.model.topology import AcceptedSources, RateLimit, ReconcilePolicy, System
from controller.model.verification import LONGEST_PERIOD, SHORTEST_PERIOD, VerificationPolicy

_Count = Annotated[int, Field(ge=0)]
_Percent = Annotated[int, Field(ge=0, le=100)]
_Level = Annotated[int, Field(ge=0, le=HIGHEST_LEVEL)]


def _within_bounds(period: timedelta) -> timedelta:
    if not SHORTEST_PERIOD <= period <= LONGEST_PERIOD:
        raise Unfit(
            f"a period of {format_duration(period)} is not allowed",
            hint=f"from {format_duration(SHORTEST_PERIOD)} to {format_duration(LONGEST_PERIOD)}: each wrong try counts"
            " towards the lockout of its account",
        )
    return period


_Period = Annotated[PositiveDuration, AfterValidator(_within_bounds)]


class AuditSpec(Options):
    """What is audited (levels 0 to 3), and how much of it is kept."""

    successes: _Level = HIGHEST_LEVEL
    failures: _Level = HIGHEST_LEVEL
    retention: PositiveDuration = timedelta(days=365)
    deleted_applications: _Count = 1000
    deleted_mappings: _Count = 1000
    credential_lookups: _Count = 1000


class RateLimitSpec(Options):
    """So many times at once, and as often in each so long in the long run."""

    burst: Annotated[int, Field(ge=1, le=100_000)] = 60
    per: PositiveDuration = timedelta(minutes=1)


class CredentialVerificationSpec(Options):
    """Whether stored passwords are tried at their accounts, and how often."""

    enabled: bool = False
    period: _Period = timedelta(days=7)
    per_round: Annotated[int, Field(ge=1, le=100)] = 10


class ReconcileSpec(Options):
    """How the reconcile loop behaves."""

    interval: PositiveDuration = timedelta(minutes=5)
    self_heal: bool = True
    prune: bool = True
    max_prune_percent: _Percent = 30
    max_update_percent: _Percent = 30


class SourcesSpec(Options):
    """Which kinds of sources may report changes of Windows accounts."""

    domain_controllers: bool = True
    identity_managers: bool = True


class SystemSpec(Options):
    """The spec of a System."""

    from_windows_to_adapters: bool = False
    from_adapters_to_database: bool = False
    from_adapters_to_windows: bool = False
    max_sync_age: PositiveDuration = timedelta(hours=24)
    damping_window: Duration = timedelta(minutes=10)
    retention: Duration = timedelta(days=30)
    administrators: list[NonEmpty] = Field(default_factory=list)
    affiliate_administrators: list[NonEmpty] = Field(default_factory=list)
    sources: SourcesSpec = SourcesSpec()
    audit: AuditSpec = AuditSpec()
    credential_lookups: RateLimitSpec = RateLimitSpec()
    credential_verification: CredentialVerificationSpec = CredentialVerificationSpec()
    reconcile: ReconcileSpec = ReconcileSpec()

    def compile(self) -> System:
        """Return the model object."""
        return System(
            from_windows_to_adapters=self.from_windows_to_adapters,
            from_adapters_to_database=self.from_adapters_to_database,
            from_adapters_to_windows=self.from_adapters_to_windows,
            max_sync_age=self.max_sync_age,
            damping_window=self.damping_window,
            retention=self.retention,
            administrators=tuple(self.administrators),
            affiliate_administrators=tuple(self.affiliate_administrators),
            sources=AcceptedSources(**dict(self.sources)),
            audit=AuditPolicy(**dict(self.audit)),
            credential_lookups=RateLimit(**dict(self.credential_lookups)),
            credential_verification=VerificationPolicy(**dict(self.credential_verification)),
            reconcile=ReconcilePolicy(**dict(self.reconcile)),
        )

    @classmethod
    def of(cls, system: System) -> Self:
        """Return the spec that compiles to *system*."""
        return cls(
            from_windows_to_adapters=system.from_windows_to_adapters,
            from_adapters_to_database=system.from_adapters_to_database,
            from_adapters_to_windows=system.from_adapters_to_windows,
            max_sync_age=system.max_sync_age,
            damping_window=system.damping_window,
            retention=system.retention,
            administrators=list(system.administrators),
            affiliate_administrators=list(system.affiliate_administrators),
            sources=SourcesSpec.model_validate(system.sources, from_attributes=True),
            audit=AuditSpec.model_validate(system.audit, from_attributes=True),
            credential_lookups=RateLimitSpec.model_validate(system.credential_lookups, from_attributes=True),
            credential_verification=CredentialVerificationSpec.model_validate(
                system.credential_verification, from_attributes=True
            ),
            reconcile=ReconcileSpec.model_validate(system.reconcile, from_attributes=True),
        )


class SystemMetadata(Described):
    """Metadata of the one System."""

    name: Literal["default"]


class SystemManifest(Manifest):
    """The global switches and limits; there is one, named default."""

    kind: Literal["System"]
    metadata: SystemMetadata
    spec: SystemSpec = SystemSpec()
