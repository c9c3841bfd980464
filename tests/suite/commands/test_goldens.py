"""Goldens: recorded once, and compared with other targets, or with other goldens, where nothing can be asked."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conformance.commands.compare import FILE_NAME, places, run_comparison
from conformance.commands.record import run_record
from conformance.config.settings import Settings, UsageError
from conformance.emulator.process import EmulatorProcess
from conformance.trace.har import OWN
from conformance.verdicts.golden.folder import ANSWERS, INDEX, read, write
from conformance.verdicts.verdict import Exit

RULES = ("image.name.length", "encryption.never-echoed", "operation.kind")
FAULT = "image.name.length/64-accepted"
RULE = "image.name.length"
TOKEN = "token-that-must-not-be-seen"


@pytest.fixture(scope="module")
def good() -> Iterator[str]:
    with EmulatorProcess() as emulator:
        yield emulator.url


@pytest.fixture(scope="module")
def faulty() -> Iterator[str]:
    with EmulatorProcess(faults=[FAULT]) as emulator:
        yield emulator.url


def recording(url: str, folder: Path) -> Path:
    """A golden of a target."""
    settings = Settings(url=url, only=RULES, workers=1, header=(f"Authorization: Bearer {TOKEN}",))
    assert run_record(settings, folder) == Exit.CONFORMANT
    return folder


@pytest.fixture(scope="module")
def golden(good: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recording(good, tmp_path_factory.mktemp("good"))


@pytest.fixture(scope="module")
def broken(faulty: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recording(faulty, tmp_path_factory.mktemp("broken"))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def compared(one: str | Path, two: str | Path, **given: Any) -> tuple[int, dict[str, Any]]:
    """The exit status of comparing two, and what was written for machines."""
    status = run_comparison(places({"out": "out", **given}, (str(one), str(two))))
    return status, json.loads((Path("out") / FILE_NAME).read_text(encoding="utf-8"))


def row(found: dict[str, Any], rule: str = RULE) -> dict[str, Any]:
    return next(row for row in found["rules"] if row["id"] == rule)


def test_equal_target_differs_nowhere(golden: Path, good: str, folder: Path) -> None:
    status, found = compared(golden, good)
    assert status == Exit.CONFORMANT
    assert {row["id"] for row in found["rules"]} == set(RULES)
    assert {row["relation"] for row in found["rules"]} == {"agree and conform"}
    assert (found["no_rule_minds"], found["notes"]) == ([], [])
    assert found["cases"] == {
        "compared": len(read(golden).cases),
        "of_the_first_alone": 0,
        "of_the_second_alone": 0,
    }
    assert (folder / "out" / "second" / "report.html").is_file()


@pytest.mark.usefixtures("folder")
def test_target_with_a_fault_differs_and_the_recording_conforms(
    golden: Path, faulty: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, found = compared(golden, faulty)
    assert status == Exit.NOT_CONFORMANT
    assert [row["id"] for row in found["rules"] if row["gates"]] == [RULE]
    assert row(found)["relation"] == "differ and the recording conforms"
    difference = row(found)["differences"][0]
    assert (difference["path"], difference["recorded"], difference["target"]) == ("status code", 400, 200)
    told = capsys.readouterr().out
    assert f"{RULE}: differ and the recording conforms" in told
    assert "status code 400 → 200" in told


def test_waiver_covers_a_difference(golden: Path, broken: Path, faulty: str, folder: Path) -> None:
    text = f'[[waiver]]\nrule = "{RULE}"\ntarget = "{faulty}*"\nreason = "known"\nexpires = 2999-01-01\n'
    (folder / "known.toml").write_text(text, encoding="utf-8")
    for target in (faulty, broken):
        status, found = compared(golden, target, waivers="known.toml")
        assert status == Exit.CONFORMANT
        assert (row(found)["relation"], row(found)["waived"]) == ("differ and the recording conforms", True)


@pytest.mark.usefixtures("folder")
def test_goldens_are_compared_without_a_target(golden: Path, broken: Path) -> None:
    told = {(one, two): compared(one, two) for one, two in ((golden, broken), (broken, golden), (broken, broken))}
    assert [status for status, _ in told.values()] == [Exit.NOT_CONFORMANT, Exit.CONFORMANT, Exit.CONFORMANT]
    assert [row(found)["relation"] for _, found in told.values()] == [
        "differ and the recording conforms",
        "differ and the target conforms",
        "agree and break the rule",
    ]


def test_golden_holds_no_secret_and_is_a_recording(golden: Path) -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in golden.iterdir())
    keys = set(re.findall(r'rawKey\\": \\"(.*?)\\"', text))
    assert TOKEN not in text
    assert keys
    assert all(re.fullmatch("(?:UkVEQUNURUR|REDACTED).*", key) for key in keys)
    assert {path.suffix for path in golden.iterdir()} == {".har", ".json", ".txt"}


def test_golden_is_replaced_and_nothing_else_is(good: str, golden: Path, folder: Path) -> None:
    place = folder / "golden"
    place.mkdir()
    (place / INDEX).write_text("{}", encoding="utf-8")
    (place / "earlier.har").touch()
    recording(good, place)
    assert {path.name for path in place.iterdir()} == {path.name for path in golden.iterdir()}
    first, second = ((of / ANSWERS).read_text(encoding="utf-8") for of in (golden, place))
    assert first == second
    assert "status code: 400" in first
    other = folder / "mine"
    other.mkdir()
    (other / "thesis.har").touch()
    with pytest.raises(UsageError, match="something else than a golden"):
        run_record(Settings(url=good), other)


def changed(golden: Path, folder: Path, **index: Any) -> Path:
    """A copy of a golden, with another index."""
    copy = folder / "copy"
    shutil.copytree(golden, copy)
    told = json.loads((copy / INDEX).read_text(encoding="utf-8"))
    (copy / INDEX).write_text(json.dumps({**told, **index}), encoding="utf-8")
    return copy


def entries(path: Path) -> list[dict[str, Any]]:
    return list(json.loads(path.read_text(encoding="utf-8"))["log"]["entries"])


def test_golden_of_another_version_with_other_cases_is_said(golden: Path, folder: Path) -> None:
    copy = changed(golden, folder, suite_version="0.0.1", only=[*RULES, "no.such-rule"])
    (har,) = copy.glob("test_request_with_one_fault_is_refused-image.name.length*.har")
    held = entries(har)
    for entry in held:
        entry[OWN]["scenario"] = "test_of_yore"
    har.write_text(json.dumps({"log": {"entries": held}}), encoding="utf-8")
    next(copy.glob("test_valid_request*")).unlink()
    status, found = compared(copy, golden)
    assert status == Exit.CONFORMANT
    assert found["cases"]["of_the_first_alone"] > 0
    assert any("version 0.0.1" in note for note in found["notes"])
    assert any("that its index tells of" in note for note in found["notes"])


def test_case_that_there_was_no_room_for_is_left_out(golden: Path, folder: Path) -> None:
    held = [entry for path in sorted(golden.glob("*.har")) for entry in entries(path)]
    del held[0]["response"]["content"]["text"]
    (folder / "traffic.har").write_text(json.dumps({"log": {"entries": held[:-1]}}), encoding="utf-8")
    written = write(folder / "traffic.har", read(golden).about, folder / "cut")
    assert written.left_out == 2
    assert len(read(folder / "cut").cases) == len(read(golden).cases) - 2


def test_case_that_is_not_whole_is_left_out(golden: Path, folder: Path) -> None:
    copy = changed(golden, folder)
    har = copy / "preflight.har"
    held = entries(har)
    har.write_text(json.dumps({"log": {"entries": held[1:]}}), encoding="utf-8")
    assert len(read(copy).cases) == len(read(golden).cases) - 1


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        (INDEX, "no JSON", "no index of a golden"),
        (INDEX, '{"schema_version": 2}', "schema_version 2"),
        (INDEX, '{"schema_version": 1}', "suite_version"),
        (INDEX, "[" * 5000, "no index of a golden"),
        ("preflight.har", "no JSON", "no part of a golden"),
        ("preflight.har", '{"log": {"entries": [{}]}}', "which case"),
        ("preflight.har", '{"log": {"entries": [{"_conformance": {"scenario": "x", "case": "1"}}]}}', "which case"),
        (
            "preflight.har",
            '{"log": {"entries": [{"_conformance": {"scenario": "x", "case": 1, "of": 1, "number": 1}}]}}',
            "without the method",
        ),
    ],
)
def test_golden_that_is_none_gets_one_sentence(name: str, text: str, words: str, golden: Path, folder: Path) -> None:
    copy = changed(golden, folder)
    (copy / name).write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=re.escape(words)):
        compared(copy, golden)


def test_any_folder_is_no_golden(golden: Path, folder: Path) -> None:
    (folder / "empty").mkdir()
    with pytest.raises(UsageError, match="conformance record"):
        compared("empty", golden)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("given", [{"profile": "ci"}, {"seed": "1"}])
def test_option_that_draws_other_cases_is_a_mistake(given: dict[str, str], golden: Path) -> None:
    (key,) = given
    with pytest.raises(UsageError, match=f"leave --{key} out"):
        compared(golden, "http://127.0.0.1:1", **given)


def test_target_that_does_not_answer_is_neither_recorded_nor_compared(
    golden: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nobody = "http://127.0.0.1:1"
    kept = changed(golden, folder)
    assert run_record(Settings(url=nobody, workers=1), kept) == Exit.UNTESTABLE
    assert "nothing is recorded: the target at http://127.0.0.1:1" in capsys.readouterr().err
    assert read(kept).cases.keys() == read(golden).cases.keys()
    assert run_comparison(places({"out": "out"}, (str(golden), nobody))) == Exit.UNTESTABLE
