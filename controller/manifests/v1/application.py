"""Kind Application: an affiliate application, a logical external system that mappings belong to."""

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from controller.manifests.v1.access import ApplicationAccessSpec
from controller.manifests.v1.document import Manifest, Metadata, NonEmpty
from controller.model.options import Options, Unfit
from controller.model.topology import DEFAULT_FIELDS, Application, CredentialField


class FieldSpec(Options):
    """One field of the application's credentials."""

    label: NonEmpty
    masked: bool = False
    sync: bool = False


def _default_fields() -> list[FieldSpec]:
    return [FieldSpec.model_validate(field, from_attributes=True) for field in DEFAULT_FIELDS]


class ApplicationSpec(Options):
    """The spec of an Application."""

    type: Literal["individual", "group", "hostGroup"] = "individual"
    adapter: str | None = None
    direct_password_sync: bool = False
    enabled: bool = True
    contact: str = ""
    access: ApplicationAccessSpec = ApplicationAccessSpec()
    fields_: Annotated[list[FieldSpec], Field(alias="fields", min_length=1, default_factory=_default_fields)]

    @field_validator("fields_")
    @classmethod
    def _fields_are_plausible(cls, fields: list[FieldSpec]) -> list[FieldSpec]:
        labels = [field.label for field in fields]
        if twice := sorted({label for label in labels if labels.count(label) > 1}):
            raise Unfit(f"the label {twice[0]!r} is given twice", hint="credentials are kept per label")
        if fields and fields[0].sync:
            raise Unfit("the first field is the user id and cannot be the password", hint="mark the password field")
        if sum(field.sync for field in fields) > 1:
            raise Unfit("more than one field is marked sync", hint="password sync writes exactly one field")
        return fields

    @model_validator(mode="after")
    def _password_field_is_clear(self) -> Self:
        if self.adapter is not None and self.direct_password_sync:
            raise Unfit(
                "not possible together with an adapter",
                hint="remove one of the two",
                field="directPasswordSync",
            )
        if (self.adapter is not None or self.direct_password_sync) and self.compile().password_field is None:
            raise Unfit(
                "it is not clear which field password sync writes",
                hint="have two fields, user id and password, or mark exactly one with sync: true",
                field="fields",
            )
        return self

    def compile(self) -> Application:
        """Return the model object."""
        return Application(
            type=self.type,
            adapter=self.adapter,
            direct_password_sync=self.direct_password_sync,
            enabled=self.enabled,
            contact=self.contact,
            access=self.access.compile(),
            fields=tuple(CredentialField(field.label, field.masked, field.sync) for field in self.fields_),
        )

    @classmethod
    def of(cls, application: Application) -> Self:
        """Return the spec that compiles to *application*."""
        return cls(
            type=application.type,
            adapter=application.adapter,
            direct_password_sync=application.direct_password_sync,
            enabled=application.enabled,
            contact=application.contact,
            access=ApplicationAccessSpec.of(application.access),
            fields_=[FieldSpec.model_validate(field, from_attributes=True) for field in application.fields],
        )


class ApplicationManifest(Manifest):
    """A logical external system that mappings belong to."""

    kind: Literal["Application"]
    metadata: Metadata
    spec: ApplicationSpec = ApplicationSpec()
