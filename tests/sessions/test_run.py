"""Sessions of the running controller."""

import json
import signal
import ssl
import urllib.error
import urllib.request
from typing import Any

import httpx

from tests.servers.certificates import Authority
from tests.sessions.shell import Shell

PASSWORD = "Sömething-New-77"


def call(url: str, token: str = "", body: dict[str, Any] | None = None) -> tuple[int, Any]:
    """Call the API; returns the status and the JSON answer."""
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, headers)  # noqa: S310  # our own server
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310  # our own server
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_the_controller_takes_a_change_over_the_api_and_delivers_it(quickstart: Shell) -> None:
    quickstart.expect(0, "demo")
    token = quickstart.expect(0, "token", "create", "dc1").out.strip()
    with quickstart.started("run", "--listen", "127.0.0.1:0", "--log-format", "json") as process:
        assert process.stdout is not None
        first = process.stdout.readline().decode()
        assert first.startswith("pwsync listens on http://127.0.0.1:")
        address = first.split()[-1]
        assert call(f"{address}/healthz")[0] == 200
        changes = f"{address}/v1/domains/CORP/changes"
        report = {"account": "CORP\\alice", "password": PASSWORD}
        assert call(changes, body=report)[0] == 401
        status, answer = call(changes, token, report)
        assert status == 202
        tracking_id = answer["trackingId"]
        while call(f"{address}/v1/changes/{tracking_id}", token)[1]["state"] == "accepted":
            pass
        assert call(f"{address}/v1/changes/{tracking_id}", token)[1]["state"] == "completed"
        result = quickstart.ended(process, by=signal.SIGTERM)
    assert result.code == 0
    assert "Stopping" in result.err
    assert quickstart.expect(0, "credentials", "show", "INTRANET", "alice", "--reveal").out == f"{PASSWORD}\n"
    timeline = quickstart.expect(0, "describe", "change", tracking_id).out
    assert "by dc1" in timeline
    assert PASSWORD not in timeline + result.out + result.err


def test_an_interrupt_ends_the_controller_in_good_order(quickstart: Shell) -> None:
    with quickstart.started("run", "--listen", "127.0.0.1:0") as process:
        assert process.stdout is not None
        process.stdout.readline()
        result = quickstart.ended(process, by=signal.SIGINT)
    assert result.code == 0
    assert "Stopping" in result.err


def test_one_round_reconciles_and_delivers(quickstart: Shell) -> None:
    quickstart.expect(0, "demo")
    tracking_id = quickstart.expect(0, "change", "windows", "CORP\\bob", stdin=f"{PASSWORD}\n").out.strip()
    quickstart.alter_store("UPDATE resources SET spec = replace(spec, 'Web server', 'Mine') WHERE name = 'intranet'")
    once = quickstart.expect(0, "run", "--once")
    assert "1 updated" in once.out
    assert "Delivery attempts: 2." in once.out
    assert "State:      completed" in quickstart.expect(0, "describe", "change", tracking_id).out
    assert "Nothing to do" in quickstart.expect(0, "run", "--once").out


def test_one_round_that_is_held_or_fails_says_so(quickstart: Shell) -> None:
    for number in range(12):
        quickstart.write(
            f"manifests/more{number}.yaml",
            f"apiVersion: pwsync/v1\nkind: Application\nmetadata: {{name: A{number}}}\n",
        )
    quickstart.expect(0, "apply", "--yes")
    for number in range(12):
        (quickstart.folder / "manifests" / f"more{number}.yaml").unlink()
    assert "Held: would prune 12 of 19 objects" in quickstart.expect(1, "run", "--once").out
    quickstart.write("manifests/corp.yaml", "kind: [")
    assert "Not reconciled: manifests/corp.yaml:" in quickstart.expect(1, "run", "--once").out


def test_the_controller_does_not_start_where_it_must_not(quickstart: Shell) -> None:
    assert "is not an address to listen on" in quickstart.expect(1, "run", "--listen", "here").err
    assert "in clear text would send" in quickstart.expect(1, "run", "--listen", "0.0.0.0:0").err
    assert "belong together" in quickstart.expect(1, "run", "--tls-key", "key.pem").err
    assert "means nothing without TLS" in quickstart.expect(1, "run", "--client-ca", "ca.pem").err
    assert "means nothing without --client-ca" in quickstart.expect(1, "run", "--client-crl", "crl.pem").err
    missing = quickstart.expect(1, "run", "--tls-key", "key.pem", "--tls-certificate", "cert.pem")
    assert "cannot be used: No such file" in missing.err
    assert "+ System/default" in quickstart.expect(0, "plan").out, "nothing was reconciled"


def test_a_caller_proves_itself_with_a_certificate(quickstart: Shell) -> None:
    quickstart.expect(0, "apply", "--yes")
    authority = Authority(quickstart.folder / "ca")
    own, dc1, stranger = authority.issue("127.0.0.1"), authority.issue_client("dc1"), authority.issue_client("dc9")
    files = ("--tls-certificate", str(own.certificate_file), "--tls-key", str(own.key_file))
    clients = ("--client-ca", str(authority.ca_file), "--client-crl", str(authority.revoke()))
    with quickstart.started("run", "--listen", "127.0.0.1:0", *files, *clients) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1].decode()
        statuses = []
        for shown in (dc1, stranger, None):
            context = ssl.create_default_context(cafile=str(authority.ca_file))
            if shown is not None:
                context.load_cert_chain(shown.certificate_file, shown.key_file)
            statuses.append(httpx.get(f"{url}/v1/changes", verify=context).status_code)
        quickstart.ended(process, by=signal.SIGTERM)
    assert statuses == [200, 403, 401]


def test_manifests_that_are_not_there_end_the_first_start_and_no_later_one(quickstart: Shell) -> None:
    for arguments in (("run", "elsewhere", "--listen", "127.0.0.1:0"), ("run", "elsewhere", "--once")):
        result = quickstart.expect(1, *arguments)
        assert "elsewhere:1:1: there is no such file or folder" in result.err
        assert "listens" not in result.out
    quickstart.expect(0, "apply", "--yes")
    with quickstart.started("run", "elsewhere", "--listen", "127.0.0.1:0") as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"pwsync listens on")
        result = quickstart.ended(process, by=signal.SIGTERM)
    assert "there is no such file or folder" in result.err


def test_a_token_that_no_manifest_names_is_told(quickstart: Shell) -> None:
    quickstart.expect(0, "apply", "--yes")
    quickstart.expect(0, "token", "create", "dc1")
    quickstart.expect(0, "token", "create", "dc-1")
    assert "dc-1" in quickstart.expect(0, "run", "--once", "--log-format", "json").err
    status = quickstart.expect(0, "status").out
    assert "opens nothing: no manifest names its principal dc-1" in status
    listed = json.loads(quickstart.expect(0, "status", "-o", "json").out)["unnamedTokens"]
    assert [token["principal"] for token in listed] == ["dc-1"]
