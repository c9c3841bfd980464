"""Numbers, times and texts of an insert: what is no valid one is recognised, and what is taken comes back exactly."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.story import REQUEST_ID, Story, image, operation, refusal

from conformance.strategies.optional_values import written
from conformance.trace.formats import decoded, integer, is_timestamp

TWO: dict[str, Any] = {
    "id": "1002",
    "name": "operation-2",
    "targetId": "2002",
    "targetLink": "https://www.googleapis.com/compute/beta/projects/p/global/images/two",
    "selfLink": "https://www.googleapis.com/compute/beta/projects/p/global/operations/operation-2",
    "clientOperationId": REQUEST_ID.replace("1", "2"),
}


@pytest.mark.parametrize(
    ("value", "number"),
    [
        *((form, 13) for form in written(13)),
        *(("1e3", 1000), (-1, -1), ("9" * 30, int("9" * 30))),
        *((value, None) for value in ("1.5", 1.5, True, "", "0x10", "ten", None, "1e999")),
    ],
)
def test_whole_number_in_whatever_form(value: Any, number: int | None) -> None:
    assert integer(value) == number


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        *((text, True) for text in ("2024-02-29T00:00:00Z", "2024-05-01t10:00:00z", "0000-02-29T00:00:00Z")),
        *((f"2024-05-01T10:00:00.{'123456789'[:digits]}+05:30", True) for digits in range(1, 10)),
        *((text, False) for text in ("2024-02-30T00:00:00Z", "2024-05-01T24:00:00Z", "0000-02-30T00:00:00Z")),
        *((text, False) for text in ("2024-05-01T10:00:00+24:00", "2024-05-01T10:00:00.Z", "2024-05-01T10:00Z", 7)),
    ],
)
def test_timestamp(text: Any, valid: bool) -> None:
    assert is_timestamp(text) == valid


@pytest.mark.parametrize(("text", "content"), [("AAEC", b"\0\1\2"), ("AAE", b"\0\1"), ("_-8=", b"\xff\xef")])
def test_base64_that_a_lenient_reader_takes(text: str, content: bytes) -> None:
    assert decoded(text) == content


@pytest.mark.parametrize("text", ["A", "=", "==", "AAEC=AAEC", "AA EC"])
def test_text_that_is_no_base64(text: str) -> None:
    assert decoded(text) is None


@pytest.mark.parametrize(
    ("rule", "body"),
    [
        ("image.disk-size-gb.range", {"diskSizeGb": str(2**63)}),
        ("image.disk-size-gb.range", {"diskSizeGb": -1}),
        ("image.license-codes.range", {"licenseCodes": ["1", str(-(2**63) - 1)]}),
        ("transport.wrong-type.diskSizeGb", {"diskSizeGb": "1.5"}),
        ("transport.wrong-type.locked", {"locked": "maybe"}),
        ("transport.wrong-type.locked", {"locked": 7}),
        ("source.required", {"sourceImage": ""}),
        ("image.labels.limits", {"labels": {"key": "é" * 64}}),
        ("image.shielded.base64", {"shieldedInstanceInitialState": {"pk": {"content": "="}}}),
        ("image.deprecated.timestamps", {"deprecated": {"deleted": "2024-02-30T00:00:00Z"}}),
    ],
)
def test_value_that_has_to_be_refused(rule: str, body: dict[str, Any]) -> None:
    assert rule in Story().insert(refusal(400, "invalid"), code=400, **body).kept()
    assert rule in Story().insert(operation("PENDING"), **body).poll(operation()).broken()


@pytest.mark.parametrize(
    "body",
    [
        {"diskSizeGb": str(2**63 - 1)},
        {"licenseCodes": [str(-(2**63))]},
        {"locked": "TRUE"},
        {"labels": {"k": "é" * 63}},
    ],
)
def test_value_that_may_be_taken(body: dict[str, Any]) -> None:
    assert Story().insert(refusal(400, "invalid"), code=400, **body).broken() == set()


def sized(sent: Any, shown: str | None) -> set[str]:
    """The rules that are broken where the source has 10 GB, and an image for which a size was sent shows this one, or
    none."""
    story = Story().insert(operation("PENDING")).poll(operation()).get(image())
    other = REQUEST_ID.replace("1", "2")
    story.insert(operation(**TWO), request_id=other, name="two", diskSizeGb=sent)
    link = "https://www.googleapis.com/compute/beta/projects/p/global/images/two"
    return story.get(image(name="two", id="2002", diskSizeGb=shown, selfLink=link), name="two").broken()


def test_size_that_comes_back() -> None:
    for sent in written(13):
        assert sized(sent, "13") == set()
        assert "image.disk-size-gb.round-trip" in sized(sent, "20")
    assert sized("013", "013") == set()
    assert "image.type.diskSizeGb" in sized("13", "13 GB")
    assert sized("5", "10") == set()
    assert sized("13", None) == {"image.disk-size-gb.round-trip"}
