"""Whatever an account is called, templates mean that account and nothing else."""

from hypothesis import given
from hypothesis import strategies as st
from ldap3.operation.search import compile_filter, parse_filter
from ldap3.utils.dn import parse_dn

from controller.connectors.ldap.escaping import in_dn, in_filter

_accounts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)


@given(_accounts)
def test_a_filter_asks_for_exactly_the_account(account: str) -> None:
    search_filter = in_filter("(&(objectClass=user)(uid={account}))", account)

    parsed = parse_filter(search_filter, None, False, False, None, False)  # type: ignore[no-untyped-call]  # bare stubs
    compiled = compile_filter(parsed.elements[0])  # type: ignore[no-untyped-call]  # bare stubs

    equality = compiled["and"][1]["equalityMatch"]
    assert len(compiled["and"]) == 2
    assert bytes(equality["attributeDesc"]) == b"uid"
    assert bytes(equality["assertionValue"]) == account.encode()


@given(_accounts)
def test_a_dn_has_as_many_parts_as_its_template(account: str) -> None:
    parts = parse_dn(in_dn("uid={account},ou=people,dc=x", account))

    assert [(name, value) for name, value, _ in parts[1:]] == [("ou", "people"), ("dc", "x")]
    assert parts[0][0] == "uid"
    assert _unescaped(parts[0][1]) == account.encode()


def test_the_escapes_are_those_of_the_standards() -> None:
    assert in_dn("cn={account},dc=x", ' #a,b+c"d\\e<f>g;h= ') == (
        "cn=\\20\\23a\\2cb\\2bc\\22d\\5ce\\3cf\\3eg\\3bh\\3d\\20,dc=x"
    )
    assert in_dn("cn={account}", "#1") == "cn=\\231"
    assert in_filter("(cn={account})", "a*b(c)\\ é") == "(cn=a\\2ab\\28c\\29\\5c\\20\\c3\\a9)"


def _unescaped(value: str) -> bytes:
    """The bytes of an RFC 4514 value whose escapes are all hexadecimal."""
    head, *rest = value.split("\\")
    return head.encode() + b"".join(bytes.fromhex(part[:2]) + part[2:].encode() for part in rest)
