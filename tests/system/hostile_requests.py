"""Requests that no honest client sends, as bytes; of one seed always the same."""

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

SECRET = "h0stile-s3cret"
"""Stands in many bodies, and may stand in no log."""
REPORT = "/v1/domains/CORP/changes"
_PATHS = (REPORT, "/v1/adapters/web/changes", "/v1/adapters/web/status", "/v1/adapters/web/notifications/x/complete")
_READS = ("/v1/changes", "/v1/deliveries", "/v1/events", "/v1/objects/mappings", "/v1/adapters/web/notifications")
_VALUES: tuple[object, ...] = (
    None,
    True,
    0,
    -1,
    1.5,
    10**400,
    "",
    " ",
    "\x00",
    "\u202e",
    [],
    {},
    [[]],
    {"a": {"b": 1}},
)
_ENDLESS = ("truncated", "broken frames")
_NUMBERS = ("1e999", "-1e999", "9" * 4000, "-0", "1e-400", "NaN", "Infinity", "0x10", "01", "1.", "٣")
_TRAVERSALS = (
    "/v1/../../etc/passwd",
    "/static/../../../../etc/passwd",
    "/static/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "/v1/objects/adapters/..%2f..%2fmaster.key",
    "/v1/changes/%00",
    "/v1/changes/%ff%fe",
    "/v1/adapters/%ED%A0%80/status",
    "//v1//changes",
    "/v1/domains/CORP%5c..%5c/changes",
    "/v1/objects/mappings/" + "a/" * 2000,
    "/" + "%41" * 20_000,
    "*",
    "http://elsewhere/v1/changes",
)


@dataclass(frozen=True, slots=True)
class Hostile:
    """One request.

    Attributes:
        is_cut: Its sender goes away instead of waiting for an answer.
    """

    kind: str
    sent: bytes
    is_cut: bool = False


class HostileRequests:
    """Makes them, with a token that is good: what is refused is the rest."""

    def __init__(self, token: str, seed: int) -> None:
        self._token = token
        self._random = random.Random(seed)
        self._kinds: dict[str, Callable[[], bytes]] = {
            "oversized": self._oversized,
            "truncated": self._truncated,
            "wrong types": self._wrong_types,
            "bad Unicode": self._bad_unicode,
            "broken frames": self._broken_frames,
            "bad headers": self._bad_headers,
            "huge numbers": self._huge_numbers,
            "deep nesting": self._deep_nesting,
            "repeated keys": self._repeated_keys,
            "traversal": self._traversal,
            "wrong methods": self._wrong_methods,
            "bad credentials": self._bad_credentials,
            "bad queries": self._bad_queries,
            "no HTTP": self._garbage,
            "forms": self._forms,
        }

    def make(self, count: int) -> Iterator[Hostile]:
        """Make *count* of them, of each kind as many."""
        names = list(self._kinds)
        for number in range(count):
            kind = names[number % len(names)]
            yield Hostile(kind, self._kinds[kind](), is_cut=kind in _ENDLESS)

    def _post(self, body: bytes, *headers: str, path: str = "", length: int | None = None) -> bytes:
        size = len(body) if length is None else length
        lines = ("Content-Type: application/json", f"Content-Length: {size}", *headers)
        return self._request("POST", path or self._random.choice(_PATHS), *lines) + body

    def _request(self, method: str, path: str, *headers: str) -> bytes:
        lines = [f"{method} {path} HTTP/1.1", "Host: c", "Connection: close", "Pwsync-Session: none"]
        lines += [f"Authorization: Bearer {self._token}", *headers, "", ""]
        return "\r\n".join(lines).encode("utf-8", "surrogateescape")

    def _json(self, **changed: object) -> bytes:
        fields = {"account": "CORP\\alice", "password": SECRET, **changed}
        return json.dumps(fields).encode()

    def _oversized(self) -> bytes:
        body = self._json() + b" " * self._random.randint(64 * 1024, 200 * 1024)
        if self._random.random() < 0.5:
            return self._post(body, path=REPORT)
        chunk = b"8000\r\n" + b" " * 0x8000 + b"\r\n"
        return self._request("POST", REPORT, "Content-Type: application/json", "Transfer-Encoding: chunked") + chunk * 4

    def _truncated(self) -> bytes:
        whole = self._post(self._json())
        return whole[: self._random.randrange(1, len(whole))]

    def _wrong_types(self) -> bytes:
        name = self._random.choice(("account", "password", "occurredAt", "oldPassword", "online", "errorCode", SECRET))
        return self._post(self._json(**{name: self._random.choice(_VALUES)}))

    def _bad_unicode(self) -> bytes:
        bad = self._random.choice((b"\xff\xfe", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf4\x90\x80\x80", b"\\ud800", b"\x00"))
        body = self._json(password=SECRET + "@")
        bodies = (body.replace(b"@", bad), b"\xef\xbb\xbf" + body, body.decode().encode("utf-16"))
        return self._post(self._random.choice(bodies))

    def _broken_frames(self) -> bytes:
        head = self._request("POST", REPORT, "Content-Type: application/json", "Transfer-Encoding: chunked")
        chunks = (b"-1\r\n", b"FFFFFFFFFFFFFFFFF\r\n", b"zz\r\nx\r\n", b"5\r\nabcdefgh\r\n", b"1;" + b"x" * 90_000)
        whole = self._post(self._json(), length=len(self._json()) + 1, path=REPORT)
        return self._random.choice((*(head + chunk for chunk in chunks), whole))

    def _bad_headers(self) -> bytes:
        body, size = self._json(), len(self._json())
        bad = (
            "No-Colon",
            "Spaced : x",
            "A: b\x00c",
            " Folded: x",
            f"Content-Length: {size - 1}",
            "X: " + "a" * 70_000,
            "\r\n".join(f"X-{number}: a" for number in range(3000)),
            "X: \udcff\udcfe",
            "Content-Encoding: gzip",
            "Content-Type: text/plain",
            "Expect: 200-ok",
            "Upgrade: websocket\r\nConnection: upgrade",
            "Authorization: Bearer x",
        )
        return self._post(body, self._random.choice(bad), path=REPORT)

    def _huge_numbers(self) -> bytes:
        number = self._random.choice(_NUMBERS).encode()
        body = self._json(errorCode=12345, online=True).replace(b"12345", number)
        return self._post(body)

    def _deep_nesting(self) -> bytes:
        depth = self._random.randint(500, 30_000)
        return self._post(self._random.choice((b"[" * depth, b'{"a":' * (depth // 3), b'{"a":[' * (depth // 3))))

    def _repeated_keys(self) -> bytes:
        return self._post(self._json()[:-1] + b', "password": "' + SECRET.encode() + b'"}')

    def _traversal(self) -> bytes:
        return self._request(self._random.choice(("GET", "POST")), self._random.choice(_TRAVERSALS))

    def _wrong_methods(self) -> bytes:
        method = self._random.choice(("TRACE", "CONNECT", "PATCH", "get", "FOO", "OPTIONS", "G\x00T", "A" * 5000))
        return self._request(method, self._random.choice((*_PATHS, *_READS, "/", "/metrics")))

    def _bad_credentials(self) -> bytes:
        bad = ("Basic eDp5", "Bearer", "Bearer " + "a" * 60_000, "Bearer \udcff", "Digest x", f"Bearer {self._token}x")
        text = self._request("GET", "/v1/changes").decode("ascii")
        changed = text.replace(f"Bearer {self._token}", self._random.choice(bad))
        return changed.encode("utf-8", "surrogateescape")

    def _bad_queries(self) -> bytes:
        bad = (
            "wait=-1",
            "wait=99",
            "wait=",
            "limit=0",
            "limit=1e3",
            "limit=1&limit=2",
            "cursor=AAAA",
            "cursor=%ff",
            "x=1",
        )
        wide = ("since=now", "since=0000-00-00T00:00:00Z", "account=%00", "state=" + "a" * 30_000, "adapter=%ED%A0%80")
        return self._request("GET", f"{self._random.choice(_READS)}?{self._random.choice(bad + wide)}")

    def _garbage(self) -> bytes:
        random_bytes = self._random.randbytes(self._random.randint(1, 300))
        return self._random.choice(
            (b"\x16\x03\x01" + random_bytes, b"GET\r\n\r\n", random_bytes + b"\r\n\r\n", b"\r\n" * 40_000)
        )

    def _forms(self) -> bytes:
        bodies = ("token=" + SECRET, "token=%ff", "&" * 300, "=" * 5000, "a=%00", "token=" + "a" * 17_000)
        body = self._random.choice(bodies)
        kind, length = "Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(body)}"
        cookie = "Cookie: " + self._random.choice(("pwsync_session=x", "a=b; " * 500, "\udcff", "=;=;="))
        path = self._random.choice(("/login", "/logout", "/parked/retry", "/parked/discard"))
        return self._request("POST", path, kind, length, cookie) + body.encode()
