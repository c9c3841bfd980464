"""What an image can be made from: families, images in the wrong state, and sources behind a key."""

from typing import Any

import pytest

from conformance.client.api import Api
from conformance.contract.insert_request import InsertRequest
from conformance.contract.lateness import MOMENT_SECONDS
from conformance.contract.plain_bodies import SOURCE_FIELDS, kind_bodies, minimal, partial_urls
from conformance.contract.rule import is_error
from conformance.scenario.scenario import Scenario
from conformance.scenario.steps import (
    LABEL_LOOKS,
    ZONE,
    accepted,
    labels_of,
    later,
    look_until,
    refused,
    relabelled,
    shown,
    url_of,
    urls_of,
    use_configured,
    use_locked,
)
from conformance.strategies import values
from conformance.trace.exchange import Exchange, Intent

TRIES_TO_MEET_PENDING = 6


def state_of(look: Exchange) -> str:
    """The state of deprecation that a look at an image shows; "" where it shows none that can be told."""
    if look.resource is None:
        return ""
    deprecated = look.resource.get("deprecated")
    if isinstance(deprecated, dict):
        state = deprecated.get("state")
        return state if isinstance(state, str) and state else "ACTIVE"
    return "" if deprecated else "ACTIVE"


@pytest.mark.exercises("source.image.family-url", "source.image.id")
def test_family_as_source(scenario: Scenario) -> None:
    def act(api: Api) -> None:
        family = api.target.names.fresh()
        member = api.create({**minimal(scenario.sources), "family": family})
        if not member.insert.answered or is_error(member.operation.get("error")):
            return
        for url in partial_urls(f"projects/{api.target.project}/global/images/family/{family}", api.target.project):
            api.create({"sourceImage": url}, intent=accepted("source.image.family-url"))

    def of_two(api: Api) -> None:
        """A family is its latest image, and where that is deprecated the one before it."""
        family = api.target.names.fresh()
        body = {**minimal(scenario.sources), "family": family}
        first = api.create(body)
        second = later(api, first, body)
        url = f"projects/{api.target.project}/global/images/family/{family}"
        for deprecated in (False, True) if scenario.can("deprecate") else (False,):
            if deprecated:
                api.finish(api.deprecate(second.name, {"state": "DEPRECATED"}))
                look_until(api, "a deprecation", lambda: state_of(api.get(second.name)) == "DEPRECATED", LABEL_LOOKS)
            api.target.transport.sleep(MOMENT_SECONDS)
            for member in (first, second):
                api.get(member.name)
            api.create({"sourceImage": url}, intent=accepted("source.image.family-url"))

    scenario.once(act)
    scenario.once(of_two)


@pytest.mark.exercises("source.image.id")
def test_source_image_is_the_one_that_was_named(scenario: Scenario) -> None:
    """Also where another image has had its name before."""

    def act(api: Api) -> None:
        source = api.create(minimal(scenario.sources))
        before = api.create({"sourceImage": url_of(api, source)})
        api.finish(api.delete(source.name))
        api.get(before.name)
        api.create(InsertRequest(minimal(scenario.sources), source.name))
        api.create({"sourceImage": url_of(api, source)})
        api.get(before.name)

    scenario.once(act)


@pytest.mark.exercises("source.disk.id")
def test_source_disk_is_the_one_that_was_named(scenario: Scenario) -> None:
    use_named(scenario, "disk")


@pytest.mark.exercises("source.snapshot.id")
def test_source_snapshot_is_the_one_that_was_named(scenario: Scenario) -> None:
    use_named(scenario, "snapshot")


def use_named(scenario: Scenario, kind: str) -> None:
    """Uses a source of which the target tells the id; twice where only the images tell it."""
    url = getattr(scenario.sources, kind)

    def act(api: Api) -> None:
        looked = api.source(url)
        for _ in range(1 if looked.answered else 2):
            api.create({SOURCE_FIELDS[kind]: url})

    if url is not None:
        scenario.once(act)


@pytest.mark.exercises("source.image.not-ready")
def test_image_that_is_not_ready_is_no_source(scenario: Scenario) -> None:
    def act(api: Api) -> None:
        for _ in range(TRIES_TO_MEET_PENDING):
            if settled(api):
                break

    def settled(api: Api) -> bool:
        """Whether the image was PENDING still after its use, or is never."""
        insert = api.insert(minimal(scenario.sources))
        name = insert.request.json["name"]
        again = api.insert({"sourceImage": f"projects/{api.target.project}/global/images/{name}"})
        pending = (api.get(name).resource or {}).get("status") == "PENDING"
        api.finish(again)
        if pending and again.answered:
            api.get(name)
        api.finish(insert)
        if pending:
            api.get(again.request.json["name"])
            api.confirm(again, refused("source.image.not-ready"))
        return pending or (insert.resource or {}).get("status") == "DONE"

    scenario.once(act)


@pytest.mark.exercises("image.locked.forbids")
def test_locked_image_is_no_source(scenario: Scenario) -> None:
    def act(api: Api) -> None:
        locked = api.create({**scenario.plain(family=api.target.names.fresh()), "locked": True})
        if shown(locked).get("locked") is True:
            for url in urls_of(api, locked):
                api.create({"sourceImage": url}, intent=refused("image.locked.forbids"))
            api.finish(api.patch(locked.name, {"locked": False}, intent=refused("image.locked.forbids")))
            api.get(locked.name)
            if scenario.can("set_labels"):
                relabelled(api, locked.name, {"colour": "blue"}, labels_of(api, locked.name)[1])
                api.create({"sourceImage": url_of(api, locked)}, intent=refused("image.locked.forbids"))

    scenario.once(act)
    scenario.once(lambda api: use_locked(api, scenario.sources))


@pytest.mark.exercises(
    "deprecate.use-obsolete", "deprecate.state", "operation.warning-shape", "operation.type.warnings*"
)
@pytest.mark.parametrize("state", ["DEPRECATED", "OBSOLETE", "DELETED", "ACTIVE"])
def test_deprecated_image_as_source(scenario: Scenario, state: str) -> None:
    """With a replacement, which its users are told of, and without: deprecated by the method or, where that does
    nothing, from the beginning."""

    def act(api: Api, replaced: bool) -> None:
        source = api.create(minimal(scenario.sources))
        replacement = f"projects/{api.target.project}/global/images/{api.target.names.fresh()}"
        body = {"state": state, "replacement": replacement} if replaced else {"state": state}
        api.finish(api.deprecate(source.name, body))
        look = api.get(source.name)
        if state_of(look) != state:
            source = api.create({**minimal(scenario.sources), "deprecated": body})
            look = source.image or look
        if state_of(look) == state:
            usable = state in ("ACTIVE", "DEPRECATED")
            named = list(urls_of(api, source))
            for url in named[:1] if state == "ACTIVE" or replaced else named[1:2] if usable else named:
                api.create({"sourceImage": url}, intent=Intent(valid=usable, rules=("deprecate.use-obsolete",)))

    scenario.each([True, False] if state == "DEPRECATED" else [False], act)


@pytest.mark.exercises("source.*.id")
def test_source_of_a_source(scenario: Scenario) -> None:
    """An image that is made from another tells that one, and not what the other was made from."""

    def act(api: Api, body: dict[str, Any]) -> None:
        source = api.create(body)
        api.create({"sourceImage": url_of(api, source)})

    scenario.each(kind_bodies(scenario.sources), act)


@pytest.mark.exercises("encryption.required-for-source")
def test_source_behind_a_customer_key(scenario: Scenario) -> None:
    def made(api: Api) -> None:
        key = {"rawKey": values.CUSTOMER_KEY}
        other = {"rawKey": values.OTHER_CUSTOMER_KEY}
        source = api.create({**scenario.plain(family=api.target.names.fresh()), "imageEncryptionKey": key})
        kept = shown(source).get("imageEncryptionKey")
        if not (isinstance(kept, dict) and kept.get("sha256")):
            return
        body = {"sourceImage": url_of(api, source)}
        for url in urls_of(api, source):
            api.create({"sourceImage": url}, intent=refused("encryption.required-for-source"))
        for no_key in (other, {"sha256": kept["sha256"]}):  # its hash, which everybody sees, is not the key
            api.create({**body, "sourceImageEncryptionKey": no_key}, intent=refused("encryption.required-for-source"))
        api.create({**body, "imageEncryptionKey": key}, intent=refused("encryption.required-for-source"))
        if scenario.can("set_labels"):
            relabelled(api, source.name, {"colour": "blue"}, labels_of(api, source.name)[1])
            api.create(body, intent=refused("encryption.required-for-source"))
        api.create({**body, "sourceImageEncryptionKey": key}, intent=accepted("encryption.required-for-source"))

    scenario.once(made)
    scenario.each(SOURCE_FIELDS, lambda api, kind: use_configured(api, scenario.sources, kind))


@pytest.mark.exercises("encryption.image.sha256", "encryption.never-echoed", "life.list-agrees")
@pytest.mark.exercises("image.description.round-trip", "image.family.round-trip")
def test_image_with_a_customer_key(scenario: Scenario) -> None:
    def act(api: Api, key: dict[str, str]) -> None:
        family = api.target.names.fresh()
        created = api.create(scenario.plain(description="keyed", family=family, imageEncryptionKey=key))
        if scenario.can("list"):
            api.list(filter=f"name={created.name}")
            api.get(created.name)
        if scenario.can("family"):
            api.from_family(family)
        if scenario.can("family_views"):
            api.family_view(ZONE, family)

    def under_way(api: Api) -> None:
        """What is shown before the image is there tells no more of the key."""
        insert = api.insert({**minimal(scenario.sources), "imageEncryptionKey": {"rawKey": values.CUSTOMER_KEY}})
        api.get(insert.request.json["name"])
        api.finish(insert)

    raw_keys = values.CUSTOMER_KEY, values.KEY_OF_EVERY_SIGN, values.OTHER_CUSTOMER_KEY + "*"
    scenario.each([*({"rawKey": key} for key in raw_keys), {"rsaEncryptedKey": values.WRAPPED_KEY}], act)
    scenario.once(under_way)
