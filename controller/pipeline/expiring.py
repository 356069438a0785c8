"""An adapter reports that its system has let a password expire: the stored credentials are marked (behaviour Q11)."""

from controller.model import events
from controller.model.accounts import ExternalAccount
from controller.model.errors import NotFound
from controller.model.events import Event
from controller.pipeline.gate import AdapterCall, Gate
from controller.pipeline.reporting import check_reporter
from controller.pipeline.topology import Topology
from controller.ports.store import Transaction


class Expirations:
    """Takes reports of expired passwords. The mark goes away with the next password."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    def report(self, call: AdapterCall, account: ExternalAccount) -> list[str]:
        """Mark what is stored of *account*; returns the applications whose credentials are marked now.

        Raises:
            NotFound: No such adapter, or no application of it maps the account.
            PwsyncError: As for a reported change; recorded as an event.
        """

        def work(tx: Transaction, topology: Topology) -> list[str]:
            check_reporter(topology, account, call.principal, is_local=False)
            mappings = tx.mappings.of_external(topology.applications_of(account.adapter), account.name)
            if not mappings:
                raise NotFound("no application of the adapter maps this account", hint="see 'pwsync get mappings'")
            return [
                name for name in sorted({m.application for m in mappings}) if _mark(tx, topology, call, name, account)
            ]

        return self._gate.admit(call, work, is_for_remote=False)


def _mark(tx: Transaction, topology: Topology, call: AdapterCall, application: str, account: ExternalAccount) -> bool:
    field = topology.applications[application].password_field or ""
    stored = tx.credentials.external(application, account.name).get(field)
    is_stored = tx.credentials.mark_expired(application, account.name, field)
    if stored is not None and stored.expired_at is None:  # told once, however often it is reported
        fields = {"caller": call.principal, "application": application}
        tx.events.add(Event(events.PASSWORD_EXPIRED, adapter=account.adapter, account=account.name, fields=fields))
    return is_stored
