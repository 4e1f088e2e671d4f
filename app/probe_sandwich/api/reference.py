"""What the page shows beside an answer: the examples to try, and where the zoo's subjects lie."""

import csv
from pathlib import Path

from pydantic import BaseModel, Field

BINS = 20
_EXAMPLES = {
    "generalizer": "holds its accuracy up to four times its training length",
    "not-generalizer": "right 97 times in 100 on the lengths it was trained on, less and less often beyond",
}


class Example(BaseModel):
    """A bundled checkpoint."""

    name: str
    description: str
    url: str = Field(description="relative to the service")


class Histogram(BaseModel):
    """Out-of-fold probabilities of a zoo's converged subjects, in equal bins from 0 to 1."""

    meta_classifier: str
    generalizers: list[int] = Field(description=f"counts in {BINS} bins")
    not_generalizers: list[int] = Field(description=f"counts in {BINS} bins")
    reserve: int = Field(description="converged subjects that were kept out of the training, and are in no bin")


def examples(folder: Path) -> list[Example]:
    """The examples that are there."""
    return [
        Example(name=name, description=description, url=f"examples/{name}.safetensors")
        for name, description in _EXAMPLES.items()
        if example_file(folder, name) is not None
    ]


def example_file(folder: Path, name: str) -> Path | None:
    """The file of an example, or None where there is none of that name."""
    path = folder / f"{name}.safetensors"
    return path if name in _EXAMPLES and path.exists() else None


def histograms(model: Path) -> list[Histogram]:
    """The histogram of a meta-classifier, where its folder holds out-of-fold predictions."""
    path = model / "predictions.csv"
    return [_histogram(path)] if path.exists() else []


def _histogram(path: Path) -> Histogram:
    counts = {"0": [0] * BINS, "1": [0] * BINS}
    for row in _rows(path):
        if row["sandwich"]:
            counts[row["label"]][min(BINS - 1, int(float(row["sandwich"]) * BINS))] += 1
    reserve = path.with_name("reserve.csv")
    return Histogram(
        meta_classifier=path.parent.name,
        generalizers=counts["1"],
        not_generalizers=counts["0"],
        reserve=len(_rows(reserve)) if reserve.exists() else 0,
    )


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))
