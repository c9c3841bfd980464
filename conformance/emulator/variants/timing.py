"""Freedoms in when something is seen, and for how long."""

from __future__ import annotations

from conformance.emulator.faults.row import shown_image, switched
from conformance.emulator.variants.row import Variant

MOMENT = 0.05
"""Seconds after which what was done is seen everywhere."""

ROWS: tuple[Variant, ...] = (
    Variant("wait-early", "wait answers soon, DONE or not", switched(wait_seconds=0.003)),
    Variant(
        "late-lists",
        "lists show an image a moment after it is READY",
        switched(seen_after={"images.list": MOMENT}),
        ("life.list-once", "life.list-steady", "life.list-filter-forms"),
    ),
    Variant(
        "late-families",
        "families have an image a moment after it is READY",
        switched(seen_after={"images.getFromFamily": MOMENT, "imageFamilyViews.get": MOMENT}),
    ),
    Variant(
        "short-retention",
        "operations are forgotten soon after they were DONE",
        switched(retention_seconds=3.0),
    ),
    Variant("gone-at-once", "an image is gone before its deletion is DONE", switched(deletes_at_once=True)),
    Variant("slow-changes", "changes of labels and deprecations take their time", switched(slow_changes=True)),
    Variant(
        "ready-until-gone",
        "an image that is being deleted is READY to its end",
        shown_image(lambda image, call, times: image.update(status="READY") if image["status"] == "DELETING" else None),
    ),
    Variant(
        "failed-images-stay", "an insert that fails leaves an image that is FAILED", switched(failed_images_stay=True)
    ),
)
