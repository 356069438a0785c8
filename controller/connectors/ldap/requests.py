"""Requests as values, and their encoding by ldap3 (RFC 4511). Passwords are bytes: nothing normalises them.

ldap3's own calls apply SASLprep to passwords that are text, which changes ``ﬁ`` to ``fi`` and refuses others.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ldap3 import BASE, DEREF_NEVER, MODIFY_ADD, MODIFY_DELETE, MODIFY_REPLACE, SIMPLE, SUBTREE
from ldap3.core.exceptions import LDAPExceptionError
from ldap3.operation.bind import bind_operation
from ldap3.operation.extended import extended_operation
from ldap3.operation.modify import modify_operation
from ldap3.operation.search import search_operation
from ldap3.operation.unbind import unbind_operation
from ldap3.protocol.convert import build_controls_list
from ldap3.protocol.rfc2696 import RealSearchControlValue
from ldap3.protocol.rfc3062 import PasswdModifyRequestValue
from ldap3.protocol.rfc4511 import LDAPMessage, MessageID, ProtocolOp
from ldap3.utils.asn1 import (  # type: ignore[attr-defined]  # missing in the stubs
    decoder,
    encode,
)

from controller.connectors.ldap.messages import Modification
from controller.model.errors import ChannelRefused

_VERSION = 3
_OPERATIONS = {"add": MODIFY_ADD, "delete": MODIFY_DELETE, "replace": MODIFY_REPLACE}
START_TLS = "1.3.6.1.4.1.1466.20037"
PASSWORD_MODIFY = "1.3.6.1.4.1.4203.1.11.1"  # noqa: S105  # an object identifier
PAGED_RESULTS = "1.2.840.113556.1.4.319"

Control = tuple[str, bool, bytes | None]
"""Object identifier, criticality, value."""


@dataclass(frozen=True, slots=True, repr=False)
class Request:
    """One request, ready to be encoded. It may hold a password and therefore has no representation.

    Attributes:
        kind: Its name in ldap3's ``ProtocolOp``.
        operation: ldap3's own value of it.
    """

    kind: str
    operation: Any
    controls: Sequence[Control] = ()

    def encoded(self, message_id: int) -> bytes:
        """The LDAPMessage."""
        message = LDAPMessage()
        message["messageID"] = MessageID(message_id)
        message["protocolOp"] = ProtocolOp().setComponentByName(self.kind, self.operation)
        controls = build_controls_list(list(self.controls))
        if controls is not None:
            message["controls"] = controls
        return bytes(encode(message))


def bind(user: str, password: bytes, controls: Sequence[Control] = ()) -> Request:
    """A simple bind with a password; one without would be anonymous and prove nothing (RFC 4513 section 5.1.2)."""
    if not user or not password:
        raise ValueError("a simple bind needs a name and a password")
    return Request("bindRequest", bind_operation(_VERSION, SIMPLE, user, password), controls)


def modify(dn: str, changes: Sequence[Modification], controls: Sequence[Control] = ()) -> Request:
    """A modify of one entry; the changes take effect together or not at all."""
    by_attribute: dict[str, list[tuple[str, list[bytes]]]] = {}
    for change in changes:
        by_attribute.setdefault(change.attribute, []).append((_OPERATIONS[change.operation], [change.value]))
    return Request("modifyRequest", modify_operation(dn, by_attribute, auto_encode=False), controls)


def modify_password(dn: str, new: bytes, old: bytes | None, controls: Sequence[Control] = ()) -> Request:
    """The password modify extended operation (RFC 3062)."""
    value = PasswdModifyRequestValue()
    value["userIdentity"] = dn.encode()
    if old is not None:
        value["oldPasswd"] = old
    value["newPasswd"] = new
    return Request("extendedReq", extended_operation(PASSWORD_MODIFY, value), controls)


def search(
    base: str,
    search_filter: str,
    attributes: Sequence[str],
    *,
    scope: Literal["base", "subtree"],
    size_limit: int = 0,
    controls: Sequence[Control] = (),
) -> Request:
    """A search. Values in the filter must be escaped (RFC 4515); aliases are not followed.

    Raises:
        ChannelRefused: The filter is not one.
    """
    try:
        operation = search_operation(
            base,
            search_filter,
            BASE if scope == "base" else SUBTREE,
            DEREF_NEVER,
            list(attributes),
            size_limit,
            0,
            types_only=False,
            auto_escape=False,
            auto_encode=False,
        )
    except LDAPExceptionError as error:
        raise ChannelRefused(f"{search_filter} is not a search filter: {error}", hint="see RFC 4515") from error
    return Request("searchRequest", operation, controls)


def start_tls() -> Request:
    """The request after which TLS begins (RFC 4511 section 4.14)."""
    return Request("extendedReq", extended_operation(START_TLS))


def unbind() -> Request:
    """The good-bye; it has no answer."""
    return Request("unbindRequest", unbind_operation())  # type: ignore[no-untyped-call]  # bare in the stubs


def paged(size: int, cookie: bytes) -> Control:
    """The control that asks for one page of results (RFC 2696)."""
    value = RealSearchControlValue()
    value["size"] = size
    value["cookie"] = cookie
    return (PAGED_RESULTS, True, bytes(encode(value)))


def next_page(value: bytes) -> bytes:
    """The cookie of the next page from a response control; empty after the last one, or without a control."""
    if not value:
        return b""
    decoded, _ = decoder.decode(value, asn1Spec=RealSearchControlValue())
    return bytes(decoded["cookie"])
