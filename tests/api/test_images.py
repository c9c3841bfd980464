"""What a client sets comes back, what the server sets is well formed, and what names something else is kept."""

import pytest

from conformance.client import Api
from conformance.scenario import Scenario
from conformance.trace import Intent
from strategies import bodies, values
from strategies.bodies import minimal
from strategies.insert import InsertRequest

EXTRAS = (
    {"licenses": [values.LICENSE]},
    {"licenseCodes": [str(values.EXACT_LICENSE_CODE)]},
    {"licenseCodes": [str(values.EXACT_LICENSE_CODE + 2**55)]},
    {"userLicenses": [values.LICENSE]},
    {"storageLocations": ["eu"]},
    {"imageEncryptionKey": {"kmsKeyName": values.KMS_KEY, "kmsKeyServiceAccount": values.SERVICE_ACCOUNT}},
    {
        "rolloutOverride": {
            "defaultRolloutTime": "2030-01-02T03:04:05Z",
            "locationRolloutPolicies": {"zones/us-central1-a": "2030-01-02T03:04:05Z"},
        }
    },
    {
        "deprecated": {
            "state": "DEPRECATED",
            "replacement": "projects/debian-cloud/global/images/debian-12",
            "deprecated": "2001-02-03T04:05:06Z",
            "obsolete": "2030-01-02T03:04:05Z",
            "deleted": "2031-01-02T03:04:05Z",
            "stateOverride": {
                "defaultRolloutTime": "2001-02-03T04:05:06Z",
                "locationRolloutPolicies": {"zones/us-central1-a": "2001-02-03T04:05:06Z"},
            },
        }
    },
    {"deprecated": {"state": "ACTIVE", "deleted": "2001-02-03T04:05:06Z"}},
    {"locked": True},
    {"architecture": "ARM64", "family": "conformance-family", "labels": {"colour": "blue"}},
    {"guestOsFeatures": [{"type": "GVNIC"}, {"type": "UEFI_COMPATIBLE"}, {"type": "WINDOWS"}]},
    {
        "shieldedInstanceInitialState": {
            "pk": {"content": "AAEC", "fileType": "X509"},
            "keks": [{"content": "AwQF", "fileType": "BIN"}],
            "dbs": [{"content": "BgcI", "fileType": "X509"}, {"content": "CQoL", "fileType": "BIN"}],
            "dbxs": [{"content": "DA0O", "fileType": "BIN"}],
        }
    },
)
"""Bodies that a target may refuse for what they name; what it takes has to come back."""

TEXTS = (
    "plain",
    "  blanks at both ends  ",
    "first line\nsecond line\r\nthird\ttab",
    "ends with a newline\n",
    "é ü 漢字 العربية 🖼 \u0301",
    '<b>&amp;</b> "quoted" \\ back',
)


@pytest.mark.exercises(
    "image.*.round-trip",
    "image.license-codes.exact",
    "encryption.image.kms-key-name",
    "image.rollout-override.read-only",
)
def test_fields_that_name_other_resources_come_back(scenario: Scenario) -> None:
    scenario.each(
        scenario.at_once([InsertRequest({**minimal(scenario.sources), **extra}) for extra in EXTRAS]),
        lambda api, request: api.create(request),
    )


@pytest.mark.exercises("image.description.round-trip", "image.labels.round-trip")
def test_texts_come_back(scenario: Scenario) -> None:
    plain = minimal(scenario.sources)
    labels = {"plain": "value", "empty": "", "with-dash_and_line": "0-9_z", "k" * 63: "v" * 63}
    scenario.each(
        scenario.at_once(
            [
                *(InsertRequest({**plain, "description": text}) for text in TEXTS),
                InsertRequest({**plain, "labels": labels}),
            ]
        ),
        lambda api, request: api.create(request),
    )


@pytest.mark.exercises("image.[!o]*", "source.*.round-trip", "source.*.id")
def test_valid_image_comes_back(scenario: Scenario) -> None:
    scenario.each(
        [InsertRequest(body) for body in bodies.source_bodies(scenario.sources)],
        lambda api, request: api.create(request),
    )
    for looked_up in (False, True):
        strategy = bodies.valid(scenario.sources, looked_up=looked_up)
        scenario.examples(strategy, lambda api, request: api.create(request))


@pytest.mark.exercises("image.disk-size-gb")
def test_disk_size(scenario: Scenario) -> None:
    def act(api: Api, size: object) -> None:
        api.create(minimal(scenario.sources))
        api.create({**minimal(scenario.sources), "diskSizeGb": size})

    scenario.each(["1", "2000", 2000], act)


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
    unknown = [
        {**plain, "conformanceUnknown": "value"},
        {**plain, "conformanceUnknown": {"nested": ["value"]}},
        {
            **plain,
            "shieldedInstanceInitialState": {
                "pk": {"content": "AAEC", "fileType": "BIN"},
                "conformanceUnknown": "value",
            },
        },
        {**plain, "guestOsFeatures": [{"type": "GVNIC", "conformanceUnknown": "value"}]},
    ]
    scenario.each(unknown, lambda api, body: api.create(body))


@pytest.mark.without_insert
@pytest.mark.exercises("transport.not-found", "transport.json", "transport.error-*", "transport.no-internals")
def test_image_that_does_not_exist(scenario: Scenario) -> None:
    def act(api: Api) -> None:
        intent = Intent(valid=False, rules=("transport.not-found",))
        name = api.target.names.fresh()
        api.get(name, intent=intent)
        api.delete(name, intent=intent)

    scenario.once(act)


@pytest.mark.exercises("transport.project-isolation")
def test_projects_do_not_see_each_other(scenario: Scenario) -> None:
    def act(api: Api) -> None:
        other = api.target.second_project
        created = api.create(minimal(scenario.sources))
        api.get(created.name, project=other)
        api.create(InsertRequest(minimal(scenario.sources), name=created.name), project=other)
        api.get(created.name)

    scenario.once(act)
