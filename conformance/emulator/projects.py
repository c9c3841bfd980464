"""The projects of an emulator, and the images in them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator

from conformance.emulator import checks
from conformance.emulator.behaviour import Behaviour, Call
from conformance.emulator.errors import ApiError, not_found
from conformance.emulator.state import State
from conformance.emulator.store import Image, Operation, Project, new_project


class Projects:
    """All projects of an emulator.

    Args:
        behaviour: what is otherwise than the API reference has it.
        projects: the projects that exist; None for any that is asked for.
        state: where all is kept for the next emulator, which begins with it; None for nowhere.
    """

    def __init__(
        self, behaviour: Behaviour, projects: tuple[str, ...] | None = None, state: State | None = None
    ) -> None:
        self.behaviour = behaviour
        self._state = state
        self._allowed = projects
        self._projects: dict[str, Project] = {}
        self._shown: dict[str, int] = {}
        self._requests: OrderedDict[tuple[str, ...], Operation | None] = OrderedDict()
        if state is not None:
            self._projects.update((project.name, project) for project in state.projects())
            self._requests.update(state.requests(self._projects))

    def project(self, name: str) -> Project:
        """A project.

        Raises:
            ApiError: there is none of this name.
        """
        name = self.behaviour.numbers.get(name, name)
        if self._allowed is not None and name not in (*self._allowed, "debian-cloud"):
            raise not_found(f"projects/{name}")
        key = "" if self.behaviour.one_store and name != "debian-cloud" else name
        if key not in self._projects:
            self._projects[key] = new_project(name)
        return self._projects[key]

    def _existing(self, call: Call) -> tuple[Project, Image | None]:
        project = self.project(call.project)
        self._check_request_id(call)
        image = project.image(call.name)
        if image is None and "transport.project-isolation/by-id" in self.behaviour.unchecked:
            image = next((image for image in self._everywhere() if image.fields["id"] == call.name), None)
        return project, image

    def _must_not_be_busy(self, project: Project, image: Image | None) -> None:
        if self.behaviour.busy_images and image is not None and image.status == "PENDING":
            path = f"projects/{project.name}/global/images/{image.fields['name']}"
            raise ApiError(400, "resourceNotReady", f"The resource '{path}' is not ready")

    def _must_exist(self, call: Call) -> tuple[Project, Image]:
        project, image = self._existing(call)
        if image is None:
            raise not_found(f"projects/{project.name}/global/images/{call.name}")
        return project, image

    def _everywhere(self) -> Iterator[Image]:
        """The images of all projects."""
        return (image for project in self._projects.values() for image in project.living())

    def _check_request_id(self, call: Call) -> None:
        for name, check in (
            ("request-id.zero-refused", checks.request_id_zero),
            ("request-id.malformed-refused", checks.request_id_malformed),
        ):
            if name not in self.behaviour.unchecked:
                check(call.query)

    def _link(self, call: Call, path: str) -> str:
        base = self.behaviour.link_base or f"http://{call.headers.get('host', 'localhost')}"
        return path if path.startswith("http") else f"{base}/compute/{call.version}/{path}"
