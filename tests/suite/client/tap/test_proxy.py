"""The tap passes every byte on as it came, in both directions, and remembers what was exchanged."""

from __future__ import annotations

import gzip
import socket
import ssl
import threading
import time
from pathlib import Path

import pytest
import trustme
from helpers.tapped import CLOSE, Wire, all_of, always, heard, tapped

from conformance.trace.exchange import ABANDONED, INCOMPLETE, LOST, NOT_RECORDED

PATH = "/compute/beta/projects/p/global/images"
GET = (
    b"GET " + PATH.encode() + b"/one?x=%2F&y= HTTP/1.1\r\nhost:  Some-Host:80 \r\nX-Odd:\tvalue \r\nX-Odd: two\r\n\r\n"
)
OK = b'HTTP/1.1 200 Fine by me\r\nContent-Type: application/json\r\nX-Odd:  a\r\nContent-Length: 7\r\n\r\n{"a":1}'
CHUNKED = b'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5;a=b\r\n{"a":\r\n2\r\n1}\r\n0\r\nX-Trailer: 1\r\n\r\n'


def insert(body: bytes, *headers: bytes) -> bytes:
    lines = [b"POST " + PATH.encode() + b" HTTP/1.1", b"Host: h", b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join([*lines, b"", b""]) + body


@pytest.mark.parametrize(
    ("request_", "answer", "status", "content"),
    [
        (GET, OK, 200, b'{"a":1}'),
        (GET, CHUNKED, 200, b'{"a":1}'),
        (GET, b"HTTP/1.1 204 No Content\r\nx: y\r\n\r\n", 204, b""),
        (GET, b"HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\n", 304, b""),
        (GET.replace(b"GET", b"HEAD"), b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", 200, b""),
        (insert(b'{"name": "one"}'), OK, 200, b'{"a":1}'),
        (GET, b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK, 200, b'{"a":1}'),
    ],
    ids=["length", "chunked", "204", "304", "head", "post", "interim"],
)
def test_bytes_pass_unchanged_and_the_connection_stays(
    request_: bytes, answer: bytes, status: int, content: bytes
) -> None:
    with Wire(always(answer)) as target, tapped(target.url) as tap:
        with tap.connect() as wire:
            for _ in range(3):
                wire.sendall(request_)
                assert heard(wire, len(answer)) == answer
        assert target.heard == [request_ * 3]
    assert [(item.status, item.response and item.response.body) for item in tap.exchanges] == [(status, content)] * 3


def test_record_tells_what_was_said() -> None:
    body = b'{"name": "one"}'
    with Wire(always(OK)) as target, tapped(target.url) as tap:
        tap.say(insert(body, b"X-Odd: one", b"X-Odd: two"))
    (exchange,) = tap.exchanges
    assert (exchange.number, exchange.method, exchange.request.body) == (1, "images.insert", body)
    assert exchange.request.url == f"{target.url}{PATH}"
    assert exchange.request.headers["X-Odd"] == "one, two"
    assert exchange.response is not None
    assert exchange.response.headers["x-odd"] == "a"
    assert exchange.sent <= exchange.received


def test_compressed_answer_is_recorded_unpacked() -> None:
    packed = gzip.compress(b'{"a": 1}')
    answer = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed
    with Wire(always(answer)) as target, tapped(target.url) as tap:
        assert tap.say(GET).endswith(packed)
    assert tap.exchanges[0].response is not None
    assert tap.exchanges[0].response.json == {"a": 1}


def test_answer_that_ends_with_the_connection() -> None:
    def answer(data: bytes, connection: socket.socket) -> object:
        del data
        connection.sendall(b'HTTP/1.0 200 OK\r\n\r\n{"a":1}')
        return CLOSE

    with Wire(answer) as target, tapped(target.url) as tap, tap.connect() as wire:
        wire.sendall(GET)
        assert all_of(wire).endswith(b'\r\n\r\n{"a":1}')
    assert [(item.status, item.failure) for item in tap.exchanges] == [(200, "")]


def test_answer_is_passed_on_piece_by_piece() -> None:
    go_on = threading.Event()

    def answer(data: bytes, connection: socket.socket) -> None:
        del data
        connection.sendall(CHUNKED[:60])
        go_on.wait(10)
        connection.sendall(CHUNKED[60:])

    with Wire(answer) as target, tapped(target.url) as tap, tap.connect() as wire:
        wire.sendall(GET)
        assert heard(wire, 60) == CHUNKED[:60]
        go_on.set()
        assert heard(wire, len(CHUNKED) - 60) == CHUNKED[60:]


def test_what_is_no_http_passes_all_the_same_and_is_counted() -> None:
    echo = Wire(lambda data, connection: connection.sendall(data))
    with echo as target, tapped(target.url) as tap, tap.connect() as wire:
        for sent in (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\0\1\2"):
            wire.sendall(sent)
            assert heard(wire, len(sent)) == sent
    assert tap.exchanges == []
    assert list(tap.tap.skipped) == ["connections that speak something else than HTTP/1, which passed unread"]


def test_request_is_passed_on_piece_by_piece() -> None:
    arrived, sent = threading.Semaphore(0), insert(b"x" * 1000 + b".")

    def answer(data: bytes, connection: socket.socket) -> None:
        arrived.release()
        if data.endswith(b"."):
            connection.sendall(OK)

    with Wire(answer) as target, tapped(target.url) as tap, tap.connect() as wire:
        for piece in (sent[:-500], sent[-500:-1], sent[-1:]):
            wire.sendall(piece)
            assert arrived.acquire(timeout=10)
        assert heard(wire, len(OK)) == OK
        assert target.heard == [sent]
    assert tap.exchanges[0].request.body == b"x" * 1000 + b"."


def test_client_that_waits_before_it_sends_the_body() -> None:
    seen: list[bytes] = []

    def answer(data: bytes, connection: socket.socket) -> None:
        seen.append(data)
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" if len(seen) == 1 else OK)

    with Wire(answer) as target, tapped(target.url) as tap, tap.connect() as wire:
        sent = insert(b"{}", b"Expect: 100-continue")
        wire.sendall(sent[:-2])
        assert heard(wire, 25) == b"HTTP/1.1 100 Continue\r\n\r\n"
        wire.sendall(sent[-2:])
        assert heard(wire, len(OK)) == OK
    assert [(item.request.body, item.status) for item in tap.exchanges] == [(b"{}", 200)]


def test_requests_in_one_piece_are_answered_in_order() -> None:
    answers = OK + CHUNKED
    with Wire(always(answers)) as target, tapped(target.url) as tap, tap.connect() as wire:
        wire.sendall(GET + insert(b"{}"))
        assert heard(wire, len(answers)) == answers
        assert target.heard == [GET + insert(b"{}")]
    told = [(item.request.verb, item.response and item.response.body) for item in tap.exchanges]
    assert told == [("GET", b'{"a":1}'), ("POST", b'{"a":1}')]


def test_body_larger_than_what_is_kept_passes_whole() -> None:
    body = b"x" * (6 * 2**20)
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    with Wire(always(answer)) as target, tapped(target.url) as tap, tap.connect() as wire:
        wire.sendall(GET)
        assert heard(wire, len(answer)) == answer
    (exchange,) = tap.exchanges
    assert exchange.response is not None
    assert exchange.response.truncated
    assert 2**20 <= len(exchange.response.body) < len(body)


def test_request_larger_than_what_is_kept_is_counted_and_not_judged() -> None:
    sent = insert(b"x" * (6 * 2**20))
    rest = [len(sent)]

    def answer(data: bytes, connection: socket.socket) -> None:
        rest[0] -= len(data)
        if rest[0] == 0:
            connection.sendall(OK)

    with Wire(answer) as target, tapped(target.url) as tap, tap.connect() as wire:
        wire.sendall(sent)
        assert heard(wire, len(OK)) == OK
        assert target.heard == [sent]
    assert tap.exchanges == []
    assert tap.tap.skipped.total() == 1


def test_empty_lines_before_a_request_pass_with_it() -> None:
    with Wire(always(OK)) as target, tapped(target.url) as tap, tap.connect() as wire:
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        wire.sendall(b"\r\n")
        wire.settimeout(0.1)
        with pytest.raises(TimeoutError):
            wire.recv(1)
        wire.settimeout(10)
        wire.sendall(b"\r\n" + GET)
        assert heard(wire, len(OK)) == OK
        assert target.heard == [b"\r\n\r\n" + GET]


def test_target_with_a_name_is_called_by_it() -> None:
    with Wire(always(OK)) as target, tapped(target.url) as tap:
        tap.tap.name = b"compute.example.com"
        tap.say(GET)
        assert target.heard == [GET.replace(b" Some-Host:80 ", b" compute.example.com")]


def test_target_with_tls(tmp_path: Path) -> None:
    authority = trustme.CA()
    (tmp_path / "ca.pem").write_bytes(authority.cert_pem.bytes())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)

    def serve(listener: socket.socket) -> None:
        while True:
            connection, _ = listener.accept()
            try:
                with context.wrap_socket(connection, server_side=True) as secure:
                    if secure.recv(2**16) == GET:
                        secure.sendall(OK)
            except OSError:
                continue

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
        url = f"https://localhost:{listener.getsockname()[1]}"
        with tapped(url, trust=str(tmp_path / "ca.pem")) as tap, tap.connect() as wire:
            wire.sendall(GET)
            assert heard(wire, len(OK)) == OK
        with tapped(url) as untrusting:
            assert untrusting.say(GET) == b""
    assert tap.exchanges[0].request.url.startswith(f"{url}/compute/")
    assert "the certificate is not trusted" in untrusting.exchanges[0].failure


# Connections that break


@pytest.mark.parametrize("pause", [0.0, 0.1])
@pytest.mark.parametrize("said", [GET, b"no HTTP at all\r\n\r\n"], ids=["request", "noise"])
def test_target_that_is_not_there(pause: float, said: bytes) -> None:
    """It may be known to be away before the client has said anything."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with tapped(f"http://127.0.0.1:{port}") as tap, tap.connect() as wire:
        time.sleep(pause)
        wire.sendall(said)
        assert all_of(wire) == b""
    assert [item.failure for item in tap.exchanges] == (["connection refused"] if said is GET else [])
    assert tap.tap.unreachable == "connection refused"


def test_client_that_leaves_in_the_middle_where_no_target_is() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with tapped(f"http://127.0.0.1:{port}") as tap, tap.connect() as wire:
        time.sleep(0.1)
        wire.sendall(GET[:20])
        wire.shutdown(socket.SHUT_WR)
        assert all_of(wire) == b""


@pytest.mark.parametrize(
    ("said", "failure"), [(b"", "closed connection"), (OK[:-1], "the connection broke"), (OK[:30], "closed connection")]
)
def test_target_that_hangs_up(said: bytes, failure: str) -> None:
    def answer(data: bytes, connection: socket.socket) -> object:
        del data
        connection.sendall(said)
        return CLOSE

    with Wire(answer) as target, tapped(target.url) as tap, tap.connect() as wire:
        wire.sendall(GET)
        assert all_of(wire) == said
    assert [(item.response, item.failure) for item in tap.exchanges] == [(None, failure)]


@pytest.mark.parametrize(
    ("sent", "failure"), [(insert(b"{}"), ABANDONED), (insert(b"{}")[:-1], INCOMPLETE)], ids=["whole", "half"]
)
def test_client_that_hangs_up(sent: bytes, failure: str) -> None:
    gone = threading.Event()
    with Wire(lambda data, connection: gone.set() if not data else None) as target, tapped(target.url) as tap:
        with tap.connect() as wire:
            wire.sendall(sent)
            while not any(target.heard):
                gone.wait(0.01)
        while tap.tap.under_way:
            gone.wait(0.01)
    assert [(item.response, item.failure) for item in tap.exchanges] == [(None, failure)]


def test_what_is_under_way_when_the_tap_is_closed_is_kept() -> None:
    arrived = threading.Event()
    with Wire(lambda data, connection: arrived.set()) as target, tapped(target.url) as tap:
        wire = tap.connect()
        wire.sendall(insert(b"{}"))
        assert arrived.wait(10)
    wire.close()
    assert [(item.method, item.failure) for item in tap.exchanges] == [("images.insert", NOT_RECORDED)]


# Faults


def test_lost_answer_is_known_and_the_client_gets_none_of_it() -> None:
    with Wire(always(OK)) as target, tapped(target.url, "lost-response:1") as tap:
        assert tap.say(GET) == b""
        assert target.heard == [GET]
    (exchange,) = tap.exchanges
    assert (exchange.status, exchange.injected, exchange.reached) == (200, LOST, True)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_status_in_place_of_the_target(status: int) -> None:
    with Wire(always(OK)) as target, tapped(target.url, f"{status}:1") as tap:
        with tap.connect() as wire:
            for _ in range(2):
                wire.sendall(insert(b"{}"))
                assert wire.recv(2**16).startswith(b"HTTP/1.1 %d " % status)
        assert b"".join(target.heard) == b""
    assert [(item.status, item.injected, item.reached) for item in tap.exchanges] == [(status, str(status), False)] * 2


def test_status_for_a_client_that_waits_before_it_sends_the_body() -> None:
    with Wire(always(OK)) as target, tapped(target.url, "503:1") as tap, tap.connect() as wire:
        wire.sendall(insert(b"{}", b"Expect: 100-continue")[:-2])
        assert all_of(wire).startswith(b"HTTP/1.1 503 ")
        assert b"".join(target.heard) == b""


def test_what_comes_in_one_piece_with_a_request_that_the_tap_answers_ends_the_connection() -> None:
    with Wire(always(OK)) as target, tapped(target.url, "503:1") as tap, tap.connect() as wire:
        sent = insert(b"x" * 100)
        wire.sendall(sent[:-50])
        wire.settimeout(0.1)
        with pytest.raises(TimeoutError):
            wire.recv(1)
        wire.settimeout(10)
        wire.sendall(sent[-50:] + GET)
        assert all_of(wire).startswith(b"HTTP/1.1 503 ")
        assert b"".join(target.heard) == b""
    assert [item.method for item in tap.exchanges] == ["images.insert"]


def test_status_for_head_has_no_body() -> None:
    with Wire(always(OK)) as target, tapped(target.url, "503:1") as tap:
        assert tap.say(GET.replace(b"GET", b"HEAD")).endswith(b"\r\n\r\n")


def test_late_answer_is_whole_and_on_time_in_the_record() -> None:
    with Wire(always(OK)) as target, tapped(target.url, "delay:300ms") as tap, tap.connect() as wire:
        wire.sendall(GET)
        assert heard(wire, len(OK)) == OK
        arrived = time.time()
    assert arrived - tap.exchanges[0].received > 0.25


def test_equal_seeds_make_equal_faults() -> None:
    def fates(seed: int) -> list[str]:
        with Wire(always(OK)) as target, tapped(target.url, "lost-response:0.3,503:0.3", seed) as tap:
            for _ in range(30):
                with tap.connect() as wire:
                    wire.sendall(GET)
                    wire.recv(2**16)
        return [exchange.injected for exchange in tap.exchanges]

    first = fates(1)
    assert set(first) == {"", LOST, "503"}
    assert fates(1) == first
    assert fates(2) != first
