"""What clients of requests and httpx exchange is kept whole, and judged."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
from helpers.recorded import Recorded, image

from conformance.emulator.process import EmulatorProcess
from conformance.testing import assert_conforms, recorded
from conformance.testing.recorder import tape_of
from conformance.trace.exchange import Exchange

BODY = {"name": "image-1", "sourceImage": "projects/debian-cloud/global/images/family/debian-12"}


@pytest.fixture(scope="module")
def right() -> Iterator[str]:
    with EmulatorProcess() as emulator:
        yield emulator.url


@pytest.fixture(scope="module")
def broken() -> Iterator[str]:
    with EmulatorProcess(faults=["image.kind/disk"]) as emulator:
        yield emulator.url


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def with_requests(images: str) -> Any:
    session = recorded(requests.Session())
    session.post(images, json=BODY)
    session.get(f"{images}/image-1")
    return session


def with_httpx(images: str) -> Any:
    client = recorded(httpx.Client())
    client.post(images, json=BODY)
    with client.stream("GET", f"{images}/image-1") as answer:
        assert b"".join(answer.iter_bytes())
    return client


def with_async_httpx(images: str) -> Any:
    client = recorded(httpx.AsyncClient())

    async def act() -> None:
        await client.post(images, json=BODY)
        await client.get(f"{images}/image-1")

    asyncio.run(act())
    return client


def exchanges(client: Any) -> list[Exchange]:
    tape = tape_of(client)
    assert tape is not None
    return list(tape)


CLIENTS = (with_requests, with_httpx, with_async_httpx)


@pytest.mark.parametrize("act", CLIENTS)
def test_what_conforms_and_what_does_not(act: Callable[[str], Any], right: str, broken: str) -> None:
    path = f"compute/beta/projects/{act.__name__.replace('_', '-')}/global/images"
    assert_conforms(act(f"{right}/{path}"))
    client = act(f"{broken}/{path}")
    with pytest.raises(AssertionError, match=r"image\.kind failed") as caught:
        assert_conforms(client)
    assert "observed compute#disk" in str(caught.value)
    assert_conforms(client, skip=["image.kind"])
    assert_conforms(client, only=["operation"])


@pytest.mark.parametrize("act", CLIENTS)
def test_exchanges_are_kept_as_they_were(act: Callable[[str], Any], right: str) -> None:
    images = f"{right}/compute/beta/projects/kept-{act.__name__.replace('_', '-')}/global/images"
    insert, get = exchanges(act(images))
    assert (insert.number, insert.method, insert.status) == (1, "images.insert", 200)
    assert insert.request.json == BODY
    assert insert.sent <= insert.received <= get.sent
    assert (get.number, get.request.url, get.request.body) == (2, f"{images}/image-1", None)
    assert get.resource is not None
    assert get.response is not None
    assert get.response.headers["content-type"].startswith("application/json")


def test_request_without_an_answer_is_kept() -> None:
    session, client = recorded(requests.Session()), recorded(httpx.Client())
    images = "http://127.0.0.1:9/compute/beta/projects/p/global/images"
    with pytest.raises(requests.ConnectionError):
        session.post(images, json=BODY)
    with pytest.raises(httpx.ConnectError):
        client.post(images, json=BODY)
    for kept in (session, client):
        (exchange,) = exchanges(kept)
        assert (exchange.method, exchange.status) == ("images.insert", 0)
        assert exchange.failure


def test_nothing_exchanged_is_no_proof(right: str) -> None:
    session = recorded(requests.Session())
    with pytest.raises(AssertionError, match="nothing in 'what the client exchanged' is of this API"):
        assert_conforms(session)
    session.get(right)
    with pytest.raises(AssertionError, match="nothing in"):
        assert_conforms(session)


def test_waivers_and_recordings(tmp_path: Path) -> None:
    path = Recorded().made().get(image(kind="compute#disk")).written(tmp_path)
    for subject in (path, str(path)):
        with pytest.raises(AssertionError, match=r"image\.kind failed"):
            assert_conforms(subject)
    waiver = '[[waiver]]\nrule = "image.kind"\nreason = "it is a disk"\nexpires = 2999-01-01\n'
    (tmp_path / "waivers.toml").write_text(waiver, encoding="utf-8")
    assert_conforms(path)


def test_what_cannot_be_judged_says_so() -> None:
    with pytest.raises(TypeError, match=r"this Session is not recorded: call recorded\(…\)"):
        assert_conforms(requests.Session())
    with pytest.raises(TypeError, match="not int"):
        recorded(7)
    with pytest.raises(TypeError, match="this int is not recorded"):
        assert_conforms(7)
