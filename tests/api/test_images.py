"""What a client sets comes back, what the server sets is well formed, and what names something else is kept."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from conformance.client.api import Api
from conformance.contract import all_but
from conformance.contract.fields import ARCHITECTURES
from conformance.contract.insert_request import InsertRequest
from conformance.contract.plain_bodies import kind_bodies, minimal, source_bodies
from conformance.scenario.scenario import Scenario
from conformance.scenario.steps import send_like_the_source, shown
from conformance.strategies import bodies
from conformance.strategies.optional_values import DISK_SIZES, FIELDS, HUGE_SIZE, SEVERAL, UNKNOWN, WHOLE, written
from conformance.trace.exchange import Exchange, Intent
from conformance.trace.formats import is_int64

CHANGES: Mapping[str, Mapping[str, Any]] = {
    "patch": {"description": "patched"},
    "set_labels": {"labels": {"colour": "blue"}, "labelFingerprint": "42WmSpB8rSM="},
    "deprecate": {"state": "DEPRECATED"},
}
"""Methods that change an image, and that a target may lack, each with a body that it would take."""


@pytest.mark.exercises(
    "image.type.*", "image.*.round-trip", "image.license-codes.*", "image.rollout-override.read-only"
)
@pytest.mark.exercises("image.kind", "image.self-link", "image.archive-size-bytes", "image.label-fingerprint.format")
@pytest.mark.exercises("image.source-type", "image.architecture", "source.*.round-trip", "source.*.id")
def test_valid_image_comes_back(scenario: Scenario) -> None:
    scenario.each(
        [InsertRequest(body) for body in source_bodies(scenario.sources)],
        lambda api, request: api.create(request),
    )
    for looked_up in (False, True):
        strategy = bodies.valid(scenario.sources, looked_up=looked_up)
        scenario.examples(strategy, lambda api, request: api.create(request))


@pytest.mark.exercises(
    *all_but("image.*.round-trip", "image.deprecated.*", "image.disk-size-gb.*", "image.user-licenses.*"),
    "image.architecture",
)
def test_fields_come_back_whatever_the_source(scenario: Scenario) -> None:
    """What comes back of an image from one kind of source comes back from any, and what comes back alone comes back
    beside all else."""
    fields = (*FIELDS, *({"architecture": name} for name in ARCHITECTURES))
    others = kind_bodies(scenario.sources)[1:]
    scenario.each(({**body, **more} for body in others for more in fields), lambda api, body: api.create(body))
    together = {name: value for some in FIELDS for name, value in some.items()}
    scenario.once(lambda api: api.create(scenario.plain(**together)))


@pytest.mark.exercises("image.licenses.round-trip", "image.license-codes.round-trip")
@pytest.mark.exercises("image.user-licenses.round-trip", "image.guest-os-features.round-trip")
def test_every_item_of_a_list_comes_back(scenario: Scenario) -> None:
    bodies_of = ({**minimal(scenario.sources), **several} for several in SEVERAL)
    scenario.each(bodies_of, lambda api, body: api.create(body))


@pytest.mark.exercises("image.disk-size-gb")
def test_disk_size(scenario: Scenario) -> None:
    def act(api: Api, size: object) -> None:
        api.create(minimal(scenario.sources))
        api.create({**minimal(scenario.sources), "diskSizeGb": size})

    scenario.each(DISK_SIZES, act)


@pytest.mark.exercises("image.description.round-trip", "image.labels.round-trip")
def test_what_may_be_refused_comes_back_whole(scenario: Scenario) -> None:
    bodies_of = ({**minimal(scenario.sources), **values} for values in WHOLE)
    scenario.each(bodies_of, lambda api, body: api.create(body))


@pytest.mark.exercises("image.disk-size-gb.round-trip")
def test_sizes_are_exact_however_they_are_written(scenario: Scenario) -> None:
    def act(api: Api) -> None:
        size = shown(api.create(minimal(scenario.sources))).get("diskSizeGb")
        for wanted in (*written(int(size) + 3), HUGE_SIZE) if is_int64(size) else ():
            api.create({**minimal(scenario.sources), "diskSizeGb": wanted})

    scenario.once(act)


@pytest.mark.exercises("image.disk-size-gb.accepted", "image.architecture.accepted", "image.architecture")
def test_size_and_architecture_of_the_source(scenario: Scenario) -> None:
    """An image that is made from a source alone shows what is valid for it."""
    scenario.once(lambda api: send_like_the_source(api, scenario.sources))


@pytest.mark.exercises("image.id", "image.creation-timestamp", "image.status", "operation.id")
def test_identity_of_images(scenario: Scenario) -> None:
    """Two images at a time, and one that takes the name of a deleted one: each has an identity of its own."""

    def act(api: Api) -> None:
        first, second = (api.insert(minimal(scenario.sources)) for _ in range(2))
        names = [exchange.request.json["name"] for exchange in (first, second)]
        for exchange, name in zip((first, second), names, strict=True):
            api.get(name)
            api.finish(exchange)
        for name in names * 2:
            api.get(name)
        api.finish(api.delete(names[0]))
        api.create(InsertRequest(minimal(scenario.sources), name=names[0]))
        api.get(names[1])

    scenario.once(act)


@pytest.mark.exercises("transport.unknown-field")
def test_unknown_fields_are_not_kept(scenario: Scenario) -> None:
    plain = minimal(scenario.sources)
    scenario.each([{**plain, **unknown} for unknown in UNKNOWN], lambda api, body: api.create(body))


@pytest.mark.without_insert
@pytest.mark.exercises("transport.not-found", "transport.json", "transport.error-*", "transport.no-internals")
def test_image_that_does_not_exist(scenario: Scenario) -> None:
    def act(api: Api) -> None:
        intent = Intent(valid=False, rules=("transport.not-found",))
        name = api.target.names.fresh()
        api.get(name, intent=intent)
        for method, body in CHANGES.items():
            if scenario.can(method):
                change: Callable[..., Exchange] = getattr(api, method)
                api.finish(change(name, body, intent=intent))
        api.finish(api.delete(name, intent=intent))

    scenario.once(act)


@pytest.mark.exercises("transport.project-isolation", "operation.list")
def test_projects_do_not_see_each_other(scenario: Scenario) -> None:
    """An image is looked for in another project, be it one that there is not, and its name is taken there."""

    def act(api: Api) -> None:
        other, family = api.target.other_project, api.target.names.fresh()
        created = api.create(scenario.plain(family=family))
        for name in filter(None, (created.name, created.identifier)):
            api.get(name, project=other)
        if scenario.can("list"):
            api.list(project=other, maxResults="500")
            api.list(project=other, filter=f"name={created.name}")
        if scenario.can("family"):
            api.from_family(family, project=other)
        if not scenario.can("second_project"):
            return
        twin = api.create(InsertRequest(minimal(scenario.sources), name=created.name), project=other)
        api.get(created.name)
        operation = twin.operation.get("name")
        if scenario.can("operations_list") and operation:
            api.operations(filter=f"name={operation}")

    scenario.once(act)
