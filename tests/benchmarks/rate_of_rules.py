"""How fast a mapping rule is evaluated, beside a bare paged scan by ldap3 of the same attributes, in one run."""

import argparse
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from ldap3 import Connection, Server, Tls

from controller.connectors.ldap.account_directory import open_directory
from controller.model.options import Bind, LdapEndpoint, SecretReference
from controller.model.secret import Secret
from controller.model.topology import Domain, DomainDirectory, Kind, MappingRule, Resource
from controller.planning.rule_mappings import derive
from controller.reconcile.rule_reading import RuleReader
from tests.servers.slapd import PEOPLE_DN, SlapdServer, running_slapd

PAGE = 1_000
LEAST = 0.8
"""The share of the bare scan's rate that is promised."""


def main() -> int:
    """Measure, print, and tell by the exit code whether the promise is kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, running_slapd(Path(folder)) as slapd:
        fill(slapd, arguments.entries)
        scans, evaluations = [], []
        for _ in range(arguments.rounds):  # in turns, so that both have the same of whatever else goes on
            scans.append(timed(lambda: scan(slapd), arguments.entries))
            evaluations.append(timed(lambda: evaluate(slapd), arguments.entries))
    bare, ours = arguments.entries / min(scans), arguments.entries / min(evaluations)
    sys.stdout.write(
        f"entries              {arguments.entries:>10,}\n"
        f"bare scan by ldap3   {bare:>10,.0f} entries/s\n"
        f"rule evaluation      {ours:>10,.0f} entries/s, mappings derived and sorted\n"
        f"ratio                {ours / bare:>10.2f} (at least {LEAST})\n"
    )
    return 0 if ours >= LEAST * bare else 1


def fill(slapd: SlapdServer, entries: int) -> None:
    """Load people with an employee number, while the server stands still."""
    slapd.process.stop()
    people = (
        f"dn: uid=user{n:06},{PEOPLE_DN}\nobjectClass: inetOrgPerson\nuid: user{n:06}\ncn: User {n}\nsn: {n}\n"
        f"employeeNumber: e{n:06}\nmail: user{n:06}@example.com\n"
        for n in range(entries)
    )
    command = ["slapadd", "-q", "-f", str(slapd.folder / "slapd.conf")]
    subprocess.run(command, input="\n".join(people), text=True, check=True, capture_output=True)
    slapd.process.start()


def timed(work: Callable[[], int], expected: int) -> float:
    """Seconds of *work*, which must find as many as are expected."""
    start = time.perf_counter()
    found = work()
    took = time.perf_counter() - start
    if found != expected:
        raise RuntimeError(f"{found:,} entries instead of {expected:,}")
    return took


def scan(slapd: SlapdServer) -> int:
    """A paged search with ldap3's own client and its fast decoder; nothing is done with the entries."""
    tls = Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=str(slapd.ca_file))
    host, _, port = slapd.ldaps_url.removeprefix("ldaps://").rpartition(":")
    server = Server(host, int(port), use_ssl=True, tls=tls, get_info="NO_INFO")
    with Connection(
        server, slapd.service_dn, slapd.service_password, auto_bind=True, fast_decoder=True, check_names=False
    ) as connection:
        found = connection.extend.standard.paged_search(
            PEOPLE_DN, "(employeeNumber=*)", attributes=["uid", "employeeNumber"], paged_size=PAGE, generator=True
        )
        return sum(1 for _ in found)


def evaluate(slapd: SlapdServer) -> int:
    """The rule as a round of the controller evaluates it the first time: asked, parsed, checked, in order."""
    bind = Bind(user=slapd.service_dn, password_from=SecretReference(env="UNUSED"))
    endpoint = LdapEndpoint(url=slapd.ldaps_url, ca_file=str(slapd.ca_file), bind=bind)
    directory = DomainDirectory(endpoint, PEOPLE_DN)
    rule = MappingRule(
        "A", "CORP", "employeeNumber", filter="(employeeNumber=*)", account_attribute="uid", case="upper"
    )
    domain = Resource(Kind.DOMAIN, "CORP", Domain("corp", directory=directory))
    by_key = {resource.key: resource for resource in (domain, Resource(Kind.MAPPING_RULE, "r", rule))}
    secret = Secret(slapd.service_password)
    reader = RuleReader(lambda name, spec: open_directory(name, spec, lambda _: secret), timedelta(minutes=5))
    derived = derive({"r": rule}, reader.read(by_key), (), ())
    if derived.results["r"].problems:
        raise RuntimeError(derived.results["r"].problems[0])
    return len(derived.mappings)


if __name__ == "__main__":
    sys.exit(main())
