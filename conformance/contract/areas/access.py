"""Rules about who may insert an image, where the target asks."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.contract.history import History
from conformance.contract.requests import leak_breach, leaked
from conformance.contract.rule import Basis, Finding, Rule, Rules, expect

RULES = Rules()
"""The rules of this module, in the order of the catalogue."""


def _turned_away(  # noqa: PLR0913 - a rule is a row of this many columns
    id: str,
    basis: Basis,
    who: str,
    status: int,
    reference: str,
    grounds: str,
    need: str,
    yields_to: tuple[str, ...] = (),
) -> Rule:
    """The rule that some callers are turned away with a status, and that nothing comes of what they sent."""

    def judge(history: History) -> Iterator[Finding]:
        for insert in history.concerned(id):
            exchange = insert.exchange
            leak = leaked(history, insert)
            if exchange.status == status and leak is not None:
                yield leak_breach(insert, leak)
            elif exchange.response is not None:
                yield expect(
                    exchange.status == status,
                    f"an insert {who} is not answered {status}",
                    exchange,
                    expected=f"HTTP {status}",
                    observed=f"HTTP {exchange.status}",
                    deviation=400 <= exchange.status < 500 and leak is None,
                )

    statement = f"An insert {who} is answered {status}, and makes no image."
    return Rule(id, basis, statement, reference, grounds, judge, needs=(need,), passive=False, yields_to=yields_to)


RULES.add(
    _turned_away(
        "access.no-credentials",
        "conv",
        "without credentials",
        401,
        "Authorization scopes",
        "The page asks for authorization without naming a status; 401 is what HTTP has for missing credentials.",
        "access",
    )
)
RULES.add(
    _turned_away(
        "access.bad-token",
        "conv",
        "with a token that is none",
        401,
        "Authorization scopes",
        "The page asks for authorization without naming a status; 401 is what HTTP has for credentials that are "
        "invalid.",
        "access",
    )
)
RULES.add(
    _turned_away(
        "access.forbidden",
        "doc",
        "by a caller without the permission compute.images.create",
        403,
        "IAM Permissions",
        "The permission compute.images.create is said to be required, so nothing is made without it; 403 is how "
        "Google's APIs say so.",
        "forbidden_token",
    )
)
RULES.add(
    _turned_away(
        "access.scopes",
        "doc",
        "with a token whose OAuth scopes are none of those that the page lists",
        403,
        "Authorization scopes",
        "The page requires one of the scopes that it lists, so nothing is made without it; 403 is how Google's APIs "
        "say so.",
        "scoped_token",
    )
)
RULES.add(
    _turned_away(
        "access.labels",
        "doc",
        "with labels, by a caller without the permission compute.images.setLabels",
        403,
        "Fields > labels",
        "The field says that authorization requires the permission, so no image gets labels without it; 403 is how "
        "Google's APIs say so.",
        "labels_token",
        ("image.labels.accepted",),  # What is refused to everybody says nothing of who asks.
    )
)
RULES.add(
    _turned_away(
        "access.source",
        "doc",
        "from a source that the caller may not use",
        403,
        "Fields > sourceImage",
        "The fields of the sources say that authorization requires the permission useReadOnly, so nothing is made "
        "without it; 403 is how Google's APIs say so.",
        "source_token",
    )
)
