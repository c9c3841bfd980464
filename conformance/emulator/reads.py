"""The methods that show images, families and sources, and change nothing."""

from __future__ import annotations

import time
from typing import Any

from conformance.emulator.behaviour import Call, Resource
from conformance.emulator.clock import moment
from conformance.emulator.errors import not_found
from conformance.emulator.filters import matches, page
from conformance.emulator.operations import Operations
from conformance.emulator.store import ZONE, Image, Project


class Reads(Operations):
    """Projects that can be looked at."""

    def get(self, call: Call) -> Resource:
        """images.get."""
        project, image = self._must_exist(call)
        image.look()
        if not self._seen(image, call) or (self.behaviour.hides_pending and image.status == "PENDING"):
            raise not_found(f"projects/{project.name}/global/images/{call.name}")
        return self.shown_image(image, call)

    def list(self, call: Call) -> Resource:
        """images.list."""
        project = self.project(call.project)
        hidden = "PENDING" if self.behaviour.hides_pending else ""
        everywhere = call.query.get("filter") and "transport.project-isolation/by-filter" in self.behaviour.unchecked
        newest_first = call.query.get("orderBy", "").startswith("creationTimestamp")
        shown = [
            ((-image.number if newest_first else 0, str(image.fields["name"])), self.shown_image(image, call))
            for image in (self._everywhere() if everywhere else project.living())
            if image.status != hidden and self._seen(image, call)
        ]
        found = [entry for entry in shown if matches(entry[1], call.query.get("filter", ""))]
        items, token = page(found, call.query, by_place="life.list-steady" in self.behaviour.unchecked)
        answer = {"kind": "compute#imageList", "id": f"projects/{project.name}/global/images", "items": items}
        answer["selfLink"] = self._link(call, f"projects/{project.name}/global/images")
        return answer | ({"nextPageToken": token} if token else {})

    def from_family(self, call: Call) -> Resource:
        """images.getFromFamily."""
        project = self.project(call.project)
        image = self._latest(project, call.name, call=call)
        if image is None:
            raise not_found(f"projects/{project.name}/global/images/family/{call.name}")
        return self.shown_image(image, call)

    def family_view(self, call: Call, zone: str) -> Resource:
        """imageFamilyViews.get."""
        project = self.project(call.project)
        image = self._latest(project, call.name, zone, call=call)
        if image is None:
            raise not_found(f"projects/{project.name}/zones/{zone}/imageFamilyViews/{call.name}")
        return {"image": self.shown_image(image, call)}

    def _seen(self, image: Image, call: Call) -> bool:
        """Whether a method shows an image by now."""
        return time.time() >= image.ready_at + self.behaviour.seen_after.get(call.method, float("-inf"))

    def _latest(self, project: Project, family: str, zone: str = "", *, call: Call | None = None) -> Image | None:
        """The latest image of a family that is READY and not deprecated, in a zone if one is given, as a call sees
        it."""
        found = [
            image
            for image in project.living()
            if self._family(image) == family and image.status == "READY" and self._eligible(image, zone)
            if call is None or self._seen(image, call)
        ]
        unchecked = self.behaviour.unchecked
        if not zone and "family.latest/by-name" in unchecked:
            return max(found, key=lambda image: str(image.fields["name"]), default=None)
        if not zone and "family.latest/last-changed" in unchecked:
            return max(found, key=lambda image: (max(image.made_at, image.relabelled_at), image.number), default=None)
        oldest = ("family.view-latest" if zone else "family.latest") in unchecked
        if call is None and "source.image.family-url/oldest" in unchecked:
            oldest = True
        return (min if oldest else max)(found, key=lambda image: image.number, default=None)

    def _family(self, image: Image) -> object:
        """The family under which an image is found."""
        if "family.latest/of-insert" in self.behaviour.unchecked and image.insert is not None:
            return image.insert.body.get("family")
        return image.fields.get("family")

    def _eligible(self, image: Image, zone: str) -> bool:
        unchecked = self.behaviour.unchecked
        skipped = image.state == "DEPRECATED" or "family.deprecated-skipped/gone" not in unchecked
        everywhere = "family.deprecated-skipped/override-everywhere" in unchecked
        if image.state != "ACTIVE" and everywhere and not zone:
            policy = image.fields["deprecated"].get("stateOverride") or {}
            return bool(policy) and not _reached(policy, ZONE)
        if image.state != "ACTIVE" and (zone or (skipped and "family.deprecated-skipped" not in unchecked)):
            policy = image.fields["deprecated"].get("stateOverride") or {}
            return bool(zone) and "family.view-state-override" not in unchecked and not _reached(policy, zone)
        if zone and image.fields.get("rolloutOverride") and "family.view-reached" in unchecked:
            return False
        return (
            not zone or "family.view-rollout" in unchecked or _reached(image.fields.get("rolloutOverride") or {}, zone)
        )

    def disk(self, call: Call) -> Resource:
        """disks.get, of Compute Engine's API of disks: its id, and what can be seen of it."""
        return self._source(call, "disk", f"zones/{ZONE}/disks", self.project(call.project).disks)

    def snapshot(self, call: Call) -> Resource:
        """snapshots.get, of Compute Engine's API of snapshots: its id, and what can be seen of it."""
        return self._source(call, "snapshot", "global/snapshots", self.project(call.project).snapshots)

    def _source(self, call: Call, kind: str, collection: str, found: dict[str, dict[str, Any]]) -> Resource:
        path = f"projects/{self.project(call.project).name}/{collection}/{call.name}"
        if call.name not in found:
            raise not_found(path)
        source = found[call.name]
        return {
            "kind": f"compute#{kind}",
            "id": source["id"],
            "name": call.name,
            "status": "READY",
            "selfLink": self._link(call, path),
        }


def _reached(policy: dict[str, Any], zone: str) -> bool:
    """Whether a rollout has reached a zone: it has where the policy does not speak of the zone, or its time has
    come."""
    times = policy.get("locationRolloutPolicies") or {}
    time_of_zone = times.get(f"zones/{zone}") or policy.get("defaultRolloutTime")
    return not time_of_zone or moment(str(time_of_zone)) <= time.time()
