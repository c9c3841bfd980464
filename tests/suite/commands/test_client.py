"""`conformance client`: a client is started where things go wrong, and judged by what it does."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from helpers.command_line import conformance

from conformance.commands.client import SCENARIOS, scenarios
from conformance.config.settings import UsageError
from conformance.contract import client_catalogue

pytestmark = pytest.mark.slow

CLIENT = Path(__file__).parents[1] / "helpers" / "habitual_client.py"

HABITS = {
    "new-id": ("lost-response", {"client.retry-keeps-request-id"}),
    "one-id": ("conflict", {"client.request-id-unique"}),
    "gives-up": ("lost-response", {"client.lost-answer-followed-up", "client.nothing-left"}),
    "leaves": ("conflict", {"client.polls-until-done"}),
    "asks-again": ("503", {"client.polls-no-further"}),
    "hasty": ("conflict", {"client.poll-pace"}),
    "stubborn": ("conflict", {"client.conflict-fresh-get"}),
    "impatient": ("503,429", {"client.retry-after"}),
    "strict": ("unknown-enum", {"client.survives-unknown", "client.polls-until-done"}),
    "litters": ("lost-response", {"client.nothing-left"}),
}
"""Bad habits, each with a scenario that shows it, and the rules that it breaks."""


def run(folder: Path, habit: str, *options: str) -> subprocess.CompletedProcess[str]:
    return conformance("client", *options, "--", sys.executable, str(CLIENT), habit, folder=folder)


def results(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "compliance-report" / "results.json").read_text(encoding="utf-8"))
    return found


def test_good_client_keeps_all_rules_in_all_scenarios(tmp_path: Path) -> None:
    done = run(tmp_path, "none", "--strict")
    found = results(tmp_path)
    assert done.returncode == 0, done.stdout
    assert {row["id"]: row["verdict"] for row in found["rules"]} == dict.fromkeys(client_catalogue(), "passed")
    assert (found["run"]["profile"], found["cost"]["images_created"]) == ("client", 2)
    again = conformance("check", "compliance-report/traffic.har", "--client", "--strict", folder=tmp_path)
    assert again.returncode == 0, again.stdout
    assert {row["id"] for row in results(tmp_path)["rules"]} == set(client_catalogue())


@pytest.mark.parametrize("habit", HABITS)
def test_bad_habit_is_noticed_by_its_rule(tmp_path: Path, habit: str) -> None:
    scenario, rules = HABITS[habit]
    done = run(tmp_path, habit, "--scenario", scenario)
    broken = {row["id"] for row in results(tmp_path)["rules"] if row["verdict"] == "deviates"}
    assert (done.returncode, broken) == (0, rules), done.stdout


def test_each_rule_has_a_bad_client() -> None:
    assert set().union(*(rules for _, rules in HABITS.values())) == set(client_catalogue())


def test_deviations_fail_under_strict_and_the_command_is_told(tmp_path: Path) -> None:
    done = run(tmp_path, "litters", "--scenario", "lost-response", "--strict", "--only", "client.nothing-left")
    found = results(tmp_path)
    assert done.returncode == 1
    assert [row["verdict"] for row in found["rules"] if row["verdict"] != "left_out"] == ["deviates"]
    assert "--scenario lost-response" in found["run"]["command"]
    assert found["run"]["command"].endswith(" …")


def test_client_that_asks_nothing_cannot_be_judged(tmp_path: Path) -> None:
    done = conformance("client", "--", sys.executable, "-c", "raise SystemExit(4)", folder=tmp_path)
    assert done.returncode == 3
    assert "the client sent no request" in done.stderr
    assert any("ended with status 4" in note for note in results(tmp_path)["notes"])


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--scenario", "rain", "--", "true"], "scenario is 'rain' (set by --scenario); allowed are 429"),
        (["--", "no-such-command"], "'no-such-command' cannot be started"),
        (["--only", "image.*", "--", "true"], "no rule matches 'image.*'"),
    ],
)
def test_wrong_usage_ends_with_status_2(tmp_path: Path, words: list[str], sentence: str) -> None:
    done = conformance("client", *words, folder=tmp_path)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_no_scenario_means_all() -> None:
    assert scenarios("") == SCENARIOS
    assert scenarios("503, conflict") == ("503", "conflict")
    with pytest.raises(UsageError, match="allowed are 429, 503, lost-response, slow-operation, conflict, unknown-enum"):
        scenarios("503,404")


def test_rules_for_clients_are_listed_and_explained(tmp_path: Path) -> None:
    listed = conformance("rules", "client.*", folder=tmp_path).stdout
    assert [line.partition("\t")[0] for line in listed.splitlines()] == list(client_catalogue())
    assert "client." not in conformance("rules", folder=tmp_path).stdout
    assert (
        "conformance client --only client.poll-pace"
        in conformance("explain", "client.poll-pace", folder=tmp_path).stdout
    )
