"""How a breach can be provoked again: requests with fresh names, in order, and the facts that show the breach."""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

from conformance.contract import Breach, Rule
from conformance.trace.exchange import ABANDONED, INCOMPLETE, MUTATIONS, Exchange, Trace
from conformance.verdicts.reproduction.fact import Fact
from conformance.verdicts.reproduction.facts import Inquiry
from conformance.verdicts.reproduction.leaves import leaves

RACES, GLIMPSES, ONCE = 20, 10, 2
"""How often a breach is tried for that hangs on a race, on a state of an operation in passing, on neither."""

LOOKS = 4
"""Looks in the place of one, where one may come too early or too late to see what was seen."""

HANG_UP_SECONDS = {ABANDONED: 0.003, INCOMPLETE: 0.5}
"""After so long the client hangs up: late enough to have sent the request, and at times too late; or the part that it
sends."""

WAIT_SECONDS = 60
PAUSE_MINIMUM = 0.004
STEPS_MAXIMUM = 300

_OWN_NAME = re.compile(r"conformance-([0-9a-f]{8})-")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.IGNORECASE)
_REFERABLE = frozenset({"name", "id", "targetId", "labelFingerprint", "nextPageToken"})
REFERABLE_MINIMUM = 6


@dataclass(frozen=True)
class Symbol:
    """A part of a request that is new in every replay.

    `run` is the run's part of names; `id` a requestId (`index` tells them apart, `detail` is its version, in capitals
    if `upper`); `key` an encryption key of `detail` bytes; `answer` the leaf at path `detail` of answer `index`.
    """

    kind: Literal["run", "id", "key", "answer"]
    index: int = 0
    detail: str = ""
    upper: bool = False


Template = tuple[str | Symbol, ...]


@dataclass(frozen=True)
class Step:
    """One request of a replay.

    Args:
        number: of the exchange that it repeats.
        verb, path, headers, body: the request.
        pause: seconds to wait before it.
        wait: seconds for which it is repeated until the operation is DONE; 0 to send it once.
        looks: how often it is sent; the answers count as one.
        follow: where its operation is found; the looks at it until it is DONE count as part of the answer. Empty for
            none.
        hang_up: seconds after which to hang up, whatever has been answered; 0 to wait for the answer.
        race: the number of the race that it belongs to; 0 for a request that is sent alone.
        makes: the image that it makes, and in which project; an empty name for none.
    """

    number: int
    verb: str
    path: Template
    headers: tuple[tuple[str, str], ...]
    body: Template
    pause: float = 0.0
    wait: int = 0
    looks: int = 1
    follow: Template = ()
    hang_up: float = 0.0
    race: int = 0
    makes: Template = ()


@dataclass(frozen=True)
class Plan:
    """What to send, how often to try at most, and how the breach is recognised; `keys` are the sizes of the
    encryption keys."""

    steps: tuple[Step, ...]
    facts: tuple[tuple[Fact, Template], ...]
    tries: int
    ids: tuple[Symbol, ...]
    keys: tuple[Symbol, ...]


def plan(rule: Rule, breach: Breach, trace: Trace, end: float = math.inf) -> Plan:
    """How to provoke a breach again.

    Args:
        rule: the rule that was broken.
        breach: the breach.
        trace: the trace that it was found in.
        end: when to give it up, by the monotonic clock.

    Raises:
        TimeoutError: it takes too long.
        ValueError: the breach rests on images that the trace has not made.
    """
    inquiry = Inquiry(rule, breach, trace, end)
    if inquiry.rests_on_others():
        raise ValueError("what others have made cannot be made again")
    shown = {exchange.number for exchange in breach.exchanges}
    race = max(
        _races(trace.exchanges),
        key=lambda group: len(group) > 1 and sum(item.number in shown for item in group),
        default=[],
    )
    race = race if sum(item.number in shown for item in race) > 1 and len(race) > 1 else []
    facts = inquiry.race(race) if race else []
    facts = facts or inquiry.facts() or [_status_fact(exchange) for exchange in breach.exchanges]
    facts = [*facts, *_witnesses(trace, breach)]
    names = _Names(trace)
    last = max((fact.number for fact in (*facts, *map(_status_fact, breach.exchanges))), default=0)
    exchanges = [exchange for exchange in trace.exchanges if exchange.number <= last][:STEPS_MAXIMUM]
    kept = _kept(exchanges, breach, names, facts)
    counted = {fact.number for fact in facts if fact.times > 1 and not fact.race}
    steps = tuple(_steps(exchanges, kept, counted, names, trace.deadline))
    return Plan(
        steps,
        tuple((fact, names.template(fact.token, fact.number)) for fact in facts),
        _tries(race, facts, trace),
        names.ids,
        names.keys,
    )


def _status_fact(exchange: Exchange) -> Fact:
    return Fact("is", exchange.number, ":class", str(exchange.status // 100))


def _witnesses(trace: Trace, breach: Breach) -> Iterable[Fact]:
    """Looks at an image right after a request that uses it, and that should be refused while it is PENDING: without
    them nothing is shown."""
    for mutation, look in zip(trace.exchanges, trace.exchanges[1:], strict=False):
        image, body = look.resource or {}, mutation.request.json
        shown = any(exchange.number == mutation.number for exchange in breach.exchanges)
        makes = body.get("name") if isinstance(body, dict) else None
        used = str(image.get("name")) in _text(mutation.request.body) and image.get("name") != makes
        if shown and used and image.get("status") == "PENDING":
            yield Fact("is", look.number, ".status", '"PENDING"')


def _tries(race: Sequence[Exchange], facts: Iterable[Fact], trace: Trace) -> int:
    polls = {
        exchange.number for exchange in trace.exchanges if (exchange.resource or {}).get("status", "DONE") != "DONE"
    }
    if race or any(exchange.failure == ABANDONED for exchange in trace.exchanges):
        return RACES
    return GLIMPSES if any(fact.number in polls or (fact.other and fact.other[0] in polls) for fact in facts) else ONCE


class _Names:
    """What of a trace's texts is new in every replay."""

    def __init__(self, trace: Trace) -> None:
        sent = " ".join(f"{exchange.request.url} {_text(exchange.request.body)}" for exchange in trace.exchanges)
        found = _OWN_NAME.search(sent)
        self._symbols: dict[str, Symbol] = {found[1]: Symbol("run")} if found else {}
        self._add_ids(_UUID.findall(sent))
        self._scrambled: dict[str, str] = {}
        self._add_keys(secret for secret in sorted(trace.secrets, key=len, reverse=True) if secret in sent)
        self._answers: dict[str, Symbol] = {}
        said = ""
        for exchange in trace.exchanges:
            said += f"{exchange.request.url} {_text(exchange.request.body)} "
            for leaf in leaves(exchange.response.body) if exchange.response and exchange.answered else ():
                value = leaf.value
                if (
                    leaf.key in _REFERABLE
                    and isinstance(value, str)
                    and len(value) >= REFERABLE_MINIMUM
                    and value not in said
                ):
                    self._answers.setdefault(value, Symbol("answer", exchange.number, leaf.path))

    @property
    def ids(self) -> tuple[Symbol, ...]:
        """The requestIds."""
        return tuple(symbol for symbol in self._symbols.values() if symbol.kind == "id" and not symbol.upper)

    @property
    def keys(self) -> tuple[Symbol, ...]:
        """The encryption keys."""
        return tuple(symbol for symbol in self._symbols.values() if symbol.kind == "key")

    def _add_ids(self, found: Iterable[str]) -> None:
        for number, text in enumerate(dict.fromkeys(text.lower() for text in found), 1):
            self._symbols[text] = Symbol("id", number, text[14])
            self._symbols[text.upper()] = Symbol("id", number, text[14], upper=True)

    def _add_keys(self, secrets: Iterable[str]) -> None:
        for number, secret in enumerate(secrets, 1):
            try:
                size = len(base64.b64decode(secret, validate=True))
            except (binascii.Error, ValueError):
                self._scrambled[secret] = re.sub("[A-Za-z]", "k", secret)
            else:
                self._symbols[secret] = Symbol("key", number, str(size))

    def template(self, text: str, before: int = 0) -> Template:
        """A text with its symbols; those of answers are of requests sent earlier than number `before`."""
        for secret, scrambled in self._scrambled.items():
            text = text.replace(secret, scrambled)
        symbols = {
            **{value: symbol for value, symbol in self._answers.items() if symbol.index < before},
            **self._symbols,
        }
        quoted = {quote(value, safe=""): symbol for value, symbol in symbols.items()}
        symbols = {**quoted, **symbols}
        present = sorted((value for value in symbols if value in text), key=len, reverse=True)
        if not present:
            return (text,) if text else ()
        parts = re.split("(" + "|".join(map(re.escape, present)) + ")", text)
        return tuple(symbols.get(part, part) for part in parts if part)


def _text(body: bytes | None) -> str:
    return (body or b"").decode("utf-8", errors="surrogateescape")


def _races(exchanges: Sequence[Exchange]) -> list[list[Exchange]]:
    """The exchanges in order, those together that were under way at once."""
    groups: list[list[Exchange]] = []
    for exchange in exchanges:
        if groups and exchange.sent < max(other.received for other in groups[-1]) and exchange.sent > 0:
            groups[-1].append(exchange)
        else:
            groups.append([exchange])
    return groups


def _kept(exchanges: Sequence[Exchange], breach: Breach, names: _Names, facts: Iterable[Fact]) -> set[int]:
    """The exchanges that a replay needs: all that change something, those that the breach shows, and what these refer
    to."""
    shown = {exchange.number for exchange in breach.exchanges}
    shown |= {fact.number for fact in facts} | {fact.other[0] for fact in facts if fact.other}
    kept = {
        exchange.number
        for exchange in exchanges
        if exchange.method in MUTATIONS or exchange.request.verb != "GET" or exchange.number in shown
    }
    kept |= _ends(exchanges)
    for exchange in reversed(exchanges):
        if exchange.number in kept:
            kept |= {symbol.index for symbol in _symbols(exchange, names) if symbol.kind == "answer"}
    return kept


def _symbols(exchange: Exchange, names: _Names) -> list[Symbol]:
    parts = (
        *names.template(_path(exchange), exchange.number),
        *names.template(_text(exchange.request.body), exchange.number),
    )
    return [part for part in parts if isinstance(part, Symbol)]


def _ends(exchanges: Sequence[Exchange]) -> set[int]:
    """Of each operation the look that first showed it DONE, or else the last look."""
    ends: dict[str, tuple[int, bool]] = {}
    for exchange in exchanges:
        if (
            exchange.method == "globalOperations.get"
            and exchange.route
            and not ends.get(exchange.route.name, (0, False))[1]
        ):
            ends[exchange.route.name] = (exchange.number, _done(exchange))
    return {number for number, _ in ends.values()}


def _done(exchange: Exchange) -> bool:
    return (exchange.resource or {}).get("status") == "DONE"


def _path(exchange: Exchange) -> str:
    _, found, path = exchange.request.url.partition("/compute/")
    return f"/compute/{path}" if found else exchange.request.url


def _passing(exchange: Exchange) -> bool:
    """Whether an image was seen in a state that it does not stay in."""
    status = (exchange.resource or {}).get("status", "READY")
    return exchange.method == "images.get" and status not in ("READY", "FAILED")


def _global(exchange: Exchange) -> str:
    """The path below which the project's global resources are."""
    before, found, _ = _path(exchange).partition("/global/")
    return f"{before}{found}".rstrip("/")


def _steps(
    exchanges: Sequence[Exchange], kept: set[int], counted: set[int], names: _Names, deadline: float
) -> Iterable[Step]:
    """The requests of a replay: those that are kept. Of an answer in which something is counted there is but one."""
    groups = {member.number: group[0].number for group in _races(exchanges) if len(group) > 1 for member in group}
    done: set[str] = set()
    first_look: dict[str, float] = {}
    end = 0.0
    for exchange in exchanges:
        operation = exchange.route.name if exchange.method == "globalOperations.get" and exchange.route else ""
        began = first_look.setdefault(operation, exchange.sent) if operation else exchange.sent
        if exchange.number not in kept:
            continue
        wait = 0
        if operation and operation not in done and _done(exchange):
            wait = WAIT_SECONDS
        elif operation and operation not in done and deadline and exchange.received - began >= 0.8 * deadline:
            wait = round(deadline)
        if _done(exchange):
            done.add(operation or str((exchange.resource or {}).get("name")))
        pause = exchange.sent - end if end and not wait else 0.0
        end = exchange.received
        yield Step(
            exchange.number,
            exchange.request.verb,
            names.template(_path(exchange), exchange.number),
            _headers(exchange),
            names.template(_body(exchange), exchange.number),
            round(min(pause, 2.0), 3) if pause > PAUSE_MINIMUM else 0.0,
            wait,
            LOOKS if ((operation and not wait) or _passing(exchange)) and exchange.number not in counted else 1,
            names.template(f"{_global(exchange)}/operations/")
            if exchange.method in MUTATIONS and _done(exchange) and exchange.number not in counted
            else (),
            HANG_UP_SECONDS.get(exchange.failure, 0.0),
            groups.get(exchange.number, 0),
            _made(exchange, names),
        )


def _headers(exchange: Exchange) -> tuple[tuple[str, str], ...]:
    """The headers of a request; one that is cut off says how long it was to be."""
    whole = (("Content-Length", str(len(exchange.request.body or b""))),) if exchange.failure == INCOMPLETE else ()
    return (*exchange.request.headers.items(), *whole)


def _body(exchange: Exchange) -> str:
    """The body of a request; of one that is cut off all but the blanks at its end."""
    text = _text(exchange.request.body)
    return text.rstrip() if exchange.failure == INCOMPLETE else text


def _made(exchange: Exchange, names: _Names) -> Template:
    """The path of the image that an insert makes; empty for other requests."""
    body = exchange.request.json
    name = body.get("name") if exchange.method == "images.insert" and isinstance(body, dict) else None
    if not isinstance(name, str) or name in ("", ".", ".."):
        return ()
    return names.template(f"{_path(exchange).partition('?')[0]}/{quote(name, safe='')}")
