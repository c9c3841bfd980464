"""Stories that recordings tell: a clean one, and such as break one rule."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from conformance.commands.check import check
from conformance.config.settings import Settings
from conformance.verdicts.results import Results
from helpers.recorded import EXISTS, FINGERPRINTS, NOT_FOUND, REQUEST_ID, Recorded, image, operation

BROKEN = ("failed", "deviates", "error")
LABELS = {"env": "test"}


def judged(text: bytes, folder: Path, name: str = "recording") -> Results:
    """What `check` says of a file, whose name tells nothing."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text)
    return check(path, Settings())


def broken(results: Results) -> set[str]:
    """The rules that a recording breaks."""
    return {row.id for row in results.rules if row.verdict in BROKEN}


def story() -> Recorded:
    """An image from its insert to its end, with a replay, labels, a refusal, a list, and what is not found."""
    told = Recorded().get(NOT_FOUND, 404).insert(request_id=REQUEST_ID).insert(request_id=REQUEST_ID).done()
    told.get(image()).insert(answer=EXISTS, code=409)
    told.labelled(LABELS, image()["labelFingerprint"])
    shown = image(labels=LABELS, labelFingerprint=FINGERPRINTS[0])
    told.get(shown).list(shown, query="?filter=name%3Dimage-1")
    return told.delete().deleted().get(NOT_FOUND, 404)


def _spoiled(spoil: Callable[[Recorded], Recorded]) -> Recorded:
    return spoil(Recorded().insert(request_id=REQUEST_ID))


SPOILED: dict[str, Recorded] = {
    "operation.target-id": _spoiled(lambda told: told.done(targetId="17").get(image())),
    "operation.status-monotonic": _spoiled(lambda told: told.done().poll(operation(1, "RUNNING"))),
    "operation.progress": _spoiled(lambda told: told.done(progress=101)),
    "image.status": _spoiled(lambda told: told.done().get(image(status="FINE"))),
    "image.description.round-trip": Recorded().made(1, image(description="other"), description="mine"),
    "request-id.replay-after-done": _spoiled(
        lambda told: told.done().get(image()).insert(request_id=REQUEST_ID, answer=EXISTS, code=409).get(image())
    ),
    "labels.set": Recorded().made().labelled(LABELS, image()["labelFingerprint"]).get(image(), wait=70).get(image()),
    "life.delete": Recorded().made().delete().deleted().get(image(), wait=70).get(image(), wait=70),
    "transport.error-envelope": Recorded().get({"error": {"code": 400, "message": "not found"}}, 404),
    "source.required": Recorded().insert(sourceDisk=None).done().get(image(sourceDisk=None, sourceDiskId=None)),
}
"""Stories in which one rule is broken, by that rule."""
