"""Where images are dear: a few of them, each for as much as goes together."""

import itertools
import uuid
from collections.abc import Callable

import pytest

from conformance.client.api import Api
from conformance.contract.fields import NAME_MAXIMUM
from conformance.contract.insert_request import FreshName, InsertRequest
from conformance.contract.plain_bodies import SOURCE_FIELDS, minimal
from conformance.scenario.combining import Wish, without
from conformance.scenario.scenario import Scenario
from conformance.scenario.steps import (
    accepted,
    ask,
    ask_safely,
    labels_of,
    literal,
    persistent,
    race,
    refused,
    shown,
    url_of,
    use_configured,
    use_locked,
)
from conformance.strategies import values
from conformance.strategies.near_misses import near_names
from conformance.strategies.optional_values import DISK_SIZES, UNKNOWN
from conformance.strategies.output_only import OUTPUT_ONLY
from conformance.trace.exchange import Exchange
from conformance.trace.fate import Fate

pytestmark = pytest.mark.sparing


@pytest.mark.exercises(
    "life.failed-insert-leaves-nothing", "transport.refuse-at-once", "request-id.refused-not-remembered"
)
@pytest.mark.exercises("image.output-only.*", "transport.unknown-field", "image.disk-size-gb", "image.name.distinct")
@pytest.mark.exercises("request-id.empty", "transport.safe-verbs")
def test_inserts_that_say_too_much(scenario: Scenario) -> None:
    """Inserts with a fault are refused, corrected ones are not; one has all that only the server sets."""

    def act(api: Api) -> None:
        family = api.target.names.fresh()
        body = {**minimal(scenario.sources), "family": family}
        name, near = api.target.names.named(FreshName("-n-a", NAME_MAXIMUM)), "image.name.distinct"
        first = InsertRequest({**body, "architecture": "PDP_11"}, name, str(uuid.uuid4()))
        wrong = api.create(first)
        another = api.create(InsertRequest({**body, "sourceType": "COOKED"}, next(iter(near_names(str(name))))))
        if scenario.can("family"):
            api.from_family(family)
        rules = ["request-id.refused-not-remembered"] if wrong.insert.refused else []
        good = first.replace(body=body) if rules else InsertRequest(body, first.name)
        api.create(good, intent=accepted(*rules) if rules else None)
        nameless = Wish(InsertRequest(request_id=""))
        ask(api, [Wish(InsertRequest(name=another.name), near), nameless, *odd(scenario)], scenario.sources)
        api.insert(InsertRequest(minimal(scenario.sources), another.name, ""))
        api.get(str(name))
        ask_safely(api, str(name))

    scenario.once(act)


def odd(scenario: Scenario) -> list[Wish]:
    """Values for all that the server sets, a field that nobody knows, and a size that is smaller than the source's."""
    plain = minimal(scenario.sources)
    spoofed = [without(plain, field.cases(scenario.sources)[0]) for field in OUTPUT_ONLY]
    return [Wish(request) for request in (*spoofed, *map(InsertRequest, (UNKNOWN[0], {"diskSizeGb": DISK_SIZES[0]})))]


@pytest.mark.exercises("transport.project-isolation", "request-id.scoped-to-project")
@pytest.mark.exercises("life.insert", "transport.success-status", "transport.json")
def test_one_request_in_two_projects(scenario: Scenario) -> None:
    def act(api: Api) -> None:
        other = api.target.other_project
        created = api.create(minimal(scenario.sources), intent=accepted("life.insert"))
        api.get(created.name, project=other)
        if scenario.can("second_project"):
            api.create(literal(created), project=other)
            api.get(created.name)

    scenario.once(act)


@pytest.mark.exercises("encryption.required-for-source", "encryption.image.sha256", "encryption.never-echoed")
@pytest.mark.exercises("image.locked.forbids", "source.raw-disk")
def test_sources_behind_a_key_or_locked(scenario: Scenario) -> None:
    """An image that is made from one behind a key is locked; so it can be no source itself."""

    def act(api: Api) -> None:
        wishes = [Wish(InsertRequest({"locked": True}))]
        if scenario.can("csek"):
            wishes += behind_key(api)
        locked = ask(api, wishes, scenario.sources)
        if shown(locked).get("locked") is True:
            api.create({"sourceImage": url_of(api, locked)}, intent=refused("image.locked.forbids"))

    def behind_key(api: Api) -> list[Wish]:
        """Makes an image behind a key, and tries it without the key; answers how it can be used."""
        key, other = {"rawKey": values.CUSTOMER_KEY}, {"rawKey": values.OTHER_CUSTOMER_KEY}
        wishes = [Wish(InsertRequest({"imageEncryptionKey": key}))]
        if scenario.can("source.raw_disk"):
            raw_disk = {"rawDisk": {"source": scenario.sources.raw_disk}}
            wishes.insert(0, Wish(InsertRequest(raw_disk), "source.raw-disk"))
        source = ask(api, wishes, scenario.sources)
        if scenario.can("list"):
            api.list(filter=f"name={source.name}")
        kept = shown(source).get("imageEncryptionKey")
        if not (isinstance(kept, dict) and kept.get("sha256")):
            return []
        rule, body = "encryption.required-for-source", {"sourceImage": url_of(api, source)}
        for wrong in (body, {**body, "sourceImageEncryptionKey": other}):
            api.create(wrong, intent=refused(rule))
        return [Wish(InsertRequest({**body, "sourceImageEncryptionKey": key}), rule)]

    scenario.once(act)
    scenario.once(lambda api: use_locked(api, scenario.sources))
    if not scenario.can("csek"):
        scenario.each(
            [kind for kind in SOURCE_FIELDS if getattr(scenario.sources, f"encrypted_{kind}")],
            lambda api, kind: use_configured(api, scenario.sources, kind),
        )


@pytest.mark.exercises(
    "request-id.replay-[cls]*", "transport.incomplete-request", "life.concurrent-*", "labels.concurrent"
)
def test_lost_connections_and_races(scenario: Scenario) -> None:
    """An insert is cut off and sent again; its image is what many change at once. Others lose their answers, or
    race."""
    names = scenario.target.names

    def insert(request_id: str | None = None) -> InsertRequest:
        return InsertRequest(minimal(scenario.sources), names.fresh(), request_id)

    def act(api: Api) -> None:
        request = insert(names.request_id())
        if scenario.target.transport.direct:
            lose_answer(api, scenario, insert(names.request_id()))
            cut_off = request.replace(rewrite=lambda content: content + b" " * (len(content) + 2))
            api.insert(cut_off, fate=Fate.HALF_SENT)
            api.target.transport.sleep(0.1)
            api.get(str(request.name))
        name = api.create(request).name
        same_name = race(api, lambda: inserts(api, insert()))
        same_request = race(api, lambda: inserts(api, insert(names.request_id())))
        for answers in itertools.chain(same_name, same_request):
            api.get(answers[0].request.json["name"])
        if scenario.can("set_labels"):
            list(race(api, lambda: label_changes(api, name)))
        for _ in race(api, lambda: deletes_and_inserts(api, insert().replace(name=name))):
            api.get(name)

    scenario.once(act)


def lose_answer(api: Api, scenario: Scenario, request: InsertRequest) -> None:
    """Loses the answer of an insert, and sends it again."""
    api.insert(request, fate=Fate.UNREAD)
    api.finish(api.insert(request))
    api.get(str(request.name))
    if scenario.can("list"):
        api.list(filter=f"name={request.name}")


def inserts(api: Api, request: InsertRequest) -> Callable[[int], Exchange]:
    """One insert from every side."""
    return lambda _: api.insert(request)


def label_changes(api: Api, name: str) -> Callable[[int], Exchange]:
    """Different labels with the same fingerprint."""
    fingerprint = labels_of(api, name)[1]
    return lambda number: api.set_labels(name, {"labels": {"number": str(number)}, "labelFingerprint": fingerprint})


def deletes_and_inserts(api: Api, request: InsertRequest) -> Callable[[int], Exchange]:
    """Deletes of an image, and inserts of its name."""
    return lambda number: persistent(api, request) if number % 2 else api.delete(str(request.name))
