"""The kill matrix: for every fault the rules that noticed it, for every fair server that none did."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

_STYLE = (
    "body{font:14px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:75rem;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #ccc;padding:.2rem "
    ".5rem;text-align:left;vertical-align:top}"
    ".bad{background:#fdd}code{font-size:.9em}"
    "@media(prefers-color-scheme:dark){body{background:#111;color:#eee}.bad{background:#522}}"
)


def figures(matrix: Mapping[str, Any]) -> Iterator[str]:
    """The figures of a matrix, one sentence each."""
    found = matrix["summary"]
    if found["faults"]:
        alone = found["faults_blamed_on_their_rule_alone"]
        yield f"{found['faults_caught']} of {found['faults']} faults caught by the right rule, {alone} by it alone"
        yield f"{found['rules_with_a_caught_fault']} of {found['rules']} rules proven by a fault that they catch"
        if found["requests_to_first_breach_median"] is not None:
            yield f"{found['requests_to_first_breach_median']:g} requests to the first breach, in the median"
    if found["compositions"]:
        yield (
            f"{found['composed_rules_named']} of {found['composed_rules']} rules named that "
            f"{found['compositions']} servers with many faults break, {found['composed_rules_missed']} missed"
        )
    if found["fair_servers"] or found["compositions"]:
        servers = found["fair_servers"]
        yield f"{found['false_alarms']} false alarms on {servers} fair servers, and on those with many faults"


def _rows(matrix: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for proof in matrix["proofs"]:
        caught = "silent" if proof["kind"] == "variant" else "caught"
        missed = "missed" if proof["missed"] else "blamed"
        first = proof["requests_to_first_breach"]
        yield (
            proof["server"],
            proof["sentence"],
            caught if proof["holds"] else missed,
            ", ".join([*(f"missed {rule}" for rule in proof["missed"]), *proof["needless"]]) or proof["error"],
            str(first) if first is not None else "",
        )


_TITLES = ("server", "what it does", "suite", "missed, or needlessly failed", "requests to first breach")


def markdown(matrix: Mapping[str, Any]) -> str:
    """The matrix as Markdown."""
    lines = [
        "# Kill matrix",
        "",
        *(f"- {line}" for line in figures(matrix)),
        "",
        f"| {' | '.join(_TITLES)} |",
        "|---" * len(_TITLES) + "|",
    ]
    lines += [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in _rows(matrix)]
    return "\n".join(lines) + "\n"


def html(matrix: Mapping[str, Any]) -> str:
    """The matrix as one self-contained page."""
    head = "".join(f"<th scope=col>{escape(title)}" for title in _TITLES)
    body = "".join(
        f"<tr{'' if row[2] in ('caught', 'silent') else ' class=bad'}>" + "".join(f"<td>{escape(cell)}" for cell in row)
        for row in _rows(matrix)
    )
    items = "".join(f"<li>{escape(line)}" for line in figures(matrix))
    return (
        '<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content="width=device-width">'
        f"<title>Kill matrix</title><style>{_STYLE}</style><h1>Kill matrix</h1><ul>{items}</ul>"
        f"<table><thead><tr>{head}<tbody>{body}</table></html>"
    )
