"""Workers that are copies of a process which has imported what they need."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere each worker starts from nothing")

WORKER = """
import execnet
from conformance.commands.forked_workers import worker_specification
with worker_specification() as specification:
    channel = execnet.makegateway(specification).remote_exec(
        "import os, random, sys; channel.send((os.getpid(), 'hypothesis' in sys.modules, random.random(), sys.argv))"
    )
    print(*channel.receive(), flush=True)
    input()
"""


def started(code: str) -> subprocess.Popen[str]:
    """A Python that runs code; it goes on after a line of input."""
    return subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def ended(process: int, seconds: float = 10.0) -> bool:
    """Whether a process ends within some time; one that only waits to be noticed has ended."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            state = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("killed", [False, True])
def test_worker_knows_all_it_needs_and_ends_with_the_run(killed: bool) -> None:
    with started(WORKER) as run:
        assert run.stdin is not None
        assert run.stdout is not None
        told = run.stdout.readline().split(maxsplit=3)
        worker = int(told[0])
        assert worker != run.pid
        assert told[1] == "True"
        if killed:
            run.send_signal(signal.SIGKILL)
        else:
            run.stdin.write("\n")
        run.stdin.close()
        assert run.wait(20) == (-signal.SIGKILL if killed else 0)
        assert ended(worker)


def test_workers_draw_different_random_numbers() -> None:
    code = """
import execnet
from conformance.commands.forked_workers import worker_specification
with worker_specification() as specification:
    workers = [execnet.makegateway(specification) for _ in range(2)]
    asked = [worker.remote_exec("import random; channel.send(random.random())") for worker in workers]
    print(len({channel.receive() for channel in asked}))
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "2\n"


@pytest.mark.parametrize(
    "beforehand",
    [
        "import threading; threading.Thread(target=threading.Event().wait, daemon=True).start()",
        "import tempfile; tempfile.tempdir = tempfile.mkdtemp(suffix='x' * 120)",
    ],
    ids=["another thread", "no room for the path of a socket"],
)
def test_where_a_copy_is_not_safe_workers_start_from_nothing(beforehand: str) -> None:
    code = f"""
{beforehand}
from conformance.commands.forked_workers import worker_specification
with worker_specification() as specification:
    print(specification)
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "popen\n"
