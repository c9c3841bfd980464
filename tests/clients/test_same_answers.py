"""Client libraries get the same answers through a tap as without it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from helpers.tapped import tapped

NOBODY = "nobody-has-this"


def google_cloud_compute(server: str, project: str, folder: Path) -> list[Any]:
    """What compute_v1 makes of what is there, of what is not, and of a refusal."""
    del folder
    library = pytest.importorskip("google.cloud.compute_v1")
    errors = pytest.importorskip("google.api_core.exceptions")
    anonymous: Any = pytest.importorskip("google.auth.credentials").AnonymousCredentials
    images = library.ImagesClient(credentials=anonymous(), client_options={"api_endpoint": server})
    told: list[Any] = [
        images.get(project=project, image="base"),
        [image.name for image in images.list(project=project)],
    ]
    refused: tuple[Callable[[], Any], ...] = (
        lambda: images.get(project=project, image=NOBODY),
        lambda: images.insert(project=project, image_resource=library.Image(name="Two")),
    )
    for ask in refused:
        with pytest.raises(errors.GoogleAPICallError) as refusal:
            ask()
        told.append((refusal.value.code, refusal.value.errors))
    return told


def google_api_client(server: str, project: str, folder: Path) -> list[Any]:
    """What googleapiclient makes of the same."""
    del folder
    discovery = pytest.importorskip("googleapiclient.discovery")
    errors = pytest.importorskip("googleapiclient.errors")
    http = pytest.importorskip("httplib2").Http()
    options = {"api_endpoint": f"{server}/compute/beta/"}
    service = discovery.build("compute", "beta", http=http, client_options=options, static_discovery=True)
    images = service.images()
    told = [images.get(project=project, image="base").execute(), images.list(project=project).execute()]
    for request in (
        images.get(project=project, image=NOBODY),
        images.insert(project=project, body={"name": "Two"}),
    ):
        with pytest.raises(errors.HttpError) as refusal:
            request.execute()
        told.append((refusal.value.status_code, refusal.value.error_details))
    return told


def libcloud(server: str, project: str, folder: Path) -> list[Any]:
    """What libcloud makes of the same."""
    drivers = pytest.importorskip("libcloud.compute.drivers.gce")
    errors = pytest.importorskip("libcloud.common.google")
    credentials = folder / "credentials"
    credentials.write_text(json.dumps({"access_token": "token", "expire_time": "2100-01-01T00:00:00Z"}))
    options = {"project": project, "auth_type": "IA", "credential_file": str(credentials), "secure": False}
    driver = drivers.GCENodeDriver("user@example.com", "key", **options)
    driver.connection.host, driver.connection.port = urlsplit(server).hostname, urlsplit(server).port
    driver.connection.connect()
    image = driver.ex_get_image("base")
    told: list[Any] = [image.id, {name: value for name, value in image.extra.items() if isinstance(value, str)}]
    with pytest.raises(errors.GoogleBaseError) as refusal:
        driver.ex_copy_image("Two", "https://storage.googleapis.com/bucket/disk.tar.gz")
    return [*told, refusal.value.code, str(refusal.value.value)]


@pytest.mark.parametrize("ask", [google_cloud_compute, google_api_client, libcloud], ids=lambda ask: ask.__name__)
def test_answers_are_the_same_through_a_tap(
    ask: Callable[[str, str, Path], list[Any]], emulator: str, project: str, tmp_path: Path
) -> None:
    direct = ask(emulator, project, tmp_path)
    with tapped(emulator) as tap:
        assert ask(tap.url, project, tmp_path) == direct
    assert len(tap.exchanges) >= len(direct) - 1
    assert tap.tap.skipped.total() == 0
