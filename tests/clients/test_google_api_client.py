"""google-api-python-client runs on the emulator, by the discovery document of beta that it brings along."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

discovery = pytest.importorskip("googleapiclient.discovery")
errors = pytest.importorskip("googleapiclient.errors")
httplib2 = pytest.importorskip("httplib2")

SOURCE = "global/images/base"


@pytest.fixture
def service(server: str) -> Any:
    options = {"api_endpoint": f"{server}/compute/beta/"}
    return discovery.build("compute", "beta", http=httplib2.Http(), client_options=options, static_discovery=True)


def done(service: Any, project: str, operation: dict[str, Any]) -> dict[str, Any]:
    """The operation at its end."""
    found: dict[str, Any] = service.globalOperations().wait(project=project, operation=operation["name"]).execute()
    return found


def create(service: Any, project: str, name: str, **fields: Any) -> dict[str, Any]:
    """Inserts an image, waits for the operation, and gets the image."""
    insert = service.images().insert(project=project, body={"name": name, "sourceImage": SOURCE, **fields})
    assert done(service, project, insert.execute())["status"] == "DONE"
    image: dict[str, Any] = service.images().get(project=project, image=name).execute()
    return image


def test_insert_is_followed_to_its_end(service: Any, project: str) -> None:
    body = {"name": "one", "sourceImage": SOURCE, "labels": {"a": "b"}, "diskSizeGb": "20"}
    insert = service.images().insert(project=project, requestId=str(uuid.uuid4()), forceCreate=True, body=body)
    operation = done(service, project, insert.execute())
    assert service.globalOperations().get(project=project, operation=operation["name"]).execute() == operation
    assert insert.execute()["name"] == operation["name"]
    image = service.images().get(project=project, image="one").execute()
    assert {**image, **body, "sourceImage": image["sourceImage"]} == image


def test_list_in_pages(service: Any, project: str) -> None:
    for name in ("one", "two"):
        create(service, project, name)
    images, names = service.images(), []
    page = images.list(project=project, filter="name != base", maxResults=2, orderBy="creationTimestamp desc")
    while page is not None:
        answer = page.execute()
        names.append([image["name"] for image in answer["items"]])
        page = images.list_next(page, answer)
    assert names[0] == ["two", "one"]
    assert sorted(names[1]) == ["base-encrypted", "base-locked"]


def test_image_changes_and_goes(service: Any, project: str) -> None:
    image, images = create(service, project, "one", family="family"), service.images()
    labels = {"labels": {"colour": "red"}, "labelFingerprint": image["labelFingerprint"]}
    done(service, project, images.setLabels(project=project, resource="one", body=labels).execute())
    assert images.getFromFamily(project=project, family="family").execute()["labels"] == {"colour": "red"}
    view = service.imageFamilyViews().get(project=project, zone="us-central1-a", family="family").execute()
    assert view["image"]["name"] == "one"
    done(service, project, images.deprecate(project=project, image="one", body={"state": "DEPRECATED"}).execute())
    done(service, project, images.patch(project=project, image="one", body={"description": "changed"}).execute())
    changed = images.get(project=project, image="one").execute()
    assert (changed["deprecated"]["state"], changed["description"]) == ("DEPRECATED", "changed")
    done(service, project, images.delete(project=project, image="one", requestId=str(uuid.uuid4())).execute())
    with pytest.raises(errors.HttpError) as missing:
        images.get(project=project, image="one").execute()
    assert missing.value.status_code == 404


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        ({"name": "base", "sourceImage": SOURCE}, 409, "alreadyExists"),
        ({"name": "Two", "sourceImage": SOURCE}, 400, "invalid"),
        ({"name": "one"}, 400, "invalidUsage"),
        ({}, 400, "required"),
    ],
)
def test_refusals_are_errors(service: Any, project: str, body: dict[str, Any], status: int, reason: str) -> None:
    with pytest.raises(errors.HttpError) as refusal:
        service.images().insert(project=project, body=body).execute()
    assert refusal.value.status_code == status
    assert [detail["reason"] for detail in refusal.value.error_details] == [reason]


def test_failed_operation_tells_its_error(service: Any, project: str) -> None:
    body = {"name": "one", "sourceSnapshot": "global/snapshots/absent"}
    operation = done(service, project, service.images().insert(project=project, body=body).execute())
    assert operation["httpErrorStatusCode"] == 404
    assert operation["error"]["errors"][0]["code"] == "RESOURCE_NOT_FOUND"
