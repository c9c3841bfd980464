"""The emulator does what the API reference says, seen from outside."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from conformance.emulator.process import EmulatorProcess

SLOW_SECONDS = 1.5
"""So long an operation takes whose every state is to be seen, on a busy machine too."""


class Client:
    """A plain client of one emulator."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.session = requests.Session()

    def call(self, verb: str, path: str, project: str = "p", version: str = "beta", **more: Any) -> requests.Response:
        """Sends a request below a project."""
        return self.session.request(verb, f"{self.url}/compute/{version}/projects/{project}/{path}", timeout=10, **more)

    def done(self, answer: requests.Response) -> dict[str, Any]:
        """Waits for the operation that a request answered."""
        name = answer.json()["name"]
        found: dict[str, Any] = self.call("POST", f"global/operations/{name}/wait").json()
        return found

    def insert(self, name: str, **body: Any) -> requests.Response:
        """Inserts an image from the image that every project has."""
        return self.call("POST", "global/images", json={"name": name, "sourceImage": "global/images/base", **body})


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with EmulatorProcess(operation_seconds=0.02) as process:
        yield Client(process.url)


def test_image_lives_from_insert_to_delete(client: Client) -> None:
    assert client.done(client.insert("first"))["status"] == "DONE"
    image = client.call("GET", "global/images/first").json()
    assert image["status"] == "READY"
    assert client.call("GET", f"global/images/{image['id']}", version="v1").json()["name"] == "first"
    assert client.insert("first").status_code == 409
    client.done(client.call("DELETE", "global/images/first"))
    assert client.call("GET", "global/images/first").status_code == 404


def test_image_is_gone_when_the_first_of_its_deletions_is_done(client: Client) -> None:
    client.done(client.insert("twice"))
    first, second = (client.call("DELETE", "global/images/twice") for _ in range(2))
    client.done(first)
    assert client.call("GET", "global/images/twice").status_code == 404
    assert client.done(second)["status"] == "DONE"


def test_operation_moves_forward() -> None:
    with EmulatorProcess(operation_seconds=SLOW_SECONDS) as process:
        client = Client(process.url)
        operation = client.insert("forward").json()
        seen = [operation["status"]]
        while seen[-1] != "DONE":
            seen.append(client.call("GET", f"global/operations/{operation['name']}").json()["status"])
            time.sleep(0.002)
    order = ["PENDING", "RUNNING", "DONE"]
    assert seen == sorted(seen, key=order.index)
    assert set(seen) == set(order)


def test_replay_answers_the_first_operation(client: Client) -> None:
    request_id = str(uuid.uuid4())
    body = {"name": "replayed", "sourceImage": "global/images/base"}
    answers = [client.call("POST", f"global/images?requestId={request_id}", json=body).json() for _ in range(3)]
    assert len({answer["id"] for answer in answers}) == 1


def test_image_is_ready_when_the_operation_of_a_replay_is_done() -> None:
    """Also where a replay has an operation of its own, and nobody looks at the first one."""
    with EmulatorProcess(variants=["replays-anew"], operation_seconds=0.02) as process:
        client = Client(process.url)
        for number in range(5):
            body = {"name": f"twice-{number}", "sourceImage": "global/images/base"}
            again = f"global/images?requestId={uuid.uuid4()}"
            first, second = (client.call("POST", again, json=body) for _ in range(2))
            assert client.done(second)["id"] != first.json()["id"]
            assert client.call("GET", f"global/images/{body['name']}").json()["status"] == "READY"


def test_projects_are_isolated(client: Client) -> None:
    client.done(client.insert("isolated"))
    assert client.call("GET", "global/images/isolated", project="q").status_code == 404


def test_list_in_pages_with_filter_and_order(client: Client) -> None:
    for number in range(3):
        client.done(client.insert(f"paged-{number}", labels={"paged": "yes"}, family=f"paged-family-{number}"))
    page = client.call("GET", "global/images", params={"maxResults": 2, "filter": "labels.paged=yes"}).json()
    assert [item["name"] for item in page["items"]] == ["paged-0", "paged-1"]
    query = {"maxResults": 2, "filter": "labels.paged=yes", "pageToken": page["nextPageToken"]}
    assert [item["name"] for item in client.call("GET", "global/images", params=query).json()["items"]] == ["paged-2"]
    newest = {"orderBy": "creationTimestamp desc", "filter": "labels.paged=yes"}
    assert client.call("GET", "global/images", params=newest).json()["items"][0]["name"] == "paged-2"
    family = {"filter": "family=paged-family-1"}
    assert [item["name"] for item in client.call("GET", "global/images", params=family).json()["items"]] == ["paged-1"]


@pytest.mark.parametrize(
    ("query", "status"),
    [({}, 400), ({"forceCreate": "false"}, 400), ({"forceCreate": "true"}, 200), ({"forceCreate": "1"}, 200)],
)
def test_disk_in_use_takes_force(client: Client, query: dict[str, str], status: int) -> None:
    name = f"forced-{'-'.join(query.values()) or 'no'}"
    body = {"name": name, "sourceDisk": "projects/p/zones/us-central1-a/disks/base-attached"}
    answer = client.call("POST", "global/images", params=query, json=body)
    assert answer.status_code == status
    if status == 200:
        client.done(answer)
    else:
        assert answer.json()["error"]["errors"][0]["reason"] == "resourceInUseByAnotherResource"


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ("name = base", ["base"]),
        ("name eq base-.* AND name != base-locked", ["base-encrypted"]),
        ('(name = "base") OR (name = "base-locked")', ["base", "base-locked"]),
        ("(name:base) (name ne base) AND (locked = True) OR (name:encrypted)", ["base-encrypted", "base-locked"]),
    ],
)
def test_filters(client: Client, expression: str, names: list[str]) -> None:
    found = client.call("GET", "global/images", project="filtered", params={"filter": expression}).json()["items"]
    assert [item["name"] for item in found] == names


def test_labels_need_the_current_fingerprint(client: Client) -> None:
    client.done(client.insert("labelled"))
    fingerprint = client.call("GET", "global/images/labelled").json()["labelFingerprint"]
    change = {"labels": {"a": "b"}, "labelFingerprint": fingerprint}
    assert client.call("POST", "global/images/labelled/setLabels", json=change).status_code == 200
    assert client.call("POST", "global/images/labelled/setLabels", json=change).status_code == 412


def test_fingerprint_comes_back_in_either_alphabet_of_base64(client: Client) -> None:
    client.done(client.insert("alphabets"))
    seen = []
    for number in range(20):
        seen.append(client.call("GET", "global/images/alphabets").json()["labelFingerprint"])
        standard = seen[-1].translate(str.maketrans("-_", "+/"))
        change = {"labels": {"number": str(number)}, "labelFingerprint": standard}
        assert client.call("POST", "global/images/alphabets/setLabels", json=change).status_code == 200
    assert {"-", "_"} & set("".join(seen))


def test_families_and_their_views(client: Client) -> None:
    client.done(client.insert("old", family="generations"))
    client.done(client.insert("new", family="generations"))
    assert client.call("GET", "global/images/family/generations").json()["name"] == "new"
    client.call("POST", "global/images/new/deprecate", json={"state": "DEPRECATED"})
    assert client.call("GET", "global/images/family/generations").json()["name"] == "old"
    view = client.call("GET", "zones/us-central1-a/imageFamilyViews/generations").json()
    assert view["image"]["name"] == "old"


def test_public_family_is_there(client: Client) -> None:
    assert client.call("GET", "global/images/family/debian-12", project="debian-cloud").json()["family"] == "debian-12"


def test_operations_can_be_listed_and_deleted(client: Client) -> None:
    name = client.done(client.insert("listed"))["name"]
    listed = client.call("GET", "global/operations", params={"filter": f"name={name}"}).json()["items"]
    assert [item["name"] for item in listed] == [name]
    assert client.call("DELETE", f"global/operations/{name}").ok
    assert client.call("GET", f"global/operations/{name}").status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {"name": "Wrong"},
        {"name": "wrong-"},
        {"name": "w" * 64},
        {"name": "wrong", "architecture": "PDP_11"},
        {"name": "wrong", "sourceDisk": "zones/a/disks/b"},
        {"name": "wrong", "labels": {"Key": "v"}},
        {"name": "wrong", "imageEncryptionKey": {"rawKey": "AAAA"}},
        {"name": "wrong", "description": 7},
    ],
)
def test_refusals_are_errors_as_google_writes_them(client: Client, body: dict[str, Any]) -> None:
    answer = client.insert(**body)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["code"] == 400
    assert error["errors"][0]["reason"]
    assert client.call("GET", "global/images/wrong").status_code == 404


def test_emulator_ends_with_its_process() -> None:
    with EmulatorProcess() as process:
        url = process.url
        assert requests.get(url, timeout=5).status_code == 404
    with pytest.raises(requests.ConnectionError):
        requests.get(url, timeout=5)


@pytest.mark.parametrize("written", ["compressed", "indented", "spaced"])
def test_answer_is_written_when_all_freedoms_have_changed_it(written: str) -> None:
    with EmulatorProcess(variants=[written, "missing-disk-404"]) as process:
        body = {"name": "first", "sourceDisk": "zones/us-central1-a/disks/missing"}
        answer = Client(process.url).call("POST", "global/images", json=body)
        assert answer.status_code == answer.json()["error"]["code"] == 404
