"""Rules about what paths, verbs and query parameters mean, beside the methods themselves."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from conformance.contract.history import History
from conformance.contract.json_types import well_typed
from conformance.contract.order import after
from conformance.contract.rule import SHOWN, Finding, Rules, expect
from conformance.trace.exchange import Exchange
from conformance.trace.field_mask import FieldMask
from conformance.trace.json_text import NOT_JSON

RULES = Rules()

UNKNOWN_STATUSES = frozenset({404, 405, 501})
"""How a path or a verb is answered that there is not."""

MALFORMED = 400

NEXT_PAGE = "nextPageToken"
"""What a list may show unasked: without it nobody could go on."""

ALWAYS = frozenset({"kind", "id", "name"})
"""Fields that every image shows."""


@RULES.rule(
    "transport.unknown-path",
    "conv",
    "A path or a verb that the API does not have is answered 404 or 405, with an error in JSON.",
    "HTTP request",
    "Only the methods' own paths are described; the real service answers 404 in JSON to others, and a client that "
    "misspells one has to be told.",
    passive=False,
)
def _unknown_path(history: History) -> Iterator[Finding]:
    for exchange in history.exchanges:
        if exchange.intent is None or "transport.unknown-path" not in exchange.intent.rules or not exchange.response:
            continue
        body = exchange.response.json
        told = isinstance(body, dict) and bool(body.get("error"))  # in which shape is the matter of another rule
        yield expect(
            exchange.status in UNKNOWN_STATUSES and told,
            "a path or verb that there is not is answered otherwise than by 404 or 405 in JSON",
            exchange,
            expected="HTTP 404 or 405, and an error",
            observed=f"HTTP {exchange.status}, {'no JSON' if body is NOT_JSON else 'an error' if told else 'no error'}",
        )


@RULES.rule(
    "transport.safe-verbs",
    "conv",
    "HEAD, OPTIONS and GET delete no image, whatever verb X-HTTP-Method-Override asks for.",
    "HTTP request",
    "The page gives each method its verb; HTTP itself calls these three safe, and proxies and browsers send them on "
    "their own.",
    requires=("life.get-after-done",),
    passive=False,
    witness=SHOWN,
)
def _safe_verbs(history: History) -> Iterator[Finding]:
    safe = [
        exchange
        for exchange in history.exchanges
        if exchange.intent is not None and "transport.safe-verbs" in exchange.intent.rules
    ]
    for exchange, following in itertools.zip_longest(safe, safe[1:]):
        if not exchange.response:
            continue
        name = unquote(exchange.request.path.rpartition("/")[2])
        looks = [look for look in history.gets if look.route and look.route.name == name]
        before = next((look for look in reversed(looks) if after(look, exchange)), None)
        later = [look for look in looks if after(exchange, look) and (following is None or after(look, following))]
        if before is None or not later or not before.answered or _going(before):
            continue
        # A deletion takes a moment; that the image is gone shows it better than that it is about to be.
        shown = min(later, key=lambda look: (not look.missing, not _going(look)))
        yield expect(
            not _going(shown),
            "an image is deleted by a request that asks for no deletion",
            exchange,
            shown,
            expected="the image, as before",
            observed={"status": f"HTTP {shown.status}", "image": (shown.resource or {}).get("status")},
        )


def _going(look: Exchange) -> bool:
    """Whether a look at an image shows that it is deleted."""
    return look.missing or (look.resource or {}).get("status") == "DELETING"


@RULES.rule(
    "transport.percent-encoding",
    "conv",
    "A name in a path may be percent-encoded: it means the same image.",
    "HTTP request",
    "The path is said to follow the syntax of URLs, in which a character that needs no encoding means the same with "
    "it.",
    requires=("life.get-after-done",),
    passive=False,
    witness=SHOWN,
)
def _percent_encoding(history: History) -> Iterator[Finding]:
    for exchange in history.exchanges:
        if (
            exchange.intent is None
            or "transport.percent-encoding" not in exchange.intent.rules
            or not exchange.response
        ):
            continue
        name = exchange.route.name if exchange.route else ""
        if not well_typed(exchange.resource or {}, "name"):
            continue
        if not any(
            look.answered for look in history.gets if look.route and look.route.name == name and look != exchange
        ):
            continue  # it is not found under its plain name, either
        yield expect(
            (exchange.resource or {}).get("name") == name,
            "an image is not found under its name in percent-encoding",
            exchange,
            expected=name,
            observed=f"HTTP {exchange.status}, {(exchange.resource or {}).get('name')}",
        )


@RULES.rule(
    "transport.fields-mask",
    "conv",
    "An answer to a request with fields=… shows those fields, and no others.",
    "Query parameters",
    "The standard parameter of Google's APIs for partial answers is not on this page; the discovery document has "
    "it for every method.",
    requires=("transport.json",),
)
def _fields_mask(history: History) -> Iterator[Finding]:
    for exchange in history.exchanges:
        asked_for = exchange.request.selector
        if not asked_for or not exchange.mask.partial or exchange.resource is None or exchange.route is None:
            continue
        others = list(_beyond(exchange.resource, exchange.mask))
        asked = ALWAYS & exchange.mask.fields.keys() if exchange.method == "images.get" else frozenset()
        missing = sorted(asked - exchange.resource.keys())
        yield expect(
            not others and not missing,
            "an answer shows other fields than those that were asked for",
            exchange,
            expected=asked_for,
            observed={"beyond": others[:5], "missing": missing},
        )


def _beyond(value: Any, mask: FieldMask) -> Iterator[str]:
    """The fields of an answer that were not asked for."""
    if not mask.partial:
        return
    for part in value if isinstance(value, list) else [value]:
        for name, inner in part.items() if isinstance(part, Mapping) else ():
            if name not in mask.fields:
                yield from () if name == NEXT_PAGE else (name,)
            else:
                yield from _beyond(inner, mask.within(name))


@RULES.rule(
    "request-id.empty",
    "conv",
    "An empty requestId is none: two inserts with it are two requests, unless it is refused.",
    "Query parameters > requestId",
    "Whether an empty text is no ID or a malformed one is left open; in neither case does it name an earlier request.",
    passive=False,
)
def _empty_request_id(history: History) -> Iterator[Finding]:
    first: dict[str, Any] = {}
    inserts = [insert for insert in history.inserts if insert.exchange.request.query.get("requestId") == [""]]
    for insert in inserts:
        operation = (insert.exchange.resource or {}).get("name")
        if not isinstance(operation, str):
            if insert.exchange.status == MALFORMED:
                yield None
            continue
        before = first.setdefault(operation, insert.exchange)
        yield expect(
            before is insert.exchange,
            "an insert with an empty requestId is taken for a replay of another",
            before,
            insert.exchange,
            expected="an operation of its own",
            observed=operation,
        )
