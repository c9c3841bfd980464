"""One table of options: the command line, the file, the environment and pytest take the same, and a run tells how to
repeat it."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from conformance.commands.app import app
from conformance.config.command_line import command_line, of_rule
from conformance.config.loading import load_settings
from conformance.config.option import DeclaredOption
from conformance.config.options import declared
from conformance.config.settings import Settings, UsageError
from conformance.scenario.pytest_plugin.options import OPTIONS

VALUES: dict[str, Any] = {
    "url": "http://127.0.0.1:8080",
    "shard": "1/2",
    "max_requests": 100,
    "header": ["X-Team: images"],
    "waivers": "known.toml",
    "credentials": "known.toml",
    "ca_bundle": "known.toml",
    "examples": "examples",
    "reports": ["junit"],
    "clients": ["gcloud"],
    "since": "known.toml",
}
"""What some settings may be; any other takes what its type allows."""


def value(row: DeclaredOption) -> Any:
    """Something that a setting may be, other than its default."""
    if row.key in VALUES:
        return VALUES[row.key]
    if row.option.choices:
        return next(choice for choice in row.option.choices if choice != row.default)
    return ["a"] if row.repeated else not row.default if row.kind is bool else {int: 7, float: 7.5}.get(row.kind, "a")


def given(command: str, *words: str) -> dict[str, Any]:
    """What a command makes of the words behind its name, by the keys of settings."""
    parsed = typer.main.get_command(app).commands[command].make_context(command, list(words)).params  # type: ignore[attr-defined]
    return {row.key: parsed[row.key] for row in declared(command) if parsed[row.key] not in (None, [])}


def words_of(row: DeclaredOption, chosen: Any) -> list[str]:
    """An option as it is written on the command line."""
    on, _, off = row.flags[0].partition("/")
    if row.kind is bool:
        return [on if chosen else off]
    return [word for item in (chosen if row.repeated else [chosen]) for word in (on, str(item))]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "known.toml").touch()
    return tmp_path


@pytest.mark.parametrize("row", [row for row in declared() if row.key != "config"], ids=lambda row: row.key)
def test_option_file_and_environment_set_the_same(row: DeclaredOption, folder: Path) -> None:
    chosen = value(row)
    told = load_settings(given("run", *words_of(row, chosen)), environment={})
    text = chosen[0] if row.repeated else str(chosen)
    surrounded = load_settings({}, environment={f"CONFORMANCE_{row.key.upper()}": text})
    (folder / "conformance.toml").write_text(f"{row.key} = {json.dumps(chosen)}\n", encoding="utf-8")
    filed = load_settings({}, environment={})
    wanted = getattr(told, row.key)
    assert wanted != row.default
    assert [getattr(settings, row.key) for settings in (surrounded, filed)] == [wanted, wanted]


@pytest.mark.parametrize(
    "command",
    ["run", "watch", "check", "tap", "client", "record", "compare", "sweep", "prove", "report", "diff", "emulator"],
)
def test_help_shows_what_an_option_takes(command: str) -> None:
    made = typer.main.get_command(app).commands[command]  # type: ignore[attr-defined]
    shown = made.get_help(made.make_context(command, [], resilient_parsing=True))
    own = ("run", "watch", "check", "record", "compare", "sweep", "report")
    assert all(row.metavar in shown for row in declared(command) if command in own and row.kind is not bool)
    assert not re.findall(r"--\S+ <", shown)


def test_choices_and_numbers_stand_in_the_help() -> None:
    rows = {row.key: row.metavar for row in declared()}
    assert rows["profile"] == "[quick|ci|thorough|real]"
    assert rows["max_requests"] == "INTEGER"
    assert rows["rate"] == "FLOAT"


def test_pytest_takes_the_same_options() -> None:
    assert {row.key for row in OPTIONS} >= {"url", "project", "profile", "only", "config", "max_requests"}
    assert not {"workers", "strict", "fail_fast"} & {row.key for row in OPTIONS}, "pytest has its own"


@pytest.mark.parametrize(
    ("words", "file"),
    [
        ((), ""),
        (
            ("--url", "http://127.0.0.1:1", "--second-project", "other", "--only", "image.*", "-n", "3", "--out", "x"),
            "",
        ),
        (("--strict", "--reports", "html", "--fail-fast", "--rate", "2.5", "--seed", "0"), ""),
        (
            ("--profile", "quick", "--only", "life.*"),
            'profile = "ci"\nskip = ["life.list-*"]\n[sources]\nimage = "base"\n',
        ),
        (("--config", "mine.toml"), 'url = "http://127.0.0.1:1"\n[capabilities]\ncsek = false\n'),
    ],
)
def test_command_of_a_run_can_be_pasted(words: tuple[str, ...], file: str, folder: Path) -> None:
    if file:
        (folder / ("mine.toml" if "--config" in words else "conformance.toml")).write_text(file, encoding="utf-8")
    settings = load_settings(given("run", *words), environment={})
    program, command, *again = shlex.split(command_line(settings))
    assert (program, command) == ("conformance", "run")
    repeated = load_settings(given("run", *again), environment={})
    assert repeated.model_copy(update={"explicit": settings.explicit}) == settings


def test_command_of_a_rule_keeps_the_file_and_leaves_the_shard(folder: Path) -> None:
    (folder / "conformance.toml").write_text('[sources]\nimage = "base"\n', encoding="utf-8")
    settings = load_settings(given("run", "--shard", "1/2", "--skip", "image.*", "-n", "2"), environment={})
    words = shlex.split(of_rule(settings, "life.insert"))
    assert words == ["conformance", "run", "--only", "life.insert", "-n", "2", "--config", "conformance.toml"]


def test_seed_that_was_drawn_is_told() -> None:
    settings = load_settings({"profile": "thorough"}, environment={})
    assert f"--seed {settings.seed}" in command_line(settings)


def test_short_name_in_the_file_gets_a_hint(folder: Path) -> None:
    (folder / "conformance.toml").write_text("n = 1\n", encoding="utf-8")
    with pytest.raises(UsageError, match="did you mean workers"):
        load_settings({}, environment={})


@pytest.mark.parametrize("name", ["workers", "max_output", "rate"])
def test_true_is_no_number(folder: Path, name: str) -> None:
    (folder / "conformance.toml").write_text(f"{name} = true\n", encoding="utf-8")
    with pytest.raises(UsageError, match=f"key {name}.*a number"):
        load_settings({}, environment={})


def test_mistake_names_the_option_as_it_is_written() -> None:
    with pytest.raises(UsageError, match=r"set by -n\)"):
        load_settings({"workers": "0"}, environment={})


def test_values_of_headers_are_not_told() -> None:
    settings = Settings(header=("X-Key: hidden-value",))
    assert "hidden-value" not in command_line(settings)
