"""Rules about the errors and warnings of an operation."""

from __future__ import annotations

import re
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from conformance.contract.areas.operation import ERROR_FIELDS, has
from conformance.contract.history import History
from conformance.contract.operation import STATUS_ORDER
from conformance.contract.order import after
from conformance.contract.rule import Finding, Rules, expect, is_set

RULES = Rules()
"""The rules of this module, in the order of the catalogue."""

ERRORS = 400
"""The HTTP statuses of errors begin here."""


_REASON = re.compile(r"[A-Z][A-Z0-9_]+[A-Z0-9]", re.IGNORECASE)
"""The real service has reasons in lower case, too."""

_PHRASES = {re.sub(r"[^A-Z]", "", status.phrase.upper()): int(status) for status in HTTPStatus}
"""The statuses by the letters of their messages."""

_METADATA_KEY = re.compile(r"[a-zA-Z0-9-_]{1,64}")


@RULES.rule(
    "operation.error-only-when-failed",
    "doc",
    "A failed operation has error, httpErrorStatusCode and httpErrorMessage together; by convention no other has one "
    "of them.",
    "Response body > httpErrorStatusCode",
    "A failed operation contains the status and the message of its error, and errors of the processing "
    "are populated; elsewhere they are not expected.",
)
def _error_only_when_failed(history: History) -> Iterator[Finding]:
    states = ((operation, state) for operation in history.operations for state in operation.glimpses)
    for operation, state in states:
        if not state.shows("status", *ERROR_FIELDS) or ("status" in state.value and state.status not in STATUS_ORDER):
            continue  # whether it has ended nobody can tell
        present = [name for name in ERROR_FIELDS if has(state, name)]
        if present and operation.final and not state.done and after(operation.final.exchange, state.exchange):
            continue  # it has ended and goes back, which is another rule's matter
        yield expect(
            not present or (state.done and len(present) == len(ERROR_FIELDS)),
            "an operation tells of an error halfway"
            if state.done
            else "an operation that is not DONE tells of an error",
            state.exchange,
            expected="all of error, httpErrorStatusCode and httpErrorMessage with a DONE that failed, else none",
            observed={"status": state.status, "present": present},
            deviation=not state.failed,
        )


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    return (item for item in value if isinstance(item, dict)) if isinstance(value, list) else iter(())


@RULES.rule(
    "operation.error-shape",
    "doc",
    "error.errors[] is not empty, and each has a code; by convention errorInfo keeps the documented pattern and "
    "lengths.",
    "Response body > error.errors[]",
    "error holds the array of errors met, each with its type in code; message is optional, and the "
    "patterns of details are what should be.",
    requires=("operation.type.error.errors",),
)
def _error_shape(history: History) -> Iterator[Finding]:
    for state in history.stating():
        error = state.value.get("error")
        if not is_set(error):
            continue
        errors = error.get("errors") if isinstance(error, dict) else None
        # An answer that was asked for some of it only shows no code where that was not asked for.
        asked = state.mask.within("error").within("errors").covers("code")
        complete = isinstance(errors, list) and bool(errors) and all(_complete(item) for item in errors)
        yield expect(
            complete or not asked,
            "the error of an operation lacks errors[], or a code in it",
            state.exchange,
            expected={"errors": [{"code": "…"}]},
            observed=error,
        )
        for item in _objects(errors):
            for detail in _objects(item.get("errorDetails")):
                info = detail.get("errorInfo")
                if isinstance(info, dict):
                    yield expect(
                        _valid_info(info),
                        "errorInfo breaks its documented pattern",
                        state.exchange,
                        expected="reason [A-Z][A-Z0-9_]+[A-Z0-9], at most 63; metadatas keys [a-zA-Z0-9-_], at most 64",
                        observed=info,
                        deviation=True,
                    )


def _complete(item: Any) -> bool:
    return isinstance(item, dict) and isinstance(item.get("code"), str) and bool(item["code"])


def _valid_info(info: dict[str, Any]) -> bool:
    reason, metadatas = info.get("reason"), info.get("metadatas")
    if is_set(reason) and not (isinstance(reason, str) and len(reason) <= 63 and _REASON.fullmatch(reason)):
        return False
    return not isinstance(metadatas, dict) or all(_METADATA_KEY.fullmatch(key) for key in metadatas)


@RULES.rule(
    "operation.http-error-code",
    "doc",
    "httpErrorStatusCode of a failed operation is an HTTP error, 400 to 599.",
    "Response body > httpErrorStatusCode",
    "The field contains the HTTP error status of a failed operation, and HTTP errors have numbers from 400 on.",
)
def _http_error_code(history: History) -> Iterator[Finding]:
    for state in history.stating():
        code = state.value.get("httpErrorStatusCode")
        if state.failed and has(state, "httpErrorStatusCode"):
            yield expect(
                isinstance(code, int) and not isinstance(code, bool) and 400 <= code <= 599,
                "httpErrorStatusCode is no HTTP error",
                state.exchange,
                expected="400 to 599",
                observed=code,
            )


@RULES.rule(
    "operation.http-error-message",
    "doc",
    "httpErrorMessage of a failed operation is not the message of another HTTP status than its own.",
    "Response body > httpErrorMessage",
    "The field contains the HTTP error message that was returned, such as NOT FOUND, so it belongs to the status "
    "beside it.",
)
def _http_error_message(history: History) -> Iterator[Finding]:
    for state in history.stating():
        code, message = state.value.get("httpErrorStatusCode"), state.value.get("httpErrorMessage")
        # A code that is none of an error is the matter of the rule for codes.
        if state.failed and isinstance(message, str) and isinstance(code, int) and code >= ERRORS:
            meant = _PHRASES.get(re.sub(r"[^A-Z]", "", message.upper()))
            yield expect(
                meant in (None, code),
                "httpErrorMessage is that of another status",
                state.exchange,
                expected=f"the message of HTTP {code}",
                observed=message,
            )


@RULES.rule(
    "operation.warning-shape",
    "doc",
    "Each warning has a message; its code, where there is one, is text; data is a list of key and value strings.",
    "Response body > warnings[]",
    "A warning has a readable message, a code where one applies, and data in pairs of key and value.",
)
def _warning_shape(history: History) -> Iterator[Finding]:
    for state in history.stating():
        warnings = state.value.get("warnings")
        if is_set(warnings):
            yield expect(
                isinstance(warnings, list) and all(_valid_warning(item) for item in warnings),
                "a warning lacks its message, or its code or data have another shape",
                state.exchange,
                expected=[{"code": "…", "message": "…", "data": [{"key": "…", "value": "…"}]}],
                observed=warnings,
            )


def _valid_warning(item: Any) -> bool:
    if not isinstance(item, dict) or not (isinstance(item.get("message"), str) and item["message"]):
        return False
    code, data = item.get("code"), item.get("data")
    if code is not None and not (isinstance(code, str) and code):
        return False
    return not is_set(data) or (
        isinstance(data, list)
        and all(
            isinstance(entry, dict) and all(isinstance(entry.get(name), str) for name in ("key", "value"))
            for entry in data
        )
    )
