"""What was heard of a target is forgotten with the target."""

from dataclasses import replace

import pytest

from controller.model.topology import Adapter, ConnectorSpec, Domain, Kind, Resource
from controller.planning.change import Change, Create, Prune, Update
from controller.ports.lanes import LaneStatus
from controller.ports.store import Store
from controller.reconcile.stranded import forget_lanes
from tests.doubles.pipeline import DIRECTORY
from tests.unit.reconcile.conftest import NOW

ADAPTER = Resource(Kind.ADAPTER, "ldap", Adapter(ConnectorSpec("memory")))
DOMAIN = Resource(Kind.DOMAIN, "CORP", Domain("corp.example.com", directory=DIRECTORY))
WITHOUT_DIRECTORY = replace(DOMAIN, spec=Domain("corp.example.com"))


@pytest.mark.parametrize(
    ("change", "left"),
    [
        (Prune(ADAPTER), {"domain/CORP"}),
        (Prune(DOMAIN), {"adapter/ldap"}),
        (Update(DOMAIN, WITHOUT_DIRECTORY), {"adapter/ldap"}),
        (Update(WITHOUT_DIRECTORY, DOMAIN), {"adapter/ldap", "domain/CORP"}),
        (Update(ADAPTER, ADAPTER), {"adapter/ldap", "domain/CORP"}),
        (Create(ADAPTER), {"adapter/ldap", "domain/CORP"}),
    ],
)
def test_only_lanes_without_a_target_are_forgotten(store: Store, change: Change, left: set[str]) -> None:
    with store.write() as tx:
        for lane in ("adapter/ldap", "domain/CORP"):
            tx.lanes.put(LaneStatus(lane, False, NOW, "unavailable", "away"))
        forget_lanes(tx, [change])
        assert set(tx.lanes.read()) == left
