"""What the tap costs: `python tests/benchmarks/tap.py` prints exchanges a second, the time that it adds, and its
memory.

The target answers at once, and clients do nothing but ask, so that what is measured is the tap; the same is sent
without it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

EXCHANGES = 4_000
CLIENTS = 8
PATH = "/compute/beta/projects/p/global/images/one"
IMAGE = json.dumps(
    {"kind": "compute#image", "name": "one", "id": "1", "status": "READY", "description": "x" * 700}
).encode()
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(IMAGE) + IMAGE
REQUEST = (
    f"GET {PATH} HTTP/1.1\r\nHost: h\r\nAccept: */*\r\nAccept-Encoding: gzip\r\nUser-Agent: benchmark\r\n\r\n".encode()
)


class _Target(asyncio.Protocol):
    """Answers each request at once."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._transport.write(ANSWER * data.count(b"\r\n\r\n"))


async def serve() -> None:
    """Serves until the process ends."""
    server = await asyncio.get_running_loop().create_server(_Target, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextlib.contextmanager
def started(*command: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process, and the first line that it prints."""
    with subprocess.Popen([sys.executable, *command], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


def ask(port: int, count: int) -> list[float]:
    """Sends requests over one connection, one after the other; answers how long each took, in milliseconds."""
    took = []
    with socket.create_connection(("127.0.0.1", port)) as wire:
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(count):
            began, left = time.perf_counter(), len(ANSWER)
            wire.sendall(REQUEST)
            while left:
                left -= len(wire.recv(left))
            took.append((time.perf_counter() - began) * 1000)
    return took


def memory(pid: int) -> int:
    """The memory of a process, in MB."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.partition("VmRSS:")[2].split()[0]) // 1024


def processor(pid: int) -> float:
    """The seconds of a processor that a process has taken."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Measures, and prints the figures."""
    with tempfile.TemporaryDirectory() as folder, started(__file__, "serve") as (_, target):
        upstream = f"http://127.0.0.1:{target}"
        with started("-m", "conformance", "tap", "--upstream", upstream, "--out", folder) as (tap, said):
            port = int(said.rpartition(":")[2])
            ask(port, 100)
            direct, tapped = statistics.median(ask(int(target), EXCHANGES)), statistics.median(ask(port, EXCHANGES))
            print(
                f"median     {direct:.3f} ms without the tap, {tapped:.3f} ms with it: {tapped - direct:.3f} ms added"
            )
            before, held, began = processor(tap.pid), memory(tap.pid), time.perf_counter()
            with ThreadPoolExecutor(CLIENTS) as pool:
                list(pool.map(lambda _: ask(port, EXCHANGES), range(CLIENTS)))
            seconds, taken, count = time.perf_counter() - began, processor(tap.pid) - before, EXCHANGES * CLIENTS
            print(f"throughput {count / seconds:,.0f} exchanges/s with {CLIENTS} clients")
            print(f"processor  {count / taken:,.0f} exchanges for each second of one core")
            print(f"memory     {held} MB before {count:,} exchanges, {memory(tap.pid)} MB after")
            tap.send_signal(signal.SIGKILL)


if __name__ == "__main__":
    asyncio.run(serve()) if sys.argv[1:] == ["serve"] else main()
