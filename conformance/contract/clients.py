"""Who is hurt: the clients that depend on a rule, by which call or field, and how that is known."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from conformance.config.client_names import CLIENT_NAMES
from conformance.contract import catalogue, matching
from conformance.contract.fields import IMAGE_FIELDS, OPERATION_FIELDS

EVERY_CLIENT = (
    "life.insert",
    "life.get-after-done",
    "life.delete",
    "operation.name",
    "operation.status",
    "operation.reaches-done",
    "operation.success-means-ready",
    "transport.json",
    "transport.success-status",
)
"""What no client does without: it inserts, follows the operation to its end, and finds or deletes the image."""

_FIELDS_READ_BACK = (
    "image.description.round-trip",
    "image.family.round-trip",
    "image.labels.round-trip",
    "image.licenses.round-trip",
    "image.guest-os-features.round-trip",
    "image.storage-locations.round-trip",
    "image.disk-size-gb",
    "image.disk-size-gb.round-trip",
)
_LABELS = ("labels.set", "labels.fingerprint-changes", "labels.fingerprint-required", "image.label-fingerprint.*")
_PAGES = ("life.list-once", "life.list-page-token", "life.list-max-results")
_INTEGERS = {
    f"{resource}.type.{field.path}"
    for resource, fields in (("image", IMAGE_FIELDS), ("operation", OPERATION_FIELDS))
    for field in fields
    if field.format.endswith("int64")
}
_TYPED = tuple(
    rule for rule in catalogue() if rule.startswith(("image.type.", "operation.type.")) and rule not in _INTEGERS
)
"""Types of answers; a 64-bit integer that is a number is read like one that is text."""


@dataclass(frozen=True)
class Dependence:
    """What a client depends on.

    Args:
        rules: globs of the rules that have to hold.
        call: what the client does, for a reader.
        evidence: how that is known: the version in which it was seen on the wire, or where it was reported.
        breaks: a fault of the emulator on which the client was seen to break; "" where it cannot be run in a test.
    """

    rules: tuple[str, ...]
    call: str
    evidence: str
    breaks: str = ""


@dataclass(frozen=True)
class Client:
    """A client that people use.

    Args:
        id: the name for `--for`.
        dependences: what it depends on beside what every client needs.
    """

    id: str
    dependences: tuple[Dependence, ...]

    @property
    def title(self) -> str:
        """Its own name."""
        return CLIENT_NAMES[self.id]

    @property
    def rules(self) -> frozenset[str]:
        """The rules that have to hold for this client."""
        return frozenset(
            matching((*EVERY_CLIENT, *(glob for one in self.dependences for glob in one.rules)), catalogue())
        )

    def reasons(self, rule: str) -> tuple[Dependence, ...]:
        """Why the client needs a rule; none where it does not, or where every client does."""
        return tuple(one for one in self.dependences if matching(one.rules, (rule,)))


CLIENTS: tuple[Client, ...] = (
    Client(
        "terraform",
        (
            Dependence(
                ("operation.error-only-when-failed", "operation.error-shape", "operation.status-monotonic"),
                "polls the operation with get until it is DONE, and tells the messages of error.errors",
                "hashicorp/terraform-provider-google#4605, #8422",
            ),
            Dependence(
                (*_FIELDS_READ_BACK, "image.source-type", "source.*.round-trip"),
                "reads each field back, and makes the image anew where one is lost or changed",
                "hashicorp/terraform-provider-google#11454",
            ),
            Dependence(
                (
                    "labels.set",
                    "labels.fingerprint-changes",
                    "labels.fingerprint-required",
                    "image.label-fingerprint.*",
                ),
                "changes labels with setLabels and the fingerprint that it read",
                "GoogleCloudPlatform/magic-modules#9808, #11439",
            ),
            Dependence(
                ("transport.error-envelope", "transport.error-reason", "transport.not-found"),
                "takes 404 for gone, and retries by the reason of an error",
                "hashicorp/terraform-provider-google#8655",
            ),
            Dependence(("transport.system-parameters",), "sends alt=json with every request", "google-api-go-client"),
        ),
    ),
    Client(
        "gcloud",
        (
            Dependence(
                ("transport.system-parameters",),
                "sends alt=json with every request",
                "seen on the wire, gcloud 528.0.0",
            ),
            Dependence(
                ("operation.wait", "operation.target-link", "transport.wait-body"),
                "waits with operations.wait, without a body, then gets the image that targetLink names",
                "seen on the wire, gcloud 528.0.0",
            ),
            Dependence(
                ("operation.error-shape", "operation.error-only-when-failed", "transport.error-envelope"),
                "prints the message of the first error",
                "seen on the wire, gcloud 528.0.0",
            ),
            Dependence(
                (
                    "labels.set",
                    "labels.fingerprint-changes",
                    "labels.fingerprint-required",
                    "image.label-fingerprint.*",
                ),
                "add-labels: get, setLabels with the merged labels and the fingerprint, wait, get",
                "seen on the wire, gcloud 528.0.0",
            ),
            Dependence(
                ("deprecate.state", "deprecate.round-trip", "family.latest"),
                "deprecate with a full URL as replacement; describe-from-family",
                "seen on the wire, gcloud 528.0.0",
            ),
            Dependence(
                ("life.list-kind", *_PAGES),
                "lists with maxResults=500",
                "seen on the wire, gcloud 528.0.0",
            ),
        ),
    ),
    Client(
        "google-cloud-compute",
        (
            Dependence(
                _TYPED,
                "reads answers into typed messages: a value of another type is an error",
                "run in a test, google-cloud-compute 1.57.0",
                breaks="image.type.satisfiesPzs/text",
            ),
            Dependence(
                ("operation.http-error-code", "operation.http-error-message"),
                "takes an operation for failed only where it has httpErrorStatusCode and httpErrorMessage",
                "run in a test, google-cloud-compute 1.57.0",
                breaks="operation.http-error-code/200",
            ),
            Dependence(
                ("transport.json-form", "transport.empty-field", "transport.client-headers", "transport.wait-body"),
                "sends indented JSON, empty values, Content-Type with GET and DELETE, and waits without a body",
                "run in a test, google-cloud-compute 1.57.0",
                breaks="transport.client-headers/content-type-of-nothing",
            ),
            Dependence(
                (
                    "life.list-filter",
                    "life.list-once",
                    "life.list-max-results",
                    "life.list-page-token",
                    "family.latest",
                ),
                "lists page by page, with a filter of a name, and gets from families",
                "seen on the wire, google-cloud-compute 1.57.0",
            ),
            Dependence(
                ("transport.error-envelope",),
                "tells error.message",
                "seen on the wire, google-cloud-compute 1.57.0",
            ),
        ),
    ),
    Client(
        "google-api-python-client",
        (
            Dependence(
                ("transport.system-parameters",),
                "sends alt=json with every request",
                "run in a test, google-api-python-client 2.202.0",
                breaks="transport.system-parameters/get-alt-refused",
            ),
            Dependence(
                ("transport.error-envelope", "transport.wait-body"),
                "tells error.message; waits with neither body nor Content-Type",
                "seen on the wire, google-api-python-client 2.202.0",
            ),
        ),
    ),
    Client(
        "google-cloud-node",
        (
            Dependence(
                ("transport.wait-body", "transport.empty-field", "transport.system-parameters"),
                'waits with the body "", sends labels {} with every insert, and a bare ? behind paths',
                "seen on the wire, @google-cloud/compute 6.15.0",
            ),
            Dependence(
                _TYPED,
                "reads answers into typed messages: a value of another type is an error",
                "seen on the wire, @google-cloud/compute 6.15.0",
            ),
        ),
    ),
    Client(
        "libcloud",
        (
            Dependence(
                ("operation.self-link",),
                "follows the selfLink of the operation",
                "run in a test, apache-libcloud 3.9.1",
                breaks="operation.self-link/other",
            ),
            Dependence(
                ("transport.error-list", "transport.error-reason", "transport.error-envelope"),
                "tells errors by errors[0].reason, and breaks where there is no list",
                "run in a test, apache-libcloud 3.9.1",
                breaks="transport.error-list/missing",
            ),
            Dependence(
                ("transport.empty-field", "image.id", "operation.error-shape"),
                "sends null for what is not given, needs the id of each image, and tells code and message of errors",
                "run in a test, apache-libcloud 3.9.1",
                breaks="transport.empty-field/null-refused",
            ),
            Dependence(
                _PAGES,
                "looks images up page by page, with maxResults=500",
                "seen on the wire, apache-libcloud 3.9.1",
            ),
        ),
    ),
    Client(
        "ansible",
        (
            Dependence(
                ("image.kind", "image.output-only.kind", *_FIELDS_READ_BACK),
                "sends kind with every insert, and compares each field that it reads back",
                "ansible-collections/google.cloud#378",
            ),
            Dependence(
                ("operation.error-shape", "operation.error-only-when-failed", "operation.self-link"),
                "polls the operation by its selfLink, and tells the messages of error.errors",
                "ansible/ansible#61634",
            ),
            Dependence(
                ("labels.set", "labels.fingerprint-changes"),
                "changes labels with setLabels and the fingerprint that it read",
                "ansible/ansible#63087",
            ),
        ),
    ),
    Client(
        "config-connector",
        (
            Dependence(
                (*_FIELDS_READ_BACK, "image.source-type", "image.self-link", "image.creation-timestamp"),
                "compares what it reads with what is wanted, again and again, and mends each difference",
                "GoogleCloudPlatform/k8s-config-connector, recorded traffic of ComputeImage",
            ),
            Dependence(
                ("labels.set", "labels.fingerprint-required", "life.patch"),
                "changes labels with setLabels and the fingerprint that it read",
                "GoogleCloudPlatform/k8s-config-connector, recorded traffic of ComputeImage",
            ),
            Dependence(
                ("transport.not-found", "transport.error-envelope", "operation.error-only-when-failed"),
                "looks whether an image is there before it makes it: 404 is the answer that it needs",
                "GoogleCloudPlatform/k8s-config-connector, recorded traffic of ComputeImage",
            ),
        ),
    ),
)


@cache
def needed(client: str) -> frozenset[str]:
    """The rules that have to hold for a client, by its id.

    Raises:
        KeyError: there is no client of that id.
    """
    return {one.id: one for one in CLIENTS}[client].rules


def hurt(rule: str) -> tuple[Client, ...]:
    """The clients that need a rule."""
    return tuple(client for client in CLIENTS if rule in needed(client.id))


def rules_for(clients: Iterable[str]) -> frozenset[str]:
    """The rules that have to hold for at least one of the clients, by their ids.

    Raises:
        KeyError: there is no client of that id.
    """
    return frozenset[str]().union(*(needed(client) for client in clients))
