"""What goes over the wire: passwords byte for byte, and nothing that shows them on the way."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ldap3.protocol.rfc3062 import PasswdModifyRequestValue
from ldap3.protocol.rfc4511 import LDAPMessage
from ldap3.utils.asn1 import decoder  # type: ignore[attr-defined]  # missing in the stubs

from controller.connectors.ldap import requests
from controller.connectors.ldap.messages import Modification
from controller.connectors.ldap.passwords import unicode_pwd, utf8
from controller.connectors.ldap.requests import Request
from controller.model.errors import ChannelRefused
from controller.model.secret import Secret

_passwords = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=300).map(Secret)
_TROUBLE_FOR_SASLPREP = ["ﬁ", "  two", "soft\u00adhyphen", "\u00a0", "\x07", "e\u0301", "Ⅷ", "\ue000", "אa"]


def _sent(request: Request) -> Any:
    message, rest = decoder.decode(request.encoded(7), asn1Spec=LDAPMessage())
    assert rest == b""
    assert message["messageID"] == 7
    return message


def _changed(request: Request) -> list[tuple[int, str, bytes]]:
    changes = _sent(request)["protocolOp"]["modifyRequest"]["changes"]
    return [(int(c["operation"]), str(c["modification"]["type"]), bytes(c["modification"]["vals"][0])) for c in changes]


@given(_passwords)
def test_a_bind_sends_the_password_as_it_is(password: Secret) -> None:
    sent = _sent(requests.bind("cn=ü,dc=x", utf8(password) or b""))["protocolOp"]["bindRequest"]

    assert bytes(sent["authentication"]["simple"]) == password.reveal().encode()
    assert bytes(sent["name"]) == "cn=ü,dc=x".encode()


@pytest.mark.parametrize("password", _TROUBLE_FOR_SASLPREP)
def test_what_saslprep_would_alter_or_refuse_is_sent_as_it_is(password: str) -> None:
    value = utf8(Secret(password)) or b""
    bound = _sent(requests.bind("x", value))["protocolOp"]["bindRequest"]
    extended = _sent(requests.modify_password("x", value, value))["protocolOp"]["extendedReq"]
    modified, _ = decoder.decode(bytes(extended["requestValue"]), asn1Spec=PasswdModifyRequestValue())

    assert bytes(bound["authentication"]["simple"]) == password.encode()
    assert bytes(modified["oldPasswd"]) == bytes(modified["newPasswd"]) == password.encode()


@given(_passwords, _passwords)
def test_a_change_deletes_the_old_value_and_adds_the_new_one_in_one_request(old: Secret, new: Secret) -> None:
    changes = [
        Modification("delete", "unicodePwd", unicode_pwd(old) or b""),
        Modification("add", "unicodePwd", unicode_pwd(new) or b""),
    ]

    assert _changed(requests.modify("cn=a", changes)) == [
        (1, "unicodePwd", f'"{old.reveal()}"'.encode("utf-16-le")),
        (0, "unicodePwd", f'"{new.reveal()}"'.encode("utf-16-le")),
    ]


@given(_passwords)
def test_a_password_modify_without_an_old_one_has_none(new: Secret) -> None:
    extended = _sent(requests.modify_password("uid=ä", utf8(new) or b"", None))["protocolOp"]["extendedReq"]
    value, _ = decoder.decode(bytes(extended["requestValue"]), asn1Spec=PasswdModifyRequestValue())

    assert str(extended["requestName"]) == "1.3.6.1.4.1.4203.1.11.1"
    assert bytes(value["userIdentity"]) == "uid=ä".encode()
    assert bytes(value["newPasswd"]) == new.reveal().encode()
    assert not value["oldPasswd"].hasValue()


@pytest.mark.parametrize(("user", "password"), [("", b"x"), ("cn=a", b"")])
def test_an_anonymous_bind_cannot_be_asked_for(user: str, password: bytes) -> None:
    with pytest.raises(ValueError, match="needs a name and a password"):
        requests.bind(user, password)


def test_no_representation_shows_a_password() -> None:
    change = Modification("replace", "userPassword", b"Hidden-1")
    for shown in (repr(requests.bind("cn=a", b"Hidden-1")), repr(requests.modify("cn=a", [change])), repr(change)):
        assert "Hidden-1" not in shown


@pytest.mark.parametrize("encode", [utf8, unicode_pwd])
def test_a_lone_surrogate_has_no_bytes(encode: object) -> None:
    assert callable(encode)
    assert encode(Secret("a\ud800")) is None


def test_a_filter_that_is_none_is_told() -> None:
    with pytest.raises(ChannelRefused, match="is not a search filter"):
        requests.search("dc=x", "(a=b)(c=d)", ["1.1"], scope="subtree")


def test_pages_follow_the_cookie() -> None:
    oid, critical, value = requests.paged(50, b"\x01cookie")

    assert (oid, critical) == ("1.2.840.113556.1.4.319", True)
    assert requests.next_page(value or b"") == b"\x01cookie"
