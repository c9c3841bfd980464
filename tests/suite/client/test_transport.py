"""Requests reach a target as they were written."""

import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from helpers.bad_target import Answer, Asked, BadTarget, Line, always, raw

from conformance.client.connection import Connections
from conformance.client.transport import TargetLost, Transport, repeatable, retry_after
from conformance.trace.exchange import Request, Response


class Echo(BaseHTTPRequestHandler):
    """Answers the request line's target."""

    def do_GET(self) -> None:
        """The target, as the body."""
        self.send_response_only(200)
        self.end_headers()
        self.wfile.write(self.path.encode())


@pytest.mark.parametrize("target", ["/path", "/path?", "/path?a=b", "/a%2Fb?filter=name%20eq+a"])
def test_target_is_sent_as_it_is(target: str) -> None:
    with HTTPServer(("127.0.0.1", 0), Echo) as server:
        Thread(target=server.handle_request, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        response = Transport(url, {}).send(Request("GET", url + target), "GET").response
    assert response is not None
    assert response.body.decode() == target


def test_interim_answers_are_passed_over() -> None:
    """What is sent before an answer is no answer, and the next request has its own."""
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n"

    def script(asked: Asked, line: Line) -> None:
        line.send(hints * asked.number + Answer(200, b'{"number": %d}' % asked.number).whole())

    with BadTarget(script) as target:
        transport = Transport(target.url, {})
        answers = [transport.send(Request("GET", target.url + "/path"), "GET").response for _ in range(3)]
    assert [answer and (answer.status, answer.json) for answer in answers] == [
        (200, {"number": number}) for number in (1, 2, 3)
    ]


def test_endless_interim_answers_are_no_answer() -> None:
    with BadTarget(raw(b"HTTP/1.1 102 Processing\r\n\r\n" * 1000)) as target:
        reply = Connections(target.url, True).send(Request("GET", target.url + "/"), {}, 5)
    assert reply.response is None


def test_connection_that_is_refused_is_not_one_that_timed_out() -> None:
    reply = Connections("http://127.0.0.1:1", True).send(Request("GET", "http://127.0.0.1:1/"), {}, 5)
    assert (reply.response, reply.failure) == (None, "connection refused")


def test_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked for whole URLs, with the password that its own URL names, unless the target is not for it."""
    asked: list[Asked] = []

    def script(one: Asked, line: Line) -> None:
        asked.append(one)
        line.send(Answer(200, b"{}").whole())

    with BadTarget(script) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url.replace("//", "//user:word@"))
        monkeypatch.setenv("no_proxy", "near.invalid, 192.0.2.0/24")
        url = "http://far.invalid/compute/beta/projects/p/global/images?filter=name%20eq+a"
        through = Transport("http://far.invalid/compute/beta", {})
        response = through.send(Request("GET", url), "images.list").response
        near = Transport("http://near.invalid/compute/beta", {})
        net = Transport("http://192.0.2.7/compute/beta", {})
    assert response is not None
    assert response.json == {}
    assert [one.target for one in asked] == [url]
    assert asked[0].headers["proxy-authorization"] == "Basic dXNlcjp3b3Jk"
    assert (through.direct, near.direct, net.direct) == (False, True, True)


@pytest.mark.parametrize(
    ("advice", "seconds"),
    [
        ("5", 5.0),
        ("0", 0.0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        *((text, 0.2) for text in ("", "banana", "inf", "nan", "-1", "1e9", "9" * 5000, "\u00b2", "31")),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 0.2),
        ("Thu, 01 Jan 1970 00:00:00 +9999999999", 0.2),
    ],
)
def test_advice_when_to_come_back(advice: str, seconds: float) -> None:
    assert retry_after(Response(503, {"retry-after": advice}), 1) == seconds


def test_access_that_ends() -> None:
    """One refusal is a matter of its request; when what was answered before is refused as well, all else is."""
    refused = {"/ever"}

    def script(asked: Asked, line: Line) -> None:
        line.send(Answer(401 if asked.target in refused else 200).whole())

    with BadTarget(script) as target:
        transport = Transport(target.url, {})
        assert transport.send(Request("GET", f"{target.url}/one"), "images.get").response
        reply = transport.send(Request("GET", f"{target.url}/ever"), "images.get")
        assert reply.response is not None
        assert reply.response.status == 401
        refused.add("/one")
        with pytest.raises(TargetLost, match="no longer grants access: it answers HTTP 401"):
            transport.send(Request("GET", f"{target.url}/ever"), "images.get")


def test_strangers_are_refused_without_harm() -> None:
    with BadTarget(always(Answer(401))) as target:
        transport = Transport(target.url, {})
        for _ in range(5):
            request = Request("GET", f"{target.url}/one", {"Authorization": "Bearer of-another"})
            assert transport.send(request, "images.get").response


@pytest.mark.parametrize(
    ("verb", "path", "right"),
    [
        ("GET", "images/one", True),
        ("POST", "images?requestId=4a1ec185-e15c-433a-856c-08b8faf32999", True),
        ("POST", "operations/operation-1/wait", True),
        ("POST", "images", False),
        ("POST", "images/wait/setLabels", False),
        ("DELETE", "images/one", False),
    ],
)
def test_request_that_is_sent_again_after_a_server_error(verb: str, path: str, *, right: bool) -> None:
    url = f"http://server/compute/beta/projects/p/global/{path}"
    assert repeatable(Request(verb, url, {}, None)) == right


@pytest.mark.parametrize(("verb", "since_the_first"), [("GET", False), ("DELETE", True)])
def test_change_that_is_sent_again_may_have_been_carried_out_at_first(verb: str, *, since_the_first: bool) -> None:
    came: list[float] = []

    def script(asked: Asked, line: Line) -> None:
        came.append(time.time() * bool(asked.target))
        line.send(Answer(502 if len(came) == 1 else 200).whole())

    with BadTarget(script) as target:
        url = f"{target.url}/images/one?requestId=4a1ec185-e15c-433a-856c-08b8faf32999"
        reply = Transport(target.url, {}).send(Request(verb, url), "images.delete")
    assert reply.retried
    assert (reply.sent <= came[0]) == since_the_first
