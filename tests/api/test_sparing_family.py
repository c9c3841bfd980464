"""Where images are dear: two images of a family, and all that can be changed about one while the other stays as it
is."""

import uuid
from collections.abc import Mapping
from typing import Any

import pytest

from conformance.client.api import Api, Created
from conformance.contract.fields import acceptance_id
from conformance.contract.insert_request import FreshName, InsertRequest
from conformance.contract.plain_bodies import minimal, partial_urls
from conformance.scenario.combining import Wish
from conformance.scenario.habits import habit_of
from conformance.scenario.scenario import Scenario
from conformance.scenario.steps import (
    QUERIES,
    ZONE,
    accepted,
    ask,
    ask_for_list,
    delete_as,
    labels_of,
    later,
    look_at_family,
    look_at_view,
    refused,
    relabelled,
    shown,
    url_of,
    walk,
    walk_on,
)

pytestmark = pytest.mark.sparing

PAST, FUTURE = "2001-02-03T04:05:06Z", "2040-01-01T00:00:00Z"
OTHER_ZONE = "europe-west1-b"
SPARING_QUERIES = 3
STEM = "-kin"
"""How the names of the images end, so that a list can show them alone."""


class Family:
    """Two images of a family.

    Args:
        api: where they are made.
        scenario: what images can be made from, and what the target can do.
    """

    def __init__(self, api: Api, scenario: Scenario) -> None:
        self._api = api
        self._scenario = scenario
        self.name = api.target.names.fresh()
        body = {**minimal(scenario.sources), "family": self.name, "description": "kin", "labels": {"colour": "blue"}}
        self._request = InsertRequest(body, FreshName(STEM))
        self.first = self.second = api.create(self._request)

    def grow(self) -> None:
        """Makes the second image, of the size and architecture that the first shows: these are valid, then."""
        first = shown(self.first)
        like = [
            Wish(InsertRequest({field: first[field]}), acceptance_id(field))
            for field in ("diskSizeGb", "architecture")
            if isinstance(first.get(field), str)
        ]
        self.second = ask(self._api, [Wish(self._request), *like], self._scenario.sources)
        time = "creationTimestamp"
        if shown(self.second).get("family") != self.name or shown(self.second).get(time) == first.get(time):
            self.second = later(self._api, self.first, self._request)
        self.look(self.second)

    def look(self, latest: Created | None) -> None:
        """Asks for the latest of the family, which should be this one."""
        look_at_family(self._api, self.name, latest.name if latest else "", self._scenario.can)

    def watch(self, one: Created | None = None) -> dict[str, Any]:
        """Looks at both; answers what one of them, the second unless told, shows."""
        shown = {made.name: self._api.get(made.name).resource for made in (self.second, self.first)}
        return shown[(one or self.second).name] or {}

    def deprecate(self, one: Created, body: Mapping[str, Any]) -> str:
        """Deprecates one of them; answers the state that it shows then."""
        self._api.finish(self._api.deprecate(one.name, body))
        deprecated = self.watch(one).get("deprecated")
        return str((deprecated or {}).get("state") or "ACTIVE") if isinstance(deprecated, dict | None) else ""


@pytest.mark.exercises(
    "labels.set", "labels.fingerprint-*", "image.labels.limits", "deprecate.*", "image.deprecated.*", "family.*"
)
@pytest.mark.exercises("image.id", "image.creation-timestamp", "image.status", "life.isolation", "life.patch")
@pytest.mark.exercises("life.delete", "life.list-*", "life.model", "operation.type", "operation.target-*")
@pytest.mark.exercises("operation.warning-shape", "operation.type.warnings*", "operation.id")
@pytest.mark.exercises("operation.status-monotonic", "source.image.family-url", "source.image.id")
@pytest.mark.exercises("transport.system-parameters", "image.disk-size-gb.*", "image.architecture.accepted")
def test_few_images_and_all_changes(scenario: Scenario) -> None:
    """Of two images one is changed in every way, while the other must stay as it is."""

    def act(api: Api) -> None:
        family = Family(api, scenario)
        family.look(family.first)
        family.grow()
        listed(api, scenario, family)
        family.watch()
        if scenario.can("set_labels"):
            relabel(api, family)
        if scenario.can("patch"):
            api.finish(api.patch(family.second.name, {"description": "after"}))
            family.watch()
        if scenario.can("deprecate"):
            deprecate(api, family)
        used(api, scenario, family)
        query = {"maxResults": "2", "orderBy": "creationTimestamp desc", "filter": kin(api)}
        page = api.list(**query) if scenario.can("list") else None
        system = habit_of(scenario.target.project, "transport.system-parameters")
        api.finish(delete_as(api, system, family.second.name, str(uuid.uuid4())))
        family.watch()
        if page is not None:
            walk_on(api, page, **query)
            api.list(filter=f"name={family.second.name}")

    scenario.once(act)


def kin(api: Api) -> str:
    """The filter of the images that a family is made of."""
    return f"name eq {api.target.names.prefix}.*{STEM}"


def listed(api: Api, scenario: Scenario, family: Family) -> None:
    """Lists one, the other by what it is not, both page by page, and all that there are; and asks for what a list is
    not."""
    if scenario.can("list"):
        api.list(filter=f"name={family.first.name}")
        api.list(filter=f"(family = {family.name}) (name != {family.first.name})")
        walk(api, maxResults="1", filter=kin(api))
        walk(api, maxResults="2", filter=kin(api), orderBy="creationTimestamp desc")
        walk(api, maxResults="500")
        for query in QUERIES[:SPARING_QUERIES]:
            ask_for_list(api, query)


def relabel(api: Api, family: Family) -> None:
    """Sets labels with the current fingerprint, with others, and beyond the limits."""
    name, rule = family.second.name, "labels.fingerprint-required"
    stale = labels_of(api, name)[1]
    relabelled(api, name, {"colour": "red", "size": "xl"}, stale)
    family.watch()
    for body in ({"labelFingerprint": stale}, {}):
        api.finish(api.set_labels(name, {"labels": {"colour": "green"}, **body}, intent=refused(rule)))
        labels_of(api, name)
    current = labels_of(api, name)[1]
    for labels in ({"Key": "v"}, {"k": "v" * 64}):
        api.finish(api.set_labels(name, {"labels": labels, "labelFingerprint": current}))
    relabelled(api, name, {}, labels_of(api, name)[1])


def deprecate(api: Api, family: Family) -> None:
    """Deprecates the later image, uses it as a source in each state, and takes everything back."""
    rule, name = "deprecate.use-obsolete", family.second.name
    for state in ("DEPRECATED", "OBSOLETE", "DELETED"):
        replacement = {"replacement": url_of(api, family.first)} if state == "DEPRECATED" else {}
        seen = family.deprecate(family.second, {"state": state, **replacement})
        if seen == state:
            intent = accepted(rule) if state == "DEPRECATED" else refused(rule)
            api.create({"sourceImage": url_of(api, family.second)}, intent=intent)
        family.look(family.first)
    disk = {"state": "DEPRECATED", "replacement": f"projects/{api.target.project}/zones/{ZONE}/disks/base"}
    api.finish(api.deprecate(name, disk, intent=refused("deprecate.replacement-kind")))
    for wrong in ({"state": "RETIRED"}, {"state": "DEPRECATED", "deleted": "tomorrow"}):
        api.finish(api.deprecate(name, wrong))
    family.deprecate(family.second, {"state": "ACTIVE", "deleted": PAST})
    family.look(family.second)
    for one in (family.first, family.second):
        family.deprecate(one, {"state": "DEPRECATED"})
    family.look(None)
    family.deprecate(family.first, {"state": "ACTIVE"})


def used(api: Api, scenario: Scenario, family: Family) -> None:
    """Uses the family as a source; what is made of it is rolled out to one zone, and to another not yet."""
    if scenario.can("family"):
        url = partial_urls(f"projects/{api.target.project}/global/images/family/{family.name}", api.target.project)[0]
        policy = {"locationRolloutPolicies": {f"zones/{ZONE}": FUTURE, f"zones/{OTHER_ZONE}": PAST}}
        source = Wish(InsertRequest({"sourceImage": url}), "source.image.family-url")
        member = Wish(InsertRequest({"family": family.name, "rolloutOverride": policy}, FreshName(STEM)))
        made = ask(api, [source, member], scenario.sources)
        if scenario.can("family_views"):
            api.family_view(ZONE, family.name)
            rolled_out(api, scenario, family, made)


def rolled_out(api: Api, scenario: Scenario, family: Family, made: Created) -> None:
    """Looks at the view of a zone to which the latest image is rolled out, also while it is not deprecated there
    yet."""
    look_at_view(api, family.name, made.name, OTHER_ZONE)
    if scenario.can("deprecate"):
        override = {"locationRolloutPolicies": {f"zones/{OTHER_ZONE}": FUTURE}}
        api.finish(api.deprecate(made.name, {"state": "DEPRECATED", "stateOverride": override}))
        api.get(made.name)
        look_at_view(api, family.name, made.name, OTHER_ZONE)
