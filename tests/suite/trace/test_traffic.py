"""The traffic of a run: all of it, in the order of sending, within its room, and the same when it is read again."""

import json
from pathlib import Path

from conformance.trace import har
from conformance.trace.exchange import Exchange, Request, Response, Trace
from conformance.trace.recording import Recording
from conformance.trace.traffic import Traffic, kept, left_out

URL = "http://127.0.0.1:8080/compute/beta/projects/p/global/images"
OPERATION = b'{"kind": "compute#operation", "name": "operation-1", "targetId": "7", "status": "DONE"}'


def insert(second: float, body: bytes = OPERATION) -> Trace:
    """An insert that was sent at a second."""
    request = Request("POST", URL, {}, b'{"name": "one"}')
    return Trace((Exchange(1, request, Response(200, {}, body), sent=second, received=second + 0.5),))


def test_processes_are_put_together_in_order(tmp_path: Path) -> None:
    for name, seconds in (("main", (1.0, 30.0)), ("gw0", (20.0, 2.5, 10.0))):
        traffic = Traffic(tmp_path / f"{name}.traffic", name)
        for second in seconds:
            traffic.add(insert(second), "story")
        traffic.close()
    started = [json.loads(line)["startedDateTime"][17:19] for line in kept(tmp_path)]
    assert started == ["01", "02", "10", "20", "30"]
    assert not left_out(tmp_path)


def test_a_replay_makes_no_image(tmp_path: Path) -> None:
    traffic = Traffic(tmp_path / "main.traffic", "main")
    for second, body in ((1.0, OPERATION), (2.0, OPERATION), (3.0, OPERATION.replace(b'"7"', b'"8"'))):
        traffic.add(insert(second, body), "story")
    traffic.close()
    har.write(kept(tmp_path), tmp_path / "traffic.har")
    with Recording(tmp_path / "traffic.har") as recording:
        assert (recording.cost.requests, recording.cost.images) == (3, 2)


def test_there_is_room_for_so_much(tmp_path: Path) -> None:
    """First the bodies are left out, then whole entries; what is left out is counted."""
    traffic = Traffic(tmp_path / "main.traffic", "main", room=10_000)
    for second in range(20):
        traffic.add(insert(float(second), OPERATION[:-1] + b', "note": "' + b"x" * 1000 + b'"}'), "story")
    traffic.close()
    entries = [json.loads(line) for line in kept(tmp_path)]
    assert (tmp_path / "main.traffic").stat().st_size <= 10_000
    assert "text" in entries[0]["response"]["content"]
    assert "text" not in entries[-1]["response"]["content"]
    assert left_out(tmp_path) == 20 - len(entries) > 0
