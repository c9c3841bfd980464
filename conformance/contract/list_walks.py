"""Lists as they were walked through, page by page, and what was there meanwhile."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from conformance.contract.history import History
from conformance.contract.mutation import Mutation
from conformance.contract.order import after
from conformance.trace.exchange import Exchange

LIST = "images.list"


def living(history: History, pages: Sequence[Exchange]) -> Iterator[Mutation]:
    """The inserts whose images nobody has begun to delete before pages of a list were there."""
    for insert in history.created:
        deletes = [change.exchange for change in history.changes(insert) if change.method == "images.delete"]
        if not any(delete.sent <= pages[-1].received for delete in deletes if not after(delete, insert.exchange)):
            yield insert


def walks(history: History) -> Iterator[list[int]]:
    """The walks through a list: the indexes of its pages, from one without a token on, as far as they follow each
    other."""
    walk: list[int] = []
    for index, exchange in enumerate(history.exchanges):
        if exchange.method != LIST or exchange.resource is None:
            continue
        token = exchange.request.query.get("pageToken", [""])[0]
        if walk and token and token == (history.exchanges[walk[-1]].resource or {}).get("nextPageToken"):
            walk.append(index)
            continue
        if walk:
            yield walk
        walk = [] if token else [index]
    if walk:
        yield walk


def shrinking(history: History, pages: Sequence[Exchange]) -> bool:
    """Whether images that a page has shown were deleted before the last page was asked for."""
    deletes = [change for change in history.mutations if change.method == "images.delete" and change.exchange.answered]
    return any(
        item.get("name") == delete.image
        for page in pages[:-1]
        for item in page.items
        for delete in deletes
        if after(page, delete.exchange) and after(delete.exchange, pages[-1])
    )


def shows_names(page: Exchange) -> bool:
    """Whether a list was asked for the names of its items."""
    mask = page.mask
    return mask.covers("items") or ("items" in mask.fields and mask.within("items").covers("name"))
