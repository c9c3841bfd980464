"""How one breach is shown: the difference, the fields that matter, the times, and commands to paste."""

from __future__ import annotations

import json
import shutil
import subprocess
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from threading import Thread
from typing import Any

import pytest

from conformance.contract import catalogue
from conformance.reports.alignment import aligned, brief
from conformance.reports.marking import Matter, matter
from conformance.reports.pasted import curl, httpie, pasted
from conformance.reports.reference import ROOT, SECTIONS, page_of
from conformance.reports.timeline import timelines
from conformance.reports.unjudged import gaps
from conformance.verdicts.results import (
    BarResult,
    BreachResult,
    ExchangeResult,
    Reproduction,
    Request,
    Response,
    Results,
    RuleResult,
)
from conformance.verdicts.verdict import Verdict

BODY = {"name": "it's", "labels": {"a": "@file", "b": "two\nlines"}}


def exchange(number: int, moment: str, seconds: float, body: Any = None, status: int = 200) -> ExchangeResult:
    """An exchange at a moment, as 0.250 (seconds), with the body of its answer."""
    return ExchangeResult(
        number=number,
        method="images.insert",
        request=Request(method="POST", url="http://target/compute/beta/x", headers={}, body=""),
        response=Response(status=status, headers={}, body=json.dumps(body)),
        error=None,
        started=f"2026-01-01T00:00:0{moment}+00:00",
        seconds=seconds,
    )


def breach(*exchanges: ExchangeResult, expected: str = "", observed: str = "") -> BreachResult:
    """A breach that these exchanges show."""
    shown = Reproduction(shell="", command="")
    return BreachResult(message="", expected=expected, observed=observed, exchanges=exchanges, reproduce=shown)


def test_equal_lines_stand_beside_each_other() -> None:
    values = [
        {"a": 1, "b": {"c": number, "d": "the same"}, "e": "so long that it does not fit" * 2} for number in (2, 3)
    ]
    rows = aligned(json.dumps(values[0]), json.dumps(dict(reversed(values[1].items()))))
    different = [row for row in rows if not row.equal]
    assert [(str(row.expected), str(row.observed)) for row in different] == [
        ('    "c": <mark>2</mark>,', '    "c": <mark>3</mark>,')
    ]


def test_what_one_side_lacks_has_an_empty_place() -> None:
    long = {"name": "x" * 80}
    rows = aligned(json.dumps(long), json.dumps({**long, "zone": "far"}))
    assert [str(row.observed) for row in rows if row.expected is None] == ['<mark>  "zone": "far"</mark>']


def test_equal_lines_far_from_a_difference_are_counted() -> None:
    values = [{**{f"k{number:02}": "same" for number in range(40)}, "z": number} for number in (1, 2)]
    rows = aligned(*map(json.dumps, values))
    assert sum(row.passed_over for row in rows) == 39
    assert len(rows) == 5


def test_values_that_have_nothing_in_common_are_not_marked() -> None:
    ((row),) = aligned("a refusal (4xx)", "HTTP 200, and succeeds")
    assert "<mark>" not in f"{row.expected}{row.observed}"


def test_equal_values_are_shown() -> None:
    value = json.dumps({"name": "x" * 80})
    assert [row.expected for row in aligned(value, value)] == ["{", f'  "name": "{"x" * 80}"', "}"]
    assert brief(value, value) == (value, value)


def test_difference_escapes() -> None:
    rows = aligned('{"<b>": "<script>"}', '{"<b>": "<i>"}')
    assert "<script>" not in str(rows[0].expected)
    assert "&lt;<mark>script</mark>&gt;" in str(rows[0].expected)


def test_brief_tells_the_lines_that_differ() -> None:
    values = [
        {"id": f"{number}23", "kind": "compute#operation", "name": "the same in both, and long"} for number in (1, 2)
    ]
    assert brief(*map(json.dumps, values)) == ('"id": "<mark>123</mark>",', '"id": "<mark>223</mark>",')


def test_field_of_the_rule_is_marked(broken: Results) -> None:
    rule = next(rule for rule in broken.rules if rule.reference == "Fields > rawDisk.source")
    about = matter(rule, breach(expected="one", observed="two"))
    shown = str(about.body('{"rawDisk": {"source": "gs://x", "containerType": "TAR"}, "source": "other"}'))
    assert '<mark>"source": "gs://x",</mark>' in shown
    assert shown.count("<mark>") == 1


def test_values_that_differ_are_marked(broken: Results) -> None:
    told = breach(expected='{"id": "1234", "name": "same"}', observed='{"id": "5678", "name": "same"}')
    about = matter(broken.rules[0], told)
    shown = str(about.body('{"items": [{"id": "5678", "name": "same", "other": ["1234", {}, []]}]}'))
    assert '<mark>"id": "5678",</mark>' in shown
    assert '<mark>"1234",</mark>' in shown
    assert shown.count("<mark>") == 2


def test_parameters_and_statuses_are_marked() -> None:
    about = Matter(("requestId",), frozenset({"HTTP 409"}))
    assert str(about.url("http://h/compute/beta/p?a=1&requestId=<7>")) == (
        "beta/p?a=1&amp;<mark>requestId=&lt;7&gt;</mark>"
    )
    assert str(about.answer(exchange(1, "0", 0.1, status=409))) == "<mark>HTTP 409</mark>"
    assert str(about.answer(exchange(1, "0", 0.1, status=200))) == "HTTP 200"


@pytest.mark.parametrize("body", ["", "no <b>JSON</b>", "[" * 100_000, '"text"', "17"])
def test_any_body_is_shown(body: str) -> None:
    assert "<b>" not in str(Matter((), frozenset()).body(body))


def test_time_line_shows_each_operation_in_order() -> None:
    states = [("one", "PENDING"), ("two", "DONE"), ("one", "RUNNING"), ("one", "STRANGE"), ("one", "DONE")]
    looks = [
        exchange(number, f"{number}.0", 0.5, {"kind": "compute#operation", "name": name, "status": status})
        for number, (name, status) in enumerate(states)
    ]
    (drawing,) = timelines(breach(*looks))
    (lane,) = drawing.lanes
    assert lane.name == "one"
    assert [span.tone for span in lane.spans] == ["pending", "running", "strange", "done"]
    assert [span.text.partition(" ")[0] for span in lane.spans] == ["PENDING", "RUNNING", "STRANGE", "DONE"]
    ends = [(drawing.left(span), drawing.left(span) + drawing.width(span)) for span in lane.spans]
    assert ends[0][0] == 0
    assert all(later[0] == pytest.approx(earlier[1]) for earlier, later in pairwise(ends))
    assert ends[-1][1] <= 100.1


def test_time_line_shows_what_went_on_at_the_same_time() -> None:
    calls = [exchange(1, "1.000", 0.5), exchange(2, "1.250", 0.5, status=409), exchange(3, "2.000", 0.5)]
    (drawing,) = timelines(breach(*calls))
    assert [lane.name for lane in drawing.lanes] == ["1. images.insert → HTTP 200", "2. images.insert → HTTP 409"]
    assert drawing.seconds == pytest.approx(0.75)
    assert drawing.left(drawing.lanes[1].spans[0]) == pytest.approx(33.33)


def test_time_line_shows_where_no_order_explains_calls() -> None:
    bars = (
        BarResult(exchange=2, text="get: 404", start_ms=5, end_ms=15, role="impossible"),
        BarResult(exchange=1, text="insert: 200", start_ms=0, end_ms=10, role="explained", place=1),
        BarResult(exchange=3, text="delete: lost", start_ms=12, end_ms=20, role="open"),
    )
    calls = (exchange(1, "1.000", 0.5), exchange(2, "1.250", 0.5))
    (drawing,) = timelines(breach(*calls).model_copy(update={"timeline": bars}))
    assert [lane.name for lane in drawing.lanes] == ["A 1. insert: 200", "B 2. get: 404", "A 3. delete: lost"]
    assert [(lane.spans[0].tone, lane.spans[0].text) for lane in drawing.lanes] == [
        ("explained", "place 1"),
        ("impossible", "fits nowhere"),
        ("open", "later, or not at all"),
    ]
    assert drawing.seconds == pytest.approx(0.02)


def test_nothing_is_drawn_of_one_after_the_other_or_of_unknown_times() -> None:
    assert timelines(breach(exchange(1, "1.000", 0.5), exchange(2, "1.499", 0.5))) == [], "a clock of milliseconds"
    lost = exchange(1, "1.0", 0.5, {"kind": "compute#operation"}).model_copy(update={"started": "some time"})
    assert timelines(breach(lost, lost)) == []


class Echo(BaseHTTPRequestHandler):
    """Keeps what is sent to it."""

    seen: list[tuple[str, str, dict[str, str], bytes]]

    def do_POST(self) -> None:
        """Keeps the request."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.seen.append((self.command, self.path, dict(self.headers), body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing is said."""


@pytest.mark.parametrize("client", [curl, httpie])
@pytest.mark.parametrize("body", [json.dumps(BODY), "@/etc/hostname", "it's\n $HOME `id`", ""])
def test_pasted_command_sends_the_same(client: Any, body: str) -> None:
    program = "curl" if client is curl else "http"
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    Echo.seen = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    Thread(target=server.serve_forever, daemon=True).start()
    headers = {"Content-Type": "application/json", "X-Test": "a=b; 'c'", "Content-Length": "7"}
    sent = Request(
        method="POST", url=f"http://127.0.0.1:{server.server_port}/a/../b?c=%27&d=[1]", headers=headers, body=body
    )
    done = subprocess.run(["sh", "-c", pasted(sent, client)], capture_output=True, text=True, timeout=60, check=False)
    server.shutdown()
    server.server_close()
    assert done.returncode == 0, done.stderr
    ((method, path, got, received),) = Echo.seen
    assert (method, received.decode()) == ("POST", body)
    assert client is httpie or path == "/a/../b?c=%27&d=[1]"
    assert (got["Content-Type"], got["X-Test"]) == ("application/json", "a=b; 'c'")


def test_curl_does_not_wait_for_the_body_of_a_head() -> None:
    command = pasted(Request(method="HEAD", url="http://h/", headers={}, body=""), curl)
    assert "--head" in command
    assert "-X" not in command


def test_no_command_for_what_no_shell_can_say() -> None:
    for body in ("\0", "\ud800"):
        assert pasted(Request(method="POST", url="http://h/", headers={}, body=body), curl) == ""


def test_every_rule_has_a_page_of_the_reference() -> None:
    assert page_of("Fields > name") == f"{ROOT}images/insert#body.request_body"
    assert page_of("globalOperations.wait") == f"{ROOT}globalOperations/wait"
    sections = {rule.reference.partition(" > ")[0] for rule in catalogue().values()} - set(SECTIONS)
    assert all(section.replace(".", "").isalpha() for section in sections), sections


def test_what_was_not_judged_is_grouped_by_its_reason(broken: Results) -> None:
    def left(place: int, verdict: Verdict, reason: str, cause: str = "") -> RuleResult:
        changed = {"verdict": verdict, "reason": reason, "cause": cause}
        return broken.rules[place].model_copy(update=changed)

    rows = (
        left(0, Verdict.NOT_EXERCISED, "no operation had a warning\nmore of it"),
        left(1, Verdict.BLOCKED, "life.insert is broken, and so on", "life.insert"),
        left(2, Verdict.BLOCKED, "image.id is broken, and so on", "image.id"),
        left(3, Verdict.PASSED, ""),
        left(4, Verdict.LEFT_OUT, ""),
    )
    found = [(gap.verdict, gap.reason, len(gap.rules)) for gap in gaps(broken.model_copy(update={"rules": rows}))]
    assert found == [
        (Verdict.BLOCKED, "another rule is broken, and so on", 2),
        (Verdict.NOT_EXERCISED, "no operation had a warning", 1),
        (Verdict.LEFT_OUT, "left out", 1),
    ]
