"""Rules of area `durability`: what a target still knows that was killed and started again.

Only a run with --restart-between tries them. The looks behind the restart carry the rule for which they are made in
their intent; everything before them was said by the target that was killed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from conformance.contract.history import History
from conformance.contract.rule import Finding, Rules, expect
from conformance.trace.exchange import Exchange

RULES = Rules()

IMAGES, OPERATIONS = "durability.images", "durability.operations"
REQUEST_IDS, RUNNING = "durability.request-ids", "durability.running-operations"


@RULES.rule(
    IMAGES,
    "conv",
    "An image that was made is still there after the target was killed and started again.",
    "Response body",
    "An operation that is DONE without an error says that the image exists, and nobody deleted it; how a target keeps "
    "it the reference does not say.",
    passive=False,
)
def _images(history: History) -> Iterator[Finding]:
    for look, earlier in _looks(history, IMAGES):
        before = _last(earlier, look)
        if before is not None:
            shown = (look.resource or {}).get("id")
            message = "an image is not the same any more" if look.answered else "an image is lost"
            yield expect(
                look.answered and shown == before["id"],
                message,
                look,
                expected={"id": before["id"]},
                observed={"id": shown} if look.answered else f"HTTP {look.status}",
            )


@RULES.rule(
    OPERATIONS,
    "conv",
    "An operation that was DONE is still shown so after the target was killed and started again.",
    "Response body",
    "Clients keep the name of an operation to look at it later; how long a target knows it the reference does not say.",
    passive=False,
)
def _operations(history: History) -> Iterator[Finding]:
    for look, earlier in _looks(history, OPERATIONS):
        before = _last(earlier, look)
        if before is not None and before.get("status") == "DONE":
            shown = look.resource or {}
            parts = ("id", "status", "targetId")
            yield expect(
                look.answered and all(shown.get(part) == before.get(part) for part in parts),
                "an operation is not the same any more" if look.answered else "an operation is lost",
                look,
                expected={part: before.get(part) for part in parts},
                observed={part: shown.get(part) for part in parts} if look.answered else f"HTTP {look.status}",
            )


@RULES.rule(
    REQUEST_IDS,
    "conv",
    "A requestId that was used is still known after the target was killed and started again.",
    "Query parameters > requestId",
    "The reference offers requestId for the client whose connection broke, and a target that dies breaks all of them.",
    passive=False,
)
def _request_ids(history: History) -> Iterator[Finding]:
    for again, earlier in _looks(history, REQUEST_IDS):
        first = next((one for one in earlier if one.request.url == again.request.url and one.resource), None)
        if first is not None:
            name = (first.resource or {}).get("name")
            shown = (again.resource or {}).get("name")
            yield expect(
                shown == name,
                "a replay behind the restart is taken for a new request",
                first,
                again,
                expected={"name": name},
                observed={"name": shown} if again.answered else f"HTTP {again.status}",
            )


@RULES.rule(
    RUNNING,
    "conv",
    "An operation that was running when the target was killed ends: with its image, or with an error and without one.",
    "Response body",
    "Clients wait until an operation is DONE, and one that never is lets them wait for ever.",
    passive=False,
)
def _running(history: History) -> Iterator[Finding]:
    looks = [look for look, _ in _looks(history, RUNNING)]
    operation = next((look for look in looks if look.method == "globalOperations.get"), None)
    image = next((look for look in looks if look.method == "images.get"), None)
    if operation is None or image is None:
        return
    shown = operation.resource or {}
    ended = shown.get("status") == "DONE"
    yield expect(
        ended,
        "an operation that was running never ends" if operation.answered else "an operation that was running is lost",
        operation,
        expected={"status": "DONE"},
        observed={"status": shown.get("status")} if operation.answered else f"HTTP {operation.status}",
    )
    if ended:
        there = image.answered and (image.resource or {}).get("status") == "READY"
        failed = bool(shown.get("error"))
        yield expect(
            there != failed and (there or image.missing),
            "the operation failed, and its image is there" if failed else "the operation succeeded without its image",
            operation,
            image,
            expected="HTTP 404" if failed else {"status": "READY"},
            observed={"status": (image.resource or {}).get("status")} if image.answered else f"HTTP {image.status}",
        )


def _looks(history: History, rule: str) -> Iterator[tuple[Exchange, Sequence[Exchange]]]:
    """The looks that were made for a rule behind the restart, each with all that was exchanged before it."""
    exchanges = history.trace.exchanges
    behind = [bool(one.intent and one.intent.rules[0].startswith("durability.")) for one in exchanges]
    before = exchanges[: behind.index(True)] if any(behind) else exchanges
    for exchange in exchanges:
        if exchange.intent is not None and rule in exchange.intent.rules and (exchange.answered or exchange.refused):
            yield exchange, before


def _last(earlier: Sequence[Exchange], look: Exchange) -> dict[str, Any] | None:
    """What the target showed last, before it was killed, of what is looked at; None where it showed nothing."""
    alike = (one.resource for one in reversed(earlier) if one.request.url == look.request.url and one.resource)
    return next(alike, None)
