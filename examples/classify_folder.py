"""Classify every checkpoint of a folder and write a CSV, with a progress bar.

python examples/classify_folder.py FOLDER out.csv [http://127.0.0.1:8000]
"""

import csv
import sys
from pathlib import Path

from probe_sandwich.client import Client, ServiceProblem
from rich.progress import track

COLUMNS = (
    "file",
    "sha256",
    "generalizer_probability",
    "low",
    "high",
    "verdict",
    "in_distribution_accuracy",
    "long_accuracy",
    "direct_test",
    "agreement",
    "error",
)


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
        "in_distribution_accuracy": test and test.in_distribution_accuracy,
        "long_accuracy": test and test.long_accuracy,
        "direct_test": test and ("generalizer" if test.generalizer else "not_generalizer"),
        "agreement": answer.agreement.value,
    }


def main(folder: Path, out: Path, url: str) -> None:
    """Classify and write."""
    paths = sorted(folder.glob("*.safetensors"))
    with Client(url) as client, out.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for path in track(paths, description="classifying"):
            writer.writerow(row_of(client, path))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else "http://127.0.0.1:8000")
