"""What every connector keeps, whatever its target. ``harness`` tells how to add one."""

import logging
from collections.abc import Iterator
from contextlib import closing

import pytest

from controller.model.diagnosis import Verdict
from controller.model.errors import (
    AccountUnknown,
    ConnectorError,
    Indeterminate,
    OldPasswordWrong,
    PasswordRejected,
    PolicyUntold,
    Unavailable,
)
from controller.model.secret import Secret
from controller.ports.connectors import Connector
from tests.contracts.connectors.harness import Bench

NEW = "Tr0ub4dor&3-lighthouse"
WRONG = "N0t-the-0ne-in-force"
AWKWARD = {
    "leading zeros": "0123-Abc-0000",
    "spaces at both ends": " Sp4ce at both ends ",
    "quotes and backslash": "Q\"uo'te`s\\4nd",
    "what shells and URLs treat apart": "%41$HOME&b=c;d|E:f@G/9?#",
    "what LDAP filters and DNs treat apart": "*(uid=x)\\2a,dc=A,1+<>;=",
    "what YAML converts": "No-1e3_true:NULL",
    "umlauts": "Müller-Straße-1ß",
    "beyond the basic plane": "Aa1-🔐-𝔓𝔴",
    "as long as a password gets": ("Long-1ß" * 40)[:256],
}


def words_of(error: BaseException) -> str:
    """Everything a person could see of *error* and of what caused it."""
    chain: list[str] = []
    at: BaseException | None = error
    while at is not None:
        chain += [str(at), repr(at), *(f"{name}={value!r}" for name, value in vars(at).items())]
        at = at.__cause__ or at.__context__
    return "\n".join(chain)


class ConnectorContract:
    """Subclass it with a ``bench`` fixture."""

    @pytest.fixture
    def bench(self) -> Bench:
        """Override: the target."""
        raise pytest.UsageError("a subclass of ConnectorContract overrides the bench fixture")

    @pytest.fixture
    def connector(self, bench: Bench) -> Iterator[Connector]:
        """A connector for the target."""
        with closing(bench.fresh()) as connector:
            yield connector

    @pytest.fixture
    def administrator(self, connector: Connector) -> Connector:
        """A connector that sets passwords without the old one."""
        if connector.capabilities.needs_old_password:
            pytest.skip("this connector only changes passwords as the user")
        return connector

    @pytest.fixture
    def prober(self, connector: Connector) -> Connector:
        """A connector that can tell whether a password is in force."""
        if not connector.capabilities.can_verify:
            pytest.skip("this connector cannot verify a password")
        return connector

    def test_the_bench_is_honest(self, bench: Bench) -> None:
        assert bench.login(bench.account, bench.password)
        assert not bench.login(bench.account, WRONG)
        assert not bench.login(bench.missing, bench.password)

    def test_a_survey_tells_which_accounts_there_are(self, bench: Bench, connector: Connector) -> None:
        seen = connector.survey([bench.account, bench.missing]).accounts
        told = {bench.account: True, bench.missing: False} if connector.capabilities.can_survey else {}
        assert {name: sighting.exists for name, sighting in seen.items()} == told
        assert bench.login(bench.account, bench.password)

    def test_a_diagnosis_of_a_channel_in_order_finds_no_failure(self, bench: Bench, connector: Connector) -> None:
        findings = list(connector.diagnose([bench.account]))
        assert findings
        assert [finding for finding in findings if finding.verdict is Verdict.FAILED] == []
        assert bench.login(bench.account, bench.password)

    def test_a_diagnosis_of_a_target_that_is_away_ends_with_the_failure(
        self, bench: Bench, connector: Connector
    ) -> None:
        away = bench.unreachable()
        if away is None:
            pytest.skip("this target cannot be away")
        with away:
            *_, last = connector.diagnose([bench.account])
        assert last.verdict is Verdict.FAILED
        assert last.message
        assert last.check != "clock"

    def test_a_password_that_was_set_lets_the_account_in_and_the_old_one_no_longer_does(
        self, bench: Bench, administrator: Connector
    ) -> None:
        administrator.set_password(bench.account, Secret(NEW))

        assert bench.login(bench.account, NEW)
        assert not bench.login(bench.account, bench.password)

    def test_a_password_that_was_changed_lets_the_account_in_and_the_old_one_no_longer_does(
        self, bench: Bench, connector: Connector
    ) -> None:
        connector.change_password(bench.account, Secret(bench.password), Secret(NEW))

        assert bench.login(bench.account, NEW)
        assert not bench.login(bench.account, bench.password)

    def test_changing_with_a_wrong_old_password_changes_nothing(self, bench: Bench, connector: Connector) -> None:
        with pytest.raises(OldPasswordWrong) as caught:
            connector.change_password(bench.account, Secret(WRONG), Secret(NEW))

        assert bench.login(bench.account, bench.password)
        assert NEW not in words_of(caught.value)
        assert WRONG not in words_of(caught.value)

    def test_setting_the_same_password_again_does_no_harm(self, bench: Bench, administrator: Connector) -> None:
        if not administrator.capabilities.is_repeatable:
            pytest.skip("this target remembers former passwords")
        administrator.set_password(bench.account, Secret(NEW))
        administrator.set_password(bench.account, Secret(NEW))

        assert bench.login(bench.account, NEW)

    @pytest.mark.parametrize("password", AWKWARD.values(), ids=AWKWARD.keys())
    def test_every_character_reaches_the_target_as_it_is(
        self, bench: Bench, administrator: Connector, password: str
    ) -> None:
        violation = administrator.capabilities.constraints.violation(Secret(password))
        if violation is not None:
            pytest.skip(f"the password is {violation}")
        administrator.set_password(bench.account, Secret(password))

        assert bench.login(bench.account, password)
        if administrator.capabilities.can_verify:
            assert administrator.verify_password(bench.account, Secret(password))

    def test_verifying_tells_the_password_in_force_from_another(self, bench: Bench, prober: Connector) -> None:
        assert prober.verify_password(bench.account, Secret(bench.password))
        assert not prober.verify_password(bench.account, Secret(WRONG))
        assert bench.login(bench.account, bench.password)

    def test_a_password_is_in_force_for_the_prober_as_soon_as_it_was_set(self, bench: Bench, prober: Connector) -> None:
        prober.change_password(bench.account, Secret(bench.password), Secret(NEW))

        assert prober.verify_password(bench.account, Secret(NEW))

    def test_an_unknown_account_is_told_and_not_made(self, bench: Bench, administrator: Connector) -> None:
        with pytest.raises(AccountUnknown) as caught:
            administrator.set_password(bench.missing, Secret(NEW))

        assert bench.missing in caught.value.message
        assert not bench.login(bench.missing, NEW)

    def test_no_password_is_in_force_for_an_unknown_account(self, bench: Bench, prober: Connector) -> None:
        with pytest.raises(AccountUnknown):
            prober.verify_password(bench.missing, Secret(NEW))

    def test_a_password_against_the_policy_is_rejected_without_telling_it(
        self, bench: Bench, administrator: Connector
    ) -> None:
        if bench.refused is None:
            pytest.skip("this target has no password policy")
        with pytest.raises(PasswordRejected) as caught:
            administrator.set_password(bench.account, Secret(bench.refused))

        assert not bench.refused or bench.refused not in words_of(caught.value)
        assert bench.login(bench.account, bench.password)

    def test_who_cannot_be_asked_for_the_policy_says_so(self, bench: Bench, connector: Connector) -> None:
        if connector.capabilities.can_read_policy:
            pytest.skip("this target can be asked")
        for account in (bench.account, None):
            with pytest.raises(PolicyUntold):
                connector.policy(account)

    @pytest.fixture
    def policed(self, connector: Connector) -> Connector:
        """A connector that can be asked for the policy of its target."""
        if not connector.capabilities.can_read_policy:
            pytest.skip("this target cannot be asked for its policy")
        return connector

    def test_the_policy_is_told_as_it_is_and_nothing_is_changed(self, bench: Bench, policed: Connector) -> None:
        connector = policed
        for told in (connector.policy(bench.account), connector.policy()):
            assert (None if told is None else told.constraints) == bench.policy
        assert bench.login(bench.account, bench.password)

    def test_what_the_policy_refuses_the_target_refuses_too(self, bench: Bench, policed: Connector) -> None:
        connector = policed
        told = connector.policy(bench.account)
        if told is None or bench.refused is None:
            pytest.skip("this target has no policy of its own")
        assert told.constraints.violation(Secret(bench.refused)) is not None
        assert told.constraints.violation(Secret(bench.password)) is None
        with pytest.raises(PasswordRejected):
            connector.change_password(bench.account, Secret(bench.password), Secret(bench.refused))

    def test_an_unknown_account_has_no_policy(self, bench: Bench, policed: Connector) -> None:
        with pytest.raises(AccountUnknown):
            policed.policy(bench.missing)

    def test_a_check_passes_and_changes_nothing(self, bench: Bench, connector: Connector) -> None:
        connector.check()

        assert bench.login(bench.account, bench.password)

    def test_a_closed_connector_works_again(self, bench: Bench, connector: Connector) -> None:
        connector.check()
        connector.close()
        connector.close()
        connector.change_password(bench.account, Secret(bench.password), Secret(NEW))

        assert bench.login(bench.account, NEW)

    def test_a_target_that_cannot_be_reached_is_unavailable_and_usable_once_it_is_back(
        self, bench: Bench, administrator: Connector
    ) -> None:
        outage = bench.unreachable()
        if outage is None:
            pytest.skip("this target cannot be made unreachable")
        administrator.check()
        can = administrator.capabilities
        with outage:
            for is_possible, attempt in (
                (True, lambda: administrator.set_password(bench.account, Secret(NEW))),
                (can.can_verify, lambda: administrator.verify_password(bench.account, Secret(NEW))),
                (can.can_read_policy, lambda: administrator.policy(bench.account)),
                (True, administrator.check),
            ):
                if is_possible:
                    with pytest.raises(Unavailable):
                        attempt()
        assert bench.login(bench.account, bench.password)

        administrator.set_password(bench.account, Secret(NEW))
        assert bench.login(bench.account, NEW)

    def test_no_answer_after_sending_is_indeterminate_and_can_be_repeated(
        self, bench: Bench, administrator: Connector
    ) -> None:
        outage = bench.unresponsive()
        if outage is None:
            pytest.skip("this target cannot be made unresponsive")
        administrator.check()
        with outage, pytest.raises(Indeterminate) as caught:
            administrator.set_password(bench.account, Secret(NEW))
        assert NEW not in words_of(caught.value)

        administrator.set_password(bench.account, Secret(NEW))
        assert bench.login(bench.account, NEW)

    def test_no_password_is_ever_logged(
        self, bench: Bench, connector: Connector, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        connector.change_password(bench.account, Secret(bench.password), Secret(NEW))
        with pytest.raises(ConnectorError):
            connector.change_password(bench.account, Secret(WRONG), Secret(NEW + "1"))

        for secret in (NEW, WRONG, bench.password):
            assert secret not in caplog.text
