"""Attributes of adapters and of the system, and their defaults: section 8 of the reference system's behaviours."""

from dataclasses import replace
from datetime import timedelta

import pytest

from controller.manifests.v1.adapter import AdapterSpec
from controller.manifests.v1.system import SystemSpec
from controller.model.actor import Actor
from controller.model.audit import AuditPolicy, Trail
from controller.model.delivery import DeliveryState
from controller.model.errors import NotFound
from controller.model.events import CATALOGUE
from controller.model.secret import Secret
from controller.model.topology import NotificationPolicy
from tests.doubles.audited import audit_rows
from tests.doubles.pipeline import ALL_ON, OPEN_ADAPTER, PipelineBench


def test_attributes_switches_of_a_new_adapter_are_off_but_old_passwords_are_verified() -> None:
    adapter = AdapterSpec.model_validate({"connector": {"type": "remote"}}).compile()
    assert adapter.enabled, "a manifest states the wanted end"
    assert adapter.verify_old_password
    assert not adapter.sync_from_adapter
    assert not adapter.sync_to_adapter
    assert not adapter.change_windows_password
    assert not adapter.send_old_password
    assert not adapter.allow_mapping_conflicts
    assert (adapter.group, adapter.filter, adapter.description) == (None, None, "")


def test_attributes_notifications_are_tried_five_times_from_a_minute_on_eight_at_once() -> None:
    adapter = AdapterSpec.model_validate({"connector": {"type": "remote"}}).compile()
    assert adapter.notifications == NotificationPolicy(5, timedelta(minutes=1), 8, store_when_offline=True)


def test_attributes_the_three_directions_of_the_system_are_off() -> None:
    system = SystemSpec.model_validate({}).compile()
    assert not system.from_windows_to_adapters
    assert not system.from_adapters_to_database
    assert not system.from_adapters_to_windows
    audit = system.audit
    assert (audit.deleted_applications, audit.deleted_mappings, audit.credential_lookups) == (1000, 1000, 1000)
    assert system.max_sync_age == timedelta(hours=24)


def test_attributes_an_adapter_with_nothing_switched_on_takes_part_in_nothing(bench: PipelineBench) -> None:
    spec = AdapterSpec.model_validate({"connector": {"type": "memory"}}).compile()
    bench.adapter("plain", spec, "alice")
    bench.map("PLAIN", "alice", "alice")
    change = bench.windows("alice", "new")
    bench.settle()
    assert bench.outcome(change) == ("discarded", "noTarget")


def test_attributes_the_old_external_password_travels_along_where_the_adapter_says_so(bench: PipelineBench) -> None:
    directory = bench.adapter("ldap", replace(OPEN_ADAPTER, send_old_password=True), "alice")
    bench.map("LDAP", "alice", "alice")
    bench.credentials.set("LDAP", "alice", Secret("not the one in force"), by=Actor("ops"))
    change = bench.windows("alice", "new")
    bench.settle()
    (delivery,) = bench.deliveries(change)
    assert (delivery.state, delivery.code) == (DeliveryState.PARKED, "oldPasswordWrong")
    assert directory.accounts["alice"] == "old"
    assert CATALOGUE["deliveryParked"].fields.keys() >= {"code", "message"}


def test_attributes_the_audit_keeps_what_was_deleted_and_looked_up_a_thousand_rows_each() -> None:
    audit = SystemSpec.model_validate({}).compile().audit
    assert {trail.value: audit.most(trail) for trail in Trail} == {
        "actions": None,
        "deletedApplications": 1000,
        "deletedMappings": 1000,
        "credentialLookups": 1000,
    }


def test_attributes_levels_say_what_is_audited_of_successes_and_of_failures(bench: PipelineBench) -> None:
    def audited(successes: int, failures: int) -> list[str]:
        bench.system(replace(ALL_ON, audit=AuditPolicy(successes, failures)))
        before = len(audit_rows(bench.store))
        bench.adapter("ldap", OPEN_ADAPTER)
        bench.operations.disable("ldap", by=Actor("ops"))
        with pytest.raises(NotFound):
            bench.operations.disable("none", by=Actor("ops"))
        bench.operations.enable("ldap", by=Actor("ops"))
        rows = audit_rows(bench.store)
        return [f"{row.action} {row.object} {row.failure}".strip() for row in rows[: len(rows) - before]]

    refused = "adapter disable Adapter/none notFound"
    assert audited(0, 0) == audited(1, 1) == []
    assert audited(0, 2) == [refused]
    assert audited(2, 0) == ["adapter enable Adapter/ldap", "adapter disable Adapter/ldap"]
    assert audited(3, 3) == ["adapter enable Adapter/ldap", refused, "adapter disable Adapter/ldap"]
