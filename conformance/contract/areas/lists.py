"""Rules about lists: of images, page by page, and of operations."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from conformance.contract.agreement import told_otherwise
from conformance.contract.bystanders import UNNOTICED_SECONDS
from conformance.contract.fields import type_rules
from conformance.contract.history import History
from conformance.contract.json_types import well_typed
from conformance.contract.lateness import FAMILIES, LATE_SECONDS, MOMENT_SECONDS
from conformance.contract.list_filter import ONE_NAME, is_pattern, passes
from conformance.contract.list_walks import LIST, living, shows_names, shrinking, walks
from conformance.contract.mutation import Mutation
from conformance.contract.order import after
from conformance.contract.rule import Finding, Rules, expect, is_set
from conformance.contract.sighting import Sighting
from conformance.trace.blots import BLOT, blotted_out
from conformance.trace.exchange import Exchange
from conformance.trace.formats import timestamp
from conformance.trace.links import named, same_project

RULES = Rules()

OPERATIONS = "globalOperations.list"


@RULES.rule(
    "life.list-once",
    "conv",
    "A list holds an image exactly once, across pages of any size.",
    "images.list",
    "Lists are described elsewhere; a resource that is listed twice or never breaks every client that walks the pages.",
    requires=("life.get-after-done", *type_rules("name")),
    yields_to=("life.list-steady", *type_rules("name")),
    needs=("list",),
)
def _list_once(history: History) -> Iterator[Finding]:
    yield from _goes_round(history)
    for walk in walks(history):
        pages = [history.exchanges[index] for index in walk]
        yield from _doubled(history, pages)
        if not shrinking(history, pages):
            yield from _held(history, pages)
    yield from _tokens_taken(history)
    yield from _vanished(history)


@RULES.rule(
    "life.list-agrees",
    "conv",
    "A list shows of an image what a get shows: it may leave fields out, but has no other value of one.",
    "images.list",
    "Lists are described elsewhere; they hold the resource that a get answers, so both tell one story of it.",
    requires=("life.get-after-done", "life.list-once"),
    needs=("list",),
    passive=False,
)
def _list_agrees(history: History) -> Iterator[Finding]:
    yield from told_otherwise(history, {LIST}, "a list shows an image otherwise than a get before it and one after it")


@RULES.rule(
    "life.list-steady",
    "conv",
    "A list that is walked page by page holds the images that stay, though others are deleted between its pages.",
    "images.list",
    "Lists are described elsewhere; a token that counts places loses an image with each that is deleted before it, "
    "and clients clean up as they walk.",
    requires=("life.get-after-done",),
    needs=("list",),
)
def _list_steady(history: History) -> Iterator[Finding]:
    for walk in walks(history):
        pages = [history.exchanges[index] for index in walk]
        if shrinking(history, pages):
            yield from _held(history, pages)


def _held(history: History, pages: Sequence[Exchange]) -> Iterator[Finding]:
    """Judges that a walk to the end of a list meets each image once that was there all the while."""
    query = pages[0].request.query
    for insert in living(history, pages):
        if insert.project != (pages[0].route and pages[0].route.project):
            continue
        if not after(insert.end, pages[0]):
            continue
        if history.held_twice(insert.project, insert.image, pages[-1]):
            continue
        filtered = query.get("filter", [""])[0]
        if not passes(filtered, insert.image or ""):
            continue
        # Also one that shows the image as it was a moment ago shows that it is there.
        found = [seen for page in pages for seen in history.seen_in(page) if seen.name == insert.image]
        if len(found) > 1 or not pages[-1].last_page:
            continue  # said already, or it may be on a page that was not asked for
        if not found and not all(well_typed(item, "name") for page in pages for item in page.items):
            continue  # it may be one of those whose names are no text
        if not found and not all(map(shows_names, pages)):
            continue
        if not found and is_pattern(filtered) and not any(page.items for page in pages):
            continue  # it may know no such filters, which is the matter of another rule
        if history.trace.recorded and not found:
            seconds = _late_seconds(history, insert, pages)
            if _incomplete(pages) or not history.stayed(insert.project, insert.image, pages[0], pages[-1], seconds):
                continue  # somebody else may have deleted it
        yield expect(
            len(found) == 1,
            f"a list holds an image {len(found)} times",
            insert.exchange,
            *pages[:3],
            expected=f"{insert.image} once",
            observed=[seen.value.get("id") for seen in found],
        )


def _vanished(history: History) -> Iterator[Finding]:
    """Judges that a whole list of a recording holds what was shown before it and is afterwards, by lists or else,
    whoever made that, unless it was new.

    The story of an image has of lists what they show of it, and of what it was made from only some: what else is in
    lists is judged where nothing but lists tells of it.
    """
    about = {insert.image for insert in history.inserts}
    about |= {look.route.name for look in history.exchanges if look.route and look.method not in FAMILIES} - {""}
    first: dict[tuple[str, str], Sighting] = {}
    last: dict[tuple[str, str], Exchange] = {}
    for seen in history.showing("id", "name") if history.trace.recorded and "id" not in history.trace.restless else ():
        identifier = str(seen.value.get("id"))
        if is_set(seen.value.get("id")) and (not about or about & {seen.name, identifier}):
            first.setdefault((seen.project, identifier), seen)
            last[seen.project, identifier] = seen.exchange
    for change in history.mutations if first else ():
        own = change.project, str(history.identifier(change))
        if change.outcome == "succeeded" and own in last and after(last[own], change.exchange):
            last[own] = change.exchange  # what was changed or deleted was there
    for walk in walks(history) if first else ():
        pages = [history.exchanges[index] for index in walk]
        if pages[0].route is None or not _whole(pages):
            continue
        held = {str(item.get("id")) for page in pages for item in page.items}
        for (project, identifier), seen in first.items():
            again = last[project, identifier]
            if project != pages[0].route.project or identifier in held:
                continue
            made = timestamp(seen.value.get("creationTimestamp"))
            settled = made is not None and pages[0].sent - made.timestamp() > LATE_SECONDS
            there = after(seen.exchange, pages[0]) and after(pages[-1], again)
            if settled and there and not _leaving(history, seen, again):
                yield expect(
                    False,
                    "a list lacks an image that is shown before and afterwards",
                    seen.exchange,
                    pages[0],
                    again,
                    expected=seen.name,
                    observed=[item.get("name") for page in pages for item in page.items][:5],
                )


def _whole(pages: Sequence[Exchange]) -> bool:
    """Whether a walk shows all images of a project, by their ids, and says of no part that it is left out."""
    told = all(is_set(item.get("id")) for page in pages for item in page.items)
    filtered = pages[0].request.query.get("filter", [""])[0]
    return pages[-1].last_page and told and not filtered and not _incomplete(pages) and all(map(shows_names, pages))


def _incomplete(pages: Sequence[Exchange]) -> bool:
    """Whether a list says that it may lack something; that a page has no results says nothing of the kind."""
    answers = [page.resource or {} for page in pages]
    warnings = [answer.get("warning") for answer in answers if answer.get("warning")]
    alarming = (not isinstance(one, dict) or one.get("code") != "NO_RESULTS_ON_PAGE" for one in warnings)
    return any(alarming) or any(answer.get("unreachables") for answer in answers)


def _leaving(history: History, seen: Sighting, until: Exchange) -> bool:
    """Whether the deletion of an image was begun before another exchange about it."""
    return any(
        change.method == "images.delete"
        and change.image in (seen.name, seen.value.get("id"))
        and change.exchange is not until
        and not change.exchange.rejected
        and not after(until, change.exchange)
        for change in history.mutations
    )


def _late_seconds(history: History, insert: Mutation, pages: Sequence[Exchange]) -> float:
    """How long a recording may tell of an image until a list has to hold it: what a list has shown before is not late,
    and what one shows later may have been."""
    lists = [
        seen.exchange
        for seen in history.sightings
        if seen.via == LIST and (seen.project, seen.name) == (insert.project, insert.image)
    ]
    if any(after(page, pages[0]) for page in lists):
        return 0.0
    return LATE_SECONDS if any(after(pages[-1], page) for page in lists) else UNNOTICED_SECONDS


def _doubled(history: History, pages: Sequence[Exchange]) -> Iterator[Finding]:
    """Whoever made it, an image stands in a list once; two images of one name are the matter of another rule."""
    first: dict[str, Sighting] = {}
    for seen in itertools.chain.from_iterable(map(history.fairly_seen_in, pages)):
        if seen.name is None or not seen.shows("name"):
            continue
        before = first.setdefault(seen.name, seen)
        if before is not seen and before.value.get("id") == seen.value.get("id"):
            yield expect(
                False,
                "a list holds an image twice",
                before.exchange,
                seen.exchange,
                expected=f"{seen.name} once",
                observed=[before.value.get("id"), seen.value.get("id")],
            )


def _goes_round(history: History) -> Iterator[Finding]:
    """A walk ends: no page gives the token again by which it was asked for, which leads to itself."""
    for page in history.exchanges:
        token = page.request.query.get("pageToken", [""])[0]
        if page.method == LIST and token and (page.resource or {}).get("nextPageToken") == token:
            yield expect(
                False,
                "a page of a list gives its own token for the next page",
                page,
                expected="another token, or none",
                observed=token,
            )


def _tokens_taken(history: History) -> Iterator[Finding]:
    """The rest of a list can be had: the token that a page gave is not refused a moment later."""
    if history.trace.recorded:
        return  # tokens may have expired
    lists = [exchange for exchange in history.exchanges if exchange.method == LIST]
    for page, following in itertools.pairwise(lists):
        token = (page.resource or {}).get("nextPageToken")
        if token and following.request.query == {**page.request.query, "pageToken": [token]} and following.refused:
            yield expect(
                False,
                "the token that a list gave for its next page is refused",
                page,
                following,
                expected="the next page",
                observed=f"HTTP {following.status}",
            )


@RULES.rule(
    "life.list-max-results",
    "conv",
    "A page of a list holds at most maxResults items.",
    "images.list",
    "Lists are described elsewhere; maxResults is by its own page the largest number of results in one answer.",
    needs=("list",),
)
def _max_results(history: History) -> Iterator[Finding]:
    for exchange in history.exchanges:
        limit = exchange.request.query.get("maxResults", [""])[0]
        if exchange.method == LIST and exchange.resource is not None and limit.isdecimal() and int(limit) > 0:
            items = exchange.resource.get("items")
            count = len(items) if isinstance(items, list) else 0
            if count < int(limit) and exchange.last_page:
                continue  # it has no more
            yield expect(
                count <= int(limit),
                "a page holds more items than asked for",
                exchange,
                expected=f"at most {limit}",
                observed=count,
            )


@RULES.rule(
    "life.list-filter",
    "conv",
    "filter=name=N lists that image and no other.",
    "images.list",
    "Lists are described elsewhere; a filter on a name is what client libraries use to find one image.",
    needs=("list",),
)
def _list_filter(history: History) -> Iterator[Finding]:
    for exchange in history.exchanges:
        wanted = ONE_NAME.fullmatch(exchange.request.query.get("filter", [""])[0])
        if exchange.method != LIST or exchange.resource is None or wanted is None:
            continue
        name = wanted[1]
        found = [seen.name for seen in history.seen_in(exchange) if seen.shows("name")]
        if not found:
            continue  # an empty list shows nothing of what a filter does
        others = [seen for seen in found if seen != name]
        yield expect(not others, "a filtered list holds other images", exchange, expected=[name], observed=others[:5])


@RULES.rule(
    "life.list-kind",
    "conv",
    "A list's kind is compute#imageList.",
    "images.list",
    "Lists are described elsewhere; compute#imageList is the fixed kind in the discovery document.",
    needs=("list",),
)
def _list_kind(history: History) -> Iterator[Finding]:
    for exchange in history.exchanges:
        if exchange.method == LIST and exchange.bare_items is not None:
            message = "a list is an array, of no kind"
            yield expect(False, message, exchange, expected="compute#imageList", observed="an array")
        elif exchange.method == LIST and exchange.resource is not None and exchange.mask.covers("kind"):
            if blotted_out(exchange.resource.get("kind")):
                continue
            yield expect(
                exchange.resource.get("kind") == "compute#imageList",
                "a list has another kind",
                exchange,
                expected="compute#imageList",
                observed=exchange.resource.get("kind"),
            )


# What a list may be asked for


def _asked(id: str, statement: str, grounds: str) -> None:
    """A rule that the scenario knows: some lists have to be answered, others to be refused with 400."""

    def judge(history: History) -> Iterator[Finding]:
        for exchange in history.exchanges:
            intent = exchange.intent
            if intent is None or id not in intent.rules or not (exchange.answered or exchange.refused):
                continue
            message = "a list is refused that is asked for rightly" if intent.valid else "a list is not refused"
            yield expect(
                exchange.answered if intent.valid else exchange.status == 400,
                message,
                exchange,
                expected="a list" if intent.valid else "HTTP 400",
                observed=f"HTTP {exchange.status}",
            )

    RULES.rule(id, "conv", statement, "images.list", grounds, needs=("list",), passive=False)(judge)


_asked(
    "life.list-page-token",
    "A pageToken that is none is refused with 400.",
    "Lists are described elsewhere; a token that means nothing and is answered with any page misleads who goes on "
    "from it.",
)
_asked(
    "life.list-max-results-number",
    "A maxResults of 0, or of 500, is taken; one that is negative or no number is refused with 400.",
    "Lists are described elsewhere; the discovery document has maxResults as an unsigned number from 0 to 500, and "
    "clients that send more are answered, too.",
)


@RULES.rule(
    "life.list-order",
    "conv",
    "A list is in the order that orderBy asks for: creationTimestamp desc shows the newest first, name goes by the "
    "alphabet.",
    "images.list",
    "Lists are described elsewhere; these two orders are those that the discovery document has, and clients ask for "
    "them.",
    needs=("list",),
)
def _order(history: History) -> Iterator[Finding]:
    for walk in walks(history):
        pages = [history.exchanges[index] for index in walk]
        wanted = pages[0].request.query.get("orderBy", [""])[0]
        key = {"creationTimestamp desc": "creationTimestamp", "name": "name"}.get(wanted)
        if key in history.trace.restless:
            continue  # from one page to the next it is another one
        shown = (
            [(page, item[key]) for page in pages for item in page.items if isinstance(item.get(key), str)]
            if key
            else []
        )
        for (page, one), (following, two) in itertools.pairwise(shown):
            yield expect(
                _in_order(wanted, one, two),
                "a list is in another order than asked for",
                *((page,) if page is following else (page, following)),
                expected=f"orderBy={wanted}",
                observed=[one, two],
            )


def _in_order(wanted: str, one: str, two: str) -> bool:
    if wanted == "name":
        # Alphabets differ in what a dash is worth.
        return one <= two or one.replace("-", "") <= two.replace("-", "")
    earlier, later = timestamp(two), timestamp(one)
    return earlier is None or later is None or earlier <= later


# Operations


@RULES.rule(
    "operation.list",
    "conv",
    "A list of operations is a compute#operationList that holds none twice and none of another project, no more than "
    "maxResults of them on a page, and, filtered by name, that one, and it alone.",
    "globalOperations.list",
    "Lists are described elsewhere; the discovery document gives both kinds of lists the same parameters and this "
    "kind.",
    yields_to=("operation.target-link",),
    needs=("operations_list",),
)
def _operations(history: History) -> Iterator[Finding]:
    for exchange in history.exchanges:
        if exchange.method != OPERATIONS or exchange.resource is None or exchange.mask.partial:
            continue
        # A name that is no text is the matter of its type.
        names = [item["name"] for item in exchange.items if isinstance(item.get("name"), str)]
        limit = exchange.request.query.get("maxResults", [""])[0]
        wanted = ONE_NAME.fullmatch(exchange.request.query.get("filter", [""])[0])
        wrongs = (
            (
                "a list of operations has another kind",
                exchange.resource.get("kind") not in ("compute#operationList", BLOT),
            ),
            ("a list holds an operation twice", len(set(names)) < len(names)),
            (
                "a page holds more operations than asked for",
                limit.isdecimal() and 0 < int(limit) < len(exchange.items),
            ),
            ("a filtered list holds other operations", wanted is not None and bool({*names} - {wanted[1]})),
            (
                "a list holds operations of another project",
                any(_is_of_another(history, item, exchange) for item in exchange.items),
            ),
        )
        for message, wrong in wrongs:
            yield expect(not wrong, message, exchange, expected=exchange.request.query, observed=names[:5])
        if wanted and wanted[1] and exchange.last_page and (looks := _around(history, exchange, wanted[1])):
            message = "a filtered list lacks an operation that is there"
            yield expect(
                bool(exchange.items), message, looks[0], exchange, looks[1], expected=wanted[1], observed=names
            )


def _around(history: History, listing: Exchange, name: str) -> tuple[Exchange, Exchange] | None:
    """What shows that an operation was there a moment before a list, and after it; None where nothing does."""
    project = listing.route.project if listing.route else ""
    states = [state for bearer in history.bearers(project, name) for state in bearer.glimpses]
    looks = [state.exchange for state in states if state.via != OPERATIONS]
    before = next((look for look in looks if listing.sent - look.received > MOMENT_SECONDS), None)
    later = next((look for look in looks if after(listing, look)), None)
    return (before, later) if before and later else None


def _is_of_another(history: History, operation: Mapping[str, Any], exchange: Exchange) -> bool:
    """Whether an operation is about a thing in another project than the one whose operations were asked for; that of a
    request to this one has a wrong link only."""
    about, route = named(operation.get("targetLink")), exchange.route
    if about is None or route is None or same_project(about[0], route.project):
        return False
    bearers = history.bearers(route.project, str(operation.get("name")))
    return not any(bearer.mutation and bearer.mutation.project == route.project for bearer in bearers)
