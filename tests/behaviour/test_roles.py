"""Every endpoint and every role: who may call what, and how far each sees."""

import base64
from collections.abc import Iterator
from datetime import UTC, datetime
from ipaddress import IPv4Network
from typing import Any

import pytest
from starlette.routing import Route

from controller.model.accounts import Account, ExternalAccount, WindowsAccount
from controller.model.actor import Actor
from controller.model.secret import Secret
from controller.pipeline.intake import Caller
from controller.pipeline.roles import ALLOWED, Action, Role
from controller.sealing.capture import CaptureKey
from tests.documentation.roles import ANYONE, ENDPOINTS
from tests.doubles.roles import DISABLED, PASSWORD, STRANGER, RolesBench

REPORT = {"account": r"CORP\alice", "password": PASSWORD}
EXTERNAL_REPORT = {"account": "A1", "password": PASSWORD}
BODIES: dict[str, Any] = {
    "POST /v1/domains/{domain}/changes": REPORT,
    "POST /v1/adapters/{name}/changes": EXTERNAL_REPORT,
    "POST /v1/adapters/{name}/expirations": {"account": "A1"},
    "POST /v1/adapters/{name}/notifications/{trackingId}/complete": {"errorCode": 0},
    "POST /v1/adapters/{name}/status": {"online": True},
}
CREDENTIAL = "/v1/credentials/{application}/{account}"
KINDS = ("systems", "domains", "passwordfilters", "adaptergroups", "adapters/far", "applications/FAR", "mappings")
ADDRESSES = map(str, IPv4Network("198.18.0.0/15"))
"""Of one address only some calls and logins that prove nothing are let through."""
REFUSALS = {"noRole", "notAllowed", "notReporter", "notAdministrator", "sourceNotAllowed", "callerNotAllowed"}


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RolesBench]:
    bench = RolesBench(tmp_path_factory.mktemp("roles"))
    key = CaptureKey.of(bench.bench.sealer._keyring.newest)
    BODIES["POST /v1/domains/{domain}/captures"] = captured(key, WindowsAccount("CORP", "alice"), REPORT["account"])
    BODIES["POST /v1/adapters/{name}/captures"] = captured(key, ExternalAccount("far", "A1"), "A1")
    yield bench
    bench.close()


def captured(key: CaptureKey, account: Account, shown: str) -> dict[str, str]:
    now = datetime.now(UTC)
    sealed = base64.b64encode(key.seal(Secret(PASSWORD), account, now)).decode()
    return {"account": shown, "sealedPassword": sealed, "occurredAt": now.isoformat()}


def routes_of(bench: RolesBench) -> set[str]:
    found = set()
    for route in bench.app.routes:
        assert isinstance(route, Route), route
        found |= {f"{method} {route.path.replace(':path', '')}" for method in (route.methods or set()) - {"HEAD"}}
    return found


def paths_of(bench: RolesBench, endpoint: str) -> list[str]:
    """Every concrete path of an endpoint that could be anybody's."""
    path = endpoint.split()[1].replace("{domain}", "CORP")
    if path.startswith("/v1/adapters/"):
        path = path.replace("{name}", "far")
    if "{trackingId}" in path:
        return [path.replace("{trackingId}", tracking_id) for tracking_id in bench.tracking_ids]
    if "{delivery}" in path:
        return [path.replace("{delivery}", delivery) for delivery in bench.deliveries_of("far")]
    if path == CREDENTIAL:
        return ["/v1/credentials/FAR/A1"]
    if path == "/v1/objects/{kind}":
        return [f"/v1/objects/{kind.partition('/')[0]}" for kind in KINDS]
    if path.startswith("/v1/objects/"):
        names = (
            *(kind for kind in KINDS if "/" in kind),
            "systems/default",
            "domains/CORP",
            r"mappings/FAR/CORP%5Calice",
        )
        return [f"/v1/objects/{name}" for name in names]
    return [path.replace("{name}", "style.css")]


def is_api(endpoint: str) -> bool:
    return endpoint.split()[1].startswith(("/v1/", "/metrics", "/healthz", "/readyz", "/openapi.json"))


def may_call(bench: RolesBench, endpoint: str, principal: str) -> bool:
    """Whether any path of an endpoint answers anything but a refusal of the caller."""
    method = endpoint.split(maxsplit=1)[0]
    for path in paths_of(bench, endpoint):
        answer = bench.call(method, path, by=principal, **({"json": BODIES[endpoint]} if endpoint in BODIES else {}))
        if endpoint.endswith(CREDENTIAL) and answer.status_code == 404:
            continue  # who may not look it up is told that there is none
        if answer.status_code != 403:
            assert answer.status_code in {200, 202, 204, 404, 409, 422}, (endpoint, principal, answer.text)
            bench.bench.operations.enable("far", by=Actor("tester"))  # whatever order the calls come in
            return True
        assert answer.json()["reason"] in REFUSALS
    return False


def may_see(bench: RolesBench, endpoint: str, principal: str) -> bool:
    """Whether a page answers anything but a refusal of who is, or would be, logged in."""
    method, browser = endpoint.split(maxsplit=1)[0], bench.browser(address=next(ADDRESSES))
    has_logged_in = browser.log_in(bench.tokens[principal]).status_code == 303
    form = {"csrf": browser.form_token()} if has_logged_in and method == "POST" else {}
    for path in paths_of(bench, endpoint):
        answer = browser.get(path) if method == "GET" else browser.post(path, form)
        is_sent_away = answer.status_code == 303 and answer.headers["Location"].startswith("/login")
        if not is_sent_away and answer.status_code != 403:
            assert has_logged_in
            return True
    return False


def test_every_route_of_the_application_is_in_the_table(bench: RolesBench) -> None:
    assert routes_of(bench) == set(ENDPOINTS)


@pytest.mark.parametrize("endpoint", [e for e, action in ENDPOINTS.items() if action is not ANYONE])
def test_each_role_may_do_what_the_table_says_and_nothing_else(bench: RolesBench, endpoint: str) -> None:
    action, answers = ENDPOINTS[endpoint], may_call if is_api(endpoint) else may_see
    expected = {role for role in Role if action in ALLOWED[role]}

    assert {role for role in Role if answers(bench, endpoint, role)} == expected
    for other in (STRANGER, *DISABLED):
        assert not answers(bench, endpoint, other)


@pytest.mark.parametrize("endpoint", [e for e in ENDPOINTS if is_api(e)])
@pytest.mark.parametrize("token", ["", "pwsync_never-made"])
def test_without_a_valid_token_only_the_probes_answer(bench: RolesBench, endpoint: str, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    for path in paths_of(bench, endpoint):
        body = {"json": BODIES[endpoint]} if endpoint in BODIES else {}
        answer = bench.call(endpoint.split(maxsplit=1)[0], path, headers=headers, address=next(ADDRESSES), **body)
        assert answer.status_code == (200 if ENDPOINTS[endpoint] is ANYONE else 401)


@pytest.mark.parametrize("endpoint", [e for e in ENDPOINTS if not is_api(e)])
def test_without_a_login_every_page_but_that_of_the_login_leads_to_it(bench: RolesBench, endpoint: str) -> None:
    method, path = endpoint.split(maxsplit=1)[0], paths_of(bench, endpoint)[0]
    browser = bench.browser()
    answer = browser.get(path) if method == "GET" else browser.post(path, {"csrf": "x"})
    if endpoint in {"GET /login", "GET /static/{name}"}:
        assert answer.status_code == 200
    elif endpoint == "POST /login":
        assert answer.status_code == 403
    else:
        assert (answer.status_code, answer.headers["Location"].partition("?")[0]) == (303, "/login")


def test_there_is_no_action_without_a_call_and_no_role_that_may_do_nothing() -> None:
    assert {action for action in ENDPOINTS.values() if action is not ANYONE} == set(Action)
    assert all(ALLOWED[role] for role in Role)


def listed(bench: RolesBench, path: str, by: str) -> list[dict[str, Any]]:
    answer = bench.call("GET", path, by=by)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RolesBench]:
    r"""Changes of ``CORP\alice`` and A1, of ``CORP\bob`` and B1, which belong to NEAR."""
    bench = RolesBench(tmp_path_factory.mktemp("crowd"))
    bench.reported("/v1/domains/CORP/changes", r"CORP\bob", Role.SOURCE)
    bench.reported("/v1/adapters/near/changes", "B1", "nearUser")
    yield bench
    bench.close()


@pytest.mark.parametrize(
    ("principal", "accounts"),
    [
        (Role.ADMINISTRATOR, ["B1", r"CORP\bob", "A1", r"CORP\alice"]),
        (Role.APPLICATION_ADMINISTRATOR, ["A1", r"CORP\alice"]),
        (Role.ADAPTER_ADMINISTRATOR, ["A1"]),
        (Role.ADAPTER_USER, ["A1"]),
        (Role.SOURCE, [r"CORP\bob", r"CORP\alice"]),
        ("nearAdministrator", ["B1"]),
    ],
)
def test_changes_are_narrowed_to_what_is_one_s_own(crowd: RolesBench, principal: str, accounts: list[str]) -> None:
    changes = listed(crowd, "/v1/changes", principal)
    assert [c["account"] for c in changes] == accounts
    everything = listed(crowd, "/v1/changes", Role.ADMINISTRATOR)
    for change in everything:
        answer = crowd.call("GET", f"/v1/changes/{change['trackingId']}", by=principal)
        assert answer.status_code == (200 if change in changes else 403)


def test_deliveries_are_narrowed_to_what_is_one_s_own(crowd: RolesBench) -> None:
    everything = listed(crowd, "/v1/deliveries", Role.ADMINISTRATOR)
    of_far = [d for d in everything if d.get("adapter") == "far"]
    of_alice = [d for d in everything if d["account"] in {"A1", r"CORP\alice"}]

    assert 0 < len(of_far) < len(of_alice) < len(everything)
    assert listed(crowd, "/v1/deliveries", Role.ADAPTER_ADMINISTRATOR) == of_far
    assert listed(crowd, "/v1/deliveries", Role.APPLICATION_ADMINISTRATOR) == of_alice


def test_an_administrator_of_less_sees_of_a_change_the_deliveries_that_are_its_own(crowd: RolesBench) -> None:
    path = f"/v1/changes/{crowd.tracking_ids[1]}"
    whole = crowd.call("GET", path, by=Role.ADMINISTRATOR).json()["deliveries"]
    assert {d["account"] for d in whole} > {r"CORP\alice"}  # from there it went on to other applications
    assert crowd.call("GET", path, by=Role.ADAPTER_USER).json()["deliveries"] == whole
    of_application = crowd.call("GET", path, by=Role.APPLICATION_ADMINISTRATOR).json()["deliveries"]
    assert [d["account"] for d in of_application] == [r"CORP\alice"]
    assert crowd.call("GET", path, by=Role.ADAPTER_ADMINISTRATOR).json()["deliveries"] == []


def test_events_are_narrowed_to_one_s_own_adapters(crowd: RolesBench) -> None:
    assert {e["adapter"] for e in listed(crowd, "/v1/events", Role.ADAPTER_ADMINISTRATOR)} == {"far"}
    assert len({e["adapter"] for e in listed(crowd, "/v1/events", Role.ADMINISTRATOR)}) > 2


def test_objects_are_narrowed_to_one_s_own(crowd: RolesBench) -> None:
    def names(kind: str, by: str) -> list[str]:
        return [o["metadata"]["name"] for o in listed(crowd, f"/v1/objects/{kind}", by)]

    assert names("applications", Role.APPLICATION_ADMINISTRATOR) == ["FAR"]
    assert {"FAR", "NEAR", "RACF"} < set(names("applications", Role.AFFILIATE_ADMINISTRATOR))
    assert names("adapters", Role.ADAPTER_ADMINISTRATOR) == ["far"]
    assert names("adapters", "shutAdministrator") == ["shut"]


def test_mappings_are_narrowed_to_one_s_own_applications(crowd: RolesBench) -> None:
    def applications(query: str, by: str) -> set[str]:
        return {m["spec"]["application"] for m in listed(crowd, f"/v1/objects/mappings{query}", by)}

    assert applications("", Role.APPLICATION_ADMINISTRATOR) == {"FAR"}
    assert applications("?adapter=far", Role.APPLICATION_ADMINISTRATOR) == {"FAR"}
    assert applications("?adapter=near", Role.APPLICATION_ADMINISTRATOR) == set()
    assert applications("?adapter=near", Role.AFFILIATE_ADMINISTRATOR) == {"NEAR"}
    for name in ("NEAR/CORP%5Cbob", "NONE/CORP%5Cbob"):  # not even told apart
        answer = crowd.call("GET", f"/v1/objects/mappings/{name}", by=Role.APPLICATION_ADMINISTRATOR)
        assert (answer.status_code, answer.json()["reason"]) == (403, "notAllowed")


def test_whoever_is_taken_out_of_the_manifests_has_no_role_whatever_its_token(bench: RolesBench) -> None:
    assert bench.call("GET", "/v1/changes", by=STRANGER).json()["reason"] == "noRole"
    tracking_id = bench.bench.windows("alice", f"{PASSWORD}-again", by=Caller(STRANGER, is_local=True))
    answer = bench.call("GET", f"/v1/changes/{tracking_id}", by=STRANGER)
    assert (answer.status_code, answer.json()["reason"]) == (403, "noRole")


def test_a_refusal_is_recorded_once_a_minute(crowd: RolesBench) -> None:
    for _ in range(3):
        assert crowd.call("GET", "/v1/status", by="nearUser").status_code == 403
    recorded = [e.fields for e in crowd.events("callRefused") if e.fields["caller"] == "nearUser"]
    assert recorded == [{"caller": "nearUser", "action": "readStatus", "reason": "notAllowed"}]


def test_callers_that_prove_nothing_are_recorded_once_a_minute(crowd: RolesBench) -> None:
    for header in ("Bearer x", "Basic x"):
        for _ in range(3):
            assert crowd.call("GET", "/v1/changes", headers={"Authorization": header}).status_code == 401
    recorded = [(e.fields["address"], e.fields["problem"]) for e in crowd.events("callerUnproven")]
    assert sorted(recorded) == [
        ("127.0.0.1", "the Authorization header holds no bearer token"),
        ("127.0.0.1", "the token is not valid"),
    ]
