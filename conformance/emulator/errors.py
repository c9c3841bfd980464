"""Refusals, in the form of Google's JSON errors."""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    """A request is refused.

    Args:
        status: the HTTP status.
        reason: the machine-readable reason.
        message: for the caller.
    """

    def __init__(self, status: int, reason: str, message: str, **details: str) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message
        self.details = details

    def body(self) -> dict[str, Any]:
        """The JSON body of the answer."""
        item = {"message": self.message, "domain": "global", "reason": self.reason, **self.details}
        return {"error": {"code": self.status, "message": self.message, "errors": [item]}}


def invalid(field: str, value: Any, why: str) -> ApiError:
    """A field has a value that it cannot have."""
    return ApiError(400, "invalid", f"Invalid value for field '{field}': '{value}'. {why}")


def required(field: str) -> ApiError:
    """A field is missing."""
    return ApiError(400, "required", f"Required field '{field}' not specified")


def not_found(path: str) -> ApiError:
    """A resource does not exist."""
    return ApiError(404, "notFound", f"The resource '{path}' was not found")


def conflict(path: str) -> ApiError:
    """A resource of this name exists."""
    return ApiError(409, "alreadyExists", f"The resource '{path}' already exists")
