"""Prints the outputs of the action: `outputs.py FOLDER STATUS`, the folder of the results and the run's exit status."""

import json
import sys
from pathlib import Path

from conformance.config.report_names import REPORTS
from conformance.verdicts.results import FILE_NAME, read_results

folder, status = Path(sys.argv[1]), sys.argv[2]
print(f"exit-status={status}")
if (folder / FILE_NAME).exists():
    summary = read_results(folder / FILE_NAME).summary
    print(f"verdict={summary.verdict}")
    print(f"headline={summary.headline}")
    print(f"counts={json.dumps(summary.counts)}")
    for name, report in (("report", "html"), ("badge", "badge")):
        if (folder / REPORTS[report]).exists():
            print(f"{name}={folder / REPORTS[report]}")
