"""The same traffic as different recorders write it: each takes the entries of an HTTP archive, and keeps what it
keeps."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import yaml

Entry = dict[str, Any]


@dataclass(frozen=True)
class Message:
    """An entry, part by part."""

    verb: str
    url: str
    sent_headers: dict[str, str]
    sent: str
    status: int
    headers: dict[str, str]
    answered: str
    started: datetime
    seconds: float


def messages(entries: Sequence[Entry]) -> Iterator[Message]:
    """The entries, part by part."""
    for entry in entries:
        request, response = entry["request"], entry["response"]
        yield Message(
            request["method"],
            request["url"],
            {header["name"]: header["value"] for header in request["headers"]},
            request.get("postData", {}).get("text", ""),
            response["status"],
            {header["name"]: header["value"] for header in response["headers"]},
            response["content"].get("text", ""),
            datetime.fromisoformat(entry["startedDateTime"]),
            entry["time"] / 1000,
        )


def har(entries: Sequence[Entry]) -> bytes:
    """An HTTP archive."""
    return json.dumps({"log": {"version": "1.2", "entries": list(entries)}}).encode()


def har_gz(entries: Sequence[Entry]) -> bytes:
    """A compressed one."""
    return gzip.compress(har(entries))


def har_marked(entries: Sequence[Entry]) -> bytes:
    """An archive that begins with a byte order mark, as Fiddler writes it."""
    return b"\xef\xbb\xbf" + har(entries)


def _vcrpy(entries: Sequence[Entry], body: Callable[[str], Any]) -> dict[str, Any]:
    return {
        "version": 1,
        "interactions": [
            {
                "request": {
                    "method": one.verb,
                    "uri": one.url,
                    "body": one.sent or None,
                    "headers": _lists(one.sent_headers),
                },
                "response": {
                    "status": {"code": one.status, "message": "OK" if one.status == 200 else "Refused"},
                    "headers": _lists(one.headers),
                    "body": {"string": body(one.answered)},
                },
            }
            for one in messages(entries)
        ],
    }


def vcrpy_yaml(entries: Sequence[Entry]) -> bytes:
    """A cassette of VCR.py: without times."""
    return yaml.safe_dump(_vcrpy(entries, str)).encode()


def vcrpy_binary(entries: Sequence[Entry]) -> bytes:
    """A cassette of VCR.py with bodies as they came over the wire."""
    cassette = _vcrpy(entries, lambda text: gzip.compress(text.encode()))
    for interaction in cassette["interactions"]:
        interaction["response"]["headers"]["Content-Encoding"] = ["gzip"]
    return yaml.safe_dump(cassette).encode()


def vcrpy_json(entries: Sequence[Entry]) -> bytes:
    """A cassette of VCR.py in JSON."""
    return json.dumps(_vcrpy(entries, str)).encode()


def betamax(entries: Sequence[Entry]) -> bytes:
    """A cassette of betamax: times in whole seconds, bodies in base64."""
    return json.dumps(
        {
            "http_interactions": [
                {
                    "request": {
                        "method": one.verb,
                        "uri": one.url,
                        "headers": _lists(one.sent_headers),
                        "body": {"encoding": "utf-8", "string": one.sent},
                    },
                    "response": {
                        "status": {"code": one.status, "message": "OK" if one.status == 200 else "Refused"},
                        "headers": _lists({**one.headers, "Content-Encoding": "gzip"}),
                        "body": {
                            "encoding": "UTF-8",
                            "base64_string": base64.b64encode(gzip.compress(one.answered.encode())).decode(),
                        },
                        "url": one.url,
                    },
                    "recorded_at": f"{one.started:%Y-%m-%dT%H:%M:%S}",
                }
                for one in messages(entries)
            ],
            "recorded_with": "betamax/0.9.0",
        }
    ).encode()


def _go_vcr(entries: Sequence[Entry], version: int, indent: int) -> bytes:
    numbered = enumerate(messages(entries))
    later = version > 1
    interactions = [
        {
            **({"id": number} if later else {}),
            "request": {
                **(
                    {"proto": "HTTP/1.1", "content_length": len(one.sent), "host": "compute.googleapis.com"}
                    if later
                    else {}
                ),
                "body": one.sent,
                "form": {},
                "headers": _lists(one.sent_headers),
                "url": one.url,
                "method": one.verb,
            },
            "response": {
                **({"proto": "HTTP/2.0", "content_length": -1, "uncompressed": True} if later else {}),
                "body": one.answered,
                "headers": _lists(one.headers),
                "status": f"{one.status} Told",
                "code": one.status,
                "duration": f"{one.seconds * 1000:g}ms" if later else "",
            },
        }
        for number, one in numbered
    ]
    text = yaml.safe_dump({"version": version, "interactions": interactions}, indent=indent, sort_keys=False)
    return f"---\n{text}".encode()


def go_vcr_1(entries: Sequence[Entry]) -> bytes:
    """A cassette of go-vcr, versions 1 and 2."""
    return _go_vcr(entries, 1, 2)


def go_vcr_4(entries: Sequence[Entry]) -> bytes:
    """A cassette of go-vcr, versions 3 and 4."""
    return _go_vcr(entries, 2, 4)


def http_log(entries: Sequence[Entry]) -> bytes:
    """An HTTP log of k8s-config-connector: no times, no Date, keys in order."""
    parts = []
    for one in messages(entries):
        kept = {name: value for name, value in one.headers.items() if name.lower() != "date"}
        sent = [f"{one.verb} {one.url}", *_lines(one.sent_headers), ""]
        body = [_pretty(one.sent), ""] if one.sent else []
        parts.append("\n".join([*sent, *body, f"{one.status} Told", *_lines(kept), "", _pretty(one.answered), ""]))
    return "\n---\n\n".join(parts).encode()


def gcloud(entries: Sequence[Entry]) -> bytes:
    """What gcloud prints with --log-http: no times but Date, and its own words in between."""
    lines = ["WARNING: You have selected a disk size of under [200GB].", ""]
    for one in messages(entries):
        lines += ["=======================", "==== request start ====", f"uri: {one.url}", f"method: {one.verb}"]
        lines += ["== headers start ==", "b'authorization': --- Token Redacted ---"]
        lines += [f"{name.lower().encode()!r}: {value.encode()!r}" for name, value in one.sent_headers.items()]
        lines += ["== headers end ==", "== body start ==", one.sent, "== body end ==", "==== request end ===="]
        lines += ["---- response start ----", f"status: {one.status}", "-- headers start --", *_lines(one.headers)]
        lines += ["-- headers end --", "-- body start --", _pretty(one.answered), "", "-- body end --"]
        lines += [f"total round trip time (request+response): {one.seconds:.3f} secs", "---- response end ----"]
        lines += ["----------------------", "Creating image...⠹"]
    return "\n".join(lines).encode()


def mitmproxy(entries: Sequence[Entry]) -> bytes:
    """A dump of mitmproxy: everything, bodies as they came over the wire."""
    return b"".join(_netstring(_flow(one)) for one in messages(entries))


RECORDERS: dict[str, Callable[[Sequence[Entry]], bytes]] = {
    recorder.__name__: recorder
    for recorder in (
        har,
        har_gz,
        har_marked,
        vcrpy_yaml,
        vcrpy_binary,
        vcrpy_json,
        betamax,
        go_vcr_1,
        go_vcr_4,
        http_log,
        gcloud,
        mitmproxy,
    )
}
"""All of them, by name."""

TIMELESS = frozenset({"http_log"})
"""Those that keep neither times nor the Date of answers."""


def _lists(headers: dict[str, str]) -> dict[str, list[str]]:
    return {name: [value] for name, value in headers.items()}


def _lines(headers: dict[str, str]) -> list[str]:
    return [f"{name}: {value}" for name, value in headers.items()]


def _pretty(text: str) -> str:
    try:
        return json.dumps(json.loads(text), indent=2, sort_keys=True)
    except (ValueError, RecursionError):
        return text


def _flow(one: Message) -> dict[str, Any]:
    parts = urlsplit(one.url)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    began = one.started.timestamp()
    packed = [*one.headers.items(), ("content-encoding", "gzip")]
    return {
        "version": 20,
        "type": "http",
        "id": "0b1c",
        "error": None,
        "request": {
            "method": one.verb.encode(),
            "scheme": parts.scheme.encode(),
            "authority": b"",
            "host": parts.hostname,
            "port": parts.port or 443,
            "path": path.encode(),
            "http_version": b"HTTP/1.1",
            "headers": [[name.encode(), value.encode()] for name, value in one.sent_headers.items()],
            "content": one.sent.encode(),
            "timestamp_start": began,
        },
        "response": {
            "http_version": b"HTTP/1.1",
            "status_code": one.status,
            "reason": b"OK",
            "headers": [[name.encode(), value.encode()] for name, value in packed],
            "content": gzip.compress(one.answered.encode()),
            "timestamp_start": began,
            "timestamp_end": began + one.seconds,
        },
        "websocket": None,
    }


def _netstring(value: Any) -> bytes:
    match value:
        case None:
            data, kind = b"", b"~"
        case bool():
            data, kind = str(value).lower().encode(), b"!"
        case int():
            data, kind = str(value).encode(), b"#"
        case float():
            data, kind = repr(value).encode(), b"^"
        case bytes():
            data, kind = value, b","
        case str():
            data, kind = value.encode(), b";"
        case dict():
            data, kind = b"".join(_netstring(part) for pair in value.items() for part in pair), b"}"
        case _:
            data, kind = b"".join(map(_netstring, value)), b"]"
    return str(len(data)).encode() + b":" + data + kind
