"""Query strings of lists: filters, limits and cursors."""

import base64
import json
from datetime import UTC, datetime

import pytest
from starlette.requests import Request

from controller.model.errors import InvalidInput
from controller.web.query import PAGING, Query, page


def asked(query: str, *known: str) -> Query:
    request = Request({"type": "http", "query_string": query.encode(), "headers": []})
    return Query(request, *(known or ("account", "state", "since", *PAGING)))


def cursor(*position: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode()


def test_what_is_not_asked_for_is_empty() -> None:
    query = asked("")
    assert (query.text("account"), query.choice("state", ["a"]), query.instant("since")) == ("", "", None)
    assert (query.limit, query.before("changes"), query.after("mappings", 3)) == (100, 0, ("", "", ""))


def test_values_are_read_as_they_are_meant() -> None:
    query = asked("account=CORP%5Calice&state=failed&since=2026-01-31T09:15:00%2B01:00&limit=1000")
    assert query.text("account") == "CORP\\alice"
    assert query.choice("state", ["failed", "completed"]) == "failed"
    assert query.instant("since") == datetime(2026, 1, 31, 8, 15, tzinfo=UTC)
    assert query.limit == 1000


@pytest.mark.parametrize(
    "query",
    ["stat=secret", "account=secret&account=b", "account=", f"account={'secret' * 101}", "account=secret%00", "limi=1"],
)
def test_a_parameter_that_would_mislead_is_refused_and_never_repeated(query: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        asked(query)
    assert "secret" not in str(caught.value)


def test_a_call_without_parameters_takes_none() -> None:
    request = Request({"type": "http", "query_string": b"limit=1", "headers": []})
    with pytest.raises(InvalidInput) as caught:
        Query(request)
    assert caught.value.hint == "there are none"


@pytest.mark.parametrize("limit", ["0", "-1", "1001", "99999", "x", "1.0", "%D9%A1"])
def test_a_limit_out_of_bounds_is_refused(limit: str) -> None:
    with pytest.raises(InvalidInput, match="1 to 1000"):
        _ = asked(f"limit={limit}").limit


def test_an_unknown_choice_is_refused_with_those_there_are() -> None:
    with pytest.raises(InvalidInput) as caught:
        asked("state=secret").choice("state", ["failed", "completed"])
    assert (caught.value.message, caught.value.hint) == ("there is no such state", "there are failed, completed")


@pytest.mark.parametrize("since", ["2026-01-31", "secret", "2026-01-31T08:15:00", "2026-01-31T08:15:00+01:00"])
def test_a_time_without_an_offset_is_refused(since: str) -> None:
    with pytest.raises(InvalidInput, match="since is not an RFC 3339 time"):
        asked(f"since={since}").instant("since")


def test_a_page_ends_with_the_cursor_of_the_next_one() -> None:
    first = page("changes", [9, 7, 5], 2, str, lambda number: [number])

    assert first["items"] == ["9", "7"]
    assert asked(f"cursor={first['next']}").before("changes") == 7
    assert page("changes", [5], 2, str, lambda number: [number]) == {"items": ["5"], "next": None}


@pytest.mark.parametrize(
    "names", [("PAYROLL", "CORP\\éva", "E/1 \u200b"), ("A" * 64, "CORP\\" + "\N{GRINNING FACE}" * 256, '\x7f"' * 128)]
)
def test_a_cursor_of_names_holds_any_of_them(names: tuple[str, ...]) -> None:
    first = page("mappings", [names, names], 1, list, lambda of: of)

    assert asked(f"cursor={first['next']}").after("mappings", 3) == names


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "x" * 500,
        "%FF",
        "====",
        cursor("events", 3),
        cursor("changes"),
        cursor("changes", 0),
        cursor("changes", -1),
        cursor("changes", 2**63),
        cursor("changes", "7"),
        cursor("changes", 7, 7),
        cursor("changes", [7]),
        base64.urlsafe_b64encode(b"[" * 400).decode(),
        base64.urlsafe_b64encode(b'{"a": 1}').decode(),
    ],
)
def test_a_cursor_that_was_never_handed_out_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="cursor"):
        asked(f"cursor={text}").before("changes")


@pytest.mark.parametrize(
    "position",
    [("a",), ("a", "b"), ("a", "b", ""), ("a", "b", 3), ("a", "b", "\ud800"), ("a", "b", "\x00"), ("a",) * 4],
)
def test_a_cursor_of_other_names_is_refused(position: tuple[object, ...]) -> None:
    with pytest.raises(InvalidInput, match="cursor"):
        asked(f"cursor={cursor('mappings', *position)}").after("mappings", 3)
