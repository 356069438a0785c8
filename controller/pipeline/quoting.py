"""What a remote adapter says of itself, kept only when it holds no password that the adapter has outstanding."""

from controller.model.delivery import DeliveryState
from controller.model.errors import SealBroken
from controller.model.words import WITHHELD, quoted
from controller.pipeline.handing import MOST
from controller.pipeline.queueing import delivery_place
from controller.ports.deliveries import DeliveryQuery
from controller.ports.sealing import Sealer
from controller.ports.store import Transaction

_OUTSTANDING = (DeliveryState.IN_FLIGHT, DeliveryState.RETRYING)


def quoted_on(tx: Transaction, sealer: Sealer, lane: str, words: str) -> str:
    """Return *words*, or that they are withheld: they hold a password of *lane*, or nobody can tell.

    They are compared with passwords that the adapter was handed alone, so that it finds out none by trying.
    """
    if not words:
        return words
    found = [d for state in _OUTSTANDING for d in tx.deliveries.find(DeliveryQuery(lane=lane, state=state, limit=MOST))]
    try:
        handed_out = [
            sealer.open(delivery.sealed_password, delivery_place(delivery.id, delivery.account))
            for delivery in found
            if delivery.attempts > 0 and delivery.sealed_password is not None
        ]
    except SealBroken:
        return WITHHELD
    return quoted(words, *handed_out)
