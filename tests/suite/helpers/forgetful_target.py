"""An emulator that keeps its state, but for what a statement of SQL does to it before the second start.

Usage: forgetful_target.py PORT STATE SQL
"""

import os
import sqlite3
import sys
from pathlib import Path

port, state, statement = sys.argv[1:]
if Path(state).exists():
    with sqlite3.connect(state) as database:
        database.executescript(statement)
command = [sys.executable, "-m", "conformance", "emulator", "--port", port, "--state", state]
os.execv(sys.executable, command)  # noqa: S606 - the emulator takes the place of this process
