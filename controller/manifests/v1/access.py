"""Who may administer, and who may use, an adapter or application."""

from typing import Self

from pydantic import Field

from controller.manifests.v1.document import NonEmpty
from controller.model.options import Options
from controller.model.topology import Access


class AccessSpec(Options):
    r"""Principals: names of API tokens or client certificates, or Windows groups (``CORP\payroll-users``)."""

    administrators: list[NonEmpty] = Field(default_factory=list)
    users: list[NonEmpty] = Field(default_factory=list)

    def compile(self) -> Access:
        """Return the model object."""
        return Access(tuple(self.administrators), tuple(self.users))

    @classmethod
    def of(cls, access: Access) -> Self:
        """Return the spec that compiles to *access*."""
        return cls(administrators=list(access.administrators), users=list(access.users))
