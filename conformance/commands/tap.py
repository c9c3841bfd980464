"""`conformance tap`: a proxy between clients and their target, all of whose traffic is judged in the end."""

from __future__ import annotations

import asyncio
import re
import secrets
import shlex
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from rich.text import Text

from conformance.client.tap.archive import archive
from conformance.client.tap.faults import Faults
from conformance.client.tap.log import Log
from conformance.client.tap.proxy import Tap
from conformance.client.tap.session import NoCommandError, Session, Stop, keep_open
from conformance.commands.check import described, judge, repeated_by, skipped, with_command
from conformance.commands.client import judge_clients
from conformance.commands.endpoints import endpoints, told_end
from conformance.commands.outcome import conclude, terminal
from conformance.commands.writing import check_folder
from conformance.config.command_line import command_line, of_rule
from conformance.config.settings import Settings, UsageError
from conformance.contract import catalogue, client_catalogue
from conformance.contract.coverage import DIMENSIONS, Coverage
from conformance.reports import writing
from conformance.reports.terminal import Terminal
from conformance.trace.recording import Recording
from conformance.verdicts.collector import Collector
from conformance.verdicts.judgement import gates
from conformance.verdicts.ledger import Ledger
from conformance.verdicts.results import Results, Shown, write_results
from conformance.verdicts.verdict import Exit, Outcome

FIRST_FAILURE = "the tap was closed at the first failure (--fail-fast)"
SETTLED_SECONDS = 3.0
"""How old a breach has to be to end the tap: what is seen a moment later may excuse it."""

LOOK_SECONDS = 0.5
LOOK_SHARE = 0.2
"""How often it is looked for breaches meanwhile, and the share of the time that it may take."""

MISSING_SHOWN = 4

WHOLE_MAXIMUM = 32 * 2**20
"""Bytes of exchanges up to which clients are judged by all that they did together: that is done in memory."""

_VERSION = re.compile(r"/compute/[a-z0-9]+/?$")


@dataclass(frozen=True)
class TapOptions:
    """What a tap is to do, beside what the settings say.

    Args:
        upstream: root URL of the target: scheme, host and port.
        path: what stands in the target's own URL behind that.
        listen: host and port to listen at.
        command: what is run meanwhile; empty for nothing.
        inject: the faults to make; "" for none.
        least: the share of each kind of things that the traffic has to show.
    """

    upstream: str
    path: str
    listen: tuple[str, int]
    command: tuple[str, ...]
    inject: str
    least: Mapping[str, float]


def tap_options(upstream: str, listen: str, command: Sequence[str], inject: str, least: Sequence[str]) -> TapOptions:
    """The options of a tap as they were written.

    Raises:
        UsageError: one of them is not what it can be.
    """
    try:
        parts = urlsplit(upstream)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable or parts.username or parts.query or parts.fragment:
        raise _wrong(
            upstream, "upstream", "an http:// or https:// URL with a host, without credentials, query or fragment"
        )
    host, _, port = listen.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise _wrong(
            listen, "listen", "an address and a port, such as 127.0.0.1:8081, with port 0 for any that is free"
        )
    words = shlex.split(command[0]) if len(command) == 1 else list(command)
    try:
        Faults(inject)
    except ValueError as error:
        raise _wrong(inject, "inject", str(error)) from None
    path = _VERSION.sub("", parts.path).rstrip("/")
    root = f"{parts.scheme}://{parts.netloc}"
    return TapOptions(root, path, (host.strip("[]"), int(port)), tuple(words), inject, dict(map(_least, _split(least))))


def run_tap(settings: Settings, options: TapOptions) -> int:
    """Keeps a tap open, judges what passed through it, writes the results, and says on the terminal what came out.

    Args:
        settings: which rules to judge by, and where to write to.
        options: of the tap.

    Returns:
        The exit status.

    Raises:
        UsageError: nobody can listen there, the command cannot be started, or the results cannot be written.
    """
    check_folder(settings.out)
    if options.inject and settings.seed is None:
        settings = settings.model_copy(update={"seed": secrets.randbelow(2**32)})
    collector = Collector(settings)
    collector.begin()
    with Recording() as recording, closing(Log(options.upstream)) as log:
        tap = Tap(options.upstream, log.append, Faults(options.inject, settings.seed or 0), settings.ca_bundle)
        stop = Stop()
        watch = _Watch(settings, tap, log, recording, stop)
        if settings.fail_fast:
            watch.start()
        console = terminal(settings)

        def announce(url: str) -> dict[str, str]:
            return _announce(url + options.path, console)

        try:
            session = asyncio.run(keep_open(tap, options.listen, options.command, announce, stop))
        except NoCommandError as error:
            raise UsageError(f"the command behind --until: {error}.") from None
        except OSError as error:
            place = "{}:{}".format(*options.listen)
            raise UsageError(f"cannot listen at {place} (set by --listen): {error.strerror or error}.") from None
        finally:
            watch.end()
        watch.take_all()
        status = conclude(_results(settings, options, tap, session, watch, collector), settings, console)
        if len(recording):
            _tell_of_clients(settings, session, watch, console)
        return status


def _results(  # noqa: PLR0913 - all that a session leaves
    settings: Settings, options: TapOptions, tap: Tap, session: Session, watch: _Watch, collector: Collector
) -> Results:
    """What came out, once the traffic is written."""
    recording = watch.recording
    recording.skipped.update(tap.skipped)
    if not len(recording):
        collector.untestable = (
            f"{options.upstream} does not answer: {tap.unreachable}"
            if tap.unreachable
            else f"nothing of this API passed through the tap; {skipped(recording)}"
        )
    collector.interrupted = session.interrupted and bool(options.command)
    collector.spent = FIRST_FAILURE if watch.found else ""
    if session.status is not None:
        collector.complaints.append(told_end(options.command[0], session.status))
    traffic = settings.recorded_traffic
    if traffic:
        _write_traffic(watch.log, traffic, recording, collector)
    coverage = Coverage()
    for trace in recording.traces():
        coverage.add(trace.of_target)
    judge(recording, collector)
    results = described(collector.results(), recording, "tap", _command(settings, options))
    results = _covered(results, coverage, options.least)
    if traffic:
        rules = (with_command(row, of_rule(settings, row.id, "check", [str(traffic)])) for row in results.rules)
        results = results.model_copy(update={"rules": tuple(rules)})
    return results


def _tell_of_clients(settings: Settings, session: Session, watch: _Watch, console: Terminal) -> None:
    """Judges the clients as well, and writes that apart: it says nothing of the target, and does not count for the
    exit status.

    A client that has run to its end is judged by all that it did, any other by what needs no end.
    """
    traffic = settings.recorded_traffic
    settings = settings.model_copy(update={"only": (), "skip": (), "out": settings.out / "client"})
    collector = Collector(settings, rules=client_catalogue())
    collector.begin()
    if session.status is not None and not (session.interrupted or watch.found) and watch.log.size <= WHOLE_MAXIMUM:
        results = judge_clients(watch.log, collector)
    else:
        judge(watch.recording, collector)
        results = described(collector.results(), watch.recording, "client", "")
    if traffic:
        words = [str(traffic), "--client"]
        rules = (repeated_by(row, of_rule(settings, row.id, "check", words)) for row in results.rules)
        run = results.run.model_copy(update={"command": command_line(settings, "check", words)})
        results = results.model_copy(update={"rules": tuple(rules), "run": run})
    write_results(results, settings.out)
    writing.write(results, settings.out, settings.wanted_reports)
    broken = [row for row in results.rules if row.shown]
    verdict = (
        f"{len(broken)} of {len(results.rules)} rules for clients are not kept"
        if broken
        else "clients keep their rules"
    )
    console.print(Text(f"apart: {verdict}; see {settings.out}"), soft_wrap=True)
    for row in broken:
        console.print(Text(f"  {row.verdict.symbol} {row.id}: {row.told}, {row.breach_count}×"), soft_wrap=True)


def _write_traffic(log: Log, path: Path, recording: Recording, collector: Collector) -> None:
    hidden = recording.keys | recording.credentials | collector.hidden
    try:
        left_out = archive(log, path, hidden, int(collector.settings.max_output * 2**20))
    except OSError as error:
        collector.complaints.append(f"the traffic could not be written: {error.strerror}")
        return
    if left_out:
        collector.complaints.append(f"traffic.har lacks {left_out} requests; --max-output gives more room")


class _Watch:
    """Takes into a recording what has passed through a tap, and with --fail-fast looks for breaches meanwhile.

    What is under way may already have been seen by others: the recording takes what had ended before it began.
    """

    def __init__(self, settings: Settings, tap: Tap, log: Log, recording: Recording, stop: Stop) -> None:
        self.recording = recording
        self.log = log
        self.found = False
        self._settings = settings
        self._tap = tap
        self._stop = stop
        self._place = 0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def start(self) -> None:
        """Begins to look."""
        self._thread.start()

    def end(self) -> None:
        """Looks no more."""
        self._end.set()
        if self._thread.is_alive():
            self._thread.join()

    def take_all(self) -> None:
        """Takes the rest; the tap is closed."""
        self._take(float("inf"))

    def _take(self, end: float) -> bool:
        """Takes what had ended by a time; answers whether that was anything."""
        taken = False
        for exchange, following in self.log.read(self._place):
            if exchange.received > end:
                break
            self.recording.add(exchange)
            self._place, taken = following, True
        return taken

    def _look(self) -> None:
        pause, news = LOOK_SECONDS, False
        while not self._end.wait(pause):
            began = time.monotonic()
            news = self._take(self._tap.quiet_since) or news
            if news and self._failing():
                self.found = True
                self._stop()
                return
            pause = max(LOOK_SECONDS, (time.monotonic() - began) / LOOK_SHARE)

    def _failing(self) -> bool:
        """Whether a breach that is not too young fails the run."""
        collector = Collector(self._settings)
        ledger = Ledger({name: rule for name, rule in catalogue().items() if name in collector.selected})
        found = False
        for trace in self.recording.traces():
            for rule, breach in ledger.judge(trace.of_target):
                gated = self._settings.strict or (gates(rule, self._settings.require) and not breach.deviation)
                last = max((exchange.received for exchange in breach.exchanges), default=0.0)
                found = found or (gated and time.time() - last >= SETTLED_SECONDS)
        collector.take({"ledger": ledger.drain()})
        return found and collector.results().summary.exit_status is Exit.NOT_CONFORMANT


# Parts of the results


def _covered(results: Results, coverage: Coverage, least: Mapping[str, float]) -> Results:
    """The results with what the traffic has shown of the API; it fails them where that is not enough."""
    shown = {
        dimension: Shown(shown=tuple(coverage.shown(dimension)), missing=tuple(coverage.missing(dimension)))
        for dimension in DIMENSIONS
    }
    notes = tuple(_told(dimension, part) for dimension, part in shown.items())
    summary = results.summary
    short = [
        f"{dimension} {shown[dimension].share:.2f} instead of {share:g}"
        for dimension, share in least.items()
        if shown[dimension].share < share
    ]
    if short and summary.exit_status is Exit.CONFORMANT:
        reason = f"the traffic shows too little of the API: {', '.join(short)}; {summary.reason}"
        changes = {"exit_status": Exit.NOT_CONFORMANT, "verdict": Outcome.INCONCLUSIVE, "reason": reason}
        summary = summary.model_copy(update=changes)
    elif short:
        summary = summary.model_copy(
            update={"reason": f"{summary.reason}; the traffic shows too little of the API: {', '.join(short)}"}
        )
    return results.model_copy(update={"shown": shown, "notes": (*results.notes, *notes), "summary": summary})


def _told(dimension: str, part: Shown) -> str:
    """How much of one kind of things the traffic has shown, in one line."""
    total = len(part.shown) + len(part.missing)
    more = f" and {len(part.missing) - MISSING_SHOWN} more" if len(part.missing) > MISSING_SHOWN else ""
    missing = f"; not {', '.join(part.missing[:MISSING_SHOWN])}{more}" if part.missing else ""
    return f"coverage: {dimension} {part.share:.2f}, {len(part.shown)} of {total}{missing}"


def _command(settings: Settings, options: TapOptions) -> str:
    """The command that opens such a tap again; the words of the user's own command may be secret."""
    words = ["--upstream", options.upstream + options.path]
    words += ["--inject", options.inject] if options.inject else []
    words += [
        word for name, share in options.least.items() for word in ("--fail-on-coverage-below", f"{name}={share:g}")
    ]
    until = f" --until {shlex.quote(options.command[0])} …" if options.command else ""
    return command_line(settings, "tap", words) + until


# What was written on the command line


def _announce(url: str, console: Terminal) -> dict[str, str]:
    """Says where the tap listens, and what clients of many kinds look for in their environment."""
    # What is printed for machines has nothing else on it.
    print(f"listening {url}", file=sys.stderr if console.quiet else sys.stdout, flush=True)
    print("Ctrl-C closes the tap and judges what has passed.", file=sys.stderr, flush=True)
    return endpoints(url)


def _split(values: Sequence[str]) -> list[str]:
    return [part.strip() for value in values for part in value.split(",") if part.strip()]


def _least(text: str) -> tuple[str, float]:
    name, _, share = text.partition("=")
    try:
        wanted = float(share)
    except ValueError:
        wanted = -1.0
    if name not in DIMENSIONS or not 0 <= wanted <= 1:
        allowed = f"KIND=SHARE with a share from 0 to 1 and a kind of {', '.join(DIMENSIONS)}"
        raise _wrong(text, "fail-on-coverage-below", allowed)
    return name, wanted


def _wrong(value: str, option: str, allowed: str) -> UsageError:
    return UsageError(f"{option} is '{value}' (set by --{option}); allowed is {allowed}.")
