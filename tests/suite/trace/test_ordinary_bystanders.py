"""What other clients do meanwhile, seen and unseen, and lives of real clients: nothing in them is a breach."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers.ordinary import NEW, NOT_READY, OLD, STALE, Told, check, later
from helpers.recorded import (
    EXISTS,
    FINGERPRINTS,
    LINKS,
    NO_LABELS,
    NOT_FOUND,
    PROJECT,
    Recorded,
    at,
    error,
    image,
    operation,
)

BASE = image(
    2,
    name="debian-12-v1",
    family="debian-12",
    selfLink=f"{LINKS}/v1/projects/debian-cloud/global/images/debian-12-v1",
    sourceDisk=None,
    sourceDiskId=None,
    rawDisk={"source": "", "containerType": "TAR"},
)

OTHERS: tuple[tuple[str, Told], ...] = (
    (
        "labels changed by another client",
        lambda t: (
            t.made()
            .labelled(OLD, NO_LABELS, status=412, answer=STALE)
            .get(image(labels=NEW, labelFingerprint=FINGERPRINTS[0]))
            .labelled({**OLD, **NEW}, FINGERPRINTS[0])
            .get(image(labels={**OLD, **NEW}, labelFingerprint=FINGERPRINTS[1]))
        ),
    ),
    (
        "labels before the image is ready",
        lambda t: (
            t.insert()
            .get(image(status="PENDING"))
            .labelled(NEW, NO_LABELS, status=400, answer=NOT_READY)
            .done()
            .labelled(NEW, NO_LABELS)
            .get(image(labels=NEW, labelFingerprint=FINGERPRINTS[0]))
        ),
    ),
    (
        "a delete before the image is ready",
        lambda t: t.insert().delete(status=400, answer=NOT_READY).done().delete().deleted().get(NOT_FOUND, 404),
    ),
    ("a name that another client has", lambda t: t.get(NOT_FOUND, 404).insert(answer=EXISTS, code=409).get(image())),
    ("credentials that had expired", lambda t: t.insert(answer=error(401, "authError"), code=401).made()),
    (
        "a stale fingerprint, and then the right one",
        lambda t: (
            t.made()
            .labelled(NEW, FINGERPRINTS[2], status=412, answer=STALE)
            .labelled(NEW, NO_LABELS)
            .get(image(labels=NEW, labelFingerprint=FINGERPRINTS[0]))
        ),
    ),
    (
        "labels that the operation finds stale",
        lambda t: (
            t.made()
            .labelled(
                NEW,
                FINGERPRINTS[2],
                answer=operation(
                    9,
                    target=1,
                    operationType="setLabels",
                    insertTime=at(7),
                    startTime=at(7),
                    endTime=at(7),
                    error={"errors": [{"code": "CONDITION_NOT_MET", "message": "x"}]},
                    httpErrorStatusCode=412,
                    httpErrorMessage="PRECONDITION FAILED",
                ),
            )
            .get(image())
        ),
    ),
)

CLIENTS: tuple[tuple[str, Told], ...] = (
    (
        "gcloud",
        lambda t: (
            t.insert(query="?alt=json", sourceType="RAW", guestOsFeatures=[])
            .wait(t.ended())
            .get(image(), query="?alt=json")
            .get(image(), query="?alt=json")
            .labelled(NEW, NO_LABELS)
            .get(image(labels=NEW, labelFingerprint=FINGERPRINTS[0]))
        ),
    ),
    (
        "Node",
        lambda t: (
            t.insert(labels={})
            .say("POST", "global/operations/operation-1/wait", '""', t.ended())
            .get(image(), query="?")
        ),
    ),
    ("Libcloud", lambda t: t.insert(description=None, family=None).done().list(image(), query="?maxResults=500")),
    (
        "Terraform",
        lambda t: (
            t.insert(query="?alt=json&prettyPrint=false", labels={"goog-terraform-provisioned": "true"})
            .poll(t.ended(), query="?alt=json&prettyPrint=false")
            .get(image(labels={"goog-terraform-provisioned": "true"}, labelFingerprint=FINGERPRINTS[0]))
            .delete()
            .deleted()
        ),
    ),
    (
        "Packer, which looks for the image first",
        lambda t: (
            t.say("GET", "global/images/image-1", None, NOT_FOUND, 404)
            .insert(licenses=["global/licenses/l"], storageLocations=["us"])
            .done()
            .get(image(licenses=[f"{LINKS}/v1/projects/{PROJECT}/global/licenses/l"]))
        ),
    ),
    (
        "a copy of another project's latest",
        lambda t: (
            t.say("GET", "/compute/v1/projects/debian-cloud/global/images/family/debian-12", None, BASE)
            .insert(sourceDisk=None, sourceImage=BASE["selfLink"])
            .done()
            .get(image(sourceDisk=None, sourceDiskId=None, sourceImage=BASE["selfLink"], sourceImageId=BASE["id"]))
        ),
    ),
)

DEPRECATED: dict[str, Any] = {"deprecated": {"state": "DEPRECATED"}}

RELABELLED: dict[str, Any] = {"labels": NEW, "labelFingerprint": FINGERPRINTS[0]}

OTHERS_LABELS: dict[str, Any] = {"labels": OLD, "labelFingerprint": FINGERPRINTS[1]}

NEWBORN = image(id="77", creationTimestamp=at(3000))


def an_hour(told: Recorded) -> Recorded:
    """An hour in which nothing is recorded."""
    return later(told, 3600)


BYSTANDERS: tuple[tuple[str, Told], ...] = (
    ("sets labels", lambda t: t.made(labels=NEW, shown=image(**RELABELLED)).get(image(**OTHERS_LABELS))),
    (
        "sets labels after the recorded client",
        lambda t: t.made().labelled(NEW, NO_LABELS).get(image(**RELABELLED)).get(image(**OTHERS_LABELS)),
    ),
    (
        "patches",
        lambda t: an_hour(t.made(description="d", family="f", shown=image(description="d", family="f"))).get(
            image(description="e", family="g")
        ),
    ),
    (
        "deprecates before labels are set",
        lambda t: (
            an_hour(t.made()).get(image(**DEPRECATED)).labelled(NEW, NO_LABELS).get(image(**RELABELLED, **DEPRECATED))
        ),
    ),
    (
        "deprecates, which nobody looks at before labels are set",
        lambda t: an_hour(t.made()).labelled(NEW, NO_LABELS).get(image(**RELABELLED, **DEPRECATED)),
    ),
    (
        "deprecates after labels are set",
        lambda t: an_hour(t.made().labelled(NEW, NO_LABELS)).get(image(**RELABELLED, **DEPRECATED)),
    ),
    (
        "takes a deprecation back",
        lambda t: an_hour(t.made().act("deprecate", {"state": "DEPRECATED"}).get(image(**DEPRECATED))).get(image()),
    ),
    (
        "patches what was patched",
        lambda t: an_hour(t.made().act("patch", {"description": "d"}).get(image(description="d"))).get(
            image(description="e")
        ),
    ),
    (
        "sets labels, whose fingerprint the recorded client knows from elsewhere",
        lambda t: an_hour(t.made()).labelled(NEW, FINGERPRINTS[1]).get(image(**RELABELLED)),
    ),
    (
        "deletes before labels are set",
        lambda t: an_hour(t.made()).labelled(NEW, NO_LABELS, status=404, answer=NOT_FOUND).get(NOT_FOUND, 404),
    ),
    (
        "makes an image under a deleted one's name",
        lambda t: an_hour(t.made().delete().deleted().get(NOT_FOUND, 404)).get(NEWBORN),
    ),
    (
        "makes an image under a deleted one's name, which is taken then",
        lambda t: an_hour(t.made().delete().deleted()).insert(answer=EXISTS, code=409).get(NEWBORN),
    ),
    ("makes an image anew", lambda t: an_hour(t.made()).get(NEWBORN)),
    (
        "deletes after labels are set",
        lambda t: an_hour(t.made().labelled(NEW, NO_LABELS).get(image(**RELABELLED))).get(NOT_FOUND, 404),
    ),
    ("deletes before anybody looks", lambda t: an_hour(t.insert().done()).get(NOT_FOUND, 404)),
    (
        "deletes, so that the name is free",
        lambda t: an_hour(t.made()).insert(
            answer=operation(7, target=1, targetId="77", insertTime=at(3607), startTime=at(3607), endTime=at(3607))
        ),
    ),
    (
        "may have made an image under a deleted one's name",
        lambda t: an_hour(t.made().delete().deleted()).insert(answer=EXISTS, code=409),
    ),
)


def instead(verb: str) -> Callable[[Recorded], Recorded]:
    """A POST that a header makes another request of."""

    def tell(told: Recorded) -> Recorded:
        moment = at(told.now + 1.3)
        done = operation(9, "DONE", 1, operationType=verb, insertTime=moment, startTime=moment, endTime=moment)
        header = {"X-HTTP-Method-Override": verb}
        body = {"description": "new"} if verb == "PATCH" else None
        return told.say("POST", "global/images/image-1", body, done, headers=header)

    return tell


OVERRIDDEN: tuple[tuple[str, Told], ...] = (
    (
        "GET",
        lambda t: t.made().say(
            "POST", "global/images/image-1", None, image(), headers={"X-HTTP-Method-Override": "GET"}
        ),
    ),
    (
        "GET of a list",
        lambda t: t.made().say(
            "POST", "global/images", "maxResults=1", {"items": [image()]}, headers={"x-http-method-override": "GET"}
        ),
    ),
    ("PATCH", lambda t: instead("PATCH")(t.made()).get(image(description="new"))),
    ("DELETE", lambda t: instead("DELETE")(t.made()).get(NOT_FOUND, 404).insert(2).done(2)),
)

ROWS = (
    ("another client", BYSTANDERS),
    ("others", OTHERS),
    ("clients", CLIENTS),
    ("another verb", OVERRIDDEN),
)


@pytest.mark.parametrize(
    "told", [pytest.param(told, id=f"{kind}: {name}") for kind, rows in ROWS for name, told in rows]
)
def test_ordinary_traffic_is_no_breach(told: Told, tmp_path: Path) -> None:
    check(told, tmp_path)
