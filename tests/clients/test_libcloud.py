"""The Compute Engine driver of Apache Libcloud, of API version v1, runs on the emulator."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from conformance.emulator.process import EmulatorProcess

gce = pytest.importorskip("libcloud.compute.drivers.gce")
errors = pytest.importorskip("libcloud.common.google")

RAW_DISK = "https://storage.googleapis.com/bucket/disk.tar.gz"


@pytest.fixture
def connect(tmp_path: Path, project: str) -> Callable[[str], Any]:
    """Makes a driver for a server: its credentials are a token that lies in a file and never expires."""
    credentials = tmp_path / "credentials"
    credentials.write_text(json.dumps({"access_token": "token", "expire_time": "2100-01-01T00:00:00Z"}))

    def driver(server: str) -> Any:
        options = {"project": project, "auth_type": "IA", "credential_file": str(credentials), "secure": False}
        made = gce.GCENodeDriver("user@example.com", "key", **options)
        made.connection.host, made.connection.port = urlsplit(server).hostname, urlsplit(server).port
        made.connection.connect()
        made.connection.poll_interval = 0.02
        return made

    return driver


@pytest.fixture
def driver(connect: Callable[[str], Any], server: str) -> Any:
    return connect(server)


def test_image_lives_from_insert_to_delete(driver: Any) -> None:
    image = driver.ex_copy_image("one", RAW_DISK, family="family", guest_os_features=["GVNIC"])
    assert image.extra["status"] == "READY"
    assert image.extra["guestOsFeatures"] == [{"type": "GVNIC"}]
    assert driver.ex_get_image_from_family("family").id == image.id
    assert "one" in [listed.name for listed in driver.list_images()]
    assert driver.ex_delete_image(image)
    with pytest.raises(errors.ResourceNotFoundError):
        driver.ex_get_image("one")


def test_labels_are_set_and_cleared(driver: Any) -> None:
    image = driver.ex_create_image("one", RAW_DISK, ex_labels={"colour": "blue"})
    for labels in ({"colour": "red"}, None):
        assert driver.ex_set_image_labels(image, labels)
        image = driver.ex_get_image("one")
        assert image.extra["labels"] == labels


def test_deprecated_image_names_its_replacement(driver: Any) -> None:
    image = driver.ex_copy_image("one", RAW_DISK)
    replacement = driver.ex_get_image("base")
    assert driver.ex_deprecate_image(image, replacement, state="DEPRECATED")
    shown = driver.ex_get_image("one").extra["deprecated"]
    assert (shown["state"], shown["replacement"]) == ("DEPRECATED", replacement.extra["selfLink"])


@pytest.mark.parametrize(("name", "error"), [("base", "ResourceExistsError"), ("Two", "InvalidRequestError")])
def test_refusals_are_errors(driver: Any, name: str, error: str) -> None:
    with pytest.raises(getattr(errors, error)):
        driver.ex_copy_image(name, RAW_DISK)


def test_failed_operation_is_an_error(connect: Callable[[str], Any]) -> None:
    with EmulatorProcess(variants=["late-refusals"]) as process, pytest.raises(errors.GoogleBaseError) as failure:
        connect(process.url).ex_copy_image("Two", RAW_DISK)
    assert failure.value.code == "INVALID"
