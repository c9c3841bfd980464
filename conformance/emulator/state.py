"""What the emulator remembers, in an SQLite database, for the emulator that is started after it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from conformance.emulator.store import Image, Operation, Project

TABLES = """
CREATE TABLE IF NOT EXISTS projects (project TEXT PRIMARY KEY, value TEXT);
CREATE TABLE IF NOT EXISTS images (project TEXT, name TEXT, value TEXT, PRIMARY KEY (project, name));
CREATE TABLE IF NOT EXISTS operations (project TEXT, name TEXT, value TEXT, PRIMARY KEY (project, name));
CREATE TABLE IF NOT EXISTS requests (key TEXT PRIMARY KEY, project TEXT, operation TEXT);
"""

Key = tuple[str, ...]


class State:
    """A database of projects.

    Args:
        path: its file, which is made where it is missing.

    Raises:
        sqlite3.Error: it cannot be opened, or is no such database.
    """

    def __init__(self, path: str) -> None:
        self._database = sqlite3.connect(path)
        self._database.executescript(TABLES)
        self._saved: set[str] = set()

    def projects(self) -> Iterator[Project]:
        """The projects as they were, each with its images and operations."""
        for name, value in self._database.execute("SELECT project, value FROM projects").fetchall():
            project = Project(name, **json.loads(value))
            for row in self._values("operations", name):
                operation = Operation(**{**row, "error": tuple(row["error"]) if row["error"] else None})
                project.operations[operation.fields["name"]] = operation
            for row in self._values("images", name):
                insert = project.operations.get(row.pop("insert"))
                image = Image(**row, insert=insert)
                project.images[image.fields["name"]] = image
            self._saved.add(name)
            yield project

    def requests(self, projects: Mapping[str, Project]) -> Iterator[tuple[Key, Operation]]:
        """The requestIds that were used, each with the operation that it began."""
        rows = self._database.execute("SELECT key, project, operation FROM requests ORDER BY rowid").fetchall()
        for key, project, name in rows:
            operation = projects[project].operations.get(name)
            if operation is not None:
                yield tuple(json.loads(key)), operation

    def save(self, project: Project, operation: Operation, key: Key | None) -> None:
        """Writes down what an operation has changed, before its client learns of it.

        Args:
            project: of the operation.
            operation: the operation.
            key: by which a replay of its request is known; None where it has no requestId.
        """
        with self._database:
            self._save_project(project)
            image = project.images.get(operation.image)
            self._write("operations", project, operation.fields["name"], _row(operation))
            if image is not None:
                self._write("images", project, operation.image, _row(image))
            if key is not None:
                row = (json.dumps(key), project.name, operation.fields["name"])
                self._database.execute("INSERT OR REPLACE INTO requests VALUES (?, ?, ?)", row)

    def _save_project(self, project: Project) -> None:
        """Writes down what a project is made with, the first time."""
        value = {"disks": project.disks, "snapshots": project.snapshots, "count": project.count}
        row = (project.name, json.dumps(value))
        self._database.execute("INSERT OR REPLACE INTO projects VALUES (?, ?)", row)
        if project.name not in self._saved:
            self._saved.add(project.name)
            for name, image in project.images.items():
                self._write("images", project, name, _row(image))

    def forget(self, project: Project, operation: str) -> None:
        """Removes an operation that was deleted."""
        with self._database:
            self._database.execute("DELETE FROM operations WHERE project = ? AND name = ?", (project.name, operation))

    def _write(self, table: str, project: Project, name: str, row: Mapping[str, Any]) -> None:
        statement = f"INSERT OR REPLACE INTO {table} VALUES (?, ?, ?)"  # noqa: S608 - one of the tables above
        self._database.execute(statement, (project.name, name, json.dumps(row)))

    def _values(self, table: str, project: str) -> list[dict[str, Any]]:
        statement = f"SELECT value FROM {table} WHERE project = ? ORDER BY rowid"  # noqa: S608 - the same
        return [json.loads(value) for (value,) in self._database.execute(statement, (project,)).fetchall()]


def _row(record: Image | Operation) -> dict[str, Any]:
    """The fields of a record; an image names the operation that made it."""
    row = {field.name: getattr(record, field.name) for field in fields(record)}
    if isinstance(record, Image):
        row["insert"] = record.insert.fields["name"] if record.insert is not None else ""
    return row
