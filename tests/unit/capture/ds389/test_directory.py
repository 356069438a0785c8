"""What is asked of the server of a Retro Changelog, and which answers mean what."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from controller.capture.ds389.directory import LdapDirectory
from controller.connectors.ldap.messages import Answer, Entry, Modification
from controller.model.errors import ChannelRefused


@dataclass
class FakeSession:
    """Answers as told, and remembers what was written."""

    found: Sequence[Entry] = ()
    entry: Entry | None = None
    answer: Answer = Answer(0)  # noqa: RUF009  # frozen
    written: list[tuple[str, Modification]] = field(default_factory=list)

    def __str__(self) -> str:
        return "ldaps://d:636"

    def find_all(self, base: str, search_filter: str, attributes: Sequence[str]) -> Sequence[Entry]:
        assert (base, search_filter) == ("cn=changelog", "(&(changenumber>=3)(changenumber<=9))")
        assert {"changenumber", "changes"} <= set(attributes)
        return self.found

    def read(self, dn: str) -> Entry | None:
        assert dn == "changenumber=7,cn=changelog"
        return self.entry

    def modify(self, dn: str, changes: Sequence[Modification]) -> Answer:
        self.written += [(dn, change) for change in changes]
        return self.answer


def directory(session: FakeSession) -> LdapDirectory:
    return LdapDirectory(session)  # type: ignore[arg-type]  # a double of the session


def entry(number: str, **attributes: bytes) -> Entry:
    values = {name: (value,) for name, value in attributes.items()}
    return Entry(f"changenumber={number},cn=changelog", {"changenumber": (number.encode(),), **values})


def test_entries_come_in_their_order_with_what_they_have() -> None:
    full = entry("7", changetime=b"20260506070809Z", targetdn=b"uid=a", changetype=b"modify", changes=b"x\xff\x00")
    seventh, tenth = directory(FakeSession([entry("10"), full])).entries(3, 9)
    assert (seventh.number, seventh.target, seventh.change_type, seventh.changes) == (
        7,
        "uid=a",
        "modify",
        b"x\xff\x00",
    )
    assert (tenth.number, tenth.time, tenth.at, tenth.changes) == (10, "", None, b"")


def test_what_has_no_number_is_no_change_log() -> None:
    with pytest.raises(ChannelRefused, match="has no changenumber"):
        directory(FakeSession([entry("seven")])).entries(3, 9)


def test_changes_are_replaced() -> None:
    session = FakeSession()
    directory(session).replace_changes(7, b"new")
    assert session.written == [("changenumber=7,cn=changelog", Modification("replace", "changes", b"new"))]


def test_an_entry_that_is_gone_needs_no_clearing_and_one_that_is_there_does() -> None:
    for code in (32, 50):
        directory(FakeSession(answer=Answer(code))).replace_changes(7, b"new")
    session = FakeSession(entry=entry("7"), answer=Answer(50, "words that may quote"))
    with pytest.raises(ChannelRefused, match="insufficientAccessRights") as caught:
        directory(session).replace_changes(7, b"new")
    assert "quote" not in f"{caught.value!r} {caught.value} {caught.value.words}"
