"""`conformance reproduce` makes the scripts of one rule once a run is over, or says in a sentence why it cannot."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from helpers.command_line import conformance

from conformance.commands.run import judge
from conformance.config.settings import Settings
from conformance.config.sources import embedded_sources
from conformance.emulator.process import EmulatorProcess
from conformance.verdicts import collector
from conformance.verdicts.results import Results, write_results

RULE = "image.kind"


def spoiled(results: Results, folder: Path, changes: dict[str, str]) -> Path:
    """Writes the results of a broken target, whose ways to see its breach again are changed."""
    value = results.to_json()
    for row in value["rules"]:
        for breach in row["breaches"] if row["id"] == RULE else ():
            breach["reproduce"] |= changes
    folder.mkdir()
    (folder / "results.json").write_text(json.dumps(value), encoding="utf-8")
    return folder


def test_scripts_that_a_run_had_no_time_for_are_made_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collector, "SCRIPT_SECONDS", 0.0)
    with EmulatorProcess(faults=["image.kind/disk"]) as broken, EmulatorProcess() as correct:
        settings = Settings(url=broken.url, sources=embedded_sources("conformance"), only=(RULE,), workers=1)
        results = judge(settings, scripts=True)
        (breach, *_) = next(row for row in results.rules if row.id == RULE).breaches
        assert not breach.reproduce.shell
        write_results(results, tmp_path)
        done = conformance("reproduce", RULE, "--out", ".", folder=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        script = tmp_path / "failures" / RULE / "reproduce.sh"
        assert str(script.relative_to(tmp_path)) in done.stdout
        assert (script.parent / "test_reproduce.py").is_file()
        for url, status in ((broken.url, 1), (correct.url, 0)):
            again = subprocess.run(
                ["sh", str(script)], env={**os.environ, "URL": url}, capture_output=True, check=False
            )
            assert again.returncode == status, again.stderr


def test_scripts_that_are_there_are_written_again(broken: Results, tmp_path: Path) -> None:
    folder = spoiled(broken, tmp_path / "run", {"shell": "echo there\n", "pytest": "pass\n"})
    assert conformance("reproduce", RULE, "--out", "run", folder=tmp_path).returncode == 0
    assert (folder / "failures" / RULE / "reproduce.sh").read_text(encoding="utf-8") == "echo there\n"


@pytest.mark.parametrize(
    ("rule", "changes", "sentence"),
    [
        ("image.kin", {}, "there is no rule 'image.kin'; near to it"),
        ("life.insert", {}, "life.insert was not seen broken, 'run/results.json' says passed: nothing to reproduce."),
        (RULE, {"shell": "", "trace": ""}, f"the run kept nothing to make a script for {RULE} of; `conformance run"),
        (RULE, {"shell": "", "trace": "AAAA"}, f"no script can show the breach of {RULE}; `conformance run"),
    ],
)
def test_what_cannot_be_made_is_said_in_a_sentence(
    rule: str, changes: dict[str, str], sentence: str, broken: Results, tmp_path: Path
) -> None:
    spoiled(broken, tmp_path / "run", changes)
    done = conformance("reproduce", rule, "--out", "run", folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"conformance: {sentence}")
    assert done.stderr.count("\n") == 1


def test_folder_without_results_is_said_to_have_none(tmp_path: Path) -> None:
    done = conformance("reproduce", RULE, folder=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "compliance-report/results.json cannot be read" in done.stderr
