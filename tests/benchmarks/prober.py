"""What the sandwich's share of a diagnosis costs: CPU seconds on one thread, beside the direct length test.

    python -m tests.benchmarks.prober [FILE...]

The reference of the ratio is every member of the ensemble asking for itself, as before one set of answers served all.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from probe_sandwich.diagnosis import diagnose
from probe_sandwich.options import Options
from probe_sandwich.sandwich.meta_classifier import MetaClassifier, load_meta_classifier
from probe_sandwich.settings import Settings
from probe_sandwich.subjects.uploads import load_upload, stacked

from tests.conftest import EXAMPLES

ROUNDS = 5
CPU = torch.device("cpu")


def least_seconds(work: Callable[[], object]) -> float:
    """CPU seconds of the quickest of some rounds, after one that draws what is drawn once."""
    work()
    seconds = []
    for _ in range(ROUNDS):
        began = time.process_time()
        work()
        seconds.append(time.process_time() - began)
    return min(seconds)


def row(file: Path, meta: MetaClassifier) -> str:
    """Seconds of asking, reading, the sandwich and the whole, and the ratio."""
    checkpoint = load_upload(file)
    subjects = stacked([checkpoint], CPU)
    answers = meta.ask(subjects)
    asking, reading = least_seconds(lambda: meta.ask(subjects)), least_seconds(lambda: meta.judge(answers))
    sandwich = least_seconds(lambda: diagnose([checkpoint], meta, CPU, Options(direct_test=False)))
    whole = least_seconds(lambda: diagnose([checkpoint], meta, CPU))
    ratio = (sandwich + (len(meta.members) - 1) * asking) / sandwich
    return f"{file.name:32} {asking:.3f} {reading:.3f} {sandwich:.3f} {whole:.3f}   {ratio:.2f}"


def main(files: list[Path]) -> None:
    """Print a row a file."""
    torch.set_num_threads(1)
    meta = load_meta_classifier(Settings().model, CPU)
    print("file, CPU seconds: asking, reading, sandwich, whole; ratio to members that ask for themselves")
    for file in files:
        print(row(file, meta))


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:]] or EXAMPLES)
