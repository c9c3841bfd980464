"""Requests that come again with their requestId: on hand-written traces."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from helpers.story import Story, image, operation, refusal

Step = Callable[[Story], Story]

OWN = operation(id="1002", name="operation-2", targetId="2002")
"""An operation that is another than that of the first insert, and of another image."""


def made() -> Story:
    """The image `one`, made and seen."""
    return Story().insert(operation("PENDING")).poll(operation()).get(image())


def anew(answer: dict[str, Any], code: int = 200, **body: Any) -> Step:
    """The insert again, with another body but for those fields that are given."""
    return lambda story: story.insert(answer, code=code, **({"description": "other"} | body))


@pytest.mark.parametrize(
    ("replay", "verdict"),
    [
        (anew(operation()), "kept"),
        (anew(refusal(400, "invalid"), 400), "kept"),
        (anew(OWN), "broken"),
        (anew(OWN | {"targetId": "2001"}), "kept"),
        (anew({name: value for name, value in OWN.items() if name != "targetId"}), "deviates"),
        (anew(OWN | {"error": {"errors": [{"code": "X"}]}, "httpErrorStatusCode": 400}), "kept"),
        (anew({}, 503), "silent"),
        (anew(OWN, description=None), "silent"),
        (lambda story: anew(OWN)(story.change("delete")), "silent"),
        (lambda story: anew(operation())(story).get(image(description="other")), "broken"),
        (lambda story: anew(operation())(story).change("patch", {}).get(image(description="other")), "kept"),
        (lambda story: anew(operation(), name="two")(story).get(image(name="two"), name="two"), "broken"),
        (
            lambda story: anew(operation(), name="two")(story).get(refusal(404, "notFound"), status=404, name="two"),
            "kept",
        ),
    ],
)
def test_another_body_under_a_used_request_id(replay: Step, verdict: str) -> None:
    assert replay(made()).verdict("request-id.replay-other-body") == verdict
