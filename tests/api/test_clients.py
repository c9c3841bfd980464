"""What client libraries in wide use send beside the matter itself, as recorded from them, changes nothing."""

import itertools
from dataclasses import dataclass
from urllib.parse import urlencode

import pytest

from conformance.client import Api
from conformance.scenario import Scenario
from conformance.trace import Intent
from strategies.bodies import minimal
from strategies.insert import InsertRequest

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
        Habit("transport.system-parameters", bare=True),
        Habit("transport.client-headers", headers=generated),
        Habit("transport.client-headers", headers=discovered),
    )


@pytest.mark.exercises("transport.system-parameters", "transport.client-headers")
def test_habits_of_clients(scenario: Scenario) -> None:
    def act(api: Api, habit: Habit) -> None:
        intent = Intent(valid=True, rules=(habit.rule,))
        request = InsertRequest(minimal(scenario.sources), query=habit.query, headers=habit.headers)
        created = api.create(request, intent=intent)
        if not created.image or not created.image.answered:
            return
        path = f"global/images/{created.name}{'?' if habit.bare else ''}"
        api.send("GET", path, habit.query, headers=dict(habit.headers), intent=intent)
        api.finish(api.send("DELETE", path, habit.query, headers=dict(habit.headers), intent=intent))

    for _, alike in itertools.groupby(habits(scenario.target.project), lambda habit: habit.rule):
        scenario.each(alike, act)


@pytest.mark.exercises("transport.wait-body")
def test_bodies_of_wait(scenario: Scenario) -> None:
    def act(api: Api, wait: tuple[bytes | None, Pairs]) -> None:
        insert = api.insert(minimal(scenario.sources))
        name = (insert.resource or {}).get("name")
        if isinstance(name, str) and name:
            body, headers = wait
            api.wait(name, body, headers, intent=Intent(valid=True, rules=("transport.wait-body",)))

    scenario.each(WAIT_BODIES, act)
