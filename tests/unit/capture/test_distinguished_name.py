"""Distinguished names: of how many spellings one entry is told, and who is the account."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.capture.distinguished_name import account_name, dn_key, split_dn, value_key
from controller.model.errors import InvalidInput

BASE = "ou=people,dc=example,dc=com"


@pytest.mark.parametrize(
    ("dn", "base_dn", "name", "below"),
    [
        (f"uid=alice,{BASE}", BASE, "alice", "alice"),
        (f"uid=alice,{BASE}", "OU=People, dc=example,dc=com", "alice", "alice"),
        (f"uid=alice,{BASE}", "dc=example,dc=com", None, "alice"),
        (f"UID=Alice Doe ,{BASE}", BASE, "Alice Doe", "Alice Doe"),
        (f" uid = alice , {BASE} ", BASE, "alice", "alice"),
        (f"userid=alice,{BASE}", BASE, "alice", "alice"),
        (f"0.9.2342.19200300.100.1.1=alice,{BASE}", BASE, "alice", "alice"),
        (f"uid=alice,organizationalUnitName=people,{BASE.partition(',')[2]}", BASE, "alice", "alice"),
        (r"uid=alice,ou=a\,b,dc=example", r"ou=a\2cb,dc=example", "alice", "alice"),
        (r"uid=alice,ou=b,dc=example", r"ou=a\,ou=b,dc=example", None, None),
        (r"uid=alice,ou=a\,ou=b,dc=example", "ou=b,dc=example", None, None),
        ("uid=alice,cn=x+l=y,dc=example", "l=y + cn=X,dc=example", "alice", "alice"),
        ("uid=alice,ou=Gro\u0308\u00dfe,dc=example", "ou=GR\u00d6\u00dfE,dc=example", "alice", "alice"),
        ("uid=alice,ou=\u0130nternal,dc=example", "ou=internal,dc=example", "alice", "alice"),
        ("uid=alice,ou=\u03a0\u0395\u03a3,dc=example", "ou=\u03c0\u03b5\u03c3,dc=example", "alice", "alice"),
        ("uid=alice,ou=strasse,dc=example", "ou=stra\u00dfe,dc=example", None, None),
        (r"uid=a\2Cb\\c\,d\C3\9F,dc=example", "dc=example", r"a,b\c,dß", r"a,b\c,dß"),
        (r"uid=\ alice\  ,dc=example", "dc=example", " alice ", " alice "),
        (r"uid=alice\\ ,dc=example", "dc=example", "alice\\", "alice\\"),
        ("uid=alice\u00a0,dc=example", "dc=example", "alice\u00a0", "alice\u00a0"),
        (f"uid=alice,{BASE}", "ou=other,dc=example,dc=com", None, None),
        (f"uid=alice,{BASE}", "ou=eople,dc=example,dc=com", None, None),
        ("uid=alice", "dc=example", None, None),
        ("dc=example", "dc=example", None, None),
        ("cn=alice,dc=example", "dc=example", None, None),
        ("uid=alice+cn=x,dc=example", "dc=example", None, None),
        (r"uid=a\x,dc=example", "dc=example", None, None),
        ("uid=alice,", "dc=example", None, None),
        ("", "dc=example", None, None),
    ],
)
def test_the_account_is_the_first_part_of_the_name(dn: str, base_dn: str, name: str | None, below: str | None) -> None:
    assert account_name(dn, "uid", base_dn) == name
    assert account_name(dn, "userId", base_dn) == name
    assert account_name(dn, "uid", base_dn, is_subtree=True) == below


VALUES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)


@given(st.lists(VALUES, min_size=1, max_size=5))
def test_what_is_escaped_is_read_as_it_was(values: list[str]) -> None:
    dn = ",".join("ou=" + "".join(f"\\{byte:02x}" for byte in value.encode()) for value in values)
    assert split_dn(dn) == [[("ou", value)] for value in values]


@given(st.text(alphabet='ab=,+\\ 2C"#', max_size=40))
def test_any_text_is_a_dn_or_refused_and_has_one_spelling(text: str) -> None:
    with suppress(InvalidInput):
        key = dn_key(split_dn(text))
        assert all(value == value_key(value) for parts in key for _, value in parts)


def test_a_long_name_takes_no_time() -> None:
    assert account_name("uid=" + " " * 1_000_000 + "x,dc=example", "uid", "dc=example") == "x"
    assert account_name("uid=" + "\\" * 999_999 + ",dc=example", "uid", "dc=example") is None
