"""A small company for the status page: systems that are well, refuse, and are away, behind one controller process."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.leaks import Leaks
from tests.servers.processes import free_port
from tests.system.controller_process import ControllerProcess, controller_process

MANIFESTS = """\
apiVersion: pwsync/v1
kind: System
metadata: {name: default}
spec:
  fromWindowsToAdapters: true
  fromAdaptersToDatabase: true
  administrators: [ops]
  reconcile: {interval: 10m}
---
apiVersion: pwsync/v1
kind: Domain
metadata: {name: CORP}
spec: {dnsName: corp.example.com, sources: [{principal: dc1}]}
---
apiVersion: pwsync/v1
kind: Adapter
metadata: {name: intranet}
spec:
  description: Web server of the intranet
  syncToAdapter: true
  access: {administrators: [keeper]}
  connector: {type: htpasswd, file: ../intranet.htpasswd, cost: 4}
---
apiVersion: pwsync/v1
kind: Adapter
metadata: {name: wiki}
spec:
  syncToAdapter: true
  syncFromAdapter: true
  connector: {type: htpasswd, file: ../wiki.htpasswd, cost: 4}
---
apiVersion: pwsync/v1
kind: Adapter
metadata: {name: mail-directory}
spec:
  syncToAdapter: true
  connector:
    type: ldap
    url: ldaps://127.0.0.1:%(port)d
    bind: {user: "cn=svc,dc=example,dc=com", passwordFrom: {env: MAIL_PASSWORD}}
    accountDN: "uid={account},ou=people,dc=example,dc=com"
---
apiVersion: pwsync/v1
kind: Adapter
metadata: {name: retired}
spec:
  enabled: false
  connector: {type: htpasswd, file: ../retired.htpasswd}
---
apiVersion: pwsync/v1
kind: Application
metadata: {name: INTRANET}
spec: {adapter: intranet}
---
apiVersion: pwsync/v1
kind: Application
metadata: {name: WIKI}
spec: {adapter: wiki}
---
apiVersion: pwsync/v1
kind: Application
metadata: {name: WIKI-ADMIN}
spec: {adapter: wiki}
---
apiVersion: pwsync/v1
kind: Application
metadata: {name: MAIL}
spec: {adapter: mail-directory}
---
apiVersion: pwsync/v1
kind: MappingSet
metadata: {name: intranet}
spec:
  application: INTRANET
  domain: CORP
  mappings:
    - {windows: alice, external: alice}
    - {windows: bob, external: bob}
    - {windows: carol, external: carol}
---
apiVersion: pwsync/v1
kind: MappingSet
metadata: {name: wiki}
spec: {application: WIKI, domain: CORP, mappings: [{windows: alice, external: alice.smith}]}
---
apiVersion: pwsync/v1
kind: MappingSet
metadata: {name: mail}
spec: {application: MAIL, domain: CORP, mappings: [{windows: dave, external: dave}]}
"""
NEW = """\
---
apiVersion: pwsync/v1
kind: PasswordFilter
metadata: {name: short}
spec: {rules: "tr/16/"}
"""
LINE = "{}:$2y$04$abcdefghijklmnopqrstuuJ1Zt7Cn5BqJ2nHq1T1lq0i5m5t1yW2e\n"
PEOPLE = ("ops", "keeper", "dc1")


class StatusCompany:
    """The controller, and the files that its adapters write."""

    def __init__(self, folder: Path, controller: ControllerProcess, leaks: Leaks) -> None:
        self.folder = folder
        self.controller = controller
        self.leaks = leaks
        self.url = f"http://127.0.0.1:{controller.port}"

    def hire(self, name: str, system: str = "intranet") -> None:
        """Give somebody an account."""
        with (self.folder / f"{system}.htpasswd").open("a") as file:
            file.write(LINE.format(name))

    def change(self, user: str) -> str:
        """Somebody has a new Windows password; returns the tracking ID."""
        return self.controller.report_windows(f"CORP\\{user}", self.leaks.password())

    def finish(self, user: str) -> str:
        """Likewise, and wait until the change has ended."""
        tracking_id = self.change(user)
        self.controller.finished(tracking_id, by="dc1")
        return tracking_id

    def redeclare(self) -> None:
        """Change the manifests so that the plan is held: half of the objects and mappings would be pruned."""
        path = self.controller.manifests / "all.yaml"
        documents = path.read_text().split("---\n")
        kept = [d for d in documents if not any(w in d for w in ("wiki", "WIKI", "mail", "MAIL", "retired"))]
        path.write_text("---\n".join(kept).replace("Web server of the intranet", "Intranet") + NEW)


@contextmanager
def status_company(folder: Path, warm: Path) -> Iterator[StatusCompany]:
    """All is running: alice's wiki account is well, bob and carol are unknown to the intranet, mail is away."""
    leaks = Leaks()
    manifests = folder / "manifests"
    manifests.mkdir()
    (manifests / "all.yaml").write_text(MANIFESTS % {"port": free_port()})
    for system in ("intranet", "wiki", "retired"):
        (folder / f"{system}.htpasswd").write_text("")
        (folder / f"{system}.htpasswd").chmod(0o600)
    environment = {"MAIL_PASSWORD": leaks.password("Svc-")}
    with controller_process(folder, manifests, environment, warm=warm) as controller:
        controller.command("apply", str(manifests), "--yes")
        for principal in PEOPLE:
            controller.make_token(principal)
        company = StatusCompany(folder, controller, leaks)
        company.hire("alice")
        company.hire("alice.smith", "wiki")
        controller.start()
        yield company
        assert controller.stop() == 0
