"""What the pages show, and what never stands in one."""

import base64
import re
from dataclasses import replace
from datetime import timedelta

import pytest

from controller.model.errors import InvalidInput
from controller.model.events import CATALOGUE, Event
from controller.model.topology import Adapter, Application, ConnectorSpec, Kind
from controller.planning.change import Create, Prune, Update
from controller.planning.plan import Plan
from controller.planning.safety import Hold
from controller.ports.changes import ChangeQuery
from controller.ports.lanes import LaneStatus
from controller.ports.manifests import Pause, Reconciliation
from controller.reconcile.reconciler import Outcome, ReconcileResult
from controller.runtime.rounds import Rounds
from controller.web.pages.plans import FRESH_SECONDS, SHARE, Plans
from controller.web.pages.rendering import age, moment
from controller.web.pages.site import Insight
from controller.web.pages.views import ROWS_PER_PAGE
from tests.doubles.api import SWITCHES
from tests.doubles.pipeline import START
from tests.doubles.status_pages import PagesBench, text_of
from tests.doubles.topologies import adapter, application, mapping

PAGES = ("/", "/topology", "/changes", "/parked", "/plan", "/events")


def plan_of(*changes: Create | Update | Prune, holds: tuple[Hold, ...] = ()) -> Plan:
    return Plan(changes, holds, ("a warning",), "", "")


def test_the_overview_shows_the_queue_the_rates_and_every_object(pages: PagesBench) -> None:
    pages.park()
    said = text_of(pages.logged_in().get("/"))
    assert "2 deliveries parked." in said
    assert "adapter/racf 0 0 0 1 –" in said
    assert "Changes accepted 1" in said
    assert "Deliveries parked 2" in said
    assert "Adapter racf not known Degraded 1 deliver" in said
    assert "Application LDAP not known Healthy –" in said
    assert "No round of the reconcile loop has ended yet." in said


def test_an_installation_where_all_is_well_says_so(pages: PagesBench) -> None:
    pages.use(Insight(plan_of))
    said = text_of(pages.logged_in().get("/"))
    assert "All is well: nothing waits for a person." in said
    assert "Adapter racf Synced Healthy" in said


def test_what_is_offline_is_said_with_the_reason(pages: PagesBench) -> None:
    with pages.bench.store.write() as tx:
        tx.lanes.put(LaneStatus("adapter/ldap", is_online=False, since=tx.now, code="unavailable", message="no route"))
    said = text_of(pages.logged_in().get("/"))
    assert "1 system offline." in said
    assert "adapter/ldap since 2026-01-01 12:00:00Z : no route" in said
    assert "ldap offline" in text_of(pages.logged_in().get("/topology"))


def test_what_is_in_force_what_is_not_used_and_a_pause_are_said(pages: PagesBench) -> None:
    with pages.bench.store.write() as tx:
        in_force = Reconciliation(tx.now, "inSync", applied="main@sha1:a", applied_at=tx.now)
        tx.reconciliations.note(replace(in_force, problem="b.yaml:1:1: <wrong>", problem_since=tx.now))
        tx.reconciliations.suspend(Pause("ops", tx.now, "the directory moves"))
    answer = pages.logged_in().get("/")
    said = text_of(answer)
    assert "reconcile suspended, newest manifests not used." in said
    assert "In force main@sha1:a" in said
    assert "Newest manifests not used since 2026-01-01 12:00:00Z : b.yaml:1:1: " in said
    assert "&lt;wrong&gt;" in answer.text
    assert "Suspended by ops since 2026-01-01 12:00:00Z : the directory moves" in said


def test_how_long_the_oldest_delivery_waits(pages: PagesBench) -> None:
    pages.bench.windows("alice", "n3w")
    pages.bench.route()
    pages.bench.wait(timedelta(minutes=12))
    assert "Oldest waiting 12 min" in text_of(pages.logged_in().get("/"))


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (None, "another controller has the lead"),
        (ReconcileResult(Outcome.IN_SYNC), "in sync"),
        (ReconcileResult(Outcome.HELD, plan_of(holds=(Hold("x", "too much", "review", True),))), "held too much"),
        (ReconcileResult(Outcome.FAILED, error=InvalidInput("broken manifest")), "failed broken manifest"),
    ],
)
def test_the_last_round_of_the_reconcile_loop_and_the_next(
    pages: PagesBench, result: ReconcileResult | None, said: str
) -> None:
    rounds = Rounds()
    rounds.note(result, START - timedelta(minutes=2), timedelta(minutes=5))
    pages.use(Insight(rounds=rounds))
    shown = text_of(pages.logged_in().get("/"))
    assert f"Result {said}" in shown
    assert "(2 min ago)" in shown
    assert "(in 3 min)" in shown


def test_what_is_out_of_sync_comes_first(pages: PagesBench) -> None:
    plan = plan_of(Prune(application("LDAP")), Create(mapping("RACF", "carol", "C1")))
    pages.use(Insight(lambda: plan))
    said = text_of(pages.logged_in().get("/"))
    assert "1 object out of sync, 1 mapping out of sync." in said
    assert said.index("Application LDAP OutOfSync") < said.index("System default Synced")


def test_manifests_that_cannot_be_compared_are_said_to_be(pages: PagesBench) -> None:
    def broken() -> Plan:
        raise InvalidInput("first problem\nsecond problem")

    pages.use(Insight(broken))
    browser = pages.logged_in()
    assert "The manifests cannot be compared: first problem" in text_of(browser.get("/"))
    said = text_of(browser.get("/plan"))
    assert "first problem second problem" in said


def test_the_plan_is_a_diff_with_its_holds_and_warnings(pages: PagesBench) -> None:
    plan = plan_of(
        Create(application("NEW", contact="a@example.com")),
        Update(adapter("racf", description="old"), adapter("racf", description="new")),
        holds=(Hold("tooMany", "would prune everything", "use --force", can_force=True),),
    )
    pages.use(Insight(lambda: plan))
    said = text_of(pages.logged_in().get("/plan"))
    assert "Plan: 1 to create, 1 to update, 0 to replace, 0 to prune. Held: nothing is applied." in said
    assert "Held: would prune everything use --force" in said
    assert "Warning: a warning" in said
    assert "+ create Application/NEW contact: a@example.com" in said
    assert "~ update Adapter/racf description: old -> new" in said


def test_without_manifests_there_is_no_plan(pages: PagesBench) -> None:
    assert "knows no manifests" in text_of(pages.logged_in().get("/plan"))
    pages.use(Insight(plan_of))
    assert "Nothing to do" in text_of(pages.logged_in().get("/plan"))


def test_plans_are_kept_for_a_while_the_longer_the_longer_they_take() -> None:
    now, made = [0.0], []

    def make() -> Plan:
        made.append(now[0])
        now[0] += 2.0
        return plan_of()

    plans = Plans(make, steady=lambda: now[0])
    first = plans.current()
    now[0] += 2.0 * SHARE - 0.1
    assert plans.current() is first
    now[0] += 0.1
    assert plans.current() is not first
    assert len(made) == 2
    assert FRESH_SECONDS < 2.0 * SHARE


def test_a_plan_is_not_kept_beyond_a_round_of_the_reconcile_loop() -> None:
    rounds = Rounds()
    plans = Plans(plan_of, rounds, lambda: 0.0)
    first = plans.current()
    assert plans.current() is first
    rounds.note(ReconcileResult(Outcome.HELD), START, timedelta(minutes=5))
    second = plans.current()
    assert second is not first
    assert plans.current() is second


def test_changes_are_filtered_and_paged(pages: PagesBench) -> None:
    for number in range(ROWS_PER_PAGE + 5):
        pages.bench.windows("alice" if number % 2 else "bob", f"n3w-{number}")
    browser = pages.logged_in()
    first = browser.get("/changes").text
    older = re.search(r'href="(/changes\?before=\d+)" rel="next"', first)
    assert older is not None
    assert first.count("/changes/id-") == ROWS_PER_PAGE
    second = browser.get(older[1]).text
    assert second.count("/changes/id-") == 5
    assert 'rel="next"' not in second
    assert "Newest" in second
    assert not set(re.findall(r"/changes/id-\d+", first)) & set(re.findall(r"/changes/id-\d+", second))
    assert "CORP\\bob" not in text_of(browser.get(r"/changes?account=CORP\alice")).replace("placeholder", "")
    assert "There are no changes like that." in text_of(browser.get("/changes?state=failed"))


def test_events_are_filtered_by_level_adapter_and_change_and_paged(pages: PagesBench) -> None:
    tracking_id = pages.park()
    browser = pages.logged_in()
    errors = text_of(browser.get("/events?level=error"))
    assert "deliveryParked" in errors
    assert "deliveryCreated" not in errors
    assert "ALICE1" not in text_of(browser.get("/events?adapter=ldap"))
    assert "windowsChangeAccepted" in text_of(browser.get(f"/events?tracking_id={tracking_id}"))
    assert "There are no events like that." in text_of(browser.get("/events?tracking_id=none"))
    with pages.bench.store.write() as tx:
        for _ in range(ROWS_PER_PAGE):
            tx.events.add(Event(CATALOGUE["changeDamped"], adapter="racf"))
    older = re.search(r'href="(/events\?adapter=racf&amp;before=\d+)"', browser.get("/events?adapter=racf").text)
    assert older is not None
    assert "deliveryParked" in browser.get(older[1].replace("&amp;", "&")).text


@pytest.mark.parametrize(
    "query", ["/changes?state=odd", "/events?level=loud", f"/changes?account={'a' * 300}", "/events?adapter=%07"]
)
def test_filters_that_mean_nothing_are_refused(pages: PagesBench, query: str) -> None:
    assert pages.logged_in().get(query).status_code == 422


def test_the_timeline_of_a_change_tells_everything_oldest_first(pages: PagesBench) -> None:
    tracking_id = pages.park()
    said = text_of(pages.logged_in().get(f"/changes/{tracking_id}"))
    names = ["windowsChangeAccepted", "deliveryCreated", "deliveryParked", "changeFailed"]
    told = said[said.index("Timeline") :]
    places = [told.index(name) for name in names]
    assert places == sorted(places)
    assert "adapter/racf ALICE1 parked 1 the memory directory refused" in said
    assert "Parked deliveries can be retried or discarded" in said


@pytest.mark.parametrize("path", ["/changes/none", "/changes/%00", "/changes/" + "a" * 65])
def test_a_change_that_is_not_there_is_said_not_to_be(pages: PagesBench, path: str) -> None:
    answer = pages.logged_in().get(path)
    assert answer.status_code == 404
    assert "there is no change" in text_of(answer)


def test_the_topology_is_a_picture_and_a_table_of_the_same(pages: PagesBench) -> None:
    disabled = Adapter(ConnectorSpec("memory"), enabled=False)
    pages.bench.put(Kind.ADAPTER, "old", disabled)
    pages.bench.put(Kind.APPLICATION, "LOOSE", Application())
    page = pages.logged_in().get("/topology")
    said = text_of(page)
    assert "Domain CORP yes no healthy –" in said
    assert "Adapter racf yes yes healthy RACF" in said
    assert "Adapter old no no disabled –" in said
    assert "Without adapter LOOSE" in said
    assert page.text.count("<title") == 2
    assert "<desc" in page.text
    assert page.text.count('class="arrow"') == 4


def test_with_all_switches_off_nothing_flows_from_adapters_or_windows(pages: PagesBench) -> None:
    pages.system(
        replace(
            SWITCHES, from_windows_to_adapters=False, from_adapters_to_database=False, from_adapters_to_windows=False
        )
    )
    said = text_of(pages.logged_in().get("/topology"))
    assert "Domain CORP no no" in said
    assert "all switches off" in said


def test_everything_is_escaped_and_nothing_rewrites_the_page(pages: PagesBench) -> None:
    pages.bench.windows("alice", "n3w")
    with pages.bench.store.write() as tx:
        tx.events.add(Event(CATALOGUE["changeDamped"], account="<script>x</script>\u202e\x1b[2J"))
    page = pages.logged_in().get("/events").text
    assert "<script>x" not in page
    assert "&lt;script&gt;x&lt;/script&gt;\\u202e\\x1b[2J" in page


@pytest.mark.parametrize("path", [*PAGES, "/login", "/static/style.css", "/parked/discard?id=none"])
def test_pages_let_nothing_in_and_stand_in_no_frame(pages: PagesBench, path: str) -> None:
    headers = pages.logged_in().get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    if not path.startswith("/static"):
        assert headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'self'; script-src 'self'")
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", [*PAGES, "/login"])
def test_no_page_holds_a_script_or_style_of_its_own_or_fetches_from_elsewhere(pages: PagesBench, path: str) -> None:
    pages.park()
    page = pages.logged_in().get(path).text
    assert re.findall(r"<script(?![^>]* src=\"/static/)", page) == []
    assert re.findall(r"\son[a-z]+=|\sstyle=|<style|javascript:", page) == []
    assert re.findall(r"(?:src|href|action)=\"(?!/|#)", page) == []


def test_static_files_may_be_kept_since_their_names_carry_their_digest(pages: PagesBench) -> None:
    browser = pages.browser()
    link = re.search(r'href="(/static/style\.css\?v=[0-9a-f]+)"', browser.get("/login").text)
    assert link is not None
    answer = browser.get(link[1])
    assert answer.status_code == 200
    assert "immutable" in answer.headers["Cache-Control"]
    assert browser.get("/static/..%2fapp.py").status_code == 404
    assert browser.get("/static/none.css").status_code == 404


def test_no_password_seal_fingerprint_token_or_cookie_is_ever_in_a_page(pages: PagesBench) -> None:
    password = "Zq7-pässwörd-secret"
    tracking_id = pages.park(password=password)
    pages.bench.set_stored_windows("alice", "0ld-secret-password")
    pages.use(Insight(lambda: plan_of(Create(adapter("racf")))))
    ops, keeper = pages.logged_in(), pages.logged_in("keeper")
    pages.answers.clear()
    for path in (*PAGES, f"/changes/{tracking_id}", f"/parked/discard?id={pages.parked_id()}", "/login"):
        ops.get(path)
        keeper.get(path)
    ops.send_form("/parked/retry", id=pages.parked_id())
    ops.get("/changes/none")
    whole = "\n".join(pages.answers)
    for secret in _secrets(pages, password, "0ld-secret-password", *pages.tokens.values(), *ops.cookies.values()):
        assert secret not in whole


def _secrets(pages: PagesBench, *texts: str) -> list[str]:
    blobs = [text.encode() for text in texts]
    with pages.bench.store.read() as tx:
        for state in tx.changes.find(ChangeQuery()):
            blobs += [blob for blob in (state.sealed_password, state.sealed_old_password) if blob]
            known = tx.fingerprints.get(state.account)
            blobs += [blob for blob in (known.in_force, *(write.password for write in known.writes)) if blob]
            for delivery in tx.deliveries.of_change(state.tracking_id):
                blobs += [delivery.sealed_password] if delivery.sealed_password else []
                known = tx.fingerprints.get(delivery.account)
                blobs += [blob for blob in (known.in_force, *(write.password for write in known.writes)) if blob]
    assert len(blobs) > len(texts) + 2
    encoded = [
        form for blob in blobs for form in (blob.hex(), base64.b64encode(blob).decode().rstrip("="), repr(blob)[2:-1])
    ]
    return [*texts, *encoded]


def test_ages_and_moments_are_short() -> None:
    ages = [age(timedelta(**{unit: n})) for unit, n in (("seconds", 45), ("minutes", 12), ("hours", 30), ("days", 3))]
    assert ages == ["45 s", "12 min", "1 d", "3 d"]
    assert age(timedelta(seconds=-3)) == "0 s"
    assert moment(None) == ""
