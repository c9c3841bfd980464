"""Rules about filters of lists: on status, family and labels."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from conformance.contract.history import History
from conformance.contract.json_types import well_typed
from conformance.contract.lateness import LATE_SECONDS
from conformance.contract.list_filter import ONE_NAME
from conformance.contract.list_walks import living, shows_names, shrinking, walks
from conformance.contract.order import after
from conformance.contract.rule import Finding, Rules, expect, is_set
from conformance.contract.sighting import Sighting
from conformance.trace.exchange import Exchange

RULES = Rules()

_TERM = re.compile(
    r"\(?\s*(?P<path>[A-Za-z]+(?:\.[-\w]+)*)\s*"
    r'(?:(?P<sign>!?=)\s*(?P<quote>"?)(?P<value>[-\w]+)(?P=quote)'
    r'|\s(?P<word>eq|ne)\s+(?P<quotes>["\']?)(?P<pattern>[-\w.*+?\[\]^|]+)(?P=quotes)|:(?P<any>\*))\s*\)?'
)
_PLAIN = re.compile(r"[-\w]+")
_REPEAT = re.compile(r"[*+?]")

REPEATS_MAXIMUM = 4
VALUE_MAXIMUM = 100
"""Repeats in a pattern that is tried, and characters of what it is tried on: with more of both that takes for ever."""

PATTERNED = ("name", "family")
"""The fields of which filters are read that ask for a pattern."""

_BETWEEN = re.compile(r"\s+AND\s+|(?<=\))\s*(?=\()")


@dataclass(frozen=True, slots=True)
class _Term:
    """A term of a filter: the value at a path is, or is not, what is wanted."""

    path: str
    equal: bool
    wanted: re.Pattern[str]


@RULES.rule(
    "life.list-filter-forms",
    "conv",
    "A filter on status, family or labels, with =, !=, eq or ne, alone or joined, lists the images that pass it, and "
    "no others.",
    "images.list",
    "Lists are described elsewhere; both forms of filters stand in the discovery document, and tools find images by "
    "them.",
    requires=("life.get-after-done", "life.list-once"),
    needs=("list",),
)
def _filter_forms(history: History) -> Iterator[Finding]:
    for walk in walks(history):
        pages = [history.exchanges[index] for index in walk]
        expression = pages[0].request.query.get("filter", [""])[0]
        parsed = [_term(term.strip()) for term in _BETWEEN.split(expression)]
        if not expression or ONE_NAME.fullmatch(expression) or None in parsed:
            continue
        terms = [term for term in parsed if term is not None]
        shown = [(page, item) for page in pages for item in page.items if page.mask.covers("name")]
        # A run has images that pass; in a recording there may be none.
        left_out = any("labels" in seen.left_out for page in pages for seen in history.seen_in(page))
        labelled = history.trace.recorded or not left_out
        # Where a list shows families, an image without is of none.
        familied = any(is_set(item.get("family")) for _, item in shown)
        wrong = [
            (page, item)
            for page, item in shown
            if _lets_in(terms, item, labelled=labelled) is False or (familied and _lacks_family(terms, page, item))
        ]
        if shown:
            yield expect(
                not wrong,
                "a filtered list holds images that do not pass the filter",
                *{page.number: page for page, _ in wrong[:3]}.values(),
                expected=expression,
                observed=[item.get("name") for _, item in wrong[:5]],
            )
        if pages[-1].last_page and not shrinking(history, pages):
            judge = _lacks_what_stayed if history.trace.recorded else _let_in
            yield from judge(history, pages, terms, expression)


def _lacks_family(terms: Sequence[_Term], page: Exchange, item: Mapping[str, Any]) -> bool:
    """Whether a filter asks for images of some family, and one is shown as a whole that has none."""
    asked = any(term.path == "family" and term.equal and not term.wanted.fullmatch("") for term in terms)
    return asked and not page.mask.partial and not is_set(item.get("family"))


def _term(text: str) -> _Term | None:
    """What a term of a filter says; None where it is not known."""
    found = _TERM.fullmatch(text)
    if found is None or (
        found["pattern"] and found["path"] not in PATTERNED and _PLAIN.fullmatch(found["pattern"]) is None
    ):
        return None
    if len(_REPEAT.findall(found["pattern"] or "")) > REPEATS_MAXIMUM:
        return None
    try:
        wanted = re.compile(found["pattern"] or re.escape(found["value"] or "") or r".*", re.DOTALL | re.ASCII)
    except re.error:
        return None
    return _Term(found["path"], found["sign"] != "!=" and found["word"] != "ne", wanted)


def _let_in(history: History, pages: Sequence[Exchange], terms: Sequence[_Term], expression: str) -> Iterator[Finding]:
    """Judges that a filtered list holds the images that pass the filter, as gets have shown them just before."""
    items = [item for page in pages for item in page.items]
    if not all(well_typed(item, "name") for item in items):
        return  # it may be one of those whose names are no text
    names = {item.get("name") for item in items}
    for insert in living(history, pages):
        seen = [one for one in history.results(insert) if after(one.exchange, pages[0])]
        unchanged = not any(
            after(insert.exchange, change.exchange) and change.exchange.sent <= pages[-1].received
            for change in history.changes(insert)
        )
        here = pages[0].route is not None and insert.project == pages[0].route.project
        if here and seen and unchanged and _lets_in(terms, seen[-1].value):
            yield expect(
                insert.image in names,
                "a filtered list lacks an image that passes the filter",
                seen[-1].exchange,
                *pages[:3],
                expected=f"{insert.image}, by {expression}",
                observed=sorted(map(str, names))[:5],
            )


def _lacks_what_stayed(
    history: History, pages: Sequence[Exchange], terms: Sequence[_Term], expression: str
) -> Iterator[Finding]:
    """Judges that a filtered list of a recording holds the images that passed the filter not long before and after it,
    and that nobody had changed for a while."""
    items, route = [item for page in pages for item in page.items], pages[0].route
    if route is None or not all(map(shows_names, pages)) or not all(well_typed(item, "name") for item in items):
        return
    names = {item["name"] for item in items if isinstance(item.get("name"), str)}
    looks: dict[str | None, list[Sighting]] = defaultdict(list)
    for seen in history.sightings:
        if seen.project == route.project and seen.name not in names and is_set(seen.value.get("id")):
            looks[seen.name].append(seen)
    for name, of_one in looks.items():
        before = next((seen for seen in reversed(of_one) if after(seen.exchange, pages[0])), None)
        later = next((seen for seen in of_one if after(pages[-1], seen.exchange)), None)
        if before is None or later is None or before.value["id"] != later.value["id"]:
            continue
        if later.exchange.sent - before.exchange.received > LATE_SECONDS:
            continue
        called, since = {name, str(before.value["id"])}, pages[0].sent - LATE_SECONDS
        changed = any(one.image in called and one.exchange.received > since for one in history.mutations)
        if not changed and _lets_in(terms, before.value) and _lets_in(terms, later.value):
            yield expect(
                False,
                "a filtered list lacks an image that passes the filter",
                before.exchange,
                *pages[:3],
                later.exchange,
                expected=f"{name}, by {expression}",
                observed=sorted(map(str, names))[:5],
            )


def _lets_in(terms: Sequence[_Term], image: Mapping[str, Any], *, labelled: bool = True) -> bool | None:
    """Whether an image passes all terms of a filter; None where it does not show it.

    Args:
        terms: the terms.
        image: the image as it is shown.
        labelled: whether such answers show the labels of images that have some.
    """
    answers: list[bool | None] = []
    for term in terms:
        value: Any = image
        for key in term.path.split("."):
            value = value.get(key) if isinstance(value, Mapping) else None
        of_labels = labelled and term.path.startswith("labels.")
        if value is None and term.equal and of_labels and image.get("labelFingerprint"):
            answers.append(False)  # an image that shows the fingerprint of its labels shows those it has
            continue
        if isinstance(value, str) and len(value) > VALUE_MAXIMUM:
            answers.append(None)
            continue
        passes_it = isinstance(value, str) and term.wanted.fullmatch(value) is not None
        # Whether another case is another value is left open.
        folded = isinstance(value, str) and re.fullmatch(term.wanted.pattern, value, re.IGNORECASE | re.DOTALL)
        answers.append(passes_it == term.equal if isinstance(value, str) and passes_it == bool(folded) else None)
    return False if False in answers else None if None in answers else True
