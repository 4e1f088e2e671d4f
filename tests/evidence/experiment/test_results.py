"""What is finished is not done again."""

from dataclasses import dataclass
from pathlib import Path

from probe_sandwich.evidence.experiment.results import load_result, run_once


@dataclass(frozen=True)
class Count:
    """A job that notes that it has run."""

    number: int
    notes: Path

    @property
    def key(self) -> str:
        return f"count-{self.number}"

    def run(self) -> int:
        with self.notes.open("a") as file:
            file.write("x")
        return self.number


def test_a_job_runs_once_for_every_key(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    paths = [run_once(Count(number, notes), tmp_path) for number in (1, 2, 1)]
    assert [load_result(path, int) for path in paths] == [1, 2, 1]
    assert notes.read_text() == "xx"
