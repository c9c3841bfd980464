"""What an exchange has to do with: the keys by which a recording is put together into stories."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from conformance.trace.exchange import MUTATIONS, Exchange, Route
from conformance.trace.links import named

Key = int
"""What exchanges have in common, as the hash of its parts: of a million of these no two are the same."""

FAMILIES = ("images.getFromFamily", "imageFamilyViews.get")
"""The methods that answer an image of a family."""

_ANY = ""
"""Stands for the project where that does not matter."""


class Subject:
    """What an exchange has to do with: images by name and id, operations, requestIds, families, sources.

    Args:
        exchange: of this API, or one that shows a disk or a snapshot.
        story: tells what belongs to one recording from what is alike in another; "" for all that may be put together.
    """

    def __init__(self, exchange: Exchange, story: str = "") -> None:
        self._story = story
        host = urlsplit(exchange.request.url).hostname or ""
        self._host = "googleapis.com" if host.endswith("googleapis.com") else host
        self._exchange = exchange
        self._answer = exchange.resource or {}
        body = exchange.request.json
        self._body: dict[str, Any] = body if isinstance(body, dict) else {}
        self._projects = tuple(self._names_of_project())

    def _names_of_project(self) -> Iterator[str]:
        """The project as the path names it, and as the answer tells it: its id for a number, or another one."""
        route = self._exchange.route
        if route is None:
            return
        yield route.project
        told = route.project.isdecimal() or route.method in ("images.get", "images.getFromFamily")
        own = named(self._answer.get("selfLink")) if told else None
        if own is not None and own[0] != route.project:
            yield own[0]

    def keys(self) -> tuple[Key, ...]:
        """What makes exchanges one story."""
        return tuple(self._in_projects(self._own()))

    def shared(self) -> tuple[Key, ...]:
        """What may make several stories one: a family, or a source that the recording tells of as well."""
        route = self._exchange.route
        image = {"images.insert": self._body, "images.get": self._answer}.get(route.method, {}) if route else {}
        keys: list[Key] = []
        if isinstance(image.get("family"), str) and image["family"]:
            keys += self._in_projects([("family", image["family"])])
        source = self._source_image(image)
        if source is not None and source[0] in self._projects:
            kind = "family" if "/family/" in source[1] else "image"
            keys.append(self._key(source[0], kind, source[1].rpartition("/")[2]))
        return tuple(keys)

    def guests(self) -> tuple[Key, ...]:
        """The stories that an answer about another thing, or about many, is evidence for; those of its items aside."""
        route = self._exchange.route
        match route.method if route else "":
            case "images.list":
                return tuple(self._in_projects(self._filtered()))
            case "images.getFromFamily":
                return tuple(self._in_projects([("image", self._answer.get("name")), ("family", route and route.name)]))
            case "imageFamilyViews.get":
                image = self._answer.get("image")
                name = image.get("name") if isinstance(image, dict) else None
                return tuple(self._in_projects([("image", name), ("family", route and route.name)]))
        return ()

    def item(self, item: dict[str, Any]) -> tuple[Key, ...]:
        """The stories of an item of a list; an operation is evidence for that of its image as well."""
        route = self._exchange.route
        if route is None or route.method != "globalOperations.list":
            own = named(item.get("selfLink")) if route is not None else None
            foreign = [self._key(own[0], "image", item.get("name"))] if own and own[0] not in self._projects else []
            return (*self._in_projects([("image", item.get("name"))]), *foreign)
        target = named(item.get("targetLink"))
        images = [target[1].split("/")[2]] if target and target[1].startswith("global/images/") else []
        return tuple(self._in_projects([("operation", item.get("name")), *(("image", name) for name in images)]))

    def strangers(self) -> Key:
        """What the lists and families have in common that show images of which nothing else tells."""
        return self._key(self._projects[0], "strangers")

    def whole_list(self) -> Key | None:
        """What the lists of all images of a project have in common with the requests for one of them; None for anything
        else."""
        route = self._exchange.route
        method = route.method if route else ""
        listed = method == "images.list" and not any(self._exchange.request.query.get("filter", ()))
        of_one = method in MUTATIONS or method == "images.get"
        return self._key(self._projects[0], "whole list") if listed or of_one else None

    def sources(self) -> tuple[Key, ...]:
        """The sources of an insert that may be shown by other exchanges than those of its own story."""
        if self._exchange.method != "images.insert":
            return ()
        found = [self._source_image(self._body)]
        found += [named(self._body.get(name), self._projects[0]) for name in ("sourceDisk", "sourceSnapshot")]
        return tuple(self._key(_ANY, "source", path) for _, path in filter(None, found))

    def shows_sources(self) -> Iterator[tuple[Key, str]]:
        """The sources that the answer shows, each with its id: a disk, a snapshot, or an image, by its family as
        well."""
        for source in self._exchange.sources:
            if source.identifier:
                yield self._key(_ANY, "source", source.path), source.identifier
        identifier = self._answer.get("id")
        if not isinstance(identifier, str) or not identifier:
            return
        if self._exchange.method in ("images.get", "images.getFromFamily"):
            yield self._key(_ANY, "source", f"global/images/{self._answer.get('name')}"), identifier
        if self._exchange.method == "images.getFromFamily" and self._exchange.route:
            yield self._key(_ANY, "source", f"global/images/family/{self._exchange.route.name}"), identifier

    def changes_source(self) -> Key:
        """The source that the request deletes, so that another may take its name, or resizes."""
        return self._key(_ANY, "source", self._exchange.changed_source)

    def item_as_source(self, item: dict[str, Any]) -> tuple[Key, str] | None:
        """An image of a list as a source that the answer shows, with its id."""
        name, identifier = item.get("name"), item.get("id")
        if self._exchange.method != "images.list" or not isinstance(name, str) or not isinstance(identifier, str):
            return None
        return self._key(_ANY, "source", f"global/images/{name}"), identifier

    # Parts

    def _source_image(self, image: dict[str, Any]) -> tuple[str, str] | None:
        return named(image.get("sourceImage"), self._projects[0]) if self._projects else None

    def _own(self) -> Iterator[tuple[Any, ...]]:
        route = self._exchange.route
        if route is None:
            return
        if route.method in MUTATIONS:
            yield from self._mutation(route)
        elif route.method == "images.get":
            yield from self._image(route.name)
        elif route.method in ("globalOperations.get", "globalOperations.wait", "globalOperations.delete"):
            yield from self._operation({"name": route.name, **self._answer})
            yield ("operation", route.name)

    def _filtered(self) -> Iterator[tuple[str, str]]:
        """The names and families that the filter of a list asks for."""
        for text in self._exchange.request.query.get("filter", ()):
            for sign in ("=", " eq "):
                field_name, found, value = text.partition(sign)
                kind = {"name": "image", "family": "family"}.get(field_name.strip(" ("))
                if found and kind:
                    yield kind, value.strip(" ()\"'")

    def _mutation(self, route: Route) -> Iterator[tuple[Any, ...]]:
        request_id = self._exchange.request.query.get("requestId", [""])[0]
        if request_id:
            yield ("request", route.method, request_id.lower())
        name = self._body.get("name") if route.method == "images.insert" else route.name
        if isinstance(name, str) and name:
            yield ("image", name)
        yield from self._operation(self._answer)

    def _operation(self, operation: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
        for name in ("name", "id"):
            if isinstance(operation.get(name), str) and operation[name]:
                yield ("operation", operation[name])
        target = named(operation.get("targetLink"))
        if target is not None and target[1].startswith("global/images/"):
            yield ("image", target[1].split("/")[2])
            if isinstance(operation.get("targetId"), str) and operation["targetId"]:
                yield ("image", operation["targetId"])

    def _image(self, called: str) -> Iterator[tuple[Any, ...]]:
        if called:
            yield ("image", called)
        for name in ("name", "id"):
            if isinstance(self._answer.get(name), str) and self._answer[name]:
                yield ("image", self._answer[name])

    def _in_projects(self, parts: Any) -> Iterator[Key]:
        for part in parts:
            for project in self._projects:
                yield self._key(project, *part)

    def _key(self, project: str, *parts: Any) -> Key:
        return hash((self._story, self._host, project, *(str(part) for part in parts)))
