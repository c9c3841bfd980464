"""The life of an image: it is found, changed and deleted, and no other image with it."""

from collections.abc import Iterator
from typing import Any

import pytest

from conformance.client.api import Api, Created
from conformance.contract import all_but
from conformance.contract.fields import DEPRECATION_STATES
from conformance.contract.insert_request import FreshName, InsertRequest
from conformance.contract.lateness import MOMENT_SECONDS
from conformance.contract.plain_bodies import kind_bodies, minimal
from conformance.contract.rule import is_error
from conformance.scenario.scenario import Scenario
from conformance.scenario.steps import (
    QUERIES,
    ZONE,
    accepted,
    ask_for_list,
    labels_of,
    later,
    look_at_family,
    look_at_view,
    patched,
    refused,
    relabelled,
    url_of,
    walk,
    walk_while_deleting,
)
from conformance.strategies.accepted import LABELS_MAXIMUM
from conformance.strategies.near_misses import stale_fingerprints
from conformance.strategies.optional_values import FIELDS, LABELS, SHIELDED, TEXTS

ALIKE_LABELS: tuple[dict[str, str], ...] = (
    {"a": "bc", "d": "e"},
    {"ab": "c", "d": "e"},
    {"ab": "e", "d": "c"},
    {"ab": "e", "d": "cc"},
    {"ab": "e", "d": "cc", "f": ""},
    {"ab": "e", "d": "cc"},
    {"ab": "e", "d_": "cc"},
)
"""Labels that differ from those before them by what a hasty hash may miss: where a key ends, whose a value is, the
last one."""

MANY_LABELS = {f"k{number}": f"v{number}" for number in range(LABELS_MAXIMUM)}

FAULTS: tuple[dict[str, Any], ...] = (
    {"architecture": "PDP_11"},
    {"sourceType": "COOKED"},
    {"guestOsFeatures": [{"type": "TELEPATHY"}]},
)
PAST, FUTURE = "2001-02-03T04:05:06Z", "2040-02-03T04:05:06+01:00"
PASSED = {"deprecated": PAST, "obsolete": "2002-03-04T05:06:07Z", "deleted": "2003-04-05T06:07:08Z"}
REPLACEMENT = "https://www.googleapis.com/compute/v1/projects/debian-cloud/global/images/debian-12"
DEPRECATIONS: tuple[dict[str, Any], ...] = (
    {"state": "DEPRECATED", "replacement": REPLACEMENT},
    {"state": "OBSOLETE", "replacement": REPLACEMENT, "deleted": FUTURE},
    {"state": "DELETED", "replacement": REPLACEMENT, "deprecated": PAST, "obsolete": PAST},
    {"state": "DEPRECATED", **PASSED},
    {"state": "ACTIVE", "deprecated": PAST, "deleted": PAST},
    {
        "state": "DEPRECATED",
        "stateOverride": {"defaultRolloutTime": PAST, "locationRolloutPolicies": {"zones/us-central1-a": PAST}},
    },
    {"state": "RETIRED"},
    {"state": "DEPRECATED", "deleted": "tomorrow"},
)


MANY_IMAGES = 26


@pytest.mark.exercises("life.insert", "transport.success-status", "transport.json")
def test_plain_insert(scenario: Scenario) -> None:
    scenario.once(lambda api: api.create(minimal(scenario.sources), intent=accepted("life.insert")))


@pytest.mark.exercises("life.failed-insert-leaves-nothing", "transport.refuse-at-once")
def test_refused_insert_leaves_nothing(scenario: Scenario) -> None:
    def act(api: Api, fault: dict[str, Any]) -> None:
        family = api.target.names.fresh()
        body = scenario.plain(family=family)
        wrong = api.create({**body, **fault})
        if scenario.can("family"):
            api.from_family(family)
        api.create(InsertRequest(body, name=wrong.name))

    scenario.each(FAULTS, act)


@pytest.mark.exercises("life.list-once", "life.list-kind", "life.list-filter", "life.list-max-results")
@pytest.mark.exercises("life.list-steady")
def test_images_in_lists(scenario: Scenario) -> None:
    def act(api: Api) -> None:
        start = api.target.names.named(FreshName("-l"))
        # The name of the first is how the others begin.
        created = [api.create(InsertRequest(minimal(scenario.sources), f"{start}{end}")) for end in ("", "a", "b")]
        for one in created:
            api.list(filter=f"name={one.name}")
            api.list(filter=f"name={one.name}", maxResults="1")
        for size in ("1", "2"):
            walk(api, maxResults=size, filter=f"name eq {start}.*")
        walk_while_deleting(api, delete=created[0].name, maxResults="1", filter=f"name eq {start}.*")
        api.list(filter=f"name={created[0].name}")

    scenario.once(act)


@pytest.mark.exercises("life.list-once")
def test_list_of_many_images(scenario: Scenario) -> None:
    """More images than many a server has on a page of its own; nobody waits for one before the next is asked for."""

    def act(api: Api) -> None:
        start = api.target.names.named(FreshName("-m"))
        inserts = [
            api.insert(InsertRequest(minimal(scenario.sources), f"{start}{number}")) for number in range(MANY_IMAGES)
        ]
        for insert in inserts:
            api.finish(insert)
        walk(api, filter=f"name eq {start}.*")

    if scenario.can("list"):
        scenario.once(act)


@pytest.mark.exercises("life.list-once", "life.list-agrees", "family.agrees")
def test_images_of_every_kind_are_shown_elsewhere(scenario: Scenario) -> None:
    """Each is in a list, and the latest of a family of its own."""

    def act(api: Api, body: dict[str, Any]) -> None:
        family = api.target.names.fresh()
        created = api.create({**body, "family": family} if scenario.can("family") else body)
        if scenario.can("list"):
            api.list(filter=f"name={created.name}")
        if scenario.can("family"):
            api.from_family(family)
        if scenario.can("family_views"):
            api.family_view(ZONE, family)
        api.get(created.name)

    own = [{**minimal(scenario.sources), **fields} for fields in (*FIELDS, {"description": TEXTS[-1]})]
    scenario.each([*kind_bodies(scenario.sources), *own], act)


@pytest.mark.exercises("life.list-once")
def test_whole_list(scenario: Scenario) -> None:
    """What other people make and delete meanwhile may be in a list or not."""

    def act(api: Api) -> None:
        api.create(minimal(scenario.sources))
        walk(api)
        for size in ("500", "2", "1"):
            walk(api, maxResults=size)

    scenario.once(act)


@pytest.mark.exercises("life.list-page-token", "life.list-max-results-number")
def test_what_a_list_may_be_asked_for(scenario: Scenario) -> None:
    scenario.each(QUERIES, ask_for_list)


@pytest.mark.exercises("life.list-order", "life.list-filter-forms", "transport.no-server-error")
def test_lists_in_an_order_and_with_a_filter(scenario: Scenario) -> None:
    """The names are in another order than the images are made; where no filter finds them, the whole list has them."""

    def act(api: Api) -> None:
        start, family = api.target.names.named(FreshName("-o")), api.target.names.fresh()
        body = scenario.plain(family=family, labels={"colour": family[-20:].strip("-")})
        made = api.create(InsertRequest(body, f"{start}b"))
        later(api, made, InsertRequest(body, f"{start}a"))
        api.create(InsertRequest(scenario.plain(labels={"colour": "grey"}), f"{start}c"))
        ours = f"name eq {start}.*"
        for order in ("creationTimestamp desc", "name"):
            if walk(api, orderBy=order, filter=ours).items:
                walk(api, orderBy=order, filter=ours, maxResults="1")
            else:
                walk(api, orderBy=order)
        for expression in filters(made, start, family, body):
            walk(api, filter=expression)

    scenario.once(act)


def filters(made: Created, start: object, family: str, body: dict[str, Any]) -> Iterator[str]:
    """Filters that some image of a family passes, or whose name begins so, and others do not, in every form."""
    yield from (f"name eq {made.name}", f'name="{made.name}"', f"(status = READY) AND (name = {made.name})")
    if "family" in body:
        yield from (f"family={family}", f'family = "{family}"', f"family eq {family}")
        yield from (f"(family = {family}) (name != {made.name})", f"(family eq {family}) (name ne {made.name})")
    else:
        yield from (f"(status = READY) (name != {made.name})", f"(name eq {start}.*) (name ne {made.name})")
    if "labels" in body:
        yield f"labels.colour={body['labels']['colour']}"


@pytest.mark.exercises("life.delete")
def test_name_is_free_after_delete(scenario: Scenario) -> None:
    def act(api: Api) -> None:
        family = api.target.names.fresh()
        created = api.create(scenario.plain(labels={"colour": "blue"}, description="the first", family=family))
        if scenario.can("family"):
            api.from_family(family)
        api.finish(api.delete(created.name))
        api.get(created.name)
        if created.identifier:
            api.get(created.identifier)
        if scenario.can("list"):
            api.list(filter=f"name={created.name}")
            walk(api)
        if scenario.can("family"):
            api.from_family(family)
        again = api.create(InsertRequest(minimal(scenario.sources), name=created.name))
        api.finish(api.delete(again.identifier or created.name))
        api.get(created.name)

    scenario.once(act)


@pytest.mark.exercises("life.isolation", "image.description.round-trip", "image.family.round-trip")
def test_images_do_not_touch_each_other(scenario: Scenario) -> None:
    def act(api: Api) -> None:
        family = api.target.names.fresh()
        labelled = scenario.plain(labels={"colour": "blue"}, description="untouched", family=family)
        bystander = api.create(labelled)
        changed = api.create(labelled)
        if scenario.can("deprecate"):
            api.finish(api.deprecate(bystander.name, {"state": "OBSOLETE"}))
        api.get(bystander.name)
        if scenario.can("set_labels"):
            fingerprint = labels_of(api, changed.name)[1]
            api.finish(api.set_labels(changed.name, {"labels": {"colour": "red"}, "labelFingerprint": fingerprint}))
        api.get(bystander.name)
        if scenario.can("deprecate"):
            api.finish(api.deprecate(changed.name, {"state": "DEPRECATED"}))
        api.get(bystander.name)
        api.finish(api.delete(changed.name))
        api.get(bystander.name)

    def derive(api: Api) -> None:
        """What an image adds to what it has from its source is its own."""
        family = api.target.names.fresh()
        features, texts = [{"type": "GVNIC"}], {"description": "the source", "family": family}
        source = api.create(scenario.plain(guestOsFeatures=features, labels={"colour": "blue"}, **texts))
        api.get(source.name)
        more = scenario.plain(guestOsFeatures=[{"type": "IDPF"}, {"type": "WINDOWS"}], labels={"size": "xl"})
        own = {name: value for name, value in more.items() if name not in minimal(scenario.sources)}
        api.create({**own, "sourceImage": url_of(api, source)})
        api.get(source.name)

    scenario.once(act)
    scenario.once(derive)


@pytest.mark.exercises("life.patch", "labels.fingerprint-changes")
def test_patch(scenario: Scenario) -> None:
    fields = {"description": "before", "family": "conformance-before", "labels": {"colour": "blue"}, **SHIELDED}
    features = [{"type": name} for name in ("GVNIC", "UEFI_COMPATIBLE")]

    def act(api: Api, changes: tuple[dict[str, Any], ...]) -> None:
        created = api.create(scenario.plain(**fields, guestOsFeatures=features))
        api.get(created.name)
        for change in changes:
            patched(api, created.name, change)

    described, moved = {"description": "after"}, {"family": "conformance-patched"}
    scenario.each([(described,), (moved,), (moved, described, {"description": "at last"})], act)


@pytest.mark.exercises("family.latest")
def test_patched_family(scenario: Scenario) -> None:
    """An image that has been moved is not the answer of the family that it was in."""

    def act(api: Api) -> None:
        family = api.target.names.fresh()
        created = api.create(scenario.plain(family=family))
        api.from_family(family)
        patched(api, created.name, {"family": api.target.names.fresh()})
        # For a moment the family may be what it was.
        api.target.transport.sleep(MOMENT_SECONDS)
        api.from_family(family)

    if scenario.can("family"):
        scenario.once(act)


@pytest.mark.exercises("labels.set", "labels.fingerprint-changes")
def test_labels_are_replaced(scenario: Scenario) -> None:
    def act(api: Api) -> None:
        fields = {"description": "labelled", "family": "conformance-labelled", **SHIELDED}
        created = api.create(scenario.plain(labels={"colour": "blue"}, guestOsFeatures=[{"type": "GVNIC"}], **fields))
        for labels in ({"colour": "red", "size": "xl"}, {"shape": "round", "empty": ""}, MANY_LABELS, LABELS, {}):
            relabelled(api, created.name, labels, labels_of(api, created.name)[1])
        # For a moment the old labels may be seen as well, and no longer.
        api.target.transport.sleep(MOMENT_SECONDS)
        labels_of(api, created.name)

    def alike(api: Api) -> None:
        """Each set of labels differs from the one before it in one respect only."""
        created = api.create(minimal(scenario.sources))
        for labels in ALIKE_LABELS:
            relabelled(api, created.name, labels, labels_of(api, created.name)[1])

    scenario.once(act)
    scenario.once(alike)


@pytest.mark.exercises("labels.fingerprint-required", "image.labels.limits")
def test_fingerprint_is_required(scenario: Scenario) -> None:
    def act(api: Api) -> None:
        created = api.create(scenario.plain(labels={"colour": "blue"}))
        stale = labels_of(api, created.name)[1]
        relabelled(api, created.name, {"colour": "red"}, stale)
        labels, current = labels_of(api, created.name)
        for wrong in stale_fingerprints(current):
            refuse(api, created.name, {"labels": {"colour": "green"}, **wrong})
        for same_or_fewer in ({"colour": "green"}, labels, {}):
            refuse(api, created.name, {"labels": same_or_fewer, "labelFingerprint": stale})

    def long_ago(api: Api) -> None:
        """No fingerprint that was one before is up to date, be it the last one, or the one of no labels."""
        created = api.create(minimal(scenario.sources))
        used = []
        for size in ("s", "m", "l"):
            used.append(labels_of(api, created.name)[1])
            relabelled(api, created.name, {"size": size}, used[-1])
        for stale in reversed(used):
            refuse(api, created.name, {"labels": {"size": "xl"}, "labelFingerprint": stale})

    def refuse(api: Api, name: str, body: dict[str, Any]) -> None:
        api.finish(api.set_labels(name, body, intent=refused("labels.fingerprint-required")))
        labels_of(api, name)

    def beyond_limits(api: Api, labels: dict[str, Any]) -> None:
        created = api.create(minimal(scenario.sources))
        fingerprint = labels_of(api, created.name)[1]
        api.finish(api.set_labels(created.name, {"labels": labels, "labelFingerprint": fingerprint}))

    def without_labels(api: Api) -> None:
        created = api.create(minimal(scenario.sources))
        body = {"labels": {"colour": "green"}}
        api.finish(api.set_labels(created.name, body, intent=refused("labels.fingerprint-required")))
        labels_of(api, created.name)

    scenario.once(act)
    scenario.once(long_ago)
    scenario.once(without_labels)
    scenario.each(
        [{"Key": "v"}, {"k": "v" * 64}, {f"k{number}": "v" for number in range(LABELS_MAXIMUM + 1)}], beyond_limits
    )


@pytest.mark.exercises("labels.fingerprint-required", "labels.fingerprint-changes")
def test_fingerprint_of_a_patch(scenario: Scenario) -> None:
    """Where a PATCH sets labels, it is bound by their fingerprint as well."""

    def act(api: Api) -> None:
        created = api.create(scenario.plain(labels={"colour": "blue"}))
        stale = labels_of(api, created.name)[1]
        relabelled(api, created.name, {"colour": "red"}, stale, Api.patch)
        if labels_of(api, created.name)[0] == {"colour": "red"}:
            relabelled(api, created.name, {"colour": "green"}, stale, Api.patch)

    scenario.once(act)


@pytest.mark.exercises(
    *all_but("deprecate.*", "deprecate.replacement-kind", "deprecate.use-obsolete"),
    *all_but(
        "image.deprecated.*",
        "image.deprecated.accepted",
        "image.deprecated.round-trip",
        "image.deprecated.state-override",
    ),
)
def test_deprecation(scenario: Scenario) -> None:
    def act(api: Api, body: dict[str, Any]) -> None:
        created = api.create(minimal(scenario.sources))
        api.finish(api.deprecate(created.name, body))
        api.get(created.name)
        if created.identifier:
            api.get(created.identifier)

    scenario.each(DEPRECATIONS, act)


@pytest.mark.exercises("image.deprecated.state", "image.deprecated.timestamps", "deprecate.replacement-kind")
def test_what_deprecate_has_to_take_and_to_refuse(scenario: Scenario) -> None:
    """Every state is taken; dates that have passed do nothing by themselves, so the image is usable still."""

    def act(api: Api) -> None:
        created = api.create(minimal(scenario.sources))
        for state in DEPRECATION_STATES:
            api.finish(api.deprecate(created.name, {"state": state}, intent=accepted("image.deprecated.state")))
        for other in (f"projects/{api.target.project}/zones/us-central1-a/disks/base", "global/snapshots/base"):
            body = {"state": "DEPRECATED", "replacement": other}
            api.finish(api.deprecate(created.name, body, intent=refused("deprecate.replacement-kind")))
        passed = {"state": "ACTIVE", **PASSED}
        to_come = {"state": "ACTIVE", "deleted": FUTURE}
        api.finish(api.deprecate(created.name, to_come, intent=accepted("image.deprecated.timestamps")))
        dated = api.finish(api.deprecate(created.name, passed, intent=accepted("image.deprecated.timestamps")))
        if dated.get("status") == "DONE" and not is_error(dated.get("error")):
            api.create({"sourceImage": url_of(api, created)}, intent=accepted("image.deprecated.timestamps"))

    if scenario.can("deprecate"):
        scenario.once(act)


@pytest.mark.exercises("family.latest", "family.deprecated-skipped", "family.view-latest", "family.view-shape")
@pytest.mark.exercises("image.family.accepted")
def test_family_answers_its_latest_image(scenario: Scenario) -> None:
    """The name of the later image comes before that of the first."""

    def act(api: Api) -> None:
        family, start = api.target.names.fresh(), api.target.names.named(FreshName("-f"))
        body = {**minimal(scenario.sources), "family": family}

        first = api.create(InsertRequest(body, f"{start}b"))
        look_at_family(api, family, first.name, scenario.can)
        second = later(api, first, InsertRequest(body, f"{start}a"), intent=accepted("image.family.accepted"))
        look_at_family(api, family, second.name, scenario.can)
        if scenario.can("deprecate"):
            for state, latest in (
                ({"state": "ACTIVE", **PASSED}, second),
                ({"state": "DEPRECATED"}, first),
                ({"state": "OBSOLETE"}, first),
                ({"state": "DELETED"}, first),
                ({"state": "ACTIVE"}, second),
            ):
                api.finish(api.deprecate(second.name, state))
                look_at_family(api, family, latest.name, scenario.can)
            for created in (first, second):
                api.finish(api.deprecate(created.name, {"state": "DEPRECATED"}))
            look_at_family(api, family, "", scenario.can)

    scenario.once(act)


@pytest.mark.exercises("family.latest", "family.deprecated-skipped")
def test_family_of_three(scenario: Scenario) -> None:
    """Which of its images is the latest is a matter of their creation, not of what is changed in them afterwards."""

    def act(api: Api) -> None:
        family = api.target.names.fresh()
        body = {**minimal(scenario.sources), "family": family}
        made = [api.create(body)]
        made += [later(api, made[0], body)]
        made += [later(api, made[1], body)]
        first, second, third = (created.name for created in made)
        look_at_family(api, family, third, scenario.can)
        if scenario.can("set_labels"):
            relabelled(api, first, {"colour": "blue"}, labels_of(api, first)[1])
        if scenario.can("patch"):
            api.finish(api.patch(first, {"description": "changed"}))
        look_at_family(api, family, third, scenario.can)
        if scenario.can("deprecate"):
            for name, state, latest in (
                (first, "DEPRECATED", third),
                (third, "OBSOLETE", second),
                (first, "ACTIVE", second),
                (third, "ACTIVE", third),
            ):
                api.finish(api.deprecate(name, {"state": state}))
                look_at_family(api, family, latest, scenario.can)

    scenario.once(act)


@pytest.mark.exercises("family.view-rollout")
def test_rollout_has_to_reach_a_zone(scenario: Scenario) -> None:
    def act(api: Api) -> None:
        family = api.target.names.fresh()
        body = {**minimal(scenario.sources), "family": family}
        first = api.create(body)
        policy = {"locationRolloutPolicies": {"zones/us-central1-a": "2040-01-01T00:00:00Z"}}
        later(api, first, {**body, "rolloutOverride": policy})
        api.family_view("us-central1-a", family)

    scenario.once(act)


@pytest.mark.exercises("family.view-reached", "family.view-state-override", "family.deprecated-skipped")
def test_policies_count_where_and_when_they_say(scenario: Scenario) -> None:
    """A time that has passed, a zone that is not named, and one that is yet to come."""

    def rollouts(api: Api) -> None:
        family = api.target.names.fresh()
        body = {**minimal(scenario.sources), "family": family}
        last = api.create(body)
        for policy in (
            {"locationRolloutPolicies": {f"zones/{ZONE}": PAST}},
            {"locationRolloutPolicies": {"zones/europe-west1-b": FUTURE}},
            {"locationRolloutPolicies": {f"zones/{ZONE}": PAST}, "defaultRolloutTime": FUTURE},
        ):
            last = later(api, last, {**body, "rolloutOverride": policy})
            look_at_view(api, family, last.name)

    def deprecations(api: Api) -> None:
        family, can_family = api.target.names.fresh(), scenario.can("family")
        body = {**minimal(scenario.sources), "family": family}
        first = api.create(body)
        second = later(api, first, body)
        for time, latest in ((FUTURE, second), (PAST, first)):
            policy = {"locationRolloutPolicies": {f"zones/{ZONE}": time}, "defaultRolloutTime": time}
            api.finish(api.deprecate(second.name, {"state": "DEPRECATED", "stateOverride": policy}))
            api.get(second.name)
            if scenario.can("family_views"):
                look_at_view(api, family, latest.name)
            # Where it is rolled out matters to views alone.
            look_at_family(api, family, first.name, lambda capability: capability == "family" and can_family)

    if scenario.can("family_views"):
        scenario.once(rollouts)
    if scenario.can("deprecate"):
        scenario.once(deprecations)
