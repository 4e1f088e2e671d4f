"""What a zoo holds, in numbers."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
from probe_sandwich.zoo.info import summarize
from probe_sandwich.zoo.shards import (
    read_index,
)


def test_a_summary_counts_labels_of_converged_subjects_only(tiny_zoo: Path) -> None:
    rows = read_index(tiny_zoo)
    marked = [row.model_copy(update={"converged": number < 3, "label": True}) for number, row in enumerate(rows)]
    summary = summarize(marked)
    assert (summary.subjects, summary.converged, summary.generalizers) == (10, 3, 3)
    (task,) = summary.by_task.values()
    assert (task.subjects, task.converged, task.generalizers) == (10, 3, 3)
    assert (task.configurations, task.mixed_configurations) == (2, 0)


def test_a_scheme_with_too_few_of_a_label_is_one_sided(tiny_zoo: Path) -> None:
    row = read_index(tiny_zoo)[0].model_copy(update={"converged": True})
    rows = [row.model_copy(update={"label": number >= 3}) for number in range(20)]
    more = [*rows, row.model_copy(update={"label": True})]
    unconverged = [row.model_copy(update={"label": False, "converged": False})] * 9
    for some, one_sided in ((rows, False), (more, True), ([*more, *unconverged], True)):
        assert summarize(some).by_scheme[row.scheme].one_sided is one_sided


def test_info_prints_json(tiny_zoo: Path) -> None:
    command = [sys.executable, "-m", "probe_sandwich.cli", "zoo", "info", str(tiny_zoo), "--json"]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert json.loads(printed)["subjects"] == 10
    assert np.isclose(
        json.loads(printed)["train_core_seconds"], sum(r.train_seconds for r in read_index(tiny_zoo)), atol=0.1
    )
