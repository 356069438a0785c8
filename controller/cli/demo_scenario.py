"""The scenario of the demo. It uses the same parts as the other commands, and looks into the real systems itself."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from controller.cli.apply import summary
from controller.cli.demo_systems import prepare, random_password, systems_of
from controller.cli.installation import Manifests
from controller.cli.output import show
from controller.manifests.compile import Compiled
from controller.model.accounts import Account, ExternalAccount, WindowsAccount
from controller.model.change import ChangeState
from controller.model.errors import InvalidInput, PwsyncError, UnsafePlan
from controller.model.filters import PasswordFilter
from controller.model.secret import Secret
from controller.model.topology import Mapping
from controller.pipeline.intake import Caller, Report
from controller.pipeline.selection import select_external
from controller.pipeline.topology import Topology, topology_of
from controller.planning.render import render_text
from controller.ports.connectors import Connector
from controller.reconcile.apply import apply_plan
from controller.reconcile.reconciler import Reconciler
from controller.runtime.actors import local_actor, local_principal
from controller.runtime.drain import Drain
from controller.runtime.lanes import make_connector
from controller.runtime.reading import compile_manifests, connector_limits, make_users
from controller.runtime.references import resolve_secret
from controller.runtime.settings import Settings
from controller.runtime.wiring import Installation

PATIENCE = timedelta(seconds=60)
_ELSEWHERE = "use another --state-dir, and no --database or PWSYNC_DATABASE"


class DemoFailed(PwsyncError):
    """Something of the demo did not go as it must."""

    code = "demoFailed"


@dataclass
class Scenario:
    """The steps of the demo, in order."""

    settings: Settings
    manifests: Manifests
    compiled: Compiled = field(init=False)
    topology: Topology = field(init=False)

    def __post_init__(self) -> None:
        self.compiled = compile_manifests(self.manifests.paths, self.settings, stdin=self.manifests.stdin)
        self.topology = topology_of(self.compiled.state.resources)

    def prepare(self) -> None:
        """Make the external systems.

        Raises:
            SettingsError: The manifests name systems that the demo cannot make.
        """
        show("1. Two small systems to play with, and their users with passwords that nobody knows:")
        self.settings.make_state_dir()
        folder = self.settings.state_dir / "demo"
        folder.mkdir(mode=0o700, exist_ok=True)
        for name, adapter in systems_of(self.topology).items():
            applications = set(self.topology.applications_of(name))
            accounts = sorted({m.external for m in self.compiled.state.mappings if m.application in applications})
            show(f"   {name}: {prepare(name, adapter, accounts, folder)} ({', '.join(accounts)})")

    def play(self, installation: Installation) -> None:
        """Plan, apply, report two changes, and check what came of them.

        Raises:
            UnsafePlan: This installation has objects that the manifests would change or remove, or work to do.
            DemoFailed: A password did not arrive.
        """
        self._refuse_other_work(installation)
        self._apply(installation)
        windows, passwords = self._change_windows_password(installation)
        self._change_external_password(installation, windows, passwords)
        self._plan_again(installation)
        self._say_what_is_next(windows)

    def _refuse_other_work(self, installation: Installation) -> None:
        """The demo works off whatever is due, so nothing but its own two changes may be there to be worked off."""
        with installation.store.read() as tx:
            has_work = bool(tx.deliveries.next_due()) or bool(tx.changes.count_by_state().get(ChangeState.ACCEPTED))
        if has_work:
            raise UnsafePlan(
                f"the installation of state directory {self.settings.state_dir} has changes or deliveries that are "
                f"not finished",
                hint=f"the demo would deliver them: {_ELSEWHERE}, or finish them first: 'pwsync run --once' "
                f"delivers what is due, 'pwsync status' shows what waits for a person",
            )

    def _reconciler(self, installation: Installation) -> Reconciler:
        warnings = [str(warning) for warning in self.compiled.warnings]
        return Reconciler(
            installation.store, lambda: (self.compiled.state, warnings), by=local_actor(), limits=connector_limits()
        )

    def _apply(self, installation: Installation) -> None:
        show(f"\n2. pwsync plan {' '.join(self.manifests.paths)}")
        plan = self._reconciler(installation).plan()
        show(_indented(render_text(plan)))
        if any(change.action != "create" for change in (*plan.changes, *plan.left_out)):
            raise UnsafePlan(
                f"the installation of state directory {self.settings.state_dir} has objects that these manifests do "
                f"not declare, or declare otherwise",
                hint=f"the demo changes and removes nothing: {_ELSEWHERE}, or 'pwsync apply' if they shall change",
            )
        show("3. pwsync apply --yes")
        if plan.is_empty():
            show("   Left out, there is nothing to do.\n")
        else:
            make_users(installation.store).refresh(plan.changes)
            show(_indented(summary(apply_plan(installation.store, plan, by=local_actor()))))

    def _change_windows_password(
        self, installation: Installation
    ) -> tuple[WindowsAccount, dict[ExternalAccount, Secret]]:
        windows, targets = self._most_mapped()
        password = random_password()
        show(f"4. {windows} has a new Windows password: pwsync change windows '{windows}' --wait")
        _report(installation, windows, password)
        passwords = {target: self._filtered(target, password) for target in targets}
        self._expect_in_force(installation, passwords)
        return windows, passwords

    def _change_external_password(
        self, installation: Installation, windows: WindowsAccount, passwords: dict[ExternalAccount, Secret]
    ) -> None:
        reporting = [a for a in passwords if self.topology.adapters[a.adapter].sync_from_adapter]
        if not reporting:
            raise InvalidInput(f"no system of {windows} has syncFromAdapter: true", hint="see manifests/wiki.yaml")
        account, password = reporting[0], random_password()
        show(f"\n5. {account.name} changes the password in {account.adapter} itself, which reports it:")
        show(f"   pwsync change external {account.adapter} {account.name} --old --wait")
        with self._connector(installation, account) as connector:
            connector.change_password(account.name, passwords[account], password)
        _report(installation, account, password, old_password=passwords[account])
        self._expect_stored(installation, account, password)
        others = {a: p for a, p in passwords.items() if a != account}
        show("   Partial sync: only the credential database follows; the other systems keep their password.")
        self._expect_in_force(installation, others | {account: password})

    def _expect_stored(self, installation: Installation, account: ExternalAccount, password: Secret) -> None:
        for application in self.topology.applications_of(account.adapter):
            stored = installation.credentials.show(application, account.name, reveals=True, by=local_actor())
            if stored.password != password:
                raise DemoFailed(f"the credential database does not hold the new password of {account}")
            show(f"   The credential database holds the new password of {account.name} for {application}.")

    def _most_mapped(self) -> tuple[WindowsAccount, tuple[ExternalAccount, ...]]:
        by_account: dict[WindowsAccount, list[Mapping]] = {}
        for mapping in self.compiled.state.mappings:
            by_account.setdefault(mapping.windows, []).append(mapping)
        reach = {account: select_external(self.topology, found, {}).accounts for account, found in by_account.items()}
        if not any(reach.values()):
            raise InvalidInput("no mapping of these manifests reaches a system", hint="use those of the quickstart")
        account = max(sorted(reach), key=lambda windows: len(reach[windows]))
        return account, reach[account]

    def _filtered(self, account: ExternalAccount, password: Secret) -> Secret:
        name = self.topology.adapters[account.adapter].filter
        return (PasswordFilter() if name is None else self.topology.filters[name]).apply(password)

    def _expect_in_force(self, installation: Installation, passwords: dict[ExternalAccount, Secret]) -> None:
        for account, password in passwords.items():
            with self._connector(installation, account) as connector:
                if not connector.verify_password(account.name, password):
                    raise DemoFailed(f"{account} does not have the password that it must have")
            show(f"   Checked in the real {account.adapter}: the hash of {account.name} is that of this password.")

    @contextmanager
    def _connector(self, installation: Installation, account: ExternalAccount) -> Iterator[Connector]:
        adapter = self.topology.adapters[account.adapter]
        with closing(make_connector(installation.catalogue, resolve_secret, adapter)) as connector:
            yield connector

    def _plan_again(self, installation: Installation) -> None:
        show("\n6. pwsync plan, once more:")
        plan = self._reconciler(installation).plan()
        show(_indented(render_text(plan)))
        if not plan.is_empty():
            raise DemoFailed("there is still something to do after apply")

    def _say_what_is_next(self, windows: WindowsAccount) -> None:
        here = " ".join(self.manifests.paths)
        show("It works. What to try next:")
        show(f"   pwsync status {here}")
        show(f"   pwsync simulate windows '{windows}'           (what a change would reach, and why)")
        show(f"   pwsync change windows '{windows}' --wait      (asks for a password)")
        show("   pwsync get changes;  pwsync describe change TRACKING_ID")
        show(f"   edit a file in {here}, then: pwsync plan {here};  pwsync apply {here}")
        show(f"   pwsync run {here}      (the controller: API, status page, reconcile loop, delivery)")


def _report(
    installation: Installation, account: Account, password: Secret, *, old_password: Secret | None = None
) -> None:
    report = Report(account, password, old_password)
    tracking_id = installation.intake.accept(report, Caller(local_principal(), is_local=True))
    with closing(Drain(installation)) as drain:
        drain.wait_for(tracking_id, PATIENCE)
    with installation.store.read() as tx:
        change = tx.changes.get(tracking_id)
    if change is None or change.state is not ChangeState.COMPLETED:
        state = "lost" if change is None else f"{change.state.value} {change.reason}"
        hint = f"pwsync describe change {tracking_id}"
        raise DemoFailed(f"the change of {account} did not arrive: {state}", hint=hint)
    show(f"   Change {tracking_id}: completed.")


def _indented(text: str) -> str:
    return "".join(f"   {line}".rstrip() + "\n" for line in text.splitlines())
