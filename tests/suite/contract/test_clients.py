"""Who is hurt: each client needs rules that there are, and a run can be about those alone."""

from __future__ import annotations

import pytest

from conformance.config.client_names import CLIENT_NAMES
from conformance.contract import catalogue, matching, selected
from conformance.contract.clients import CLIENTS, EVERY_CLIENT, Dependence, hurt, rules_for
from conformance.emulator.faults import FAULTS
from conformance.verdicts.judgement import Judgement
from conformance.verdicts.results import ClientResult
from conformance.verdicts.standing import clients_served
from conformance.verdicts.verdict import Verdict

DEPENDENCES = [one for client in CLIENTS for one in client.dependences]


def judged(**verdicts: Verdict) -> dict[str, Judgement]:
    """Every rule passed, but for these, with `__` for a dot and `_` for a dash."""
    own = {name.replace("__", ".").replace("_", "-"): verdict for name, verdict in verdicts.items()}
    assert own.keys() <= catalogue().keys()
    return {rule: Judgement(own.get(rule, Verdict.PASSED), "") for rule in catalogue()}


def test_names_and_clients_are_the_same() -> None:
    assert [client.id for client in CLIENTS] == list(CLIENT_NAMES)
    assert set(EVERY_CLIENT) <= catalogue().keys()


@pytest.mark.parametrize("one", DEPENDENCES, ids=lambda one: one.call[:40])
def test_what_a_client_depends_on_exists(one: Dependence) -> None:
    for glob in one.rules:
        assert matching((glob,), catalogue()), glob
    assert one.evidence
    assert one.breaks in {"", *(fault.id for fault in FAULTS)}
    assert not one.breaks or matching(one.rules, (one.breaks.partition("/")[0],))
    assert bool(one.breaks) == one.evidence.startswith("run in a test")


def test_clients_that_a_rule_hurts() -> None:
    assert [client.id for client in hurt("life.insert")] == list(CLIENT_NAMES)
    assert [client.id for client in hurt("transport.error-list")] == ["libcloud"]
    assert not hurt("request-id.zero-refused")


def test_run_for_clients_is_about_what_they_need() -> None:
    assert selected((), (), ["libcloud"]) == rules_for(["libcloud"]) < rules_for(["libcloud", "gcloud"])
    assert selected(["life.*"], ["life.delete"], ["libcloud"]) == {
        "life.insert",
        "life.get-after-done",
        "life.list-once",
        "life.list-page-token",
        "life.list-max-results",
    }


def test_client_works_where_nothing_is_in_its_way() -> None:
    found = {client.id: rules for client, rules in clients_served(judged(transport__error_list=Verdict.FAILED))}
    assert list(found) == list(CLIENT_NAMES)
    assert {name: rules for name, rules in found.items() if rules} == {"libcloud": ("transport.error-list",)}


def test_nothing_is_said_of_a_client_whose_rules_were_left_out() -> None:
    left_out = judged(operation__wait=Verdict.LEFT_OUT)
    assert "gcloud" not in [client.id for client, _ in clients_served(left_out)]
    assert len(clients_served(left_out)) == len(CLIENTS) - 1


def test_nothing_is_said_where_it_was_not_seen_that_images_can_be_made() -> None:
    unseen = judged(life__insert=Verdict.NOT_EXERCISED, transport__error_list=Verdict.FAILED)
    assert [client.id for client, _ in clients_served(unseen)] == ["libcloud"]


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ((), "gcloud: works"),
        (("life.insert",), "gcloud: life.insert in the way"),
        (("life.insert", "life.delete"), "gcloud: 2 rules in the way"),
    ],
)
def test_what_stands_in_the_head(rules: tuple[str, ...], words: str) -> None:
    assert ClientResult(id="gcloud", title="gcloud", in_the_way=rules).words == words
