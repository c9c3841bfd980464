"""Lists and families of a recording: which images they show, of those that are there."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from helpers.pairs import Pair, Told, both_ways
from helpers.recorded import LINKS, NOT_FOUND, Recorded, at, image

FAMILY = "/compute/v1/projects/other/global/images/family/f"


def listed(expression: str, *shown: dict[str, Any]) -> Told:
    """A list of images that pass a filter."""
    return lambda t: t.list(*shown, query=f"?filter={quote(expression)}")


def lacking(expression: str, pause: float = 100) -> Told:
    """A list for an image that was made a while ago, and is there afterwards, in which it is not."""

    def tell(t: Recorded) -> Recorded:
        t.made()
        t.now += pause
        query = f"?filter={quote(expression)}" if expression else ""
        return t.list(image(7, name="image-7"), query=query).get(image())

    return tell


def of_a_family_lacking(wait: float = 1.2) -> Told:
    """A list of a family without an image that is shown as one of it before and after."""
    return lambda t: listed("family=f", TWO)(t.get(OF_FAMILY, name="image-7")).get(OF_FAMILY, name="image-7", wait=wait)


def shown_later(status: str, pause: float = 100) -> Told:
    """A list that shows an image of an insert that has ended a while ago."""

    def tell(t: Recorded) -> Recorded:
        t.insert().done()
        t.now += pause
        return t.list(image(status=status))

    return tell


def of_family(**changes: Any) -> Told:
    """The image of a family of another project."""
    base = image(name="base", selfLink=f"{LINKS}/v1/projects/other/global/images/base", **{"family": "f", **changes})
    return lambda t: t.say("GET", FAMILY, None, {name: value for name, value in base.items() if value is not None})


def passed_over(**changes: Any) -> Told:
    """The older of two images of another project's family, and lists of both before and after."""
    links = f"{LINKS}/v1/projects/other/global/images"
    old, new = (
        image(number, name=name, selfLink=f"{links}/{name}", family="f", creationTimestamp=at(born))
        for number, name, born in ((1, "old", -90_000), (2, "new", -80_000))
    )
    both = {"kind": "compute#imageList", "items": [old, new | changes]}
    root = "/compute/v1/projects/other/global/images"
    return lambda t: t.say("GET", root, None, both).say("GET", FAMILY, None, old).say("GET", root, None, both)


ONE, TWO = image(1, labels={"env": "test"}, labelFingerprint="aB3dE6gH9jK="), image(2, family="f")

OLD = image(creationTimestamp=at(-9000))

OF_FAMILY = image(7, name="image-7", family="f")


def lists_around(*held: int, born: float = -9000) -> Told:
    """A list that shows some images between two that show both."""
    both = {number: image(number, creationTimestamp=at(born)) for number in (1, 2)}
    return lambda t: t.list(*both.values()).list(*(both[number] for number in held)).list(*both.values())


def between_looks(*items: Any, query: str = "", born: float = -9000, **more: Any) -> Told:
    """A list between a change of an image's labels and a look at it."""
    old = image(creationTimestamp=at(born))
    new = image(creationTimestamp=at(born), labels={"a": "1"}, labelFingerprint="aB3dE6gH9jK=")
    return lambda t: (
        t.get(old).labelled({"a": "1"}, old["labelFingerprint"]).list(*items, query=query, **more).get(new).get(new)
    )


def gone_from_a_list(*, deleted: bool) -> Told:
    """A list without an old image that a get shows a moment longer, before it is gone or the recording ends."""

    def tell(t: Recorded) -> Recorded:
        t.get(OLD)
        if deleted:
            t.delete().deleted()
        t.list(image(7, name="image-7")).get(OLD)
        return t.get(NOT_FOUND, 404) if deleted else t

    return tell


def no_longer_latest(*, shown: bool) -> Told:
    """A family that answers the older of two images, where the newer is shown as deprecated by others afterwards."""
    new = image(1, family="f")
    old = image(7, name="image-7", family="f", creationTimestamp=at(-9000))
    later = {**new, "deprecated": {"state": "DEPRECATED"}} if shown else new
    return lambda t: t.made(1, new, family="f").say("GET", "global/images/family/f", None, old, wait=4).get(later)


def loses(field: str, *, asked: bool) -> Told:
    """An image that is deprecated, and lacks a field then; by a PATCH that sets it to nothing, or by nobody."""
    given: dict[str, Any] = {field: "f"}
    full = image(creationTimestamp=at(-9000), **given)
    status = {"state": "DEPRECATED"}

    def tell(t: Recorded) -> Recorded:
        t.get(full)
        if asked:
            t.act("patch", {field: None})
        t.act("deprecate", status)
        return t.get({**{name: value for name, value in full.items() if name != field}, "deprecated": status})

    return tell


def lists_around_a_life(*held: int) -> Told:
    """Lists before and after the life of an image, and one between a look for it and its insert: they show an image
    that has the name of its source in another project, and one more."""
    base = image(5, name="base", selfLink=f"{LINKS}/v1/projects/demo/global/images/base", creationTimestamp=at(-9000))
    shown = {5: base, 6: image(6, creationTimestamp=at(-9000))}
    link = "projects/other/global/images/base"
    made = image(sourceDisk=None, sourceDiskId=None, sourceImage=f"{LINKS}/v1/{link}", sourceImageId="77")
    plain = {name: value for name, value in made.items() if value is not None}

    def tell(t: Recorded) -> Recorded:
        t.list(*shown.values()).get(NOT_FOUND, 404).list(*(shown[number] for number in held))
        return (
            t.made(1, plain, sourceDisk=None, sourceImage=link)
            .delete()
            .deleted()
            .get(NOT_FOUND, 404)
            .list(*shown.values())
        )

    return tell


PAIRS: tuple[Pair, ...] = (
    ("a source's namesake in lists", "life.list-once", lists_around_a_life(5, 6), lists_around_a_life(6)),
    ("a family's list", "life.list-filter-forms", of_a_family_lacking(wait=90), of_a_family_lacking()),
    (
        "a list by an empty token",
        "life.list-once",
        lambda t: t.list(ONE, TWO, query="?filter=&orderBy=&pageToken="),
        lambda t: t.list(ONE, TWO, ONE, query="?filter=&orderBy=&pageToken="),
    ),
    ("a filter for a pattern", "life.list-filter-forms", listed("name eq image-[12]", ONE), listed("name eq b.*", ONE)),
    ("a filter against a pattern", "life.list-filter-forms", listed("name ne b.*", ONE), listed("name ne i.*", ONE)),
    ("a filter for a label", "life.list-filter-forms", listed("labels.env:*", ONE), listed("labels.env:*", ONE, TWO)),
    ("a filter that nobody knows", "life.list-filter-forms", listed("name:x", TWO), listed("family!=f", TWO)),
    ("a list that may be late", "life.list-once", lacking("", pause=1), lacking("")),
    ("a list that is a while after", "life.list-once", lacking("", pause=1), lacking("", pause=15)),
    (
        "a list that shows an image later",
        "life.list-once",
        lambda t: lacking("", pause=15)(t).list(image()),
        lambda t: t.made().list(image()).list(image(7, name="image-7")).get(image()),
    ),
    ("a list between two", "life.list-once", lists_around(1, 2), lists_around(2)),
    ("a list of new images between two", "life.list-once", lists_around(2, born=0.1), lists_around(1)),
    ("a list between looks", "life.list-once", between_looks(born=0.1), between_looks(TWO)),
    ("a list of a page", "life.list-once", between_looks(nextPageToken="x"), between_looks(query="?maxResults=500")),
    (
        "a list of nothing but its kind",
        "life.list-once",
        lambda t: (
            t.get(OLD).say("GET", "global/images?fields=kind", None, {"kind": "compute#imageList"}).get(OLD).get(OLD)
        ),
        lambda t: t.get(OLD).list().get(OLD).get(OLD),
    ),
    (
        "a list with a warning",
        "life.list-once",
        between_looks(warning={"code": "UNREACHABLE", "message": "It lacks something."}),
        between_looks(warning={"code": "NO_RESULTS_ON_PAGE", "message": "There are no results."}),
    ),
    ("a list after a delete", "life.list-once", gone_from_a_list(deleted=True), gone_from_a_list(deleted=False)),
    (
        "a list before a delete",
        "life.list-once",
        lambda t: t.get(OLD).delete().list(TWO).deleted(),
        lambda t: t.get(OLD).list(TWO).delete().deleted(),
    ),
    ("a filter for a family", "life.list-filter-forms", listed("family=f", TWO), listed("family=f", TWO, ONE)),
    ("a list that shows no families", "life.list-filter-forms", listed("family=f", ONE), listed("family=f", TWO, OLD)),
    ("a newer image", "family.latest", no_longer_latest(shown=True), no_longer_latest(shown=False)),
    ("a family that is left", "life.model", loses("family", asked=True), loses("family", asked=False)),
    ("a filter for one image", "life.list-once", lacking("name = image-7"), lacking('name = "image-1"')),
    ("a pattern for one image", "life.list-once", lacking("name eq image-7"), lacking("(name eq image-1)")),
    ("a list that is late", "operation.success-means-ready", shown_later("PENDING", 1), shown_later("PENDING")),
    ("a list of what has failed", "operation.success-means-ready", shown_later("READY"), shown_later("FAILED", 1)),
    ("a family in rollout", "family.latest", passed_over(rolloutOverride={"defaultRolloutTime": at(9)}), passed_over()),
    ("a family's new image", "family.latest", passed_over(creationTimestamp=at(-5)), passed_over(description="text")),
    ("a deprecated image", "family.latest", passed_over(deprecated={"state": "DEPRECATED"}), passed_over(labels={})),
    ("an image of no family", "family.latest", of_family(), of_family(family=None)),
    ("an image in short", "family.latest", of_family(storageLocations=None), of_family(family="g")),
)

test_ordinary_one_is_no_breach, test_other_one_is_a_breach = both_ways(PAIRS)
