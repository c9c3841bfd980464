"""The HTTP side of the emulator."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from conformance.emulator.access import admit, permit
from conformance.emulator.behaviour import Answer, Behaviour, Call
from conformance.emulator.errors import ApiError
from conformance.emulator.partial import selected
from conformance.emulator.service import HANDLERS, Service, body_of
from conformance.emulator.state import State

ROUTES: tuple[tuple[str, str, str], ...] = (
    ("POST", "global/images", "images.insert"),
    ("GET", "global/images", "images.list"),
    ("GET", "global/images/family/{name}", "images.getFromFamily"),
    ("GET", "global/images/{name}", "images.get"),
    ("DELETE", "global/images/{name}", "images.delete"),
    ("PATCH", "global/images/{name}", "images.patch"),
    ("POST", "global/images/{name}/setLabels", "images.setLabels"),
    ("POST", "global/images/{name}/deprecate", "images.deprecate"),
    ("GET", "global/operations", "globalOperations.list"),
    ("GET", "global/operations/{name}", "globalOperations.get"),
    ("DELETE", "global/operations/{name}", "globalOperations.delete"),
    ("POST", "global/operations/{name}/wait", "globalOperations.wait"),
    ("GET", "zones/{zone}/imageFamilyViews/{name}", "imageFamilyViews.get"),
    ("GET", "zones/{zone}/disks/{name}", "disks.get"),
    ("GET", "global/snapshots/{name}", "snapshots.get"),
)
WITH_BODY = frozenset({"images.insert", "images.patch", "images.setLabels", "images.deprecate"})
DEPTH_MAXIMUM = 500

HEALTH = "/healthz"
"""The path, no part of the API, that tells those who have started the emulator that it answers."""

Endpoint = Callable[[Request], Awaitable[Response]]


def create_app(behaviour: Behaviour, projects: tuple[str, ...] | None = None, state: State | None = None) -> Starlette:
    """The emulator as an ASGI application.

    Args:
        behaviour: what is otherwise than the API reference has it.
        projects: the projects that exist; None for any.
        state: where all is kept; None for nowhere.
    """
    service = Service(behaviour, projects, state)
    routes = [
        Route(f"/compute/{version}/projects/{{project}}/{path}", _endpoint(service, method, version), methods=[verb])
        for verb, path, method in ROUTES
        for version in ("beta", "v1")
    ]
    routes.append(Route(HEALTH, _healthy))
    return Starlette(routes=routes, exception_handlers={HTTPException: _unknown_path(behaviour)})


async def _healthy(request: Request) -> Response:
    del request
    return Response("ok", media_type="text/plain")


def _endpoint(service: Service, method: str, version: str) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        parameters = request.path_params
        call = Call(
            method,
            service.behaviour.numbers.get(parameters["project"], parameters["project"]),
            parameters.get("name", ""),
            dict(request.query_params),
            None,
            dict(request.headers),
            version,
            request.scope["raw_path"].decode("ascii", "replace"),
            request.method,
        )
        content = await _received(request, in_part=service.behaviour.takes_incomplete)
        if content is None:
            return Response(status_code=400)
        answer = Answer(200, None)
        try:
            admit(service.behaviour, call)
            if method in service.behaviour.unsupported:
                raise ApiError(501, "notImplemented", "The method is not implemented.")  # noqa: TRY301 - answered like any other
            answer.body = await _carried_out(service, call, content, parameters.get("zone", ""))
        except ApiError as error:
            answer.status, answer.body = error.status, error.body()
        if method in WITH_BODY:
            await asyncio.sleep(service.behaviour.answer_delay)
            if service.behaviour.forgets_unread and await request.is_disconnected():
                service.forget_request(call)
        if answer.status == 200:
            answer.body = selected(answer.body, call.query.get("fields", ""))
        for change in service.behaviour.on_answer:
            change(answer, call)
        return _response(answer)

    return endpoint


async def _carried_out(service: Service, call: Call, content: bytes, zone: str) -> Any:
    """What a request that is admitted is answered.

    Raises:
        ApiError: it is refused.
    """
    call.body = _parsed(content) if call.method in WITH_BODY else None
    for hook in service.behaviour.on_request:
        hook(call)
    if call.method in WITH_BODY:
        body_of(call)
        permit(service.behaviour, call)
    if call.method == "globalOperations.wait":
        await asyncio.sleep(service.seconds_left(call))
    if call.method == "imageFamilyViews.get":
        return service.family_view(call, zone)
    done = HANDLERS[call.method](service, call)
    service.keep(call)
    return done


async def _received(request: Request, *, in_part: bool) -> bytes | None:
    """The body of a request; None where the client hung up before its end, unless what arrived is taken for all."""
    arrived = b""
    try:
        async for part in request.stream():
            arrived += part
    except ClientDisconnect:
        return arrived if in_part else None
    return arrived


def _parsed(content: bytes) -> Any:
    """The JSON value of a body, None without one.

    Raises:
        ApiError: the body is not JSON.
    """
    if not content:
        return None
    try:
        text = content.decode("utf-8")
        if _depth(text) > DEPTH_MAXIMUM:
            raise ApiError(400, "parseError", "Parse Error: the body is nested too deeply.")
        return json.loads(text, parse_constant=_no_constant)
    except ValueError:
        raise ApiError(400, "parseError", "Parse Error: the body is not JSON.") from None


def _depth(text: str) -> int:
    """How deeply a JSON text is nested at most; brackets within texts count as well, which is near enough for a
    limit."""
    if text.count("[") + text.count("{") <= DEPTH_MAXIMUM:
        return 0
    deepest = depth = 0
    for character in text:
        if character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
    return deepest


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _response(answer: Answer) -> Response:
    content = answer.raw if answer.raw is not None else answer.written(answer.body).encode(errors="replace")
    headers = {"content-type": "application/json; charset=UTF-8", **answer.headers}
    if answer.compressed:
        content = gzip.compress(content)
        headers["content-encoding"] = "gzip"
    headers = {name: value for name, value in headers.items() if value}
    if answer.chunked:
        return StreamingResponse(iter([content[:100], content[100:]]), answer.status, headers)
    return Response(content, answer.status, headers)


def _unknown_path(behaviour: Behaviour) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def refuse(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 404
        refusal = ApiError(status, "notFound" if status == 404 else "httpMethodNotAllowed", "There is no such method.")
        answer = Answer(status, refusal.body())
        for change in behaviour.on_answer:
            change(answer, Call("", "", "", {}, None, dict(request.headers), "beta", request.url.path))
        return _response(answer)

    return refuse
