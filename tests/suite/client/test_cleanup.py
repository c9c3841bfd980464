"""What is left at a target is told, whatever its deletes say; and what is not the run's own is not touched."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from helpers.bad_target import Answer, Asked, BadTarget, Line, always

from conformance.client.api import sent_names
from conformance.client.cleanup import Census, Left, census, delete_all, still_made
from conformance.client.journal import Journal
from conformance.client.names import Names
from conformance.client.race import Race
from conformance.client.target import Target
from conformance.client.transport import Transport
from conformance.config.profiles import PROFILES

pytestmark = pytest.mark.nightly


REFUSED = {"error": {"code": 500, "message": "refused"}}
OWN = "conformance-12345678-main-1"
OTHERS = {("other", "1"), ("true", "2")}


class Store:
    """Images by name and id, with a list that may not be offered and a delete that may not work.

    Args:
        images: name and id of each.
        delete: the status of a delete; one that is 200 works if `works` says so.
        works: whether deletes have an effect.
        lists: whether there is a list.
        invalid: names that gets and deletes refuse with 400, whatever is stored.
    """

    def __init__(
        self,
        images: set[tuple[str, str]],
        delete: int = 200,
        *,
        works: bool = True,
        lists: bool = True,
        invalid: frozenset[str] = frozenset(),
    ) -> None:
        self.images = images
        self.deletes: list[str] = []
        self._delete, self._works, self._lists, self._invalid = delete, works, lists, invalid
        self._lock = threading.Lock()

    def script(self, asked: Asked, line: Line) -> None:
        """Answers a request."""
        name = unquote(asked.target.partition("?")[0].rpartition("/")[2])
        with self._lock:
            line.send(self._answer(asked.verb, name).whole())

    def _answer(self, verb: str, name: str) -> Answer:
        if name == "images":
            items = [{"name": name, "id": identifier} for name, identifier in sorted(self.images)]
            return _answer(200, {"items": items}) if self._lists else _answer(404, REFUSED)
        if name in self._invalid:
            return _answer(400, REFUSED)
        found = {image for image in self.images if name in image}
        if verb == "GET":
            return _answer(200 if found else 404, {"name": name})
        self.deletes.append(name)
        if self._works:
            self.images -= found
        return _answer(self._delete if found or not self._works else 404, {"status": "DONE"})


def _answer(status: int, value: Any) -> Answer:
    return Answer(status, json.dumps(value).encode())


def target_at(url: str, folder: Path) -> Target:
    """A target, with its journal in a folder."""
    transport = Transport(f"{url}/compute/beta", {})
    return Target(
        f"{url}/compute/beta", "p", None, transport, Names("12345678", "main"), Journal(folder / "main.journal"),
        PROFILES["quick"], 1.0, Race(transport, 2),
    )  # fmt: skip


def cleaned(
    store: Store, folder: Path, *, before: bool = True, made: tuple[str, ...] = (OWN,), deleted: tuple[str, ...] = ()
) -> Left:
    """Cleans up after a run that has made images of some names, and one whose id its operation told."""
    with BadTarget(store.script) as bad:
        target = target_at(bad.url, folder)
        journal = target.journal
        for name in made:
            journal.asked("p", name)
            journal.made("p", name)
        for name in deleted:
            journal.deleted("p", name)
        journal.identified("p", "77")
        assert still_made(folder) == sorted(f"projects/p/global/images/{name}" for name in set(made) - set(deleted))
        return delete_all(target, folder, {"p": Census(frozenset(OTHERS), complete=True)} if before else {})


@pytest.mark.parametrize("status", [200, 404, 500])
@pytest.mark.parametrize("lists", [True, False], ids=["with a list", "without a list"])
def test_delete_without_effect(status: int, lists: bool, tmp_path: Path) -> None:
    store = Store({(OWN, "3"), *OTHERS}, status, works=False, lists=lists)
    left = cleaned(store, tmp_path, before=lists)
    assert left == Left([f"projects/p/global/images/{OWN}"], [])
    assert 0 < len(store.deletes) <= 4


@pytest.mark.parametrize("works", [True, False], ids=["works now", "never works"])
def test_where_deletes_had_no_effect_a_few_images_show_whether_they_have_one_now(works: bool, tmp_path: Path) -> None:
    names = tuple(f"conformance-12345678-main-{number}" for number in range(100))
    store = Store({(name, f"3{name}") for name in names}, works=works)
    left = cleaned(store, tmp_path, made=names, deleted=names[:50])
    assert left == Left([] if works else sorted(f"projects/p/global/images/{name}" for name in names), [])
    assert len(store.deletes) == (100 if works else 20)


def test_own_images_of_any_name_are_deleted_and_no_others(tmp_path: Path) -> None:
    """Those with an odd name that was sent, one made up by the target, and one without any; not what was there
    before, of the same name even."""
    store = Store(
        {(OWN, "3"), ("7", "4"), ("a\nb", "5"), ("made-up", "77"), ("", "8"), ("true", "9"), *OTHERS, ("new", "6")}
    )
    assert cleaned(store, tmp_path, made=(OWN, "7", "a\nb", "", "true")) == Left([], [])
    assert store.images == {*OTHERS, ("new", "6")}


def test_names_that_are_no_texts_are_told_as_json(tmp_path: Path) -> None:
    items = [{"name": True, "id": 9}, {"name": 7, "id": "8"}, {"name": "True", "id": "7"}]
    page = {"kind": "compute#imageList", "items": items}
    with BadTarget(always(Answer(200, body=json.dumps(page).encode()))) as bad:
        shown = census(target_at(bad.url, tmp_path), "p")
    assert shown == Census(frozenset({("true", "9"), ("7", "8"), ("True", "7")}), complete=True)


@pytest.mark.parametrize(
    ("stored", "lists", "left"),
    [
        (set(), True, Left([], [])),
        ({("True", "4")}, True, Left([], [])),
        ({("True", "")}, True, Left(["projects/p/global/images/True"], [])),
        (set(), False, Left([], ["projects/p/global/images/True"])),
    ],
    ids=["not stored", "stored", "stored without an id", "without a list"],
)
def test_name_that_is_invalid_where_it_is_asked_for(
    stored: set[tuple[str, str]], lists: bool, left: Left, tmp_path: Path
) -> None:
    """The list tells whether it is there, and its id deletes it; without a list nobody knows."""
    store = Store({*stored, *OTHERS}, lists=lists, invalid=frozenset({"True"}))
    assert cleaned(store, tmp_path, before=lists, made=("True",)) == left
    assert store.images >= OTHERS


@pytest.mark.parametrize(
    ("shown", "lists", "left"),
    [
        ("example", True, Left([], [])),
        ("example", False, Left([], [f"projects/p/global/images/{OWN}"])),
        (OWN.upper(), False, Left([f"projects/p/global/images/{OWN}"], [])),
    ],
)
def test_get_that_shows_another_image_whatever_it_is_asked_for(
    shown: str, lists: bool, left: Left, tmp_path: Path
) -> None:
    """What a static mock always shows is none of the run's images."""

    def script(asked: Asked, line: Line) -> None:
        listed = asked.target.partition("?")[0].endswith("/images")
        page = _answer(200, {"items": []}) if lists else _answer(404, REFUSED)
        line.send((page if listed else _answer(200, {"name": shown, "status": "DONE"})).whole())

    with BadTarget(script) as bad:
        target = target_at(bad.url, tmp_path)
        target.journal.made("p", OWN)
        before = {"p": Census(frozenset(), complete=True)} if lists else {}
        assert delete_all(target, tmp_path, before) == left


@pytest.mark.parametrize("works", [True, False])
def test_list_that_is_lost_in_the_run_hides_nothing(works: bool, tmp_path: Path) -> None:
    """What a target said to have deleted is looked for by a get then."""
    store = Store({(OWN, "3"), *OTHERS}, works=works, lists=False)
    with BadTarget(store.script) as bad:
        target = target_at(bad.url, tmp_path)
        for note in (target.journal.asked, target.journal.made, target.journal.deleted):
            note("p", OWN)
        left = delete_all(target, tmp_path, {"p": Census(frozenset(OTHERS), complete=True)})
    assert left == Left([] if works else [f"projects/p/global/images/{OWN}"], [])
    assert (OWN, "3") not in store.images or not works


def test_what_was_unknown_once_is_forgotten_by_no_later_look(tmp_path: Path) -> None:
    """One image is never gone, so that it is looked for again and again; of the other the target soon says no more."""
    asked_for: list[str] = []

    def script(asked: Asked, line: Line) -> None:
        name = asked.target.partition("?")[0].rpartition("/")[2]
        asked_for.append(name)
        known = asked.verb == "DELETE" or (
            name.startswith("conformance") and (name == OWN or asked_for.count(name) < 2)
        )
        line.send(_answer(200 if known else 500, {"status": "DONE"}).whole())

    with BadTarget(script) as bad:
        target = target_at(bad.url, tmp_path)
        for name in (OWN, f"{OWN}0"):
            target.journal.made("p", name)
        left = delete_all(target, tmp_path, {})
    assert left == Left([f"projects/p/global/images/{OWN}"], [f"projects/p/global/images/{OWN}0"])


@pytest.mark.parametrize(
    ("page", "shown"),
    [
        ({}, Census(frozenset(), complete=True)),
        ({"items": None}, Census(frozenset(), complete=True)),
        ({"items": [{"name": OWN, "id": "3"}, None, 7]}, Census(frozenset({(OWN, "3")}), complete=True)),
        ({"kind": "compute#imageList"}, Census(frozenset(), complete=True)),
        ({"kind": "compute#operation"}, None),
        ({"items": {OWN: {}}}, None),
        ({"items": "none"}, None),
        ([], None),
        ([{"name": OWN, "id": 3}], Census(frozenset({(OWN, "3")}), complete=True)),
    ],
)
def test_list_of_another_form_says_nothing(page: Any, shown: Census | None, tmp_path: Path) -> None:
    with BadTarget(lambda asked, line: line.send(_answer(200, page).whole())) as bad:
        assert census(target_at(bad.url, tmp_path), "p") == shown


def test_what_nobody_can_look_up_is_unknown(tmp_path: Path) -> None:
    with BadTarget(lambda asked, line: line.send(_answer(500, REFUSED).whole())) as bad:
        transport = Transport(bad.url, {})
        journal = Journal(tmp_path / "main.journal")
        journal.made("p", OWN)
        names, profile = Names("12345678", "main"), PROFILES["quick"]
        target = Target(bad.url, "p", None, transport, names, journal, profile, 0.1, Race(transport, 2))
        assert delete_all(target, tmp_path, {}) == Left([], [f"projects/p/global/images/{OWN}"])


@pytest.mark.parametrize(
    ("content", "meant", "names"),
    [
        (b'{"name": "one"}', "one", ["one"]),
        (b'{"name": 7}', None, ["7"]),
        (b'{"name": true}', None, ["true", "True"]),
        (b'{"name": "one", "name": "Two"}', "one", ["one", "Two"]),
        (b'{"name": "one"} and more', "one", ["one"]),
        (b'[{"name": "one"}]', "one", ["one"]),
        (b"name=conformance", "one", ["one", "conformance"]),
        (b'{"name": "on', "one", ["one"]),
        (b"{}", None, []),
        (b'{"name": ""}', "", [""]),
    ],
)
def test_names_that_an_image_may_bear(content: bytes, meant: str | None, names: list[str]) -> None:
    assert sent_names(content, meant) == names
