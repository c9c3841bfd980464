"""What a recorder may lose of the traffic, so that nothing is blamed for it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from conformance.trace.exchange import MUTATIONS, Exchange
from conformance.trace.formats import timestamp

TIMES = "times"
FRACTIONS = "fractions of seconds"
ORDER = "order"
OPERATIONS = "operations"
SERVER_TIMES = "times of the service"
IDS = "ids"
OPERATION_NAMES = "names of operations"
FINGERPRINTS = "fingerprints"
REQUEST_IDS = "requestIds"
INSERTS = "inserts"

LOSSES = {
    TIMES: "times are missing",
    FRACTIONS: "times are whole seconds",
    ORDER: "requests are in another order than they were sent in, so each answer is judged alone",
    OPERATIONS: "operations of one image cannot be told apart, so each answer about it is judged alone",
    SERVER_TIMES: "times of the service are replaced by placeholders",
    IDS: "ids are replaced by placeholders",
    OPERATION_NAMES: "names of operations are replaced by placeholders",
    FINGERPRINTS: "fingerprints are replaced by placeholders",
    REQUEST_IDS: "requestIds are replaced by placeholders",
    INSERTS: "the bodies of inserts are missing, so images may have been made of which nothing tells",
}
"""Each kind of loss, and what a reader is told of it."""

ALONE = frozenset({ORDER, OPERATIONS})
"""Without these no story can be told of several answers."""

ABOUT = {
    TIMES: "about times",
    FRACTIONS: "about pauses and overlaps",
    ORDER: "about several requests",
    OPERATIONS: "about several requests",
    SERVER_TIMES: "about times",
    IDS: "about ids",
    OPERATION_NAMES: "about operations by name",
    FINGERPRINTS: "about fingerprints",
    REQUEST_IDS: "about requestIds",
    INSERTS: "about simultaneous requests",
}
"""What the rules are about that stand on what was lost."""

ORDER_SECONDS = 2.0
"""By how much the times of two changes may go back although they are in order."""


def out_of_order(exchanges: Sequence[Exchange]) -> bool:
    """Whether exchanges without times of their own cannot have been sent in this order.

    Nobody can ask for an operation before he was told its name, and changes begin in the order of their requests;
    with a requestId an answer may be about an earlier request.
    """
    asked: set[str] = set()
    begun: list[float] = []
    for exchange in exchanges:
        route = exchange.route
        if route is None or exchange.resource is None:
            continue
        if route.method in ("globalOperations.get", "globalOperations.wait"):
            asked.add(route.name)
        elif route.method in MUTATIONS and "requestId" not in exchange.request.query:
            if exchange.resource.get("name") in asked:
                return True
            moment = timestamp(exchange.resource.get("insertTime"))
            if moment is not None:
                begun.append(moment.timestamp())
    return any(later < earlier - ORDER_SECONDS for earlier, later in pairwise(begun))
