"""The live stream: when it tells of news, and when it ends."""

from collections.abc import AsyncIterator, Callable

import anyio
import pytest
from starlette.requests import Request
from starlette.responses import StreamingResponse

from controller.model.actor import Actor
from controller.model.events import CATALOGUE, Event
from controller.model.secret import Secret
from controller.pipeline.callers import digest_of
from controller.web.pages import live
from controller.web.pages.assembly import StatusPages
from controller.web.pages.gate import COOKIE
from controller.web.pages.site import Insight
from tests.doubles.status_pages import PagesBench


class Stream:
    """An opened stream of somebody who is logged in."""

    def __init__(self, pages: PagesBench) -> None:
        self.pages = pages
        self.status = StatusPages(pages.installation, Insight(), lambda: None)
        (route,) = self.status._live.routes()
        self._answer = route.endpoint
        digest = digest_of(Secret(pages.tokens["ops"]))
        self.cookie = self.status._live._site.gate._sessions.begin("ops", digest)

    async def open(self) -> AsyncIterator[str | bytes | memoryview]:
        scope = {
            "type": "http",
            "method": "GET",
            "path": "/live",
            "headers": [(b"host", b"127.0.0.1"), (b"cookie", f"{COOKIE}={self.cookie}".encode())],
            "query_string": b"",
            "scheme": "http",
        }
        answer = await self._answer(Request(scope))
        assert isinstance(answer, StreamingResponse), answer.status_code
        return aiter(answer.body_iterator)


def during(pages: PagesBench, happens: Callable[[Stream], None], most: int = 2) -> list[str]:
    """What the stream says until it ends, or has said *most* things; *happens* comes after its first words."""
    stream = Stream(pages)

    async def listen() -> list[str]:
        heard = []
        with anyio.fail_after(10):
            async for words in await stream.open():
                heard.append(str(words))
                if len(heard) == 1:
                    await anyio.to_thread.run_sync(happens, stream)
                if len(heard) == most:
                    break
        return heard

    return anyio.run(listen)


@pytest.fixture(autouse=True)
def _in_haste(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "POLL_SECONDS", 0.02)


def test_it_tells_when_something_has_happened(pages: PagesBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "TICKS", 10_000)

    def happens(_: Stream) -> None:
        with pages.bench.store.write() as tx:
            tx.events.add(Event(CATALOGUE["changeDamped"]))

    opened, news = during(pages, happens)
    assert "event: open" in opened
    assert "event: news" in news


def test_it_tells_now_and_then_without_news_since_ages_grow(pages: PagesBench) -> None:
    assert "event: news" in during(pages, lambda _: None)[1]


def test_it_ends_when_the_token_is_revoked(pages: PagesBench) -> None:
    def revoke(_: Stream) -> None:
        (token,) = [t for t in pages.installation.callers.all() if t.principal == "ops"]
        pages.installation.callers.revoke(token.id, by=Actor("tester"))

    assert len(during(pages, revoke)) == 1


def test_it_ends_when_the_session_ends(pages: PagesBench) -> None:
    def end(stream: Stream) -> None:
        stream.status._live._site.gate._sessions.end(stream.cookie)

    assert len(during(pages, end)) == 1


def test_it_ends_when_the_server_stops_and_none_begins_then(pages: PagesBench) -> None:
    assert len(during(pages, lambda stream: stream.status.stop())) == 1
    stream = Stream(pages)
    stream.status.stop()
    with pytest.raises(AssertionError, match="503"):
        anyio.run(stream.open)


def test_streams_are_bounded(pages: PagesBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MOST_OF_SESSION", 1)
    stream = Stream(pages)

    async def open_two() -> None:
        first = await stream.open()
        await anext(first)
        with pytest.raises(AssertionError, match="503"):
            await stream.open()
        await first.aclose()  # type: ignore[attr-defined]  # an async generator
        await stream.open()

    anyio.run(open_two)
