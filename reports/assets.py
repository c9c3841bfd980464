"""The parts of pages that are our own: templates, style, script, and the policy that lets nothing else in."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files

from markupsafe import Markup


def part(name: str) -> str:
    """A file of `templates`."""
    return files("conformance.reports").joinpath("templates", name).read_text(encoding="utf-8").strip()


def safe(text: str) -> Markup:
    """A style or script of ours, to stand in a page as it is."""
    return Markup(text)  # noqa: S704 - our own file


def policy(style: str, script: str = "") -> str:
    """The Content-Security-Policy that allows one inline style and one inline script, and no request at all."""
    scripts = f"script-src '{_digest(script)}'; " if script else ""
    return f"default-src 'none'; style-src '{_digest(style)}'; {scripts}base-uri 'none'; form-action 'none'"


def _digest(content: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
