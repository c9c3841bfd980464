"""google-cloud-compute and google-cloud-compute-v1beta run on the emulator unchanged."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

import pytest

SECONDS_MAXIMUM = 30
"""After which a future gives up; the emulator is done long before."""


@dataclass(frozen=True)
class Client:
    """One version of the library, at a server and for a project."""

    library: Any
    images: Any
    operations: Any
    project: str

    def insert(self, name: str, **fields: Any) -> Any:
        """Inserts an image from the image that every project has; the answer is a future."""
        source = {} if "source_snapshot" in fields else {"source_image": "global/images/base"}
        return self.images.insert(
            project=self.project, image_resource=self.library.Image(name=name, **source, **fields)
        )

    def create(self, name: str, **fields: Any) -> Any:
        """Inserts an image, waits for the operation, and gets the image."""
        self.insert(name, **fields).result(timeout=SECONDS_MAXIMUM)
        return self.images.get(project=self.project, image=name)

    def set_labels(self, image: Any, **labels: str) -> Any:
        """Sets the labels of an image, with the fingerprint that was seen with it."""
        body = self.library.GlobalSetLabelsRequest(label_fingerprint=image.label_fingerprint, labels=labels)
        return self.images.set_labels(
            project=self.project, resource=image.name, global_set_labels_request_resource=body
        )


@pytest.fixture(params=["compute_v1", "compute_v1beta"])
def client(request: pytest.FixtureRequest, server: str, project: str) -> Client:
    library = pytest.importorskip(f"google.cloud.{request.param}")
    credentials = pytest.importorskip("google.auth.credentials").AnonymousCredentials()
    options = {"credentials": credentials, "client_options": {"api_endpoint": server}}
    images, operations = library.ImagesClient(**options), library.GlobalOperationsClient(**options)
    # The futures of an images client poll through a client of their own, which does not inherit the endpoint.
    images.transport._extended_operations_services["global_operations"] = operations
    return Client(library, images, operations, project)


@pytest.fixture
def exceptions() -> Any:
    return pytest.importorskip("google.api_core.exceptions")


def test_insert_is_followed_to_its_end(client: Client) -> None:
    request = {
        "project": client.project,
        "request_id": str(uuid.uuid4()),
        "force_create": True,
        "image_resource": client.library.Image(
            name="one", source_image="global/images/base", labels={"a": "b"}, disk_size_gb=20, description=""
        ),
    }
    future = client.images.insert(request=request)
    future.result(timeout=SECONDS_MAXIMUM)
    assert future.done()
    assert future.exception() is None
    assert client.images.insert(request=request).name == future.name
    image = client.images.get(project=client.project, image="one")
    assert (image.status, image.disk_size_gb, image.labels) == ("READY", 20, {"a": "b"})
    assert client.images.get(project=client.project, image=str(image.id)) == image


def test_operation_can_be_waited_for(client: Client) -> None:
    future = client.insert("one")
    done = client.operations.wait(project=client.project, operation=future.name)
    assert done.status == client.library.Operation.Status.DONE
    assert done == client.operations.get(project=client.project, operation=future.name)


def test_list_in_pages_and_filtered(client: Client) -> None:
    for name in ("one", "two"):
        client.create(name, family="family")
    pages = list(client.images.list(request={"project": client.project, "max_results": 2}).pages)
    assert [len(page.items) for page in pages] == [2, 2, 1]
    for expression in ("family=family", '(family = "family") AND (status = READY)', '(name = "one") OR (name = "two")'):
        found = client.images.list(request={"project": client.project, "filter": expression})
        assert [image.name for image in found] == ["one", "two"]


def test_labels_change_under_their_fingerprint(client: Client, exceptions: Any) -> None:
    image = client.create("one")
    client.set_labels(image, colour="red").result(timeout=SECONDS_MAXIMUM)
    assert client.images.get(project=client.project, image="one").labels == {"colour": "red"}
    with pytest.raises(exceptions.PreconditionFailed):
        client.set_labels(image, colour="green")


def test_family_skips_a_deprecated_image(client: Client) -> None:
    for name in ("old", "new"):
        client.create(name, family="family")
    assert client.images.get_from_family(project=client.project, family="family").name == "new"
    status = client.library.DeprecationStatus(
        state="DEPRECATED", replacement=f"projects/{client.project}/global/images/old"
    )
    client.images.deprecate(project=client.project, image="new", deprecation_status_resource=status).result(
        timeout=SECONDS_MAXIMUM
    )
    assert client.images.get(project=client.project, image="new").deprecated.state == "DEPRECATED"
    assert client.images.get_from_family(project=client.project, family="family").name == "old"


def test_image_is_patched_and_deleted(client: Client, exceptions: Any) -> None:
    client.create("one")
    change = client.library.Image(description="changed")
    client.images.patch(project=client.project, image="one", image_resource=change).result(timeout=SECONDS_MAXIMUM)
    assert client.images.get(project=client.project, image="one").description == "changed"
    request = {"project": client.project, "image": "one", "request_id": str(uuid.uuid4())}
    client.images.delete(request=request).result(timeout=SECONDS_MAXIMUM)
    with pytest.raises(exceptions.NotFound):
        client.images.get(project=client.project, image="one")


def test_refusals_are_exceptions(client: Client, exceptions: Any) -> None:
    client.create("one")
    with pytest.raises(exceptions.Conflict) as conflict:
        client.insert("one")
    assert conflict.value.errors[0]["reason"] == "alreadyExists"
    with pytest.raises(exceptions.BadRequest, match="name"):
        client.insert("Two")
    with pytest.raises(exceptions.NotFound):
        client.images.delete(project=client.project, image="two")


def test_failed_operation_is_an_exception(client: Client, exceptions: Any) -> None:
    future = client.insert("one", source_snapshot="global/snapshots/absent")
    assert isinstance(future.exception(timeout=SECONDS_MAXIMUM), exceptions.NotFound)
    assert future.error_code == 404
