"""The status page over a bench, looked at as a browser without JavaScript would: cookies, forms, redirects."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from html import unescape

import anyio
import httpx

from controller.model.topology import Access, Adapter
from controller.web.app import make_app
from controller.web.pages.site import Insight
from tests.doubles.api import ApiBench
from tests.doubles.pipeline import OPEN_ADAPTER

FormData = Mapping[str, str | Sequence[str]]
LOOPBACK = "http://127.0.0.1:8080"
WORDS = "constraint violation: <b>too simple</b>"
"""What the directory of the bench says when it refuses."""


@dataclass
class Browser:
    """One person's browser: it keeps cookies and follows redirects only when told."""

    bench: "PagesBench"
    base: str = LOOPBACK
    address: str = "127.0.0.1"
    cookies: httpx.Cookies = field(default_factory=httpx.Cookies)

    def get(self, path: str, *, follows: bool = False, **headers: str) -> httpx.Response:
        """Open a page."""
        return self._send("GET", path, follows=follows, headers=headers)

    def post(self, path: str, form: FormData, *, follows: bool = False, **headers: str) -> httpx.Response:
        """Send a form."""
        return self._send("POST", path, data=form, follows=follows, headers=headers)

    def log_in(self, token: str, to: str = "/") -> httpx.Response:
        """Send the login form."""
        return self.post("/login", {"token": token, "next": to})

    def form_token(self, path: str = "/parked") -> str:
        """The token of this session's forms, as a page holds it."""
        found = re.search(r'name="csrf" value="([^"]+)"', self.get(path).text)
        assert found is not None
        return found[1]

    def send_form(self, path: str, **form: str | list[str]) -> httpx.Response:
        """Send a form with the session's own token, and follow the redirect."""
        return self.post(path, {"csrf": self.form_token(), **form}, follows=True)

    def _send(
        self,
        method: str,
        path: str,
        *,
        follows: bool,
        headers: dict[str, str],
        data: FormData | None = None,
    ) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = anyio.run(self._call, method, path, named, data, follows)
        self.cookies = httpx.Cookies(answer[1])
        self.bench.answers.append(answer[0].text)
        return answer[0]

    async def _call(
        self, method: str, path: str, headers: dict[str, str], data: FormData | None, follows: bool
    ) -> tuple[httpx.Response, httpx.Cookies]:
        transport = httpx.ASGITransport(self.bench.app, client=(self.address, 12345))
        async with httpx.AsyncClient(
            transport=transport, base_url=self.base, cookies=self.cookies, follow_redirects=follows
        ) as client:
            return await client.request(method, path, headers=headers, data=data), client.cookies


@dataclass
class PagesBench(ApiBench):
    """An ``ApiBench`` with a status page. ops administers the System, keeper only the adapter racf."""

    insight: Insight = field(default_factory=Insight)

    def __post_init__(self) -> None:
        super().__post_init__()
        access = Access(administrators=("keeper",), users=("agent",))
        self.racf = self.bench.adapter("racf", _with(access), "ALICE1", "BOB1")
        self.ldap = self.bench.adapter("ldap", _with(Access(users=("agent",))), "alice")
        self.bench.map("LDAP", "alice", "alice")
        self.bench.map("RACF", "bob", "BOB1")
        self.tokens |= {"keeper": self.token("keeper")}
        self.use(self.insight)

    def use(self, insight: Insight) -> None:
        """Make the application anew with another insight; all sessions end."""
        self.app = make_app(self.installation, self._wake, insight)

    def browser(self, base: str = LOOPBACK, address: str = "127.0.0.1") -> Browser:
        """A new browser."""
        return Browser(self, base, address)

    def logged_in(self, principal: str = "ops") -> Browser:
        """A browser of somebody who is logged in."""
        browser = self.browser()
        assert browser.log_in(self.tokens[principal]).status_code == 303
        return browser

    def park(self, name: str = "alice", password: str = "n3w-Password") -> str:
        """Let the directories refuse a new password; returns the tracking ID of the change."""
        self.racf.policy = self.ldap.policy = lambda _: WORDS
        tracking_id = self.bench.windows(name, password)
        self.bench.settle()
        return tracking_id

    def parked_id(self, adapter: str = "racf") -> str:
        """The newest parked delivery of an adapter."""
        return max(self.installation.operations.parked(adapter), key=lambda d: d.sequence).id


def _with(access: Access) -> Adapter:
    return replace(OPEN_ADAPTER, access=access)


def text_of(page: httpx.Response) -> str:
    """The words of a page, without its tags."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", page.text)))
