"""What client libraries in wide use send beside the matter itself, as recorded from them."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

Pairs = tuple[tuple[str, str], ...]

JSON = ("Content-Type", "application/json")
WAIT_BODIES: tuple[tuple[bytes | None, Pairs], ...] = ((None, ()), (None, (JSON,)), (b'""', (JSON,)))


@dataclass(frozen=True)
class Habit:
    """Query parameters and headers of every request of a client.

    Args:
        rule: the rule that says that they do no harm.
        query: the parameters.
        headers: the headers.
        bare: whether a URL without parameters ends with a question mark all the same.
    """

    rule: str
    query: Pairs = ()
    headers: Pairs = ()
    bare: bool = False


def habits(project: str) -> tuple[Habit, ...]:
    """The habits of clients that work on a project."""
    generated = (
        JSON,
        ("Accept", "*/*"),
        ("User-Agent", "python-requests/2.34.2"),
        ("x-goog-api-client", "gl-python/3.11.7 rest/requests@2.34.2 gax/2.44.0 gapic/0.12.9 pb/7.36.2"),
        ("x-goog-request-params", urlencode({"project": project})),
    )
    discovered = (("User-Agent", "(gzip)"), ("x-goog-api-client", "gdcl/2.202.0 gl-python/3.11.7"))
    return (
        Habit("transport.system-parameters", query=(("alt", "json"),)),
        Habit("transport.system-parameters", query=(("$alt", "json;enum-encoding=int"),)),
        Habit("transport.system-parameters", query=(("prettyPrint", "false"),)),
        Habit("transport.system-parameters", query=(("quotaUser", "conformance"),)),
        Habit("transport.system-parameters", query=(("$.xgafv", "2"),)),
        Habit("transport.system-parameters", bare=True),
        Habit("transport.client-headers", headers=generated),
        Habit("transport.client-headers", headers=discovered),
    )


def habit_of(project: str, rule: str) -> Habit:
    """The first habit of which a rule says that it does no harm."""
    return next(habit for habit in habits(project) if habit.rule == rule)
