"""How the policies of directories are read, and which answers are none."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from controller.connectors.ldap.domain_policy import read_domain_policy
from controller.connectors.ldap.messages import Entry
from controller.connectors.ldap.subentry_policy import read_subentry_policy
from controller.model.constraints import Constraints
from controller.model.errors import ChannelRefused, ConnectorError, PolicyUnknown, Unavailable
from controller.model.policy import PasswordPolicy

HEAD = "DC=corp,DC=example,DC=com"
PSO = "CN=strict,CN=Password Settings Container"
POLICY_CONTROL = "1.3.6.1.4.1.42.2.27.8.5.1"


def entry(dn: str, **attributes: str) -> Entry:
    """An entry with one value of each attribute; an underscore stands for a dash."""
    return Entry(dn, {name.lower().replace("_", "-"): (value.encode(),) for name, value in attributes.items()})


@dataclass
class FakeSession:
    """Holds entries; one without a name is the root DSE."""

    entries: Mapping[str, Entry]
    defaults: Sequence[Entry] | ConnectorError = ()
    asked: list[tuple[str, ...]] = field(default_factory=list)

    def __str__(self) -> str:
        return "ldaps://d:636"

    def read(self, dn: str, attributes: Sequence[str]) -> Entry | None:
        self.asked.append((dn, *attributes))
        return self.entries.get(dn)

    def find(self, base: str, search_filter: str, attributes: Sequence[str], *, limit: int) -> list[Entry]:
        assert (base, search_filter, list(attributes), limit) == (
            "cn=config",
            "(olcPPolicyDefault=*)",
            ["olcPPolicyDefault"],
            2,
        )
        if isinstance(self.defaults, ConnectorError):
            raise self.defaults
        return list(self.defaults)


def of_domain(head: Entry | None, user: Entry | None = None, **others: Entry) -> PasswordPolicy:
    """What a domain with this head tells."""
    entries = {"": entry("", defaultNamingContext=HEAD), **others} | ({} if head is None else {HEAD: head})
    return read_domain_policy(FakeSession(entries).read, "ldaps://d:636", user)


def test_the_head_of_the_domain_tells_length_complexity_history_and_age() -> None:
    head = entry(HEAD, minPwdLength="7", pwdProperties="17", pwdHistoryLength="24", minPwdAge="-864000000000")
    policy = of_domain(head)
    assert (policy.source, policy.history, policy.min_age) == (HEAD, 24, timedelta(days=1))
    assert policy.constraints == Constraints(min_length=7, min_categories=3)
    assert any("PSO" in note for note in policy.notes)


def test_a_lax_domain_asks_for_nothing() -> None:
    head = entry(HEAD, minPwdLength="0", pwdProperties="16")
    policy = of_domain(head, entry("CN=alice"))
    assert policy.constraints == Constraints()
    assert (policy.history, policy.min_age) == (0, timedelta())
    assert any("may not see" in note for note in policy.notes)


def test_a_policy_of_the_accounts_own_takes_its_place() -> None:
    own = entry(
        PSO,
        msDS_MinimumPasswordLength="15",
        msDS_PasswordComplexityEnabled="TRUE",
        msDS_PasswordHistoryLength="3",
        msDS_MinimumPasswordAge="-10000000",
    )
    policy = of_domain(None, entry("CN=alice", msDS_ResultantPSO=PSO), **{PSO: own})
    assert (policy.source, policy.history, policy.min_age) == (PSO, 3, timedelta(seconds=1))
    assert policy.constraints == Constraints(min_length=15, min_categories=3)
    assert not any("PSO" in note for note in policy.notes)


@pytest.mark.parametrize("head", [None, entry(HEAD), entry(HEAD, minPwdLength="7"), entry(HEAD, pwdProperties="1")])
def test_what_may_not_be_read_is_unknown_and_not_none(head: Entry | None) -> None:
    with pytest.raises(PolicyUnknown, match="cannot be read") as caught:
        of_domain(head)
    assert HEAD in caught.value.hint


@pytest.mark.parametrize("root", [None, entry("")])
def test_a_directory_that_does_not_tell_its_domain_is_unknown(root: Entry | None) -> None:
    session = FakeSession({} if root is None else {"": root})
    with pytest.raises(PolicyUnknown, match="defaultNamingContext"):
        read_domain_policy(session.read, "ldaps://d:636", None)


def of_subentry(
    session: FakeSession, declared: str | None = None, account: Entry | None = None
) -> PasswordPolicy | None:
    """What a directory with the overlay tells."""
    return read_subentry_policy(session, declared, account)  # type: ignore[arg-type]  # a double of the session


STRICT = entry("cn=strict", objectClass="pwdPolicy", pwdCheckQuality="2", pwdMinLength="12", pwdMaxLength="64")
LAX = entry("cn=lax", objectClass="PWDPOLICY", pwdMinLength="12", pwdMinAge="60", pwdInHistory="3")


def test_the_accounts_own_policy_goes_before_the_declared_one_and_that_before_the_default() -> None:
    entries = {each.dn: each for each in (STRICT, LAX)}
    session = FakeSession(entries, [entry("olcOverlay={0}ppolicy", olcPPolicyDefault="cn=strict")])
    alice = entry("uid=alice", pwdPolicySubentry="cn=lax")
    for declared, account, source in (
        ("cn=strict", alice, "cn=lax"),
        ("cn=lax", entry("uid=bob"), "cn=lax"),
        ("cn=lax", None, "cn=lax"),
        (None, None, "cn=strict"),
    ):
        policy = of_subentry(session, declared, account)
        assert policy is not None
        assert policy.source == source
        assert bool(policy.notes) == (account is None)


def test_lengths_are_looked_at_only_where_quality_is_checked() -> None:
    session = FakeSession({each.dn: each for each in (STRICT, LAX)})
    strict, lax = of_subentry(session, "cn=strict"), of_subentry(session, "cn=lax")
    assert strict is not None
    assert lax is not None
    assert strict.constraints == Constraints(min_bytes=12, max_bytes=64)
    assert lax.constraints == Constraints()
    assert (lax.history, lax.min_age) == (3, timedelta(minutes=1))


@pytest.mark.parametrize("attributes", [{"pwdCheckModule": "/lib/check.so"}, {"pwdUseCheckModule": "TRUE"}])
def test_a_module_that_looks_at_passwords_is_told(attributes: dict[str, str]) -> None:
    checked = entry("cn=checked", objectClass="pwdPolicy", pwdCheckQuality="1", pwdMinLength="0", **attributes)
    policy = of_subentry(FakeSession({"cn=checked": checked}), "cn=checked")
    assert policy is not None
    assert policy.constraints == Constraints()
    assert any("pwdCheckModule" in note for note in policy.notes)


@pytest.mark.parametrize("defaults", [(), (entry("a"), entry("b")), ChannelRefused("no rights")])
def test_a_directory_with_policies_that_does_not_tell_its_default_is_unknown(
    defaults: Sequence[Entry] | ConnectorError,
) -> None:
    session = FakeSession({"": entry("", supportedControl=POLICY_CONTROL)}, defaults)
    with pytest.raises(PolicyUnknown, match="which is the default") as caught:
        of_subentry(session)
    assert "policyDN" in caught.value.hint


def test_a_directory_without_the_control_has_no_policies() -> None:
    assert of_subentry(FakeSession({"": entry("", supportedControl="1.2.3")})) is None
    assert of_subentry(FakeSession({"": entry("")})) is None


def test_a_directory_that_hides_its_root_may_have_policies() -> None:
    with pytest.raises(PolicyUnknown):
        of_subentry(FakeSession({}))


@pytest.mark.parametrize("found", [None, entry("cn=strict"), entry("cn=strict", objectClass="device")])
def test_an_entry_that_is_no_policy_is_unknown(found: Entry | None) -> None:
    with pytest.raises(PolicyUnknown, match="cn=strict is not there, or cannot be read"):
        of_subentry(FakeSession({} if found is None else {"cn=strict": found}), "cn=strict")


def test_a_directory_that_is_away_is_not_unknown_but_unavailable() -> None:
    with pytest.raises(Unavailable):
        of_subentry(FakeSession({}, Unavailable("away")))


DS389 = entry("", vendorVersion="389-Directory/2.3.1 B2025.016.1616", supportedControl=POLICY_CONTROL)
GLOBAL = {"passwordCheckSyntax": "on", "passwordMinLength": "8", "nsslapd_pwpolicy_local": "on"}


def test_389_directory_server_tells_the_policy_of_all_in_its_configuration() -> None:
    more = {"passwordHistory": "on", "passwordInHistory": "6", "passwordMinAge": "60", "passwordPalindrome": "on"}
    session = FakeSession({"": DS389, "cn=config": entry("cn=config", **GLOBAL, **more, passwordMinDigits="2")})
    policy = of_subentry(session)
    assert policy is not None
    assert (policy.source, policy.constraints) == ("cn=config", Constraints(min_length=8))
    assert (policy.history, policy.min_age) == (6, timedelta(minutes=1))
    assert "passwordMinDigits 2, passwordPalindrome" in policy.notes[-1]


def test_389_directory_server_looks_at_policies_of_accounts_unless_that_is_off() -> None:
    own = entry("cn=own", objectClass="passwordPolicy", passwordCheckSyntax="off", passwordMinLength="12")
    alice = entry("uid=alice", pwdPolicySubentry="cn=own")
    for local, source, constraints in (
        ("on", "cn=own", Constraints()),
        ("off", "cn=config", Constraints(min_length=8)),
    ):
        head = entry("cn=config", **{**GLOBAL, "nsslapd_pwpolicy_local": local})
        policy = of_subentry(FakeSession({"": DS389, "cn=config": head, "cn=own": own}), None, alice)
        assert policy is not None
        assert (policy.source, policy.constraints, policy.notes) == (source, constraints, ())


def test_a_configuration_of_389_directory_server_that_cannot_be_read_is_unknown() -> None:
    own = entry("cn=own", objectClass="passwordPolicy", passwordCheckSyntax="on", passwordMinLength="12")
    session = FakeSession({"": DS389, "cn=own": own})
    with pytest.raises(PolicyUnknown, match="cannot be read") as caught:
        of_subentry(session)
    assert "cn=config" in caught.value.hint
    policy = of_subentry(session, None, entry("uid=alice", pwdPolicySubentry="cn=own"))
    assert policy is not None
    assert policy.constraints == Constraints(min_length=12)
