"""Steps that scenarios have in common: a few requests each, and what is read from their answers."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from conformance.client.api import UNSEEN_UNTIL_HALF, Api, Created, addresses
from conformance.config.sources import Sources
from conformance.contract.fields import ARCHITECTURES, acceptance_id
from conformance.contract.insert_request import InsertRequest
from conformance.contract.plain_bodies import CUSTOMER_KEY, HOSTS, SOURCE_FIELDS, minimal
from conformance.contract.rule import is_error
from conformance.scenario.combining import SOURCES, Wish, combined
from conformance.scenario.habits import Habit
from conformance.trace.exchange import Exchange, Intent
from conformance.trace.formats import is_int64

PAGES_MAXIMUM = 50
LABEL_LOOKS = 20
FAMILY_LOOKS = 18
IMAGE_LOOKS = 20
VIEW_LOOKS, VIEW_SECONDS = 6, 0.5

RACES_MAXIMUM = 3
"""How often a race is run again until requests do overlap: on a busy machine one may be over before the next begins."""

TRIES = 3

LOOKS_MINIMUM = 3
"""So many looks are taken for what never was to be seen so far."""

ZONE = "us-central1-a"


def accepted(*rules: str) -> Intent:
    """The intent of a request that must succeed."""
    return Intent(valid=True, rules=rules)


def refused(*rules: str) -> Intent:
    """The intent of a request that must not succeed."""
    return Intent(valid=False, rules=rules)


def operation_of(exchange: Exchange) -> str:
    """How the operation that a request answered is asked for; "" where nothing addresses it."""
    return next(addresses(exchange.resource or {}), "")


def url_of(api: Api, created: Created) -> str:
    """The partial URL of an image that the scenario has made."""
    return f"projects/{api.target.project}/global/images/{created.name}"


def urls_of(api: Api, created: Created) -> Iterator[str]:
    """Whatever names an image that is not to be used: the partial and a full URL with its name, and the URLs with its
    id, and with its family, which has no other image."""
    image, images = shown(created), f"projects/{api.target.project}/global/images"
    yield url_of(api, created)
    yield HOSTS[0] + url_of(api, created)
    asked = created.insert.request.json.get("family")
    for start, told in (("", image.get("id")), ("family/", asked if image.get("family") == asked else None)):
        if isinstance(told, str):
            yield f"{images}/{start}{told}"


def shown(created: Created) -> dict[str, Any]:
    """The image as it was seen once its insert had ended; empty where it was not."""
    return (created.image.resource or {}) if created.image else {}


# Inserts


def ask(api: Api, wishes: Sequence[Wish], sources: Sources) -> Created:
    """Asks for everything in one insert; where that does not succeed, for either half, until it is plain what is
    refused.

    That an insert has to be accepted is noted when it is, or when it asks for one thing alone: so the blame is exact.

    Returns:
        The last image.
    """
    request = combined([wish.request for wish in wishes])
    if not any(name in request.body for name in SOURCES):
        request = request.replace(body={**minimal(sources), **request.body})
    created = api.create(request)
    if not succeeded(created) and len(wishes) > 1:
        half = len(wishes) // 2
        return [ask(api, part, sources) for part in (wishes[:half], wishes[half:])][-1]
    rules = [wish.rule for wish in wishes if wish.rule]
    if rules:
        api.confirm(created.insert, accepted(*rules))
    return created


def send_like_the_source(api: Api, sources: Sources) -> None:
    """Inserts images with the size and the architecture of their source, and a larger one: what a plain image shows
    is valid."""
    plain = minimal(sources)
    image = shown(api.create(plain))
    size = image.get("diskSizeGb")
    for wanted in (int(size), int(size) + 1) if is_int64(size) else ():
        api.create({**plain, "diskSizeGb": str(wanted)}, intent=accepted(acceptance_id("diskSizeGb")))
    own = image.get("architecture")
    tries = {name: api.create({**plain, "architecture": name}) for name in ARCHITECTURES}
    taken = [name for name, created in tries.items() if succeeded(created)]
    # Where the source does not tell its own, one of them has to do.
    for name in [own] if own in tries else taken or tries:
        api.confirm(tries[name].insert, accepted(acceptance_id("architecture")))


def succeeded(created: Created) -> bool:
    """Whether an insert made its image, as far as its answer and its operation tell."""
    return created.insert.answered and not is_error(created.operation.get("error"))


# Looks


def walk(api: Api, **query: str) -> Exchange:
    """Walks through a list page by page, as far as is sensible; answers the first page."""
    page = api.list(**query)
    walk_on(api, page, **query)
    return page


def walk_on(api: Api, page: Exchange, **query: str) -> None:
    """Walks through the rest of a list."""
    for _ in range(PAGES_MAXIMUM):
        token = (page.resource or {}).get("nextPageToken")
        if not isinstance(token, str) or not token:
            break
        page = api.list(**query, pageToken=token)


QUERIES: tuple[tuple[str, dict[str, str], bool], ...] = (
    ("life.list-max-results-number", {"maxResults": "0"}, True),
    ("life.list-max-results-number", {"maxResults": "ten"}, False),
    ("life.list-page-token", {"pageToken": "none-of-this-list"}, False),
    ("life.list-max-results-number", {"maxResults": "500"}, True),
    ("life.list-max-results-number", {"maxResults": "-1"}, False),
)
"""What a list may be asked for, or not: the rule that says so, the parameters, and whether they are right."""


def ask_for_list(api: Api, query: tuple[str, dict[str, str], bool]) -> None:
    """Asks for a list in one of these ways."""
    rule, parameters, right = query
    api.send("GET", "global/images", parameters.items(), intent=accepted(rule) if right else refused(rule))


def walk_while_deleting(api: Api, *, delete: str, **query: str) -> None:
    """Walks through a list, and deletes an image after the first page, which should show it."""
    page = api.list(**query)
    api.finish(api.delete(delete))
    walk_on(api, page, **query)


UNKNOWN: tuple[tuple[str, str], ...] = (
    ("GET", "global/imagez"),
    ("PUT", "global/images/{name}"),
    ("POST", "global/images/{name}/explode"),
    ("GET", "global/images/{name}/labels"),
    ("DELETE", "global/images"),
    ("GET", "global/Images/{name}"),
)
"""Verbs and paths that the API does not have."""


def ask_for_nothing(api: Api, verb: str, path: str, name: str) -> None:
    """Sends one of these, which is to do nothing."""
    api.send(verb, path.format(name=quote(name)), intent=refused("transport.unknown-path"))


SAFE: tuple[tuple[str, dict[str, str]], ...] = (
    ("HEAD", {}),
    ("OPTIONS", {}),
    ("GET", {"X-HTTP-Method-Override": "DELETE"}),
)
"""Verbs, with their headers, that do nothing to an image."""


def ask_safely(api: Api, name: str) -> None:
    """Sends each of these about an image that has been seen, and looks for it."""
    for verb, headers in SAFE:
        path = f"global/images/{quote(name)}"
        answer = api.send(verb, path, headers=headers, intent=refused("transport.safe-verbs"))
        if (answer.resource or {}).get("kind") == "compute#operation":
            api.finish(answer)
        else:
            api.target.transport.sleep(0.1)
        api.get(name)


def ask_in_other_ways(api: Api, name: str) -> None:
    """Gets an image under its name in percent-encoding, and some of its fields."""
    encoded = f"%{ord(name[0]):02X}{quote(name[1:])}" if name else ""
    api.send("GET", f"global/images/{encoded}", intent=accepted("transport.percent-encoding"))
    api.get(name, fields="id,name")


def look_again(api: Api, created: Created, *answers: Exchange) -> None:
    """Looks for a second image: under the name, and under every id that a replay told of."""
    api.get(created.name)
    for answer in answers:
        api.finish(answer)
        target = (answer.resource or {}).get("targetId")
        if isinstance(target, str) and target and target != created.identifier:
            api.get(target)
    api.get(created.name)


def look_until(api: Api, kind: str, seen: Callable[[], bool], looks: int, seconds: float = 0.1) -> None:
    """Looks until something is to be seen, for a while; a shorter while the more often in a row it was in vain for the
    same kind of thing.

    Args:
        api: where to look.
        kind: of what is looked for.
        seen: looks, and tells whether it is to be seen.
        looks: how often to look at most.
        seconds: between two looks.
    """
    unseen = api.target.unseen
    for _ in range(max(looks >> unseen[kind] // UNSEEN_UNTIL_HALF, min(looks, LOOKS_MINIMUM))):
        if seen():
            unseen[kind] = 0
            return
        api.target.transport.sleep(seconds)
    unseen[kind] += 1


def await_image(api: Api, name: str) -> None:
    """Looks until an image is READY, for a while: the answer of its insert was lost."""
    for _ in range(IMAGE_LOOKS):
        api.target.transport.sleep(0.1)
        if (api.get(name).resource or {}).get("status") == "READY":
            break


# Sources that are not of the suite's making


def use_configured(api: Api, sources: Sources, kind: str) -> None:
    """Uses a source behind a customer key, where one is configured, without its key, with another, and with it."""
    url, key = getattr(sources, f"encrypted_{kind}"), getattr(sources, f"encrypted_{kind}_key")
    if url and key:
        name = SOURCE_FIELDS[kind]
        api.create({name: url}, intent=refused("encryption.required-for-source"))
        other = {name: url, f"{name}EncryptionKey": {"rawKey": CUSTOMER_KEY}}
        api.create(other, intent=refused("encryption.required-for-source"))
        body = {name: url, f"{name}EncryptionKey": {"rawKey": key}}
        api.create(body, intent=accepted("encryption.required-for-source"))


def use_locked(api: Api, sources: Sources) -> None:
    """Uses a locked image as source, where one is configured."""
    if sources.locked_image:
        api.create({"sourceImage": sources.locked_image}, intent=refused("image.locked.forbids"))


# Changes


def labels_of(api: Api, name: str) -> tuple[dict[str, Any], Any]:
    """The labels of an image and their fingerprint, as a get shows them; none where they are of another type."""
    image = api.get(name).resource or {}
    labels = image.get("labels")
    return labels if isinstance(labels, dict) else {}, image.get("labelFingerprint")


def relabelled(
    api: Api, name: str, labels: dict[str, Any], fingerprint: object, by: Callable[..., Exchange] = Api.set_labels
) -> None:
    """Sets labels, and looks until they are seen: a target may show them a moment later."""
    change = by(api, name, {"labels": labels, "labelFingerprint": fingerprint})
    api.finish(change)
    look_until(api, "labels", lambda: labels_of(api, name)[0] == labels, LABEL_LOOKS if change.answered else 1)


def patched(api: Api, name: str, fields: Mapping[str, Any]) -> None:
    """Sends a PATCH, and looks until its fields are seen: what comes next is not to be taken for a part of it."""
    change = api.patch(name, fields)
    api.finish(change)

    def seen() -> bool:
        image = api.get(name).resource or {}
        return all(image.get(field) == value for field, value in fields.items())

    look_until(api, "a patch", seen, LABEL_LOOKS if change.answered else 1)


def look_at_family(api: Api, family: str, latest: str, can: Callable[[str], bool]) -> None:
    """Asks for a family's image until it is the latest: a target may show a change a moment later.

    Args:
        api: where to ask.
        family: the family.
        latest: the name of the image that should be the answer; "" for none.
        can: tells whether the target has a capability.
    """

    def seen() -> bool:
        answers = [api.from_family(family).resource] if can("family") else []
        if can("family_views"):
            view = (api.family_view(ZONE, family).resource or {}).get("image")
            answers.append(view if isinstance(view, dict) else None)
        return all((answer or {}).get("name", "") == latest for answer in answers)

    look_until(api, "the latest of a family", seen, FAMILY_LOOKS)


def look_at_view(api: Api, family: str, latest: str, zone: str = ZONE) -> None:
    """Asks for a zone's image of a family for some moments, or until it is the one that it should be."""

    def seen() -> bool:
        view = (api.family_view(zone, family).resource or {}).get("image")
        return isinstance(view, dict) and view.get("name") == latest

    look_until(api, "a view of a family", seen, VIEW_LOOKS, VIEW_SECONDS)


def later(
    api: Api, first: Created, request: InsertRequest | Mapping[str, Any], *, intent: Intent | None = None
) -> Created:
    """Makes an image whose creation the target's clock can tell from that of another.

    What is tried again where it cannot has a name that is one letter shorter, and so still before the same ones.
    """
    made = api.create(request, intent=intent)
    if shown(first).get("creationTimestamp") == shown(made).get("creationTimestamp"):
        time.sleep(1.1)
        if isinstance(request, InsertRequest) and type(request.name) is str:
            request = request.replace(name=request.name[:-1])
        made = api.create(request, intent=intent)
    return made


def delete_as(api: Api, habit: Habit, name: str, request_id: str) -> Exchange:
    """Deletes an image as a client does that has a habit."""
    query = (*habit.query, ("requestId", request_id))
    path, headers = f"global/images/{name}", dict(habit.headers)
    return api.send("DELETE", path, query, headers=headers, intent=accepted(habit.rule))


# Replays


def literal(created: Created) -> InsertRequest:
    """The request behind an insert, to be sent again to the letter."""
    sent = created.insert.request
    query = tuple((name, value) for name, values in sent.query.items() for value in values if name != "requestId")
    return InsertRequest({}, created.name, sent.query["requestId"][0], query=query, rewrite=lambda _: sent.body or b"")


def reordered(content: bytes) -> bytes:
    """The same JSON with its keys the other way round, and other white space."""
    return json.dumps(dict(reversed(json.loads(content).items())), indent=1).encode()


# Races


def race(api: Api, prepare: Callable[[], Callable[[int], Exchange]]) -> Iterator[list[Exchange]]:
    """Sends requests at the same moment, and follows each to its end; again as the profile wants, or where none
    overlapped.

    Args:
        api: where they are sent.
        prepare: gets things ready for a race, and answers what each of its threads sends.
    """
    races = api.target.profile.races
    for number in range(1, RACES_MAXIMUM + races):
        answers = api.target.race.run(prepare())
        # Each operation once; its name may be anything at all.
        for answer in {str((answer.resource or {}).get("name")): answer for answer in answers}.values():
            api.finish(answer)
        yield answers
        order = sorted(answers, key=lambda answer: answer.sent)
        if number >= races and any(two.sent < one.received for one, two in itertools.pairwise(order)):
            break


def persistent(api: Api, request: InsertRequest) -> Exchange:
    """Sends an insert several times, so that some come after the deletes of a race have; answers the one that
    succeeded."""
    answers = [api.insert(request) for _ in range(TRIES)]
    return next((answer for answer in answers if not answer.refused), answers[-1])
