"""Where other libraries change what they don't promise to keep, the suite does without; and a module `compat`
alone makes use of it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import find
from hypothesis import strategies as st
from hypothesis.internal.conjecture import providers
from uvicorn.protocols.http import httptools_impl

from conformance.emulator.compat import answer_in_http_1_0
from conformance.scenario.compat import no_constants_of_modules

ROOT = Path(__file__).parents[2]
INTERNAL = ("internal", "httptools_impl")


def hidden(path: Path) -> Iterator[str]:
    """What a module imports, or reaches into, that its owner keeps to itself."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.ImportFrom(module=str(name)):
                names = [f"{name}.{alias.name}" for alias in node.names]
            case ast.Import():
                names = [alias.name for alias in node.names]
            case ast.Attribute(value=ast.Name(id=owner), attr=attribute) if owner not in ("self", "cls", "other", "os"):
                names = [f"{owner}.{attribute}"] if attribute.startswith("_") and not attribute.endswith("_") else []
            case _:
                continue
        for name in names:
            parts = [part for part in name.split(".") if not part.endswith("__")]
            if any(part.startswith("_") or part in INTERNAL for part in parts):
                yield name


@pytest.mark.parametrize("room", ["conformance", "strategies", "reports", "tests/api"])
def test_only_compat_uses_what_is_private(room: str) -> None:
    found = {str(path): list(hidden(path)) for path in sorted((ROOT / room).rglob("*.py")) if path.name != "compat.py"}
    assert len(found) > 5
    assert {path: names for path, names in found.items() if names} == {}


def test_the_look_for_private_names_finds_them() -> None:
    assert all(list(hidden(path)) for path in (ROOT / "conformance").glob("*/compat.py"))


def test_draws_without_the_hook_of_hypothesis(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(providers, "_get_local_constants")
    with no_constants_of_modules():
        assert not hasattr(providers, "_get_local_constants")


def test_the_hook_of_hypothesis_is_put_back() -> None:
    usual = providers._get_local_constants
    with no_constants_of_modules():
        assert providers._get_local_constants is not usual
        assert find(st.integers(), lambda number: number > 10) == 11
    assert providers._get_local_constants is usual


def test_http_1_0_without_the_table_of_uvicorn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(httptools_impl, "STATUS_LINE")
    with pytest.raises(NotImplementedError, match=r"HTTP/1\.0"):
        answer_in_http_1_0()
