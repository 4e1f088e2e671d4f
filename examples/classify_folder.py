"""Classify every checkpoint of a folder and write a CSV, with a progress bar.

python examples/classify_folder.py FOLDER out.csv [http://127.0.0.1:8000] [--api-key KEY]

The key may also stand in PROBE_SANDWICH_API_KEY.
"""

import argparse
import csv
import os
from pathlib import Path
from typing import Any

from probe_sandwich.client import Client, NoService, ServiceProblem
from rich.progress import track

COLUMNS = (
    "file",
    "sha256",
    "generalizer_probability",
    "low",
    "high",
    "verdict",
    "reason",
    "in_distribution_accuracy",
    "long_accuracy",
    "direct_test",
    "agreement",
    "error",
)


def inert(cell: Any) -> Any:
    """A cell that no spreadsheet runs: a file's name may be a stranger's."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


def row_of(client: Client, path: Path) -> dict[str, object]:
    """One line of the table; a file that is refused gets its reason."""
    try:
        answer = client.classify(path)
    except ServiceProblem as problem:
        return {"file": path.name, "error": str(problem)}
    low, high = answer.probability_interval or (None, None)
    test = answer.direct_test
    return {
        "file": path.name,
        "sha256": answer.checkpoint.sha256,
        "generalizer_probability": answer.generalizer_probability,
        "low": low,
        "high": high,
        "verdict": answer.verdict.value,
        "reason": answer.reason,
        "in_distribution_accuracy": test and test.in_distribution_accuracy,
        "long_accuracy": test and test.long_accuracy,
        "direct_test": test and ("generalizer" if test.generalizer else "not_generalizer"),
        "agreement": answer.agreement.value,
    }


def main() -> None:
    """Classify and write."""
    parser = argparse.ArgumentParser(description="Classify every checkpoint of a folder and write a CSV.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("url", nargs="?", default="http://127.0.0.1:8000")
    parser.add_argument("--api-key", default=os.environ.get("PROBE_SANDWICH_API_KEY") or None)
    chosen = parser.parse_args()
    paths = sorted(chosen.folder.glob("*.safetensors"))
    if not paths:
        parser.error(f"{chosen.folder} holds no .safetensors file")
    try:
        with Client(chosen.url, chosen.api_key) as client, chosen.out.open("w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            for path in track(paths, description="classifying"):
                writer.writerow({name: inert(cell) for name, cell in row_of(client, path).items()})
    except NoService as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main()
