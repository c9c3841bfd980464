"""An operation is a story that only moves forward, and every method tells it alike."""

import re

import pytest

from conformance.client.api import Api
from conformance.contract import all_but
from conformance.contract.insert_request import InsertRequest
from conformance.contract.plain_bodies import minimal
from conformance.scenario.scenario import Scenario
from conformance.scenario.steps import labels_of, look_until, operation_of
from conformance.strategies import bodies
from conformance.trace.exchange import Intent

LOOKS_AFTER_DONE = 4
OPERATION_LOOKS = 20
DELETION_LOOKS = 20

OF_OTHERS = ("operation.*error*", "operation.*Error*", "operation.*warning*", "operation.failure-means-none")
"""What only operations that fail, or warn, put to the test."""


@pytest.mark.exercises(
    *all_but("operation.*", *OF_OTHERS, "operation.list", "operation.not-found", "operation.wait"),
    *all_but("life.get-*", "life.get-exact"),
)
def test_operation_of_an_insert(scenario: Scenario) -> None:
    def act(api: Api, request: InsertRequest) -> None:
        insert = api.insert(request)
        name = operation_of(insert)
        operation = api.finish(insert)
        for _ in range(LOOKS_AFTER_DONE if name else 0):
            api.operation(name)
        api.get(insert.request.json["name"])
        target = operation.get("targetId")
        if isinstance(target, str) and target:
            api.get(target)

    scenario.each(
        [InsertRequest(minimal(scenario.sources)), InsertRequest(minimal(scenario.sources), request_id=None)], act
    )
    scenario.examples(bodies.valid(scenario.sources), act)


@pytest.mark.exercises("operation.wait", "operation.agrees", "operation.list")
@pytest.mark.exercises("operation.done-is-final", "operation.identity-immutable", "operation.status-monotonic")
def test_wait_tells_what_get_tells(scenario: Scenario) -> None:
    def act(api: Api) -> None:
        insert, other = (api.insert(InsertRequest(minimal(scenario.sources))) for _ in range(2))
        name = operation_of(insert)
        if not name:
            return
        api.operation(name)
        if scenario.can("wait"):
            api.wait(name)
        api.finish(insert)
        api.finish(other)
        if scenario.can("operations_list"):
            api.operations(filter=f"name={name}")
            api.operations(maxResults="1")
        if scenario.can("wait"):
            api.wait(name)
        api.operation(name)

    scenario.once(act)


@pytest.mark.exercises(
    "operation.type", "operation.target-link", "operation.target-id", "operation.status-monotonic", "life.delete"
)
def test_operation_of_a_delete(scenario: Scenario) -> None:
    def act(api: Api) -> None:
        created = api.create(minimal(scenario.sources))
        delete = api.delete(created.name)
        api.finish(delete)
        api.get(created.name)

    scenario.once(act)


@pytest.mark.exercises("operation.name", "operation.type", "operation.target-*", "operation.list")
def test_operations_of_changes(scenario: Scenario) -> None:
    """An operation that is DONE at once is looked for as well: gcloud waits for each."""

    def act(api: Api) -> None:
        created = api.create(scenario.plain(labels={"colour": "blue"}))
        changes = []
        if scenario.can("set_labels"):
            body = {"labels": {"colour": "red"}, "labelFingerprint": labels_of(api, created.name)[1]}
            changes.append(api.set_labels(created.name, body))
        if scenario.can("deprecate"):
            changes.append(api.deprecate(created.name, {"state": "DEPRECATED"}))
        if scenario.can("patch"):
            changes.append(api.patch(created.name, {"description": "after"}))
        for change in changes:
            api.finish(change)
            name = operation_of(change)
            for _ in range(OPERATION_LOOKS if name else 0):
                if api.operation(name).answered:
                    break
                api.target.transport.sleep(0.1)
            if name and scenario.can("operations_list"):
                api.operations(filter=f"name={name}")
                api.operation(name)

    scenario.once(act)


@pytest.mark.exercises(
    "operation.error-*",
    "operation.failure-means-none",
    "operation.http-error-code",
    "operation.http-error-message",
    "operation.type.*rror*",
    "operation.agrees",
    "operation.list",
    "operation.target-id",
    "life.failed-insert-leaves-nothing",
    "request-id.client-operation-id",
    "source.*.unknown",
)
def test_operation_that_fails(scenario: Scenario) -> None:
    def act(api: Api) -> None:
        project, absent = f"projects/{api.target.project}", api.target.names.fresh()
        elsewhere = re.sub("/zones/[^/]+/", "/zones/nowhere1-a/", scenario.sources.disk or "")
        for kind, url in (
            ("image", f"{project}/global/images/{absent}"),
            ("disk", f"{project}/zones/us-central1-a/disks/{absent}"),
            *([("disk", elsewhere)] if elsewhere else []),
            ("snapshot", f"{project}/global/snapshots/{absent}"),
        ):
            failed = api.create(
                {f"source{kind.title()}": url}, intent=Intent(valid=False, rules=(f"source.{kind}.unknown",))
            )
            name = operation_of(failed.insert)
            if name and scenario.can("operations_list"):
                api.operations(filter=f"name={name}")
                api.operation(name)
            if name and scenario.can("wait"):
                api.wait(name)
            # Its name is as free as it was.
            api.create(InsertRequest(minimal(scenario.sources), name=failed.name))

    def deleted(api: Api) -> None:
        """What was a source, and is deleted, is one no more."""
        source = api.create(minimal(scenario.sources))
        api.finish(api.delete(source.name))
        gone = f"projects/{api.target.project}/global/images/{source.name}"
        look_until(api, "a deletion", lambda: not api.get(source.name).answered, DELETION_LOOKS)
        if api.get(source.name).refused:  # else it is there still, and a source
            api.create({"sourceImage": gone}, intent=Intent(valid=False, rules=("source.image.unknown",)))

    scenario.once(act)
    scenario.once(deleted)


@pytest.mark.without_insert
@pytest.mark.exercises("operation.not-found")
def test_operation_that_does_not_exist(scenario: Scenario) -> None:
    def act(api: Api) -> None:
        absent = "operation-1700000000000-0000000000000-00000000-00000000"
        intent = Intent(valid=False, rules=("operation.not-found",))
        api.operation(absent, intent=intent)
        if scenario.can("wait"):
            api.wait(absent, intent=intent)

    scenario.once(act)
