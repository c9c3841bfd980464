"""Each client that can be run here breaks on the fault that is said to hurt it, and works without."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from conformance.contract.clients import CLIENTS
from conformance.emulator.process import EmulatorProcess

PROJECT = "clients"
SOURCE = "global/images/base"
SECONDS_MAXIMUM = 30.0
RAW_DISK = "https://storage.googleapis.com/bucket/disk.tar.gz"

Use = Callable[[str, Path], object]
"""What a client does at a URL, with a folder for its files; it raises where it breaks."""


def read_an_image(url: str, _folder: Path) -> object:
    library, images, _ = _compute(url)
    image = library.Image(name="one", source_image=SOURCE)
    images.insert(project=PROJECT, image_resource=image).result(timeout=SECONDS_MAXIMUM)
    return images.get(project=PROJECT, image="one")


def notice_a_failure(url: str, _folder: Path) -> object:
    library, images, errors = _compute(url)
    image = library.Image(name="one", source_snapshot="global/snapshots/absent")
    future = images.insert(project=PROJECT, image_resource=image)
    with pytest.raises(errors.NotFound):
        future.result(timeout=SECONDS_MAXIMUM)
    return future


def get_with_alt(url: str, _folder: Path) -> object:
    discovery, http = pytest.importorskip("googleapiclient.discovery"), pytest.importorskip("httplib2").Http()
    options = {"api_endpoint": f"{url}/compute/beta/"}
    service = discovery.build("compute", "beta", http=http, client_options=options, static_discovery=True)
    return service.images().get(project=PROJECT, image="base").execute()


def copy_an_image(url: str, folder: Path) -> object:
    return _libcloud(url, folder).ex_copy_image("one", RAW_DISK)


def meet_an_image_of_that_name(url: str, folder: Path) -> object:
    there = pytest.importorskip("libcloud.common.google").ResourceExistsError
    with pytest.raises(there):
        _libcloud(url, folder).ex_copy_image("base", RAW_DISK)
    return there


USES: dict[str, Use] = {
    "image.type.satisfiesPzs/text": read_an_image,
    "operation.http-error-code/200": notice_a_failure,
    "transport.client-headers/content-type-of-nothing": read_an_image,
    "transport.system-parameters/get-alt-refused": get_with_alt,
    "operation.self-link/other": copy_an_image,
    "transport.error-list/missing": meet_an_image_of_that_name,
    "transport.empty-field/null-refused": copy_an_image,
}


def _compute(url: str) -> tuple[Any, Any, Any]:
    """The library, its client of images, and its exceptions."""
    library = pytest.importorskip("google.cloud.compute_v1")
    credentials = pytest.importorskip("google.auth.credentials").AnonymousCredentials()
    options = {"credentials": credentials, "client_options": {"api_endpoint": url}}
    images = library.ImagesClient(**options)
    images.transport._extended_operations_services["global_operations"] = library.GlobalOperationsClient(**options)
    return library, images, pytest.importorskip("google.api_core.exceptions")


def _libcloud(url: str, folder: Path) -> Any:
    """The driver of Libcloud."""
    gce = pytest.importorskip("libcloud.compute.drivers.gce")
    credentials = folder / "credentials"
    credentials.write_text(json.dumps({"access_token": "token", "expire_time": "2100-01-01T00:00:00Z"}))
    options = {"project": PROJECT, "auth_type": "IA", "credential_file": str(credentials), "secure": False}
    made = gce.GCENodeDriver("user@example.com", "key", **options)
    made.connection.host, made.connection.port = urlsplit(url).hostname, urlsplit(url).port
    made.connection.connect()
    made.connection.poll_interval, made.connection.timeout = 0.02, 5
    return made


def test_every_claim_is_tried() -> None:
    assert set(USES) == {one.breaks for client in CLIENTS for one in client.dependences if one.breaks}


@pytest.mark.parametrize("fault", USES)
def test_client_breaks_on_the_fault_and_works_without(fault: str, tmp_path: Path) -> None:
    with EmulatorProcess() as sound:
        USES[fault](sound.url, tmp_path)
    with EmulatorProcess(faults=(fault,)) as broken, pytest.raises(BaseException) as raised:  # noqa: PT011 - whatever the client raises
        USES[fault](broken.url, tmp_path)
    assert not isinstance(raised.value, pytest.skip.Exception | KeyboardInterrupt)
