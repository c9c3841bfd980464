"""A case read as steps: what was asked and what was answered, in a form that another target's run can be laid beside.

What the run itself has named, the project, hosts and the kinds of the table are replaced by words for them.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

from conformance.client.names import NAME_PREFIX, OWN_NAME
from conformance.trace.exchange import MUTATIONS, Exchange, Trace
from conformance.trace.formats import link
from conformance.trace.json_text import NOT_JSON
from conformance.verdicts.golden.kinds import (
    IMAGE,
    LATE_IMAGE,
    LATE_OPERATION,
    OPERATION_FIELDS,
    OTHERS,
    REQUEST,
    SIZE,
    Kind,
)

OVERLAP_SECONDS = 1e-5
"""Archives have their times in microseconds: what overlaps by less came one after the other."""

STATUS, TYPE, BODY = "status code", "content-type", "body"
"""What is compared of an answer beside the fields of its body."""

PAGING = frozenset({"items", "nextPageToken"})

LOOKS = frozenset({"globalOperations.get", "globalOperations.wait"})

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_OWN = rf"{OWN_NAME.pattern}|[0-9a-f]{{8}}-(?:main|gw[0-9]+)-[0-9]+[-a-z0-9]*|{NAME_PREFIX}-[0-9a-f]{{8}}(?=-)"
_NAME = re.compile(f"{_OWN}|{_OWN.upper()}")
"""A name that a run gives, in capitals too, and its beginning and its end, which scenarios make other values of."""

TOLD_MINIMUM = 8
"""Characters of the name of an operation that is looked for in other texts: a shorter one may stand there by chance."""

_ZERO = "00000000-0000-0000-0000-000000000000"
_TOKENS = re.compile(r"(?<=pageToken=)[^&]+")
_NUMBER = re.compile(r"[0-9]{5,}", re.ASCII)
_INDEX = re.compile(r"\[[^\]]*\]")

Shown = tuple[Any, Any]
"""A value in the form that is compared, and as it was answered."""

Fields = dict[str, Shown]


@dataclass(frozen=True)
class Step:
    """One thing that was asked.

    Args:
        label: what was asked, in words for a reader; two steps with the same words are the first and the second time.
        fields: what was answered, by path; empty where nothing was.
        numbers: of its exchanges: several where the same was asked until the answer was there.
        final: whether what goes on had come to its end.
    """

    label: str
    fields: Fields
    numbers: tuple[int, ...]
    final: bool = True


@dataclass
class Words:
    """Replaces what a target or a run has named by words; the same thing gets the same word throughout a case.

    Args:
        projects: the projects of the run, each with its word.
    """

    projects: Mapping[str, str]
    operations: dict[str, str] = field(default_factory=dict)
    _known: dict[str, str] = field(default_factory=dict)
    _counts: Counter[str] = field(default_factory=Counter)
    _mutations: int = 0

    def of(self, text: str) -> str:
        """A text with words in it."""
        text = _NAME.sub(lambda found: self._word("name", found[0]), text)
        return _UUID.sub(lambda found: found[0] if found[0] == _ZERO else self._word("uuid", found[0].lower()), text)

    def link(self, text: str) -> str:
        """A link to a resource without its host, and the path of a request."""
        parts = text.split("/")
        for at, part in enumerate(parts):
            before = parts[at - 1] if at else ""
            if before == "projects":
                parts[at] = self.projects.get(unquote(part), "<project>" if part.isdecimal() else part)
            elif before == "operations" and part:
                parts[at] = self.operations.get(part, "<operation>")
            elif _NUMBER.fullmatch(part):
                parts[at] = "<id>"
        return self.of("/".join(parts))

    def note(self, exchange: Exchange) -> None:
        """Gives the operation that an answer names its word: it is called by the request that it came of.

        So a target that answers a replay with an operation of its own puts no later one out.
        """
        if exchange.method in MUTATIONS:
            self._mutations += 1
            name = (exchange.resource or {}).get("name")
            if isinstance(name, str) and name:
                self.operations.setdefault(name, f"<operation of change {self._mutations}>")

    def told(self, text: str) -> str:
        """A text with words in it, for operations too: what a query says."""
        for name, word in self.operations.items():
            text = text.replace(name, word) if len(name) >= TOLD_MINIMUM else text
        return self.of(text)

    def knows(self, name: Any) -> bool:
        """Whether a name is one that was seen in this case."""
        return isinstance(name, str) and name in self._known

    def _word(self, kind: str, text: str) -> str:
        if text not in self._known:
            self._counts[kind] += 1
            self._known[text] = f"<{kind} {self._counts[kind]}>"
        return self._known[text]


def steps(trace: Trace, projects: Mapping[str, str]) -> Iterator[Step]:
    """The steps of a case in their order.

    Requests that were under way at once have none, nor has what follows a race of changes: who wins it is chance. Of
    the same request sent again and again, as polls are, the last answer counts.

    Args:
        trace: of the case.
        projects: the projects of the run, each with its word.
    """
    words = Words(projects)
    sizes = {str(value) for exchange in trace.exchanges for value in _sizes(exchange)}
    last: Step | None = None
    for block in _blocks(trace):
        if len(block) > 1:
            for exchange in block:
                _asked(exchange, words)
                words.note(exchange)
            if any(exchange.method in MUTATIONS for exchange in block):
                break
            continue
        (exchange,) = block
        label = _asked(exchange, words)
        words.note(exchange)
        fields, final = _answered(exchange, words, sizes)
        numbers: tuple[int, ...] = (exchange.number,)
        if last is not None:
            if last.label == label and exchange.method not in MUTATIONS:
                numbers = (*last.numbers, *numbers)
            else:
                yield last
        last = Step(label, fields, numbers, final)
    if last is not None:
        yield last


def in_words(trace: Trace, projects: Mapping[str, str]) -> str:
    """The steps of a case as text, a line for each field: two recordings differ in it only where the answers do.

    Args:
        trace: of the case.
        projects: the projects of the run, each with its word.
    """
    lines = []
    for step in steps(trace, projects):
        lines.append(f"  {json.dumps(step.label, ensure_ascii=False)[1:-1]}")
        lines += [
            f"    {json.dumps(path, ensure_ascii=False)[1:-1]}: {json.dumps(value, ensure_ascii=False)}"
            for path, (value, _) in sorted(step.fields.items())
        ]
    return "".join(f"{line}\n" for line in lines)


def _blocks(trace: Trace) -> Iterator[list[Exchange]]:
    """The exchanges of a case: each by itself, or together with those that were under way at the same time."""
    block: list[Exchange] = []
    end = 0.0
    for exchange in sorted(trace.exchanges, key=lambda item: (item.sent, item.number)):
        if block and exchange.sent > end - OVERLAP_SECONDS:
            yield block
            block = []
        block.append(exchange)
        end = max(end, exchange.received)
    if block:
        yield block


def _sizes(exchange: Exchange) -> Iterator[Any]:
    body = exchange.request.json
    if isinstance(body, dict) and "diskSizeGb" in body:
        yield body["diskSizeGb"]


def _asked(exchange: Exchange, words: Words) -> str:
    """What a request asks for."""
    request, parts = exchange.request, urlsplit(exchange.request.url)
    path = words.link(link(parts.path) or parts.path)
    if exchange.method in LOOKS and not request.body and exchange.route and exchange.route.name in words.operations:
        # Waiting for an operation and looking at it are two ways to ask the same.
        return f"look at {path.removesuffix('/wait')}"
    query = words.told(_TOKENS.sub("<token>", "&".join(sorted(filter(None, parts.query.split("&"))))))
    if not request.body:
        body = ""
    elif request.json is NOT_JSON:
        # Without the zeros that other encodings than UTF-8 have between the characters.
        body = words.of(request.body.replace(b"\0", b"").decode(errors="backslashreplace"))
    else:
        body = " ".join(f"{path}={value}" for path, (value, _) in _flat(request.json, REQUEST, words).items())
    return " ".join(filter(None, (request.verb, path + (f"?{query}" if query else ""), body)))


def _answered(exchange: Exchange, words: Words, sizes: Container[str]) -> tuple[Fields, bool]:
    """What was answered, and whether it is the end of what goes on."""
    response = exchange.response
    if response is None:
        return {STATUS: ("no answer", "no answer")}, True
    media = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    fields: Fields = {STATUS: (response.status, response.status), TYPE: (media, media)}
    value = response.json
    if not isinstance(value, dict):
        shown = response.body.decode(errors="backslashreplace")
        return {**fields, BODY: ("<no JSON object>" if shown else "", shown)}, True
    table, late, final = _table(exchange, value)
    if exchange.method.endswith(".list") and exchange.answered:
        # What else is there, and so on which page what stands, is another matter.
        fields |= _flat({key: part for key, part in value.items() if key not in PAGING}, table, words)
        for item in exchange.items if exchange.method == "images.list" else ():
            if words.knows(item.get("name")):
                fields |= _flat(item, table, words, sizes, f"items[{words.of(item['name'])}]")
        return fields, True
    fields |= _flat(value, table, words, sizes)
    if final:
        return fields, True
    return {path: shown for path, shown in fields.items() if _INDEX.split(path)[0].split(".")[0] not in late}, False


def _table(exchange: Exchange, value: Mapping[str, Any]) -> tuple[Mapping[str, Kind], frozenset[str], bool]:
    """How the fields of an answer are compared: their kinds, those that come late, and whether these have come."""
    if not exchange.answered:
        return OTHERS, frozenset(), True
    if exchange.method in MUTATIONS or exchange.method in LOOKS:
        return OPERATION_FIELDS, LATE_OPERATION, exchange.method in LOOKS and value.get("status") == "DONE"
    if exchange.method in ("images.get", "images.getFromFamily"):
        return IMAGE, LATE_IMAGE, value.get("status") in ("READY", "FAILED")
    within = {f"{place}.{path}": kind for place in ("items[]", "image") for path, kind in IMAGE.items()}
    return {**OTHERS, **within}, frozenset(), True


def _flat(value: Any, table: Mapping[str, Kind], words: Words, sizes: Container[str] = (), place: str = "") -> Fields:
    """The leaves of a JSON value by their paths, in the form that is compared, and as they are.

    Args:
        value: the value.
        table: what is compared by kind.
        words: of the case.
        sizes: those that requests of the case have asked for, which are compared as they are.
        place: where the value stands.
    """
    found: Fields = {}

    def take(path: str, part: Any) -> None:
        if isinstance(part, dict) and part:
            for key in sorted(part):
                take(f"{path}.{words.of(key)}" if path else words.of(key), part[key])
        elif isinstance(part, list) and part:
            # Their order has no meaning.
            for at, item in enumerate(sorted(part, key=lambda item: json.dumps(item, sort_keys=True))):
                take(f"{path}[{at}]", item)
        elif part not in (None, "", [], {}):
            # An empty value and none are the same.
            kind = table.get(_INDEX.sub("[]", path))
            by_kind = kind is not None and kind.of(part) and not (kind is SIZE and str(part) in sizes)
            found[path or BODY] = (str(kind) if by_kind else _leaf(part, words), part)

    take(place, value)
    return found


def _leaf(value: Any, words: Words) -> Any:
    if not isinstance(value, str):
        return value
    resource = link(value)
    return words.link(resource) if resource else words.of(value)
