"""Requests reach a target as they were written."""

from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from conformance.client.transport import Transport
from conformance.trace.exchange import Request


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
