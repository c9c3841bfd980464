"""Faults in answers as such: their status, their headers, their form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conformance.emulator.behaviour import Answer, Behaviour, Call
from conformance.emulator.errors import ApiError, invalid, not_found
from conformance.emulator.faults.row import Change, Fault, Row, shown_image, switched, unless_gone


def _answered(hook: Any) -> Change:
    def on_answer(answer: Answer, call: Call) -> None:
        with unless_gone():
            hook(answer, call)

    return lambda behaviour: behaviour.on_answer.append(on_answer)


def _deletes(wanted: Callable[[Call], object]) -> Change:
    """Takes some gets of an image for its deletion."""

    def on_request(call: Call) -> None:
        if call.method == "images.get" and wanted(call):
            call.method = "images.delete"

    return lambda behaviour: behaviour.on_request.append(on_request)


def _deletes_later(behaviour: Behaviour) -> None:
    """Deletes an image that a GET with a header asks to, and shows it READY until then."""
    _deletes(lambda call: call.headers.get("x-http-method-override") == "DELETE")(behaviour)
    shown_image(lambda image, call, times: image.update(status="READY") if image["status"] == "DELETING" else None)(
        behaviour
    )


def _errors(hook: Any) -> Change:
    return _answered(lambda answer, call: hook(answer, answer.body["error"]) if answer.status >= 400 else None)


def _bare_message(answer: Answer, error: dict[str, Any]) -> None:
    answer.body = {"message": error["message"]}


def _bare_text(answer: Answer, error: dict[str, Any]) -> None:
    answer.body = {"error": error["message"]}


def _html(answer: Answer, error: dict[str, Any]) -> None:
    answer.raw = f"<html><body>{error['message']}</body></html>".encode()
    answer.headers["content-type"] = "text/html"


def _trace(answer: Answer, error: dict[str, Any]) -> None:
    del answer
    error["message"] += '\nTraceback (most recent call last):\n  File "server.py", line 12, in handle'


def _reason(answer: Answer, error: dict[str, Any]) -> None:
    if answer.status in (404, 409, 412):
        error["errors"][0]["reason"] = "badRequest"


def _missing_is_gone(answer: Answer, call: Call) -> None:
    if answer.status == 404 and call.method == "images.get":
        answer.status = 410
        answer.body["error"]["code"] = 410


def _change_of_nothing(answer: Answer, call: Call) -> None:
    if answer.status == 404 and call.method in ("images.patch", "images.setLabels", "images.deprecate"):
        answer.status = 400
        answer.body["error"]["code"] = 400
        answer.body["error"]["errors"][0]["reason"] = "invalid"


def _error_as_success(answer: Answer, error: dict[str, Any]) -> None:
    del error
    answer.status = 200


def _cut(image: dict[str, Any]) -> None:
    image.update({name: value[:32] for name, value in image.items() if name == "description"})


def _cut_by_family(answer: Answer, call: Call) -> None:
    if call.method == "images.getFromFamily" and answer.status == 200:
        _cut(answer.body)


def _cut_by_view(answer: Answer, call: Call) -> None:
    if call.method == "imageFamilyViews.get" and answer.status == 200:
        _cut(answer.body["image"])


def _never_got(answer: Answer, call: Call) -> None:
    if call.method == "images.get" and answer.status == 200:
        missing = not_found(f"projects/{call.project}/global/images/{call.name}")
        answer.status, answer.body = missing.status, missing.body()


def _one_for_all(answer: Answer, call: Call) -> None:
    if call.method == "images.getFromFamily" and answer.status == 200:
        answer.body.update(name="debian-11", family="debian-11")


def _missing_operation(answer: Answer, call: Call) -> None:
    if answer.status == 404 and call.method == "globalOperations.get":
        answer.status = 400
        answer.body["error"]["code"] = 400


def _created(answer: Answer, call: Call) -> None:
    if answer.status == 200 and call.method == "images.insert":
        answer.status = 201


def _no_content(answer: Answer, call: Call) -> None:
    if answer.status == 200 and call.method == "images.delete":
        answer.status, answer.body = 204, None


def _crash(answer: Answer, call: Call) -> None:
    if answer.status == 400 and call.method == "images.insert" and call.body is None:
        answer.status = 500
        answer.body["error"]["code"] = 500


def _taken(answer: Answer, call: Call) -> None:
    if not call.method:
        answer.status, answer.body = 200, {}


def _bare_refusal(answer: Answer, call: Call) -> None:
    if not call.method:
        answer.raw, answer.headers["content-type"] = b"Not Found", "text/plain"


def _not_decoded(behaviour: Behaviour) -> None:
    def guard(call: Call) -> None:
        if call.method == "images.get" and "%" in call.path:
            raise not_found(call.path)

    behaviour.on_request.append(guard)


def _doubled(answer: Answer, call: Call) -> None:
    if (
        call.method == "images.list"
        and answer.status == 200
        and 0 < len(answer.body["items"]) < int(call.query.get("maxResults") or 500)
    ):
        answer.body["items"].append(answer.body["items"][-1])


def _one_more(behaviour: Behaviour) -> None:
    def guard(call: Call) -> None:
        if call.method == "images.list" and call.query.get("maxResults", "").isdecimal():
            call.query["maxResults"] = str(int(call.query["maxResults"]) + 1)

    behaviour.on_request.append(guard)


def _all_fields(behaviour: Behaviour) -> None:
    def guard(call: Call) -> None:
        call.query.pop("fields", "")

    behaviour.on_request.append(guard)


def _by_name_only(behaviour: Behaviour) -> None:
    def guard(call: Call) -> None:
        if call.method == "images.get" and call.name.isdecimal():
            raise invalid("image", call.name, "It must be a name.")

    behaviour.on_request.append(guard)


def _always_the_first(behaviour: Behaviour) -> None:
    first: list[Any] = []

    def change(answer: Answer, call: Call) -> None:
        if call.method == "images.get" and answer.status == 200 and not call.name.isdecimal():
            first.append(answer.body)
            answer.body = first[0]

    behaviour.on_answer.append(change)


def _refused(unwanted: Callable[[Call], object], status: int = 400) -> Change:
    """Refuses requests for something beside the matter itself."""

    def guard(call: Call) -> None:
        if unwanted(call):
            raise ApiError(status, "invalid", "It is refused by a fault.")

    return lambda behaviour: behaviour.on_request.append(guard)


def _body(call: Call) -> dict[str, Any]:
    return call.body if call.method == "images.insert" and isinstance(call.body, dict) else {}


def _crashes(unable: Callable[[Call], object]) -> Change:
    """Answers 500 to what it cannot bear."""

    def guard(call: Call) -> None:
        if unable(call):
            raise ApiError(500, "internalError", "Internal error.")

    return lambda behaviour: behaviour.on_request.append(guard)


def _inserts(call: Call, name: str, value: object) -> bool:
    return call.method == "images.insert" and isinstance(call.body, dict) and call.body.get(name, ...) == value


def _bare_view(answer: Answer, call: Call) -> None:
    if call.method == "imageFamilyViews.get" and answer.status == 200:
        answer.body = answer.body["image"]


def _no_content_and_no_effect(behaviour: Behaviour) -> None:
    switched(keeps_image_after_delete=True)(behaviour)
    _answered(_no_content)(behaviour)


_ROWS: tuple[Row, ...] = (
    (
        "transport.json",
        "text",
        "answers say text/plain",
        _answered(lambda answer, call: answer.headers.update({"content-type": "text/plain"})),
    ),
    ("transport.error-envelope", "message-only", "an error is a mere message", _errors(_bare_message)),
    ("transport.error-envelope", "text", "an error is a mere text", _errors(_bare_text)),
    (
        "transport.error-envelope",
        "wrong-code",
        "the code of an error is not its status",
        _errors(lambda answer, error: error.update(code=1)),
    ),
    ("transport.error-envelope", "answered-200", "errors are answered 200", _errors(_error_as_success)),
    ("transport.error-list", "missing", "errors have no errors[]", _errors(lambda answer, error: error.pop("errors"))),
    ("transport.error-reason", "wrong", "404, 409 and 412 have the reason badRequest", _errors(_reason)),
    ("transport.no-internals", "stack-trace", "errors show a stack trace", _errors(_trace)),
    ("transport.json", "html", "errors are HTML pages", _errors(_html), ("transport.no-internals",)),
    ("transport.success-status", "201", "inserts are answered 201", _answered(_created)),
    (
        "transport.success-status",
        "204",
        "deletes are answered 204, no operation",
        _answered(_no_content),
        ("transport.json",),
    ),
    (
        "life.delete",
        "no-content",
        "deletes are answered 204, no operation, and delete nothing",
        _no_content_and_no_effect,
        ("transport.success-status", "transport.json"),
    ),
    ("transport.no-server-error", "bad-json", "a body that is not JSON is answered 500", _answered(_crash)),
    (
        "transport.not-found",
        "change-400",
        "a change of an image that does not exist is answered 400",
        _answered(_change_of_nothing),
    ),
    (
        "family.agrees",
        "cut",
        "a family cuts descriptions at 32 characters",
        _answered(_cut_by_family),
    ),
    (
        "family.agrees",
        "view-cut",
        "a view of a family cuts descriptions at 32 characters",
        _answered(_cut_by_view),
    ),
    ("transport.not-found", "410", "an image that does not exist is answered 410", _answered(_missing_is_gone)),
    (
        "transport.system-parameters",
        "refused",
        "prettyPrint is refused",
        _refused(lambda call: "prettyPrint" in call.query),
    ),
    (
        "transport.system-parameters",
        "get-alt-refused",
        "a get with alt is refused",
        _refused(lambda call: call.method == "images.get" and "alt" in call.query),
    ),
    (
        "transport.client-headers",
        "unknown-refused",
        "headers that begin with x-goog are refused",
        _refused(lambda call: any(name.startswith("x-goog-") for name in call.headers)),
    ),
    (
        "transport.client-headers",
        "content-type-of-nothing",
        "a content type without a body is refused",
        _refused(lambda call: call.method in ("images.get", "images.delete") and "content-type" in call.headers, 415),
    ),
    (
        "transport.json-form",
        "charset-refused",
        "a charset in the content type is refused",
        _refused(lambda call: "charset" in call.headers.get("content-type", ""), 415),
    ),
    (
        "transport.empty-field",
        "null-refused",
        "null is refused as a description",
        _refused(lambda call: _inserts(call, "description", None)),
    ),
    (
        "transport.empty-field",
        "null-labels-refused",
        "null is refused as labels",
        _refused(lambda call: _inserts(call, "labels", None)),
    ),
    (
        "transport.empty-field",
        "no-labels-refused",
        "{} is refused as labels",
        _refused(lambda call: _inserts(call, "labels", {})),
    ),
    (
        "transport.wait-body",
        "refused",
        "a wait with a body is refused",
        _refused(
            lambda call: call.method == "globalOperations.wait" and call.headers.get("content-length", "0") != "0"
        ),
    ),
    (
        "transport.no-server-error",
        "null-item",
        "null in a list is answered 500",
        _crashes(lambda call: None in (_body(call).get("licenses") or ())),
    ),
    (
        "transport.no-server-error",
        "nul",
        "the character NUL is answered 500",
        _crashes(lambda call: "\0" in str(_body(call).get("description"))),
    ),
    (
        "transport.no-server-error",
        "nested",
        "a body that is nested 100 deep is answered 500",
        _crashes(lambda call: "[" * 100 in str(_body(call).get("conformance"))),
    ),
    (
        "transport.no-server-error",
        "second-page",
        "the second page of a list in an order is answered 500",
        _crashes(lambda call: {"orderBy", "pageToken"} <= call.query.keys()),
    ),
    ("operation.not-found", "400", "an operation that does not exist is answered 400", _answered(_missing_operation)),
    ("life.get-by-id", "refused", "get by id is refused", _by_name_only),
    (
        "life.get-after-done",
        "always-the-first",
        "a get by name answers the image that was got first",
        _always_the_first,
    ),
    ("operation.success-means-ready", "never-got", "a get of any image is answered 404", _answered(_never_got)),
    ("family.latest", "one-for-all", "every family answers the same image", _answered(_one_for_all)),
    ("transport.unknown-path", "taken", "a path that there is not is answered 200", _answered(_taken)),
    (
        "transport.unknown-path",
        "text",
        "a path that there is not is answered with plain text",
        _answered(_bare_refusal),
    ),
    ("transport.safe-verbs", "head-deletes", "HEAD of an image deletes it", _deletes(lambda call: call.verb == "HEAD")),
    (
        "transport.safe-verbs",
        "override-heeded",
        "GET of an image deletes it where a header asks for that",
        _deletes(lambda call: call.headers.get("x-http-method-override") == "DELETE"),
    ),
    (
        "transport.safe-verbs",
        "override-heeded-later",
        "where a header asks for that GET deletes an image, which is READY until it is gone",
        _deletes_later,
    ),
    ("transport.percent-encoding", "not-found", "a name in percent-encoding is not found", _not_decoded),
    ("transport.fields-mask", "ignored", "fields=… is ignored", _all_fields),
    ("life.list-once", "doubled", "a list holds its last image twice", _answered(_doubled)),
    ("life.list-max-results", "one-more", "a page holds one image more than asked for", _one_more),
    ("family.view-shape", "bare", "a view of a family is the bare image", _answered(_bare_view)),
    (
        "life.list-kind",
        "other",
        "the kind of a list is compute#list",
        _answered(
            lambda answer, call: (
                answer.body.update(kind="compute#list")
                if call.method == "images.list" and answer.status == 200
                else None
            )
        ),
    ),
)

FAULTS: tuple[Fault, ...] = tuple(Fault(*row) for row in _ROWS)
