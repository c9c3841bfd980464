"""Who may do what: bearer tokens, where the emulator asks for any."""

from __future__ import annotations

from conformance.emulator.behaviour import Behaviour, Call
from conformance.emulator.errors import ApiError

LOOKING = frozenset({"images.get", "images.list", "images.getFromFamily", "imageFamilyViews.get"})
"""What a viewer may do with images; operations anybody may look at."""

PERMISSIONS = {"images.insert": "compute.images.create", "images.delete": "compute.images.delete"}


def admit(behaviour: Behaviour, call: Call) -> None:
    """Lets a call pass whose caller may make it.

    Raises:
        ApiError: the caller is unknown, or may not do this.
    """
    if not behaviour.tokens:
        return
    given = call.headers.get("authorization", "")
    if not given:
        if "no-credentials" not in behaviour.unchecked:
            raise ApiError(401, "required", "Login Required.")
        return
    token = given.removeprefix("Bearer ")
    if token in behaviour.viewers:
        if (
            call.method.startswith("images.")
            and call.method not in LOOKING
            and "permissions" not in behaviour.unchecked
        ):
            permission = PERMISSIONS.get(call.method, "compute.images.update")
            path = f"projects/{call.project}/global/images/{call.name}"
            raise ApiError(403, "forbidden", f"Required '{permission}' permission for '{path}'")
    elif token not in behaviour.tokens and "token" not in behaviour.unchecked:
        raise ApiError(401, "authError", "Invalid Credentials")
