"""Where the API reference says what a rule stands on: Google's own page of it."""

from __future__ import annotations

ROOT = "https://cloud.google.com/compute/docs/reference/rest/beta/"

SECTIONS = {
    "HTTP request": "HTTP_TEMPLATE",
    "Path parameters": "PATH_PARAMETERS",
    "Query parameters": "QUERY_PARAMETERS",
    "Request body": "request_body",
    "JSON representation": "request_body",
    "Fields": "request_body",
    "Response body": "response_body",
    "Authorization scopes": "aspect",
    "IAM Permissions": "aspect_1",
}
"""The sections of a method's page, each with its place on it."""


def page_of(reference: str) -> str:
    """The address of the page that a rule's reference names: a section of `images.insert`, or another method.

    Args:
        reference: as `Fields > name` or `globalOperations.wait`.
    """
    section = reference.partition(" > ")[0]
    if section in SECTIONS:
        return f"{ROOT}images/insert#body.{SECTIONS[section]}"
    return ROOT + section.replace(".", "/")
