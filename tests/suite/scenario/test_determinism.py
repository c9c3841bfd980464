"""A gate does not depend on the day: two runs send the same requests, whatever machine and however many workers they have."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from pathlib import Path

from conformance.commands.run import judge
from conformance.config.settings import Settings
from conformance.config.sources import embedded_sources
from conformance.emulator.process import EmulatorProcess
from conformance.trace.har import OWN

NEW_IN_EVERY_RUN = (
    (r"conformance-[0-9a-f]{8}(-[a-z0-9]+-\d+)?", "NAME"),
    (r"(?i)[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "ID"),
    (r"(?<=operations/)[-a-z0-9]+", "OPERATION"),
    (r"(?<=images/)\d+", "NUMBER"),
    (r'(?<="labelFingerprint": )"[^"]*"', "FINGERPRINT"),
)
REACTIVE = ("test_image_that_is_not_ready_is_no_source", "test_simultaneous_deletes_and_inserts")
"""They try again until they have met what they look for."""


def changes(path: Path, workers: int) -> dict[str, Counter[str]]:
    """What each scenario of a run sends to change something, without what is new in every run."""
    with EmulatorProcess() as emulator:
        only = ("request-id.*", "image.labels.*", "image.family.*", "image.description.*", "life.isolation")
        sources = embedded_sources("conformance")
        judge(
            Settings(
                url=emulator.url, sources=sources, profile="ci", only=only, workers=workers, second_project="other"
            ),
            traffic=path,
        )
    sent: dict[str, Counter[str]] = defaultdict(Counter)
    for entry in json.loads(path.read_text(encoding="utf-8"))["log"]["entries"]:
        scenario = entry[OWN]["trace"].rpartition(" ")[0]
        request = entry["request"]
        text = (
            f"{request['method']} {request['url'].partition('/compute/')[2]} {request.get('postData', {}).get('text')}"
        )
        for pattern, stand_in in NEW_IN_EVERY_RUN:
            text = re.sub(pattern, stand_in, text)
        if request["method"] != "GET" and scenario not in REACTIVE:
            sent[scenario][text] += 1
    return sent


def test_two_runs_send_the_same_requests_in_the_same_scenarios(tmp_path: Path) -> None:
    one, two = (changes(tmp_path / f"{workers}.har", workers) for workers in (1, 2))
    assert len(one) > 20
    assert {name: (found - two[name], two[name] - found) for name, found in one.items() if found != two[name]} == {}
    assert one.keys() == two.keys()
