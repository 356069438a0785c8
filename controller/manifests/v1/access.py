"""Who may administer, and who may use, an adapter or application."""

from dataclasses import replace
from typing import Annotated, Self

from pydantic import AfterValidator, Field, WithJsonSchema

from controller.manifests.v1.document import NonEmpty
from controller.model.accounts import WindowsAccount
from controller.model.errors import InvalidInput
from controller.model.options import Options, Unfit
from controller.model.topology import Access


def _account_or_group(text: str) -> str:
    try:
        return str(WindowsAccount.parse(text))
    except InvalidInput as error:
        hint = error.hint or r"write DOMAIN\name, of an account or a group"
        raise Unfit(error.message.replace("Windows account", "Windows account or group"), hint=hint) from None


WindowsName = Annotated[str, AfterValidator(_account_or_group), WithJsonSchema({"type": "string", "minLength": 3})]
"""A Windows account or group."""


class AccessSpec(Options):
    """Principals: names of API tokens or client certificates."""

    administrators: list[NonEmpty] = Field(default_factory=list)
    users: list[NonEmpty] = Field(default_factory=list)

    def compile(self) -> Access:
        """Return the model object."""
        return Access(tuple(self.administrators), tuple(self.users))

    @classmethod
    def of(cls, access: Access) -> Self:
        """Return the spec that compiles to *access*."""
        return cls(administrators=list(access.administrators), users=list(access.users))


class AdapterAccessSpec(AccessSpec):
    """Users report; receivers alone are handed the notifications of a remote adapter."""

    receivers: list[NonEmpty] = Field(default_factory=list)

    def compile(self) -> Access:
        """Return the model object."""
        return replace(super().compile(), receivers=tuple(self.receivers))

    @classmethod
    def of(cls, access: Access) -> Self:
        """Return the spec that compiles to *access*."""
        spec = super().of(access)
        return spec.model_copy(update={"receivers": list(access.receivers)})


class ApplicationAccessSpec(AccessSpec):
    r"""Users are Windows accounts and groups, such as ``CORP\payroll-users``; lookups are principals."""

    users: list[WindowsName] = Field(default_factory=list)
    lookups: list[NonEmpty] = Field(default_factory=list)

    def compile(self) -> Access:
        """Return the model object."""
        return replace(super().compile(), lookups=tuple(self.lookups))

    @classmethod
    def of(cls, access: Access) -> Self:
        """Return the spec that compiles to *access*."""
        spec = super().of(access)
        return spec.model_copy(update={"lookups": list(access.lookups)})
