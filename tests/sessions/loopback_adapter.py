"""A small remote adapter: ``python -m tests.sessions.loopback_adapter URL ADAPTER TOKEN_FILE OUT_FILE [OPTION...]``.

Its system is a file of lines ``account password``. It says on standard output what happens, one word first. With
``--hold`` it never confirms; with ``--once`` it shuts down after the first notification.
"""

import json
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

PATIENCE = 60


class LoopbackAdapter:
    """One process of one adapter."""

    def __init__(self, url: str, adapter: str, token_file: str, out_file: str) -> None:
        self._url = f"{url}/v1/adapters/{adapter}"
        self._headers = {"Authorization": f"Bearer {Path(token_file).read_text(encoding='utf-8').strip()}"}
        self._out = Path(out_file)

    def initialize(self) -> None:
        """Begin a session."""
        _, answer = self.call("POST", "/session")
        self._headers["Pwsync-Session"] = answer["session"]
        say("reconnected" if answer["reconnected"] else "connected")

    def run(self, options: list[str]) -> int:
        """Serve notifications until the controller stops or another process takes over."""
        while True:
            status, answer = self.call("GET", "/notifications?wait=30")
            match status, answer.get("code", answer.get("type")):
                case 409, code:
                    say(str(code))
                    return 3
                case 200, "shutdown":
                    say("shutdown")
                    return 0
                case 200, "statusRequest":
                    self.call("POST", "/status", {"online": True})
                case 200, "passwordChange":
                    say("received", answer["trackingId"], str(answer["attempt"]), str(answer["redelivered"]))
                    if "--hold" not in options:
                        self.take(answer)
                    if "--once" in options:
                        say("returned", str(self.call("DELETE", "/session")[1]["returned"]))
                        return 0
                case 204, _:
                    continue
                case _:
                    say("failed", str(status))
                    return 1

    def take(self, notification: dict[str, Any]) -> None:
        """Write the password into the file, and confirm it."""
        with self._out.open("a", encoding="utf-8") as out:
            out.write(f"{notification['account']} {notification['password']}\n")
        path = f"/notifications/{notification['trackingId']}/complete"
        say("completed", self.call("POST", path, {"errorCode": 0})[1]["state"])

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
        """Call the API."""
        headers = dict(self._headers) | ({"Content-Type": "application/json"} if body is not None else {})
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._url + path, data, headers, method=method)  # noqa: S310  # our own server
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310  # our own server
                text = answer.read()
                return answer.status, json.loads(text) if text else {}
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)


def say(*words: str) -> None:
    """Print a line."""
    sys.stdout.write(" ".join(words) + "\n")
    sys.stdout.flush()


def main(arguments: list[str]) -> int:
    """Run one adapter."""
    adapter = LoopbackAdapter(*arguments[:4])
    adapter.initialize()
    return adapter.run(arguments[4:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
