"""Who may do what: bearer tokens, where the emulator asks for any."""

from __future__ import annotations

from conformance.emulator.behaviour import Behaviour, Call
from conformance.emulator.errors import ApiError

LOOKING = frozenset({"images.get", "images.list", "images.getFromFamily", "imageFamilyViews.get"})
"""What callers may do with images who may look only; operations anybody may look at."""

PERMISSIONS = {"images.insert": "compute.images.create", "images.delete": "compute.images.delete"}

LIMITED = ("forbidden", "scoped", "labels", "source")
"""What a caller may be who may not do all."""

_USE = {
    "sourceDisk": "compute.disks.useReadOnly",
    "sourceImage": "compute.images.useReadOnly",
    "sourceSnapshot": "compute.snapshots.useReadOnly",
    "rawDisk": "storage.objects.get",
}


def limit_of(behaviour: Behaviour, call: Call) -> str:
    """What the caller is, of those who may not do all; "" for any other."""
    return behaviour.limited.get(call.headers.get("authorization", "").removeprefix("Bearer "), "")


def admit(behaviour: Behaviour, call: Call) -> None:
    """Lets a call pass whose caller may make it, whatever its body says.

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
    limit = limit_of(behaviour, call)
    looking = not call.method.startswith("images.") or call.method in LOOKING
    if limit == "forbidden" and not looking and "permissions" not in behaviour.unchecked:
        raise _lacking(call, PERMISSIONS.get(call.method, "compute.images.update"))
    if limit == "scoped" and not looking and "scopes" not in behaviour.unchecked:
        raise ApiError(403, "insufficientPermissions", "Request had insufficient authentication scopes.")
    if not limit and given.removeprefix("Bearer ") not in behaviour.tokens and "token" not in behaviour.unchecked:
        raise ApiError(401, "authError", "Invalid Credentials")


def permit(behaviour: Behaviour, call: Call) -> None:
    """Lets an insert pass whose caller may use each field of its body.

    Raises:
        ApiError: a permission lacks.
    """
    limit = limit_of(behaviour, call) if behaviour.tokens and call.method == "images.insert" else ""
    if limit == "labels" and call.body.get("labels") and "label-permission" not in behaviour.unchecked:
        raise _lacking(call, "compute.images.setLabels")
    for field, permission in _USE.items() if limit == "source" else ():
        if call.body.get(field) and "source-permission" not in behaviour.unchecked:
            raise _lacking(call, permission)


def _lacking(call: Call, permission: str) -> ApiError:
    path = f"projects/{call.project}/global/images/{call.name}"
    return ApiError(403, "forbidden", f"Required '{permission}' permission for '{path}'")
