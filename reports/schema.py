"""`python -m conformance.reports.schema` makes results.schema.json anew, from the model of the results."""

from __future__ import annotations

import json
from pathlib import Path

from conformance.verdicts.results import json_schema

PATH = Path(__file__).with_name("results.schema.json")


def text() -> str:
    """What the file holds."""
    return json.dumps(json_schema(), ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    PATH.write_text(text(), encoding="utf-8")
