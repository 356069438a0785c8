"""The program of ``samba-tool user syncpasswords``: hands one changed account to a controller's API.

Gets the path of a JSON file (``url``, ``token``) as its argument and one LDIF record on standard input; prints
``DONE-EXIT: ...`` when the change is durable there, or when there is none to hand over. Standard library only: it
runs in the Python of the domain controller.
"""

import base64
import json
import sys
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

FILETIME_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)


def main() -> None:
    """Hand over the password of the record, if it has one."""
    settings = json.loads(Path(sys.argv[1]).read_text())
    record = read_record(sys.stdin.buffer.read().decode())
    password = record.get("virtualClearTextUTF8")
    if password is None:
        print("DONE-EXIT: no password to hand over")  # noqa: T201  # what samba-tool waits for
        return
    body = {"account": f"{settings['domain']}\\{record['sAMAccountName']}", "password": password}
    if record.get("pwdLastSet", "0") != "0":
        body["occurredAt"] = instant(int(record["pwdLastSet"])).isoformat()
    request = urllib.request.Request(  # noqa: S310  # the test's own controller on loopback
        settings["url"],
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json", "Authorization": f"Bearer {settings['token']}"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310  # as above
        print(f"DONE-EXIT: {json.load(answer)['trackingId']}")  # noqa: T201  # as above


def read_record(ldif: str) -> dict[str, str]:
    """The attributes of one LDIF record (RFC 2849): folded lines joined, base64 values decoded, comments left out."""
    record = {}
    for line in ldif.replace("\n ", "").splitlines():
        name, separator, value = line.partition(":")
        if separator and not line.startswith("#"):
            is_encoded = value.startswith(":")
            record[name] = base64.b64decode(value[1:]).decode("utf-8", "replace") if is_encoded else value.strip()
    return record


def instant(filetime: int) -> datetime:
    """A FILETIME: units of 100 ns since 1601-01-01 UTC."""
    return FILETIME_EPOCH + timedelta(microseconds=filetime // 10)


if __name__ == "__main__":
    main()
