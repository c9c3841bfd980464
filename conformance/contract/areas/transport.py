"""Rules about HTTP and JSON: what every answer looks like, and how a broken request is answered."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

from conformance.contract.history import History
from conformance.contract.mutation import Mutation
from conformance.contract.order import after
from conformance.contract.rule import SHOWN, Finding, Judge, Rule, Rules, expect, is_set
from conformance.contract.sighting import Sighting
from conformance.trace.blots import blotted_out
from conformance.trace.exchange import ABANDONED, INCOMPLETE, MUTATIONS, NOT_RECORDED, TIMED_OUT, Exchange
from conformance.trace.json_text import NOT_JSON
from conformance.trace.links import named, same_project

RULES = Rules()
"""The rules of this module, in the order of the catalogue."""


OPTIONAL_METHODS = frozenset(
    [
        "images.list",
        "images.patch",
        "images.setLabels",
        "images.deprecate",
        "images.getFromFamily",
        "imageFamilyViews.get",
        "globalOperations.list",
        "globalOperations.wait",
        "globalOperations.delete",
    ]
)
"""A target may lack these: 501 from one of them is a missing capability."""

UNANSWERED = (ABANDONED, INCOMPLETE, NOT_RECORDED)
"""Why an exchange may lack an answer for reasons that are none of the target's."""

RETRY_STATUSES = frozenset({429, 503})
FIRST_SERVER_ERROR = 500

LARGE = 2**19
"""Bytes of a request that may come back in an answer which is too large to be read."""

LOOKS = ("images.get", "images.getFromFamily", "images.list", "globalOperations.get", "globalOperations.wait")
"""Methods that answer an object whenever they succeed."""

BODILESS = frozenset({204, 304})
"""Statuses of answers that have no body."""

GATEWAY_STATUSES = frozenset({502, 503, 504})
FRONT_STATUSES = GATEWAY_STATUSES | TIMED_OUT | {407, 411, 413, 414, 431}
"""Errors that a proxy answers in its own way, where the target does not answer it."""

DOOR_STATUSES = frozenset({401, 403, 429})
"""Errors by which callers are turned away: the layer in front of an API may answer them."""

REASONS = {
    404: frozenset({"notFound"}),
    409: frozenset({"alreadyExists", "duplicate", "conflict"}),
    412: frozenset({"conditionNotMet"}),
}

MISPLACED = {400: frozenset().union(*REASONS.values())}
"""Reasons that speak of another status."""

_INTERNALS = re.compile(
    r"""Traceback\ \(most\ recent\ call\ last\)
    | File\ "[^"]+",\ line\ \d+
    | ^\s+at\ [\w.$<>]+\([\w.$]+:\d+\)
    | goroutine\ \d+\ \[
    | panic:[ ]
    | (?:/[\w.-]+)+\.(?:py|go|java|js|ts|rb|rs|php|cs|cc|cpp)(?::\d+|",\ line)
    | <!doctype\ html | <html[\s>] | <body[\s>]""",
    re.IGNORECASE | re.VERBOSE | re.MULTILINE,
)


@RULES.rule(
    "transport.json",
    "conv",
    "Every answer has a JSON body and says application/json.",
    "Response body",
    "The reference shows bodies in JSON only, and every recorded answer of the real service is labelled "
    "application/json.",
)
def _json(history: History) -> Iterator[Finding]:
    large = any(len(exchange.request.body or b"") >= LARGE for exchange in history.exchanges)
    for exchange in history.exchanges:
        response = exchange.response
        if response is None or exchange.route is None:
            continue
        if response.truncated and (history.trace.recorded or large or exchange.method.endswith(".list")):
            # A list may be as large as it is, a recording may lack the rest, and what was sent comes back; what else is
            # so large is no answer.
            continue
        # What changes an image answers its operation, and what asks for something is answered 404 where it is not.
        told = exchange.answered and exchange.method in (*MUTATIONS, *LOOKS)
        bodiless = exchange.answered and exchange.method == "globalOperations.delete"
        if bodiless or (exchange.status in BODILESS and not told):
            continue
        if exchange.refused and exchange.mask.partial and not response.body:
            continue  # of an error nothing may be left by `fields`
        if _of_a_proxy(exchange):
            continue
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        typed = kind == "application/json" or kind.endswith("+json") or (history.trace.recorded and not kind)
        success = exchange.answered or exchange.shows_nothing
        nothing = success and exchange.method in LOOKS and not isinstance(response.json, dict)
        yield expect(
            response.json is not NOT_JSON and not nothing and typed,
            "an answer is not JSON, or does not say so",
            exchange,
            expected="a JSON body with content-type application/json",
            observed=f"content-type {kind or 'missing'}, body {'not JSON' if response.json is NOT_JSON else 'JSON'}",
        )


def _of_a_proxy(exchange: Exchange) -> bool:
    """Whether an answer may be that of a proxy in front of the target: then it is no JSON."""
    passed_on = exchange.status in FRONT_STATUSES or 300 <= exchange.status < 400
    return passed_on and exchange.response is not None and exchange.response.json is NOT_JSON


def _at_the_door(exchange: Exchange) -> bool:
    """Whether a caller was turned away before the target heard of the request, in the form of google.rpc errors."""
    return exchange.status in DOOR_STATUSES and is_set(exchange.error.get("status"))


def _errors(history: History) -> Iterator[tuple[Exchange, dict[str, Any]]]:
    """Each answer that is an error in JSON, with its `error` object; not one that may be cut down by `fields`."""
    for exchange, error in _refusals(history):
        whole = not exchange.mask.partial
        shown = exchange.response is not None and exchange.response.json is not NOT_JSON
        if whole and shown and not exchange.shows_nothing:
            yield exchange, error


def _refusals(history: History) -> Iterator[tuple[Exchange, dict[str, Any]]]:
    """Each answer that is an error, with its `error` object; it is empty where there is none."""
    for exchange in history.exchanges:
        if exchange.response is None or exchange.route is None or _of_a_proxy(exchange):
            continue
        if exchange.status >= 400:
            yield exchange, exchange.error


@RULES.rule(
    "transport.error-envelope",
    "conv",
    "An error body is {error: {code, message, …}}: code equals the HTTP status, and message is not empty.",
    "Response body",
    "Errors outside of operations are not described; all recorded ones have code and message within "
    "error, and the code is the HTTP status.",
    requires=("transport.json",),
)
def _error_envelope(history: History) -> Iterator[Finding]:
    for exchange, error in _errors(history):
        if exchange.response is not None and exchange.response.status != exchange.status:
            yield expect(
                False,
                "an error is answered with a status of success",
                exchange,
                expected=f"HTTP {exchange.status}, which the error names",
                observed=f"HTTP {exchange.response.status}",
            )
            continue
        message = error.get("message")
        items = error.get("errors")
        complete = items is None or (
            isinstance(items, list)
            and all(
                isinstance(item, dict) and is_set(item.get("reason")) and is_set(item.get("message")) for item in items
            )
        )
        yield expect(
            error.get("code") == exchange.status and isinstance(message, str) and bool(message) and complete,
            "an error is not in the form of Google's JSON errors",
            exchange,
            expected={"error": {"code": exchange.status, "message": "…", "errors": [{"reason": "…", "message": "…"}]}},
            observed={"error": error},
        )


@RULES.rule(
    "transport.error-list",
    "conv",
    "An error has a list errors[]: a client library in wide use fails without it.",
    "Response body",
    "Errors outside of operations are not described; all recorded ones have errors[], and Apache "
    "Libcloud fails without it.",
    requires=("transport.json", "transport.error-envelope"),
)
def _error_list(history: History) -> Iterator[Finding]:
    for exchange, error in _errors(history):
        if not error or _at_the_door(exchange):
            continue  # it is no error of this form at all, or not the target's own
        yield expect(
            isinstance(error.get("errors"), list) and bool(error["errors"]),
            "an error has no errors[]",
            exchange,
            expected="errors[] with at least one entry",
            observed={"error": error},
        )


@RULES.rule(
    "transport.error-reason",
    "conv",
    "The reason of an error fits its status.",
    "Fields > labelFingerprint",
    "Only conditionNotMet with 412 is named by the reference; notFound and alreadyExists are what the "
    "real service says with 404 and 409.",
    requires=("transport.json", "transport.error-envelope", "transport.error-list"),
)
def _error_reason(history: History) -> Iterator[Finding]:
    for exchange, error in _errors(history):
        allowed = REASONS.get(exchange.status)
        items = error.get("errors")
        told = (item.get("reason") for item in (items if isinstance(items, list) else ()) if isinstance(item, dict))
        reasons = [reason for reason in told if is_set(reason) and not blotted_out(reason)]
        if allowed and reasons:
            yield expect(
                any(reason in allowed for reason in reasons if isinstance(reason, str)),
                f"the reason of an HTTP {exchange.status} does not fit it",
                exchange,
                expected=sorted(allowed),
                observed=reasons,
            )
        misplaced = MISPLACED.get(exchange.status, frozenset()).intersection(
            reason for reason in reasons if isinstance(reason, str)
        )
        if misplaced:
            yield expect(
                False,
                f"the reason of an HTTP {exchange.status} is that of another status",
                exchange,
                expected="a reason that fits the status",
                observed=sorted(misplaced),
            )


@RULES.rule(
    "transport.success-status",
    "conv",
    "An insert, or a change, that succeeds is answered 200.",
    "Response body",
    "The status of a success is not named; every recorded insert, delete, and other change of the real service was "
    "answered 200, with an operation.",
)
def _success_status(history: History) -> Iterator[Finding]:
    for change in history.mutations:
        if change.exchange.answered:
            called = "an insert" if change.method == "images.insert" else "a change"
            yield expect(
                change.exchange.status == 200,
                f"{called} is answered with another status of success",
                change.exchange,
                expected="HTTP 200",
                observed=f"HTTP {change.exchange.status}",
            )


@RULES.rule(
    "transport.no-server-error",
    "conv",
    "No request, however broken, is left unanswered, or answered 5xx at every try.",
    "Response body",
    "Nobody promises freedom from server errors, but a request that is answered 5xx at every try is "
    "served by no working server.",
)
def _no_server_error(history: History) -> Iterator[Finding]:
    served = {  # the last time that each request was, or may have been
        _matter(exchange): exchange.number
        for exchange in history.exchanges
        if 0 < exchange.status < FIRST_SERVER_ERROR or exchange.failure == NOT_RECORDED
    }
    for exchange in history.exchanges:
        if exchange.route is None or exchange.failure in UNANSWERED:
            continue
        advised = exchange.status in RETRY_STATUSES and exchange.response and "retry-after" in exchange.response.headers
        missing = exchange.status == 501 and exchange.method in OPTIONAL_METHODS
        chance = exchange.status and served.get(_matter(exchange), 0) > exchange.number
        lost = history.trace.recorded and not exchange.status  # by whom is not known
        if not (advised or missing or chance or lost):
            yield expect(
                0 < exchange.status < FIRST_SERVER_ERROR,
                "a request is answered with a server error" if exchange.status else "a request is left unanswered",
                exchange,
                expected="success, or a refusal (4xx)",
                observed=f"HTTP {exchange.status}" if exchange.status else exchange.failure,
            )


def _matter(exchange: Exchange) -> tuple[str, str, bytes | None]:
    """What a request is about: the same for every try of it, and for every way to ask for an operation.

    A list is another with other parameters, but for the token of a page, which a walk that is begun again may not have.
    """
    route, request = exchange.route, exchange.request
    if route and route.method in ("globalOperations.get", "globalOperations.wait"):
        return ("operation", route.name, None)
    asked = request.query if exchange.method.endswith(".list") else {}
    parameters = sorted((name, [] if name == "pageToken" else values) for name, values in asked.items())
    return (request.verb, f"{request.path} {parameters}", request.body)


@RULES.rule(
    "transport.incomplete-request",
    "conv",
    "A request whose body never arrives in full is not carried out.",
    "Request body",
    "HTTP itself says that a message shorter than its length is incomplete, and a server must not act on "
    "it as if it were whole.",
    passive=False,
    witness=SHOWN,
)
def _incomplete_request(history: History) -> Iterator[Finding]:
    for cut in history.exchanges:
        body = cut.request.json
        name = body.get("name") if cut.failure == INCOMPLETE and isinstance(body, dict) else None
        if name is None or cut.route is None:
            continue
        whole = [
            insert.exchange.sent for insert in history.inserts if insert.image == name and not insert.exchange.rejected
        ]
        for look in history.gets:
            if (
                look.route
                and look.route.name == name
                and look.number > cut.number
                and look.received < min(whole, default=math.inf)
            ):
                yield expect(
                    not look.answered,
                    "an insert that was cut off in mid-body is carried out",
                    cut,
                    look,
                    expected="HTTP 404",
                    observed=f"HTTP {look.status}",
                )


@RULES.rule(
    "transport.no-internals",
    "conv",
    "No error text carries a stack trace, a source path or an HTML page.",
    "Response body",
    "What error texts contain is not described; security reviews treat stack traces and source paths in "
    "them as leaks, and the real service has none.",
)
def _no_internals(history: History) -> Iterator[Finding]:
    for exchange, _ in _refusals(history):
        assert exchange.response is not None
        text = exchange.response.body.decode("utf-8", errors="replace").replace('\\"', '"').replace("\\n", "\n")
        found = _INTERNALS.search(text)
        yield expect(
            found is None,
            "an error shows the inside of the server",
            exchange,
            expected="a message for the caller",
            observed=found.group(0) if found else "",
        )


@RULES.rule(
    "transport.not-found",
    "conv",
    "get and every change of an image that does not exist answer 404, a change at once or by its operation.",
    "Response body",
    "Which status this is, is not on this page; the real service answers get and delete with 404 and notFound.",
    passive=False,
    witness=SHOWN,
)
def _not_found(history: History) -> Iterator[Finding]:
    missed = {mutation.exchange.number for mutation in history.mutations if mutation.missed}
    for exchange in history.exchanges:
        intent = exchange.intent
        if intent is not None and "transport.not-found" in intent.rules and exchange.failure != NOT_RECORDED:
            yield expect(
                (exchange.status == 404 and not exchange.shows_nothing) or exchange.number in missed,
                "an image that does not exist is not answered 404",
                exchange,
                expected="HTTP 404",
                observed=f"HTTP {exchange.response.status if exchange.response else 0}",
            )


_HABITS: tuple[tuple[str, str, str, str, tuple[str, ...]], ...] = (
    (
        "transport.system-parameters",
        "alt=json, $alt=json;enum-encoding=int, prettyPrint=false, quotaUser, $.xgafv=2 and a question mark with "
        "nothing behind it do not change the outcome.",
        "Query parameters",
        "The discovery document lists these parameters for every method, and client libraries send them with all "
        "requests.",
        (),
    ),
    (
        "transport.client-headers",
        "The headers of client libraries, Content-Type on a request without a body among them, do not change the "
        "outcome.",
        "HTTP request",
        "Headers are not described; those of Google's client libraries come with nearly every request to the real "
        "service.",
        (),
    ),
    (
        "transport.wait-body",
        "wait is answered with an empty body, with or without a content type, and with an empty JSON text as its body.",
        "globalOperations.wait",
        "wait is described elsewhere and takes no body, yet gcloud and the libraries for Python and Node.js send "
        "these forms.",
        ("wait",),
    ),
)
"""What client libraries in wide use send beside the matter itself: id, statement, reference, grounds, needs."""


def _habit(id: str) -> Judge:
    def judge(history: History) -> Iterator[Finding]:
        for exchange in history.exchanges:
            if exchange.intent is not None and id in exchange.intent.rules:
                if exchange.method == "globalOperations.wait" and exchange.missing:
                    continue  # it misses the operation, which is no matter of the body
                yield expect(
                    not exchange.refused,
                    "a request is refused for what real clients send",
                    exchange,
                    expected="the same outcome as without it",
                    observed=f"HTTP {exchange.status}",
                )

    return judge


for _id, _statement, _reference, _grounds, _needs in _HABITS:
    RULES.add(
        Rule(
            _id,
            "conv",
            _statement,
            _reference,
            _grounds,
            _habit(_id),
            requires=("life.insert", "life.get-after-done", "life.delete"),
            needs=_needs,
            passive=False,
        )
    )


@RULES.rule(
    "transport.project-isolation",
    "doc",
    "No get, list or family of one project shows an image of another; by convention it does not take its name there, "
    "either.",
    "Path parameters > project",
    "An image is created in the specified project, so it is in no other; that names are unique within a project only "
    "is convention.",
    witness=SHOWN,
)
def _project_isolation(history: History) -> Iterator[Finding]:
    owners = {(insert.project, insert.image): insert for insert in history.created}
    if history.trace.recorded:
        yield from _known_elsewhere(history)
        return  # who else has images of these names is not known
    for (project, name), insert in owners.items():
        for other in history.inserts:
            if other.image == name and other.project != project and after(insert.exchange, other.exchange):
                same_id = other.request_id is not None and other.request_id == insert.request_id
                if same_id and other.exchange.status == 409 and not _says_taken(other):
                    continue  # what is taken there may be the requestId
                yield expect(
                    other.exchange.status != 409,
                    "an image takes its name in another project",
                    insert.exchange,
                    other.exchange,
                    expected="success",
                    observed=f"HTTP {other.exchange.status}",
                    deviation=True,
                )
        yield from _shown_elsewhere(history, insert)
        for exchange in history.gets:
            route = exchange.route
            assert route is not None
            own = any(
                other.image == name and other.project == route.project and other.exchange.sent <= exchange.received
                for other in history.inserts
            )
            if own or route.project == project or not after(insert.exchange, exchange):
                continue
            if route.name in (name, history.identifier(insert), history.identity(insert, exchange)):
                # Another image may have the id there.
                shown = exchange.resource is not None and name in (route.name, exchange.resource.get("name"))
                yield expect(
                    not shown,
                    "an image is visible in another project",
                    insert.exchange,
                    exchange,
                    expected="HTTP 404",
                    observed=f"HTTP {exchange.status}",
                )


def _known_elsewhere(history: History) -> Iterator[Finding]:
    """Judges that a project shows no image that says itself that it is one of another project, where that one shows
    it as well."""
    seen_first: dict[tuple[str, str], Sighting] = {}
    for seen in history.showing("id", "selfLink"):
        link = named(seen.value.get("selfLink"))
        identifier = str(seen.value.get("id"))
        if link is None or not is_set(seen.value.get("id")) or link[1] != f"global/images/{seen.name}":
            continue
        if link[0] == seen.project:
            seen_first.setdefault((seen.project, identifier), seen)
        home = seen_first.get((link[0], identifier))
        if home is not None and not same_project(link[0], seen.project):
            yield expect(
                False,
                "a project shows an image of another project",
                home.exchange,
                seen.exchange,
                expected=f"no image of {link[0]}",
                observed=seen.value.get("selfLink"),
            )


def _says_taken(insert: Mutation) -> bool:
    """Whether a refusal says that there is such an image already."""
    items = insert.exchange.error.get("errors")
    reasons = (item.get("reason") for item in items if isinstance(item, dict)) if isinstance(items, list) else ()
    return any(reason in ("alreadyExists", "duplicate") for reason in reasons)


def _shown_elsewhere(history: History, insert: Mutation) -> Iterator[Finding]:
    """Judges that neither a list nor a family of another project shows an image, known by its id."""
    identifier = history.known_id(insert)
    for exchange in history.exchanges:
        foreign = exchange.route is not None and exchange.route.project != insert.project
        if foreign and identifier and exchange.method in ("images.list", "images.getFromFamily") and exchange.answered:
            if not after(insert.exchange, exchange):
                continue
            seen = [sighting for sighting in history.seen_in(exchange) if not sighting.mask.partial]
            yield expect(
                not any(sighting.value.get("id") == identifier for sighting in seen),
                f"{exchange.method} of another project shows an image",
                insert.exchange,
                exchange,
                expected=f"no image with id {identifier}",
                observed=identifier,
            )
