"""The gallery of bad targets: whatever one does, the run ends, is within its bounds, and says what is true."""

from __future__ import annotations

import base64
import gzip
import json
import os
import random
import ssl
import subprocess
import sys
import threading
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme
from helpers.bad_target import Answer, Asked, BadTarget, Line, Script, always, changed, in_front_of, raw, said, texts

from conformance.emulator.process import EmulatorProcess

pytestmark = pytest.mark.nightly


MEMORY_MAXIMUM = 600 * 2**20
"""Bytes in use at most: some 100 MB at the start, and 500 above."""

TOKEN = "token-that-must-not-be-seen"

ENCODED = (
    TOKEN.encode(),
    base64.b64encode(f".Bearer {TOKEN}".encode())[12:36],
    "".join(f"%{code:02x}" for code in TOKEN.encode()).encode(),
    "".join(f"\\u{code:04x}" for code in TOKEN.encode()).encode(),
    TOKEN[::-1].encode(),
    TOKEN.upper().encode(),
)
"""The token as it is, and how some of the targets repeat it."""

OUTPUT_MAXIMUM = 64 * 2**20
"""Bytes of all files of a run."""

MEASURED = """
import pathlib, resource, subprocess, sys
status = subprocess.run(sys.argv[2:]).returncode
pathlib.Path(sys.argv[1]).write_text(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
sys.exit(status)
"""
"""Runs a command, and writes how much memory it used."""

UNTESTABLE, BROKEN, CONFORMANT = 3, 1, 0

LATE = 40
"""Requests that the preflight may take: what happens later happens to scenarios."""

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n"
UNENDING = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
PACKED = {"content-type": "application/json", "content-encoding": "gzip"}
DEEP = Answer(body=b"[" * 100_000 + b"]" * 100_000)
NESTED = Answer(body=b'{"status": "DONE", "error": ' + b'{"a": ' * 900 + b"1" + b"}" * 901)


def bomb() -> Answer:
    """1 GB of spaces, packed."""
    packer = zlib.compressobj(9, wbits=31)
    spaces = b" " * 2**20
    return Answer(body=b"".join(packer.compress(spaces) for _ in range(1024)) + packer.flush(), headers=PACKED)


def begun(head: bytes, then: Callable[[Line], None]) -> Callable[[Line], None]:
    """Sends the beginning of an answer, then something else."""

    def act(line: Line) -> None:
        line.send(head)
        then(line)

    return act


def does(act: Callable[[Line], None]) -> Script:
    """Does the same, whatever is asked."""
    return lambda asked, line: act(line)


def images(asked: Asked, verb: str) -> bool:
    """Whether a request is about the collection of images."""
    return asked.verb == verb and asked.target.partition("?")[0].endswith("/images")


def corrupted(seed: int) -> Callable[[Asked, Answer], bytes]:
    """Answers with up to four wrong bytes each."""
    chance = random.Random(seed)

    def corrupt(asked: Asked, answer: Answer) -> bytes:
        del asked
        data = bytearray(answer.whole())
        for _ in range(chance.randint(1, 4)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        return bytes(data)

    return corrupt


def endless_pages(asked: Asked, answer: Answer) -> Answer | None:
    """Lists that always promise one page more."""
    if not images(asked, "GET"):
        return None
    page = json.loads(answer.body)
    return replace(answer, body=json.dumps({**page, "nextPageToken": f"page-{asked.number}"}).encode())


def repeated_page() -> Callable[[Asked, Answer], Answer | None]:
    """Lists whose next page is the same one, but where there is no first page."""
    pages: dict[str, Answer] = {}

    def change(asked: Asked, answer: Answer) -> Answer | None:
        if not images(asked, "GET"):
            return None
        query = asked.target.partition("?")[2].partition("&pageToken=")[0]
        if answer.status == 200:
            pages[query] = replace(
                answer, body=json.dumps({**json.loads(answer.body), "nextPageToken": "again"}).encode()
            )
        return pages.get(query)

    return change


def crowded() -> Callable[[Asked, Answer], Answer | None]:
    """Lists with 100,000 images of others, all on one page."""
    others = b"".join(b'{"kind": "compute#image", "name": "other-%d", "id": "%d"}, ' % (i, i) for i in range(100_000))
    return lambda asked, answer: (
        texts(answer, (b'"items": [', b'"items": [' + others)) if images(asked, "GET") else None
    )


def renamed(asked: Asked, answer: Answer) -> Answer | None:
    """Operations whose name is no text that UTF-8 could hold."""
    del asked
    value = json.loads(answer.body)
    if value.get("kind") != "compute#operation":
        return None
    return replace(answer, body=json.dumps({**value, "name": "\ud800/../" + value["name"]}).encode())


def circular(asked: Asked, answer: Answer) -> Answer | None:
    """Operations whose target is the operation itself."""
    del asked
    value = json.loads(answer.body)
    if value.get("kind") != "compute#operation":
        return None
    return replace(answer, body=json.dumps({**value, "targetLink": value["selfLink"]}).encode())


def telling(asked: Asked, answer: Answer) -> Answer | None:
    """Errors that repeat what was sent, with escape codes of terminals and a script."""
    value = json.loads(answer.body)
    if "error" not in value or answer.status < 400:
        return None
    said_back = f"\x1b[2J\x1b]0;owned\x07<script>alert(1)</script>\ud800 {dict(asked.headers)} {asked.body!r}"
    value["error"]["message"] = said_back
    value["error"]["code"] = 418
    return replace(answer, body=json.dumps(value).encode())


def numbered_errors(asked: Asked, answer: Answer) -> Answer | None:
    """Errors that count what is wrong in the place of telling it."""
    del asked
    value = json.loads(answer.body)
    if answer.status < 400 or "error" not in value:
        return None
    value["error"]["errors"] = 7
    return replace(answer, body=json.dumps(value).encode())


def never_done(asked: Asked, answer: Answer) -> Answer:
    """Operations that run for ever."""
    del asked
    return texts(answer, (b'"DONE"', b'"RUNNING"'))


def with_number(number: bytes) -> Callable[[Asked, Answer], Answer]:
    """Operations whose progress is this number."""
    return lambda asked, answer: texts(answer, (b'"progress": 100', b'"progress": ' + number))


def same(other: Answer) -> Callable[[Asked, Answer], Answer]:
    """The same answer in the place of each."""
    return lambda asked, answer: other


def twice(asked: Asked, answer: Answer) -> Answer:
    """Objects that have a key twice."""
    del asked
    return replace(answer, body=answer.body.rstrip()[:-1] + b', "name": "first", "name": 2}')


def image_field(name: str, value: Any) -> Callable[[Asked, Answer], Answer | None]:
    """Images, alone and in lists, whose field has an odd value."""

    def change(asked: Asked, answer: Answer) -> Answer | None:
        del asked
        body = json.loads(answer.body)
        for image in [body, *body.get("items", [])]:
            if image.get("kind") == "compute#image":
                image[name] = value
        return replace(answer, body=json.dumps(body).encode())

    return change


def says(name: str, encode: Callable[[bytes], str]) -> Callable[[Asked, Answer], Answer | None]:
    """Operations that repeat the credentials of the request, encoded."""

    def change(asked: Asked, answer: Answer) -> Answer | None:
        value = json.loads(answer.body)
        if value.get("kind") != "compute#operation":
            return None
        said_back = encode(asked.headers.get("authorization", "").encode())
        # It is an escape of JSON that is repeated, and not its backslash.
        return replace(answer, body=json.dumps({**value, name: said_back}).replace("\\\\u", "\\u").encode())

    return change


def refused(status: int) -> Answer:
    """A refusal in the form of this API."""
    return Answer(status, json.dumps({"error": {"code": status, "message": "refused", "errors": []}}).encode())


GATING = ("--strict", "--intermittent", "fail")
"""Most bad targets are so now and then, or break a convention only: these options let that fail the run."""


@dataclass(frozen=True)
class Bad:
    """A bad target, and what has to become of a run against it.

    Args:
        name: what it does.
        script: does it; or, with an emulator behind it, spoils that one's answers.
        status: the exit status.
        says: part of the reason in the summary.
        verdicts: those of some rules.
        options: further options of the run.
    """

    name: str
    script: Callable[[], Script] | None = None
    spoil: Callable[[], Callable[[Asked, Answer, Line], None]] | None = None
    status: int = UNTESTABLE
    says: str = ""
    verdicts: Mapping[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = (
        "--only",
        "operation.*,transport.json,transport.no-server-error,request-id.replay-after-done",
        *GATING,
    )


SILENT = "does not answer: timed out"
BROKEN_OFF = "does not answer: the connection broke"
STRANGE = "is not the Compute Engine API"
UNANSWERED = {"transport.no-server-error": "deviates"}
NOT_JSON = {"transport.json": "deviates"}

FROM_THE_START = (
    Bad("says nothing", lambda: does(Line.silence), says=SILENT),
    Bad("drips its head", lambda: does(lambda line: line.drip(HEAD)), says=SILENT),
    Bad("drips its body", lambda: does(begun(HEAD, lambda line: line.drip(b"x"))), says=SILENT),
    Bad("continues for ever", lambda: does(lambda line: line.pour(b"HTTP/1.1 100 Continue\r\n\r\n", 10**12)), says=SILENT),
    Bad("hangs up at once", lambda: does(Line.hang_up), says="does not answer"),
    Bad("hangs up in the head", lambda: raw(b"HTTP/1.1 200 OK\r\ncontent-ty"), says=STRANGE),
    Bad("hangs up in the body", lambda: raw(HEAD + b'{"kind": '), says=BROKEN_OFF),
    Bad("answers garbage", lambda: raw(random.Random(1).randbytes(5000)), says=BROKEN_OFF),
    Bad("answers HTTP/0.9", lambda: raw(b'{"kind": "compute#operation"}'), says=BROKEN_OFF),
    Bad("answers in chunks for ever", lambda: does(begun(UNENDING, lambda line: line.pour(b"1000\r\n" + b" " * 4096 + b"\r\n", 10**12))), says=STRANGE),
    Bad("answers 10 GB", lambda: does(begun(HEAD.replace(b"1000", b"%d" % 10**10), lambda line: line.pour(b" " * 2**20, 10**10))), says=STRANGE),
    Bad("answers a gzip bomb", lambda: always(bomb()), says=STRANGE),
    Bad("answers gzip that is none", lambda: always(Answer(headers=PACKED)), says=BROKEN_OFF),
    Bad("answers half of a gzip", lambda: always(Answer(body=gzip.compress(b'{"kind": "compute#operation"}')[:-12], headers=PACKED)), says=STRANGE),
    Bad("answers invalid UTF-8", lambda: always(Answer(body=b'{"kind": "\xff\xfe"}')), says=STRANGE),
    Bad("answers JSON of depth 100,000", lambda: always(DEEP), says=STRANGE),
    Bad("answers an integer of 100,000 digits", lambda: always(Answer(body=b'{"status": ' + b"9" * 100_000 + b"}")), says=STRANGE),
    Bad("answers NaN", lambda: always(Answer(body=b'{"status": NaN}')), says=STRANGE),
    Bad("answers HTML", lambda: always(Answer(body=b"<html>", headers={"content-type": "text/html"})), says=STRANGE),
    Bad("answers an empty 200", lambda: always(Answer(body=b"")), says=STRANGE),
    Bad("redirects to itself", lambda: lambda asked, line: line.send(Answer(302, headers={"location": asked.target}).whole()), says="redirects"),
    Bad("redirects to a file", lambda: always(Answer(301, headers={"location": "file:///etc/passwd"})), says="redirects"),
    Bad("sends 10,000 headers", lambda: always(Answer(headers={f"x-{number}": "y" for number in range(10_000)})), says=BROKEN_OFF),
    Bad("answers 429 for ever", lambda: always(Answer(429, headers={"retry-after": "3600"})), says="HTTP 429, however often"),
    Bad("answers 503 for ever", lambda: always(Answer(503)), says="HTTP 503, however often"),
    Bad("refuses access", lambda: always(Answer(403)), says="refuses access"),
    Bad("answers 404 in good JSON", lambda: always(refused(404)), says="is not the Compute Engine API, or has no project"),
    Bad("answers 500 for ever", lambda: always(Answer(500)), says="every insert answers HTTP 500", options=()),
)  # fmt: skip

IN_FRONT_OF_THE_EMULATOR = (
    Bad("is silent now and then", spoil=lambda: said(Line.silence, 60, LATE), status=BROKEN, verdicts=UNANSWERED),
    Bad("falls silent", spoil=lambda: said(Line.silence, 1, 150), says=SILENT),
    Bad("dies", spoil=lambda: said(Line.reset, 1, 150), says="does not answer: connection reset"),
    Bad("resets now and then", spoil=lambda: said(Line.reset, 9, LATE), status=BROKEN, verdicts={**UNANSWERED, "transport.json": "passed"}),
    Bad("drips now and then", spoil=lambda: said(lambda line: line.drip(HEAD), 60, LATE), status=BROKEN, verdicts=UNANSWERED),
    Bad("answers 10 GB now and then", spoil=lambda: said(begun(HEAD.replace(b"1000", b"%d" % 10**10), lambda line: line.pour(b" " * 2**20, 10**10)), 9, LATE), status=BROKEN),
    Bad("answers a gzip bomb now and then", spoil=lambda: changed(same(bomb()), 9, LATE), status=BROKEN, verdicts=NOT_JSON),
    Bad("answers deep JSON now and then", spoil=lambda: changed(same(NESTED), 9, LATE), status=BROKEN, verdicts=NOT_JSON),
    Bad("answers integers of 4,000 digits", spoil=lambda: changed(with_number(b"9" * 4000), 9, LATE), status=BROKEN, verdicts=NOT_JSON),
    Bad("answers numbers beyond any double", spoil=lambda: changed(with_number(b"1e999"), 9, LATE), status=BROKEN, verdicts=NOT_JSON),
    Bad("answers keys twice", spoil=lambda: changed(twice, 9, LATE), status=BROKEN),
    Bad("answers large images", spoil=lambda: changed(lambda asked, answer: texts(answer, (b'"kind":', b'"description":"' + b"/a" * 250_000 + b'","kind":')), 2, LATE), status=CONFORMANT),
    Bad("never finishes an operation", spoil=lambda: changed(never_done), status=BROKEN),
    Bad("stops finishing operations", spoil=lambda: changed(never_done, after=LATE), status=BROKEN, verdicts={"operation.reaches-done": "deviates"}),
    Bad("hangs in wait", spoil=lambda: lambda asked, answer, line: line.silence() if asked.target.endswith("/wait") else line.send(answer.whole()), status=BROKEN, verdicts=UNANSWERED),
    Bad("hangs in delete", spoil=lambda: lambda asked, answer, line: line.silence() if asked.verb == "DELETE" else line.send(answer.whole()), status=BROKEN, verdicts=UNANSWERED),
    Bad("answers 429 for ever from some time on", spoil=lambda: changed(same(Answer(429)), after=150), says="HTTP 429 however often"),
    Bad("names operations by half a character", spoil=lambda: changed(renamed, after=LATE), status=BROKEN),
    Bad("has operations that point to themselves", spoil=lambda: changed(circular), status=BROKEN),
    Bad("has lists that never end", spoil=lambda: changed(endless_pages), status=BROKEN, verdicts={"life.list-once": "deviates"}, options=("--only", "life.*", "--strict")),
    Bad("has lists that repeat a page", spoil=lambda: changed(repeated_page()), status=BROKEN, verdicts={"life.list-once": "deviates"}, options=("--only", "life.*", "--strict")),
    Bad("lists 100,000 images of others", spoil=lambda: changed(crowded()), status=CONFORMANT, verdicts={"life.list-once": "not_exercised"}, options=("--only", "life.*", "--deadline", "10")),
    Bad("has a clock a century behind", spoil=lambda: changed(lambda asked, answer: texts(answer, (b'Time": "20', b'Time": "19'))), status=BROKEN, verdicts={"operation.insert-time": "failed"}),
    Bad("repeats secrets and sends escape codes", spoil=lambda: changed(telling), status=BROKEN, options=("--only", "transport.*", "--strict")),
    Bad("no longer grants access", spoil=lambda: changed(same(refused(401)), after=LATE + 60), says="no longer grants access", options=()),
    Bad("refuses all later requests", spoil=lambda: changed(same(refused(403)), after=LATE + 60), says="no longer grants access", options=()),
    Bad("says to come back in the year 9999", spoil=lambda: changed(lambda asked, answer: replace(refused(503), headers={"retry-after": "Fri, 31 Dec 9999 23:59:59 GMT"}) if "/operations/" in asked.target else None, after=LATE), says="HTTP 503 however often"),
    Bad("has half a character in texts and keys", spoil=lambda: changed(image_field("labels", {"k\ud800": "\udc00"}), after=LATE), status=BROKEN, options=("--only", "image.*")),
    Bad("answers in UTF-16", spoil=lambda: changed(lambda asked, answer: replace(answer, body=answer.body.decode().encode("utf-16")), 9, LATE), status=BROKEN, verdicts=NOT_JSON),
    Bad("has an id of 100,000 digits", spoil=lambda: changed(image_field("id", "9" * 100_000), after=LATE), status=BROKEN, options=("--only", "image.*")),
    Bad("has labels that are a list", spoil=lambda: changed(image_field("labels", ["a"]), after=LATE), status=BROKEN, options=("--only", "labels.*,image.*")),
    Bad("has names that are objects", spoil=lambda: changed(image_field("name", [{}]), after=LATE), status=BROKEN, options=("--only", "life.*,image.*")),
    Bad("nests deep in one field", spoil=lambda: changed(image_field("labels", json.loads('[{"a":' * 45 + "1" + "}]" * 45)), after=LATE), status=BROKEN, options=("--only", "image.*")),
    Bad("repeats credentials in escapes", spoil=lambda: changed(says("note", lambda secret: "".join(f"\\u{code:04x}" for code in secret))), status=CONFORMANT),
    Bad("repeats credentials in base64", spoil=lambda: changed(says("note", lambda secret: base64.b64encode(b"." + secret).decode())), status=CONFORMANT),
    Bad("repeats credentials in percents", spoil=lambda: changed(says("note", lambda secret: "".join(f"%{code:02x}" for code in secret))), status=CONFORMANT),
    Bad("repeats credentials backwards", spoil=lambda: changed(says("note", lambda secret: secret.decode()[::-1])), status=CONFORMANT),
    Bad("repeats credentials in capitals", spoil=lambda: changed(says("note", lambda secret: secret.decode().upper())), status=CONFORMANT),
    Bad("has fingerprints that are lists", spoil=lambda: changed(image_field("labelFingerprint", [7]), after=LATE), status=BROKEN, options=("--only", "labels.*")),
    Bad("has errors that are numbers", spoil=lambda: changed(numbered_errors), status=BROKEN, options=("--only", "transport.*", "--strict")),
    Bad("has a Date at the end of all time", spoil=lambda: changed(lambda asked, answer: replace(answer, headers={**answer.headers, "date": "Fri, 31 Dec 9999 23:59:59 -2359"})), status=CONFORMANT),
    Bad("corrupts every fourth answer", spoil=lambda: changed(corrupted(1), 4, LATE), status=BROKEN, options=()),
)  # fmt: skip


def judged(url: str, folder: Path, *options: str) -> tuple[subprocess.CompletedProcess[str], dict[str, Any], int]:
    """Runs the suite in a folder; answers the process, the results, and the memory used."""
    temporary = folder / "tmp"
    temporary.mkdir()
    command = [sys.executable, "-m", "conformance", "run", "--url", url, "--deadline", "1", "-n", "1", *options]
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("CONFORMANCE_", "PYTEST_"))}
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, "memory", *command, "--header", f"Authorization: Bearer {TOKEN}"],
        cwd=folder,
        env={**clean, "TMPDIR": str(temporary)},
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    results = json.loads((folder / "compliance-report" / "results.json").read_text(encoding="utf-8"))
    assert not list(temporary.iterdir())
    return done, results, int((folder / "memory").read_text()) * 1024


def check(bad: Bad, url: str, folder: Path) -> None:
    """Judges a bad target, and holds the outcome against the table."""
    done, results, memory = judged(url, folder, *bad.options)
    verdicts = {row["id"]: row["verdict"] for row in results["rules"]}
    assert done.returncode == results["summary"]["exit_status"] == bad.status, done.stdout + done.stderr
    assert bad.says in results["summary"]["reason"]
    assert "error" not in verdicts.values()
    assert {rule: verdicts[rule] for rule in bad.verdicts} == bad.verdicts
    assert "Traceback" not in done.stdout + done.stderr
    assert not set(done.stdout + done.stderr) & {"\x1b", "\x07"}
    assert memory < MEMORY_MAXIMUM
    written = [path for path in (folder / "compliance-report").rglob("*") if path.is_file()]
    assert not [path for path in written if any(form in path.read_bytes() for form in ENCODED)]
    assert sum(path.stat().st_size for path in written) < OUTPUT_MAXIMUM
    assert TOKEN not in done.stdout + done.stderr


@pytest.mark.parametrize("bad", FROM_THE_START, ids=lambda bad: bad.name)
def test_bad_from_the_start(bad: Bad, tmp_path: Path) -> None:
    assert bad.script is not None
    with BadTarget(bad.script()) as target:
        check(bad, target.url, tmp_path)


@pytest.mark.parametrize("bad", IN_FRONT_OF_THE_EMULATOR, ids=lambda bad: bad.name)
def test_bad_in_front_of_the_emulator(bad: Bad, tmp_path: Path) -> None:
    assert bad.spoil is not None
    with EmulatorProcess() as emulator, BadTarget(in_front_of(emulator.url, bad.spoil())) as target:
        check(bad, target.url, tmp_path)


def test_credentials_do_not_follow_a_redirect(tmp_path: Path) -> None:
    with BadTarget(always(Answer())) as other:
        away = Answer(307, headers={"location": f"{other.url}/compute/beta/"})
        with BadTarget(always(away)) as target:
            check(Bad("redirects to another host", says="redirects"), target.url, tmp_path)
        assert target.asked[0].headers["authorization"] == f"Bearer {TOKEN}"
        assert not other.asked


def test_target_that_comes_back(tmp_path: Path) -> None:
    """It is away for a while in the middle of the run: that is a failure of the target, and the run goes on."""
    back = threading.Event()

    def away(asked: Asked, answer: Answer, line: Line) -> None:
        if asked.number < 150 or back.is_set():
            line.send(answer.whole())
            return
        if not timer.is_alive():
            timer.start()
        line.reset()

    timer = threading.Timer(0.5, back.set)
    with EmulatorProcess() as emulator, BadTarget(in_front_of(emulator.url, away)) as target:
        done, results, _ = judged(
            target.url, tmp_path, "--only", "transport.no-server-error,request-id.replay-*", "--deadline", "3", *GATING
        )
    verdicts = {row["id"]: row["verdict"] for row in results["rules"]}
    assert done.returncode == BROKEN
    assert verdicts["transport.no-server-error"] == "deviates"
    assert verdicts["request-id.replay-after-done"] == "passed"
    assert "error" not in verdicts.values()


def test_certificate_that_nobody_vouches_for(tmp_path: Path) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    bundle = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(bundle))
    for folder, options, says in (("strange", (), "TLS failed"), ("known", ("--ca-bundle", str(bundle)), STRANGE)):
        (tmp_path / folder).mkdir()
        with BadTarget(always(Answer()), context) as target:
            check(Bad("shows a certificate", says=says, options=options), target.url, tmp_path / folder)
            assert bool(target.asked) == bool(options)


@pytest.mark.parametrize(
    ("answer", "options", "reason"),
    [
        (refused(405), (), "DELETE is not supported"),
        (refused(405), ("--allow-leftovers",), ""),
        (refused(404), ("--allow-leftovers",), ""),
        (refused(500), (), ""),
        (Answer(body=b'{"kind": "compute#operation", "name": "operation-1", "status": "DONE"}'), (), ""),
    ],
    ids=["not supported", "not supported, yet allowed", "404", "500", "200 without effect"],
)
def test_what_is_left_is_told(answer: Answer, options: tuple[str, ...], reason: str, tmp_path: Path) -> None:
    with EmulatorProcess() as emulator:
        hand_on = in_front_of(emulator.url, changed(lambda asked, answer: None))

        def script(asked: Asked, line: Line) -> None:
            if asked.verb == "DELETE":
                line.send(answer.whole())
            else:
                hand_on(asked, line)

        with BadTarget(script) as target:
            _, results, _ = judged(target.url, tmp_path, "--only", "image.name.*,transport.malformed-json", *options)
        page = requests.get(f"{emulator.url}/compute/beta/projects/conformance/global/images", timeout=10).json()
        there = {image["name"] for image in page["items"] if not image["name"].startswith("base")}
    assert reason in results["summary"]["reason"]
    assert there == {path.rpartition("/")[2] for path in results["cost"]["images_left"]}
