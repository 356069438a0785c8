"""Bodies over HTTP: bounded, strict, and never the cause of a failure inside."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import quote

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from controller.web import body
from controller.web.body import MAX_BODY_SIZE
from tests.doubles.api import EXTERNAL, WINDOWS, ApiBench

HERE = {"CORP", "RACF", "STRICT"}  # what the bench has; a search tries words of our own code, too
GOOD = {"account": r"CORP\alice", "password": "n3w"}


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiBench]:
    bench = ApiBench(tmp_path_factory.mktemp("api"))
    yield bench
    bench.close()


def padded(size: int) -> bytes:
    raw = json.dumps(GOOD).encode()
    return raw + b" " * (size - len(raw))


def test_a_body_of_exactly_64_kib_is_read(api: ApiBench) -> None:
    assert api.post_raw(padded(MAX_BODY_SIZE)).status_code == 202


def test_a_body_that_is_declared_larger_is_refused_unread(api: ApiBench) -> None:
    taken: list[int] = []

    async def chunks() -> AsyncIterator[bytes]:
        taken.append(1)
        yield b" "

    answer = api.post_raw(chunks(), Content_Length=str(MAX_BODY_SIZE + 1))

    assert (answer.status_code, answer.json()["code"]) == (413, "tooLarge")
    assert taken == []


def test_a_body_that_grows_larger_is_not_read_on(api: ApiBench) -> None:
    taken: list[int] = []

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(1000):
            taken.append(1)
            yield b" " * 1024

    answer = api.post_raw(chunks())

    assert answer.status_code == 413
    assert len(taken) == 65


def test_a_body_that_trickles_in_is_given_up(api: ApiBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body, "BODY_SECONDS", 0.05)

    async def chunks() -> AsyncIterator[bytes]:
        yield b"{"
        await anyio.sleep_forever()

    answer = api.post_raw(chunks())

    assert (answer.status_code, answer.json()["code"]) == (408, "tooSlow")


@pytest.mark.parametrize("declared", ["", "text/plain", "application/jsonx", "application/json; charset=latin-1"])
def test_a_body_that_is_not_declared_as_json_is_refused(api: ApiBench, declared: str) -> None:
    answer = api.post_raw(padded(100), Content_Type=declared)

    assert (answer.status_code, answer.json()["code"]) == (415, "unsupportedMediaType")


@pytest.mark.parametrize(
    "declared", ["Application/JSON", "application/json;charset=UTF-8", 'application/json; charset="utf-8"']
)
def test_json_may_be_declared_in_every_usual_way(api: ApiBench, declared: str) -> None:
    assert api.post_raw(padded(100), Content_Type=declared).status_code == 202


def test_a_compressed_body_is_refused(api: ApiBench) -> None:
    assert api.post_raw(padded(100), Content_Encoding="gzip").status_code == 415


@pytest.mark.parametrize("length", ["twelve", "9" * 5000])
def test_a_content_length_that_is_no_number_is_refused(api: ApiBench, length: str) -> None:
    assert api.post_raw(padded(100), Content_Length=length).status_code == 400


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"nonsense",
        b"[]",
        b'"text"',
        b"null",
        b"\xff\xfe{\x00}\x00",
        b"\xef\xbb\xbf{}",
        b'{"account": "\xff"}',
        b'{"account": NaN}',
        b'{"account": -Infinity}',
        b"[" * 60_000,
        b'{"a":' * 10_000,
        b'{"account": ' + b"9" * 5000 + b"}",
        b'{"account": "a", "password": "b", "password": "c"}',
        b'{"account": "a", "password": {"x": 1, "x": 2}}',
        b'{"account": "a",}',
        b"{'account': 'a'}",
    ],
)
def test_what_is_not_one_strict_json_object_is_malformed(api: ApiBench, raw: bytes) -> None:
    answer = api.post_raw(raw)

    assert (answer.status_code, answer.json()["code"]) == (400, "malformed")


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        ({"account": None}, "account must be text"),
        ({"account": 1}, "account must be text"),
        ({"account": "CORP\\\ud800"}, "account"),
        ({"password": 123}, "password must be text"),
        ({"password": None}, "password must be text"),
        ({"password": True}, "password must be text"),
        ({"password": ["a"]}, "password must be text"),
        ({"password": {}}, "password must be text"),
        ({"password": "\udfff"}, "password"),
        ({"occurredAt": 1767268800}, "occurredAt must be an RFC 3339 time"),
        ({"occurredAt": "2026-01-01T12:00:00"}, "occurredAt must be an RFC 3339 time"),
        ({"occurredAt": "2026-01-01"}, "occurredAt must be an RFC 3339 time"),
        ({"occurredAt": "2026-01-01 12:00:00Z"}, "occurredAt must be an RFC 3339 time"),
        ({"occurredAt": "2026-02-30T12:00:00Z"}, "occurredAt must be an RFC 3339 time"),
        ({"occurredAt": "2026-01-01T12:00:00+24:00"}, "occurredAt must be an RFC 3339 time"),
        ({"occurredAt": "0001-01-01T00:00:00+14:00"}, "occurredAt must be an RFC 3339 time"),
        ({"occurredAt": "٢٠٢٦-01-01T12:00:00Z"}, "occurredAt must be an RFC 3339 time"),
        ({"old_password": "x"}, "a field that is not known"),
        ({"oldPassword": "x"}, "a field that is not known"),
        ({"passwort\ud800": "x"}, "a field that is not known"),
    ],
)
def test_a_field_that_is_not_as_it_must_be_is_named(api: ApiBench, change: dict[str, Any], detail: str) -> None:
    answer = api.post_raw(json.dumps({**GOOD, **change}).encode())

    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "invalidInput")
    assert detail in problem["detail"]
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_all_fields_that_are_wrong_are_named_at_once(api: ApiBench) -> None:
    detail = api.post(WINDOWS, {"password": 1}).json()["detail"]

    assert detail == "account is missing; password must be text"


def test_the_old_password_must_be_text_too(api: ApiBench) -> None:
    answer = api.post(EXTERNAL, {"account": "ALICE1", "password": "x", "oldPassword": 1}, by="agent")

    assert (answer.status_code, answer.json()["detail"]) == (422, "oldPassword must be text")


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
texts = st.text(st.characters(exclude_categories=()), max_size=300)
reports = st.fixed_dictionaries(
    {},
    optional={
        "account": json_values | texts | texts.map(lambda t: "CORP\\" + t),
        "password": json_values | texts,
        "oldPassword": json_values | texts,
        "occurredAt": json_values | st.datetimes(timezones=st.timezones()).map(lambda d: d.isoformat()),
        "other": json_values,
    },
)
fuzzed = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@fuzzed
@given(raw=st.binary(max_size=200))
def test_no_bytes_make_the_controller_fail(api: ApiBench, raw: bytes) -> None:
    assert api.post_raw(raw).status_code in {202, 400, 403, 422}


@fuzzed
@given(report=reports, path=st.sampled_from([(WINDOWS, "dc1"), (EXTERNAL, "agent")]))
def test_no_json_makes_the_controller_fail(api: ApiBench, report: dict[str, Any], path: tuple[str, str]) -> None:
    headers = {"Content-Type": "application/json"}

    answer = api.call("POST", path[0], by=path[1], content=json.dumps(report).encode(), headers=headers)

    assert answer.status_code in {202, 400, 403, 422}


@fuzzed
@given(name=texts.filter(lambda t: t.isprintable() and t.strip("./") and t.upper() not in HERE))
def test_no_name_in_a_path_makes_the_controller_fail(api: ApiBench, name: str) -> None:
    part = quote(name.encode("utf-8", "replace"), safe="")
    for path in (f"/v1/domains/{part}/changes", f"/v1/adapters/{part}/changes"):
        answer = api.post(path, {"account": f"{name}\\a".encode("utf-8", "replace").decode(), "password": "x"})
        assert answer.status_code in {404, 405, 422}
    assert api.call("GET", f"/v1/changes/{part}", by="ops").status_code in {404, 405}
