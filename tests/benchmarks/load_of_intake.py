"""Rate and p99 of durable intake over TLS with wrk, as ratios to the same server answering without storing.

Both are measured by turns in one run: what is stored, and a report that is refused once its caller is known and its
body is read (its password is empty). ``/healthz`` asks nobody and reads nothing: it tells what HTTP and TLS cost.
"""

import shutil
import ssl
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import httpx

from tests.servers.certificates import Authority
from tests.system.controller_process import ControllerProcess, controller_process

ROUNDS = 3
SECONDS = 6
CONNECTIONS = 64
WARM_UP = 2
MANIFESTS = """\
apiVersion: pwsync/v1
kind: System
metadata: {name: default}
spec: {fromWindowsToAdapters: true}
---
apiVersion: pwsync/v1
kind: Domain
metadata: {name: CORP}
spec: {dnsName: corp.example.com, sources: [{principal: dc1, type: domainController}]}
"""
SCRIPT = """\
local started = 0
function setup(thread)
  started = started + 1
  thread:set("id", started)
end
function init(args)
  mode, token, number = args[1], args[2], 0
end
function request()
  if mode == "healthz" then return wrk.format("GET", "/healthz") end
  number = number + 1
  local password = mode == "stored" and string.format("n3w-%d", number) or ""
  local body = string.format('{"account":"CORP\\\\\\\\user%d-%d","password":"%s"}', id, number % 5000, password)
  local headers = {["Authorization"] = "Bearer " .. token, ["Content-Type"] = "application/json"}
  return wrk.format("POST", "/v1/domains/CORP/changes", headers, body)
end
function done(summary, latency, requests)
  local failed = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  local counted = string.format("%d %d %d %d", summary.requests, summary.duration, summary.errors.status, failed)
  io.write(string.format("RESULT %s %.0f\\n", counted, latency:percentile(99)))
end
"""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One round of one kind of request.

    Attributes:
        rate: Answers per second.
        p99: Milliseconds.
        refused: Answers with a status of 400 and more.
        failed: Requests without an answer.
    """

    rate: float
    p99: float
    refused: int
    failed: int


def measure(controller: ControllerProcess, script: Path, mode: str, seconds: int) -> Measurement:
    """Let wrk send for so long."""
    load = ["wrk", "--threads", "2", "--connections", str(CONNECTIONS), "--duration", f"{seconds}s"]
    address = f"https://127.0.0.1:{controller.port}"
    command = [*load, "--timeout", "30s", "--script", str(script), address, "--", mode, controller.tokens["dc1"]]
    out = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    words = out.partition("RESULT ")[2].split()
    count, microseconds, refused, failed, p99 = (int(word) for word in words[:5])
    return Measurement(count / microseconds * 1e6, p99 / 1000, refused, failed)


def measured(folder: Path) -> dict[str, list[Measurement]]:
    """Measure all kinds by turns."""
    (folder / "manifests").mkdir()
    (folder / "manifests" / "all.yaml").write_text(MANIFESTS)
    script = folder / "load.lua"
    script.write_text(SCRIPT)
    authority = Authority(folder / "ca")
    issued = authority.issue("127.0.0.1")
    with controller_process(folder, folder / "manifests", {}) as controller:
        controller.client.close()
        trusted = ssl.create_default_context(cafile=authority.ca_file)
        controller.client = httpx.Client(base_url=f"https://127.0.0.1:{controller.port}", verify=trusted, timeout=30)
        tls = ("--tls-certificate", str(issued.certificate_file), "--tls-key", str(issued.key_file))
        controller.run_options = (*tls, "--rate-limit", "0")
        controller.command("apply", str(controller.manifests), "--yes")
        controller.make_token("dc1")
        controller.start()
        measure(controller, script, "stored", WARM_UP)
        found: dict[str, list[Measurement]] = {"stored": [], "refused": [], "healthz": []}
        for _ in range(ROUNDS):
            for mode, rounds in found.items():
                rounds.append(measure(controller, script, mode, SECONDS))
        return found


def main() -> int:
    """Print the medians and their ratios; 1 when a report was not stored."""
    if shutil.which("wrk") is None:
        sys.stderr.write("wrk is not installed (Debian: apt-get install wrk)\n")
        return 2
    with tempfile.TemporaryDirectory() as folder:
        found = measured(Path(folder))
    base = median(m.rate for m in found["refused"])
    sys.stdout.write("| request | per second | p99, ms | ratio to refused |\n|---|---|---|---|\n")
    for mode, rounds in found.items():
        rate, p99 = median(m.rate for m in rounds), median(m.p99 for m in rounds)
        sys.stdout.write(f"| {mode} | {rate:,.0f} | {p99:.1f} | {rate / base:.2f} |\n")
    lost = sum(m.refused + m.failed for m in found["stored"])
    if lost:
        sys.stderr.write(f"{lost} reports were not stored\n")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
