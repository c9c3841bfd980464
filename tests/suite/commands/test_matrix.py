"""`conformance report --matrix`: what it writes, keeps, and leaves alone."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from helpers.command_line import conformance
from helpers.first_version import first_file
from helpers.made import made

from conformance.commands.site import publish
from conformance.config.settings import Settings, UsageError
from conformance.verdicts.collector import Collector
from conformance.verdicts.results import Results, read_results, write_results
from conformance.verdicts.verdict import Exit, Verdict

BROKEN = {"image.id": "failed"}


def saved(folder: Path, name: str, results: Results) -> str:
    """Saves results; answers the name of their file."""
    return str(write_results(results, folder / name))


def run(name: str, day: int, verdicts: dict[str, str] | None = None, **changes: Any) -> Results:
    """A run of a target on a day of January."""
    status = Exit.NOT_CONFORMANT if verdicts else Exit.CONFORMANT
    moment = f"2026-01-{day:02d}T00:00:00+00:00"
    return made(verdicts or {}, status, target={"name": name, "version": f"1.{day}"}, started=moment, **changes)


def page(folder: Path) -> str:
    return (folder / "site" / "index.html").read_text(encoding="utf-8")


def links(folder: Path) -> list[Path]:
    """The files of the site that its page links to."""
    found = re.findall(r'href="([^"#]+)"', page(folder))
    return [folder / "site" / path for path in found]


def test_site_of_two_targets(tmp_path: Path) -> None:
    files = [saved(tmp_path, "a", run("one", 1, BROKEN)), saved(tmp_path, "b", run("two", 2))]
    done = conformance("report", "--matrix", *files, folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "one 1.1: non-conformant" in done.stdout
    assert len(links(tmp_path)) == 6
    assert all(path.is_file() for path in links(tmp_path))
    assert "1 broken only here" in page(tmp_path)
    endpoint = json.loads((tmp_path / "site" / "badges" / "one.json").read_text(encoding="utf-8"))
    assert set(endpoint) == {"schemaVersion", "label", "message", "color"}
    assert endpoint["schemaVersion"] == 1
    assert re.match(r"non-conformant · (\d+) of \1 rules tested", endpoint["message"])
    assert (tmp_path / "site" / "badges" / "two.svg").read_text(encoding="utf-8").startswith("<svg")
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', page(tmp_path)), "it loads nothing"
    publish(files, None, tmp_path / "again")
    assert (tmp_path / "again" / "index.html").read_text(encoding="utf-8") == page(tmp_path)


def test_history_grows_and_a_partial_run_replaces_no_whole_one(tmp_path: Path) -> None:
    history, site = tmp_path / "history", tmp_path / "site"
    first = saved(tmp_path, "a", run("one", 1, {**BROKEN, "image.kind": "failed"}))
    publish([first], history, site)
    old = links(tmp_path)
    publish([saved(tmp_path, "b", run("one", 2, BROKEN))], history, site)
    assert "Since 2026-01-01: 1 better" in page(tmp_path)
    assert "2 runs since 2026-01-01" in page(tmp_path)
    assert not [path for path in old if not path.is_file() and path in links(tmp_path)]
    part = run("one", 3, {"image.kind": "failed"}, partial="shard 1/2")
    for _ in range(2):
        publish([saved(tmp_path, "c", part)], history, site)
        assert "A partial run came later" in page(tmp_path)
        assert "Since 2026-01-01: 1 better" in page(tmp_path)
        assert len([path for path in links(tmp_path) if path.parent.name == "reports"]) == 2
    assert len(list(history.rglob("*.json"))) == 3
    publish([], history, tmp_path / "other")
    assert "reports/" not in (tmp_path / "other" / "index.html").read_text(encoding="utf-8")


def test_reports_that_nothing_links_to_are_removed_and_nothing_else(tmp_path: Path) -> None:
    history, site = tmp_path / "history", tmp_path / "site"
    publish([saved(tmp_path, "a", run("one", 1))], history, site)
    (old,) = (site / "reports").iterdir()
    own = site / "reports" / "mine.html"
    own.write_text("mine", encoding="utf-8")
    publish([saved(tmp_path, "b", run("one", 2))], history, site)
    assert not old.exists()
    assert own.read_text(encoding="utf-8") == "mine"
    assert not [path for path in site.rglob("*") if path.name.endswith(".draft")]


def test_site_stays_as_it_was_where_a_page_cannot_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish([saved(tmp_path, "a", run("one", 1))], None, tmp_path / "site")
    before = {path: path.read_bytes() for path in (tmp_path / "site").rglob("*") if path.is_file()}
    monkeypatch.setattr("conformance.reports.site.page", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        publish([saved(tmp_path, "b", run("one", 2))], None, tmp_path / "site")
    assert {path: path.read_bytes() for path in (tmp_path / "site").rglob("*") if path.is_file()} == before


def test_target_has_the_name_that_its_run_was_given(tmp_path: Path) -> None:
    settings = Settings(url="http://127.0.0.1:1", target_name="my mock ", target_version="0.2")
    file = saved(tmp_path, "a", Collector(settings).results())
    publish([file], None, tmp_path / "site")
    assert "my mock <small>0.2</small>" in page(tmp_path)
    assert "--target-name 'my mock'" in read_results(Path(file)).run.command


@pytest.mark.parametrize("name", ["two\nlines", "x" * 81, "\x1b[31m"])
def test_name_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    done = conformance("run", "--target-name", name, folder=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "(set by --target-name); allowed is a text in one line" in done.stderr


def test_name_before_a_file_is_the_target(tmp_path: Path) -> None:
    file = saved(tmp_path, "a", run("one", 1))
    publish([f"My <b>server</b>={file}", file], None, tmp_path / "site")
    assert "My &lt;b&gt;server&lt;/b&gt;" in page(tmp_path)
    assert "2 targets" in page(tmp_path)
    odd = tmp_path / "a=b"
    publish([saved(odd, "c", run("one", 1))], None, tmp_path / "site")
    assert "1 target," in page(tmp_path)


def test_results_of_the_first_version_are_shown(tmp_path: Path) -> None:
    (tmp_path / "old.json").write_text(json.dumps(first_file()), encoding="utf-8")
    publish([str(tmp_path / "old.json"), saved(tmp_path, "a", run("one", 1))], tmp_path / "history", tmp_path / "site")
    assert "non-conformant <small>2 of 3 rules tested</small>" in page(tmp_path)
    assert "kind is another" in page(tmp_path)


def test_hostile_results_stay_text(hostile: Results, tmp_path: Path) -> None:
    text = "</script><script>alert(1)</script>\x1b\u202e\ud800"
    rule = hostile.rules[0].model_copy(update={"reason": text, "breaches": (), "verdict": Verdict.FAILED})
    target = hostile.target.model_copy(update={"name": text, "version": text})
    results = hostile.model_copy(update={"rules": (rule, *hostile.rules[1:]), "target": target})
    publish([saved(tmp_path, "a", results)], tmp_path / "history", tmp_path / "site")
    publish([], tmp_path / "history", tmp_path / "site")
    assert page(tmp_path).count("<script") == 2
    assert "alert(1)" in page(tmp_path)
    assert not {"\x1b", "\u202e", "\ud800"} & set(page(tmp_path))
    assert all(path.is_relative_to(tmp_path / "site") and path.is_file() for path in links(tmp_path))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--matrix",), "nothing to show"),
        (("--matrix", "missing.json"), "missing.json cannot be read"),
        (("--matrix", "name=missing.json"), "missing.json cannot be read"),
        (("--matrix", "r/results.json", "--pdf"), "--pdf"),
        (("--matrix", "r/results.json", "--reports", "html"), "--reports"),
        (("--matrix", "r/results.json", "--history", "file"), "--history"),
        (("--matrix", "r/results.json", "--out", "file"), "--out"),
        (("r/results.json", "--history", "h"), "--matrix"),
        ((), "RESULTS.json is missing"),
    ],
)
def test_mistakes_are_told_in_a_sentence(tmp_path: Path, words: tuple[str, ...], sentence: str) -> None:
    saved(tmp_path, "r", run("one", 1))
    (tmp_path / "file").touch()
    done = conformance("report", *words, folder=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert sentence in done.stderr
    assert not (tmp_path / "site").exists()


def test_history_that_is_broken_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "history" / "one").mkdir(parents=True)
    (tmp_path / "history" / "one" / "1.json").write_text("{", encoding="utf-8")
    with pytest.raises(UsageError, match="not JSON"):
        publish([saved(tmp_path, "a", run("one", 1))], tmp_path / "history", tmp_path / "site")
    assert [path.name for path in (tmp_path / "history").rglob("*.json")] == ["1.json"]
