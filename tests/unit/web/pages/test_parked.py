"""Parked deliveries: who sees which, and what retrying and discarding do."""

from datetime import timedelta

import pytest

from controller.model.delivery import DeliveryState
from controller.ports.audit import AuditQuery
from tests.doubles.status_pages import PagesBench, text_of


@pytest.fixture(autouse=True)
def _parked(pages: PagesBench) -> None:
    pages.park()


def state_of(pages: PagesBench, delivery_id: str) -> str:
    with pages.bench.store.read() as tx:
        delivery = tx.deliveries.get(delivery_id)
    assert delivery is not None
    return delivery.state.value


def test_they_are_shown_with_the_target_s_own_words(pages: PagesBench) -> None:
    page = pages.logged_in().get("/parked")
    assert "constraint violation: &lt;b&gt;too simple&lt;/b&gt;" in page.text
    said = text_of(page)
    assert "ALICE1 adapter/racf" in said
    assert "alice adapter/ldap" in said
    only = text_of(pages.logged_in().get("/parked?lane=adapter/ldap"))
    assert "alice adapter/ldap the" in only
    assert "ALICE1 adapter/racf the" not in only
    assert "Nothing is parked there." in text_of(pages.logged_in().get("/parked?lane=adapter/none"))


def test_a_retry_queues_it_again_wakes_the_workers_and_is_audited_by_the_person(pages: PagesBench) -> None:
    delivery_id = pages.parked_id()
    browser = pages.logged_in()
    answer = browser.send_form("/parked/retry", id=delivery_id)
    assert "1 of 1 queued again." in text_of(answer)
    assert state_of(pages, delivery_id) == DeliveryState.PENDING
    assert pages.accepted == 1
    assert pages.events("deliveryRetried")[0].fields["by"] == "ops"
    with pages.bench.store.read() as tx:
        rows = tx.audit.find(AuditQuery())
    assert ("ops", "127.0.0.1", "deliveries retry", delivery_id) in [
        (row.principal, row.origin, row.action, row.object) for row in rows
    ]
    assert "queued again" not in text_of(browser.get("/parked"))  # a notice is told once


def test_what_the_page_fetches_by_itself_leaves_the_notice_for_the_person(pages: PagesBench) -> None:
    browser = pages.logged_in()
    browser.post("/parked/retry", {"csrf": browser.form_token(), "id": pages.parked_id()})
    assert "queued again" in browser.get("/parked", Pwsync_Live="1").text
    assert "queued again" in browser.get("/parked").text


def test_several_are_retried_together(pages: PagesBench) -> None:
    both = [pages.parked_id("racf"), pages.parked_id("ldap")]
    answer = pages.logged_in().send_form("/parked/retry", id=both)
    assert "2 of 2 queued again." in text_of(answer)
    assert "Nothing is parked." in text_of(answer)


def test_one_that_became_too_old_meanwhile_is_said_to_be(pages: PagesBench) -> None:
    browser, delivery_id = pages.logged_in(), pages.parked_id()
    pages.bench.wait(timedelta(hours=25))
    answer = browser.send_form("/parked/retry", id=delivery_id)
    assert "0 of 1 queued again." in text_of(answer)
    assert "older than the maximum sync age" in text_of(answer)
    assert "too old to retry" in text_of(answer)
    assert pages.accepted == 0


def test_one_that_a_newer_change_has_overtaken_is_superseded(pages: PagesBench) -> None:
    delivery_id = pages.parked_id()
    pages.racf.policy = lambda _: None
    pages.bench.windows("alice", "newer-Password")
    pages.bench.settle()
    answer = pages.logged_in().send_form("/parked/retry", id=delivery_id)
    assert answer.status_code == 404 or "superseded by newer changes" in text_of(answer)


def test_discarding_asks_first_and_then_ends_it(pages: PagesBench) -> None:
    delivery_id = pages.parked_id()
    browser = pages.logged_in()
    asked = text_of(browser.get(f"/parked/discard?id={delivery_id}"))
    assert "This cannot be undone." in asked
    assert state_of(pages, delivery_id) == DeliveryState.PARKED
    answer = browser.send_form("/parked/discard", id=delivery_id)
    assert "The delivery to racf:ALICE1 was discarded." in text_of(answer)
    assert state_of(pages, delivery_id) == DeliveryState.EXPIRED
    assert browser.send_form("/parked/discard", id=delivery_id).status_code == 404


@pytest.mark.parametrize("path", ["/parked/retry", "/parked/discard"])
def test_a_form_without_the_session_s_own_token_does_nothing(pages: PagesBench, path: str) -> None:
    delivery_id = pages.parked_id()
    browser, other = pages.logged_in(), pages.logged_in()
    for token in ("", "wrong", other.form_token()):
        assert browser.post(path, {"csrf": token, "id": delivery_id}).status_code == 403
    own = {"csrf": browser.form_token(), "id": delivery_id}
    assert browser.post(path, own, Sec_Fetch_Site="cross-site").status_code == 403
    assert browser.post(path, own, Origin="https://evil.example").status_code == 403
    assert pages.browser().post(path, own).headers["Location"] == "/login"
    assert state_of(pages, delivery_id) == DeliveryState.PARKED
    assert {e.fields["reason"] for e in pages.events("pageRefused")} == {"otherSession", "otherSite"}


def test_an_adapter_s_administrator_sees_and_retries_its_deliveries_alone(pages: PagesBench) -> None:
    browser = pages.logged_in("keeper")
    assert browser.get("/").headers["Location"] == "/parked"
    page = browser.get("/parked")
    assert "ALICE1" in page.text
    assert "adapter/ldap" not in page.text
    assert "Discard" not in page.text
    assert "/changes" not in page.text
    own, foreign = pages.parked_id("racf"), pages.parked_id("ldap")
    assert "1 of 1 queued again." in text_of(browser.send_form("/parked/retry", id=own))
    assert browser.send_form("/parked/retry", id=foreign).status_code == 403
    assert state_of(pages, foreign) == DeliveryState.PARKED


@pytest.mark.parametrize("path", ["/topology", "/changes", "/changes/id-000000", "/plan", "/events", "/parked/discard"])
def test_an_adapter_s_administrator_is_refused_everything_else_and_that_is_an_event(
    pages: PagesBench, path: str
) -> None:
    answer = pages.logged_in("keeper").get(path)
    assert answer.status_code == 403
    (event,) = pages.events("pageRefused")
    assert (event.fields["by"], event.fields["reason"]) == ("keeper", "notAdministrator")
    assert event.fields["page"] == path.replace("id-000000", "{tracking_id}")


def test_an_adapter_s_administrator_discards_nothing(pages: PagesBench) -> None:
    delivery_id = pages.parked_id()
    assert pages.logged_in("keeper").send_form("/parked/discard", id=delivery_id).status_code == 403
    assert state_of(pages, delivery_id) == DeliveryState.PARKED


@pytest.mark.parametrize("wanted", ["", "none", "\x00", "a" * 100])
def test_a_delivery_that_is_not_there_is_said_not_to_be(pages: PagesBench, wanted: str) -> None:
    assert pages.logged_in().send_form("/parked/retry", id=wanted).status_code == 404
