"""The parts of pages that are our own: templates, style, script, and the policy that lets nothing else in."""

from __future__ import annotations

import base64
import hashlib
import sys
from contextlib import suppress
from importlib.resources import files
from importlib.util import cache_from_source
from pathlib import Path

from jinja2 import Environment, FileSystemBytecodeCache, PackageLoader
from jinja2.bccache import Bucket
from markupsafe import Markup


class _Compiled(FileSystemBytecodeCache):
    """Templates as they are compiled, beside the compiled modules of Python and under its settings for these."""

    def load_bytecode(self, bucket: Bucket) -> None:
        with suppress(OSError):
            super().load_bytecode(bucket)

    def dump_bytecode(self, bucket: Bucket) -> None:
        if not sys.dont_write_bytecode:
            with suppress(OSError):
                Path(self.directory).mkdir(parents=True, exist_ok=True)
                super().dump_bytecode(bucket)


def pages() -> Environment:
    """Where the templates of pages are found by their names; what they are given is escaped."""
    return Environment(
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=PackageLoader("conformance.reports"),
        bytecode_cache=_Compiled(str(Path(cache_from_source(__file__)).parent)),
    )


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
