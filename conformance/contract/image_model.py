"""The store of images as a sequential model: what each request makes of the one image that bears a name, if they come
one by one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from conformance.contract.linearizability import Call

LOOK, TAKEN, MISSING = "look", "name taken", "not there"
"""What tells of an image and changes nothing: a get or a list; the refusals of an insert, and of any other request."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a request asks for, or an answer shows, of an image; None for what it does not tell.

    `labels` are in one form for equal labels, `deprecation` is the state.
    """

    id: str | None = None
    labels: str | None = None
    deprecation: str | None = None

    def agrees(self, other: Facts) -> bool:
        """Whether nothing that both tell of differs."""
        pairs = ((self.id, other.id), (self.labels, other.labels), (self.deprecation, other.deprecation))
        return all(None in pair or pair[0] == pair[1] for pair in pairs)


NOTHING = Facts()


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked: an API method, or what else tells of an image, with the facts that it sets.

    `unknown` are the facts of which nobody can say what the request makes of them; `needs` are the ids and labels
    beside which the fingerprint that was sent has been seen: it is up to date only while the image of such an id has
    some of these. Of a fingerprint that was never seen there are none to tell; nor of the next image of the name,
    whose fingerprints may be counted from the beginning.
    """

    method: str
    facts: Facts = NOTHING
    unknown: frozenset[str] = frozenset()
    needs: frozenset[Facts] = frozenset()


ImageCall = Call[Asked, Facts | None]
"""A request about an image: the answer's facts, None where it shows that there is no image."""


@dataclass(frozen=True, slots=True)
class Image:
    """The image of a name, as far as it is known.

    Args:
        there: whether there is one; None where that is not known, for nothing is assumed of the time before the first
            request.
        facts: what is known of it; of one that is gone, its id.
        gone_at: until when the delete that removed it was under way: others of that time come to the same.
    """

    there: bool | None = None
    facts: Facts = NOTHING
    gone_at: float = 0.0


UNKNOWN = Image()


def image_model(image: Image, call: ImageCall) -> Iterator[Image]:
    """The sequential model, as the search for an order asks it."""
    asked, shown = call.argument, call.result
    if asked.method == "images.insert":
        step = None if image.there else Image(True, replace(asked.facts, id=_target(call).id))
    elif asked.method == "images.delete":
        step = _deleted(image, call)
    elif asked.method == LOOK and shown is not None:
        step = _seen(image, shown)
    elif asked.method in (LOOK, MISSING):
        step = None if image.there else replace(image, there=False)
    elif asked.method == TAKEN:
        step = None if image.there is False else replace(image, there=True)
    else:
        step = _changed(image, call)
    if step is not None:
        yield step


def _target(call: ImageCall) -> Facts:
    """The image that a change is about, as its operation tells it."""
    return Facts(id=call.result.id if call.result else None)


def _deleted(image: Image, call: ImageCall) -> Image | None:
    target = _target(call)
    if not image.facts.agrees(target) or (image.there is False and call.start > image.gone_at):
        return None
    return image if image.there is False else Image(False, Facts(id=target.id or image.facts.id), gone_at=call.end)


def _seen(image: Image, shown: Facts) -> Image | None:
    if image.there is False or not image.facts.agrees(shown):
        return None
    return Image(True, _both(shown, image.facts))


def _changed(image: Image, call: ImageCall) -> Image | None:
    """An image after setLabels, deprecate or patch."""
    asked, facts, target = call.argument, image.facts, _target(call)
    needed = {need.labels for need in asked.needs if None in (need.id, facts.id) or need.id == facts.id}
    stale = needed and facts.labels is not None and facts.labels not in needed
    if image.there is False or not facts.agrees(target) or stale:
        return None
    return Image(True, replace(_both(asked.facts, _both(target, facts)), **dict.fromkeys(asked.unknown)))


def _both(first: Facts, second: Facts) -> Facts:
    """What either tells; the first where both do."""
    return Facts(first.id or second.id, first.labels or second.labels, first.deprecation or second.deprecation)
