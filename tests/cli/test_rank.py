"""`probe-sandwich rank`: which of many checkpoints to choose."""

import csv
import json
import shutil
from pathlib import Path

import pytest

from tests.cli.commands import invoked, words
from tests.conftest import EXAMPLES, ConfigFactory

QUICK = ("--no-direct-test", "--noise-draws", "1")
BETTER, WORSE = "step-200.safetensors", "step-1000.safetensors"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Both bundled examples, a bad file, and something else."""
    found = tmp_path / "run"
    found.mkdir()
    for path, name in zip(EXAMPLES, (BETTER, WORSE), strict=True):
        shutil.copy(path, found / name)
    (found / "notes.txt").write_text("seed 3 looks good")
    return found


def test_a_folder_is_ranked_and_the_first_is_named(folder: Path) -> None:
    done = invoked("rank", str(folder), *QUICK)
    assert done.exit_code == 0
    table = [line.split() for line in done.stdout.splitlines() if "step-" in line and "ahead" not in line]
    assert [(row[0], row[-1]) for row in table] == [("1", "step-200"), ("2", "step-1000")]
    assert f"{BETTER} stands ahead: every member of the ensemble puts it above the others" in words(done.stdout)


def test_a_bad_file_is_listed_below_with_its_reason(folder: Path) -> None:
    (folder / "bad.safetensors").write_bytes(b"")
    done = invoked("rank", str(folder), *QUICK)
    assert done.exit_code == 1
    assert "No rank: bad.safetensors: the file is empty" in words(done.stdout)
    assert "stands ahead" in words(done.stdout)


def test_files_of_several_folders_are_named_below_the_one_that_they_share(folder: Path) -> None:
    (folder / "other").mkdir()
    (folder / WORSE).rename(folder / "other" / WORSE)
    done = invoked("rank", str(folder), str(folder / "other"), *QUICK)
    assert "other/step-1000" in words(done.stdout)
    assert str(folder) not in words(done.stdout)


def test_one_that_has_not_converged_has_no_rank_and_costs_no_failure(folder: Path, checkpoint_file: Path) -> None:
    shutil.copy(checkpoint_file, folder / "untrained.safetensors")
    done = invoked("rank", str(folder), "--noise-draws", "1", "--formulas-per-length", "50", "--json")
    assert done.exit_code == 0
    found = json.loads(done.stdout)
    assert [Path(row["file"]).name for row in found["ranking"]] == [BETTER, WORSE]
    (untrained,) = found["without_rank"]
    assert (Path(untrained["file"]).name, untrained["verdict"]) == ("untrained.safetensors", "abstain")
    assert untrained["reason"].startswith("it has not converged")


def test_where_nothing_can_be_ranked_the_command_fails(checkpoint_file: Path) -> None:
    done = invoked("rank", str(checkpoint_file), "--noise-draws", "1", "--formulas-per-length", "50")
    assert done.exit_code == 1
    assert "No rank: subject.safetensors: it has not converged" in words(done.stdout)


def test_json_and_csv_say_the_same(folder: Path) -> None:
    as_json = json.loads(invoked("rank", str(folder), *QUICK, "--json").stdout)["ranking"]
    as_csv = list(csv.DictReader(invoked("rank", str(folder), *QUICK, "--csv").stdout.splitlines()))
    assert [row["file"] for row in as_csv] == [row["file"] for row in as_json]
    assert [float(row["probability"]) for row in as_csv] == [row["probability"] for row in as_json]
    assert [(row["rank"], row["last_rank"]) for row in as_json] == [(1, 1), (2, 2)]
    assert all(row["low"] <= row["probability"] <= row["high"] for row in as_json)


def test_the_same_command_goes_on_from_its_results(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "results.jsonl"
    invoked("rank", str(folder / BETTER), *QUICK, "--out", str(out))
    (first,) = out.read_text().splitlines()
    done = invoked("rank", str(folder), *QUICK, "--out", str(out), "--json")
    lines = out.read_text().splitlines()
    assert (lines[0], len(lines)) == (first, 2)
    assert [Path(json.loads(line)["file"]).name for line in lines] == [BETTER, WORSE]
    assert "files (1 more are answered in" in words(done.stderr)
    assert len(json.loads(done.stdout)["ranking"]) == 2


def test_snapshots_of_a_run_are_plotted_by_the_step_in_their_names(folder: Path, tmp_path: Path) -> None:
    plot = tmp_path / "plots" / "run.png"
    done = invoked("rank", str(folder), *QUICK, "--plot", str(plot), "--json")
    assert plot.read_bytes().startswith(b"\x89PNG")
    assert {row["step"] for row in json.loads(done.stdout)["ranking"]} == {200, 1000}


def test_a_plot_wants_a_step_in_every_name_before_anything_is_asked(folder: Path, tmp_path: Path) -> None:
    (folder / WORSE).rename(folder / "final.safetensors")
    done = invoked("rank", str(folder), "--plot", str(tmp_path / "run.png"))
    assert done.exit_code == 1
    assert "no step in the name of final.safetensors" in words(done.output)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--csv", "--json"), "it excludes --json; give one of them"),
        (("--plot", "run.doc"), "run.doc is of no kind that is drawn: name it *.png, *.svg, *.pdf"),
    ],
)
def test_a_wrong_option_of_rank_ends_as_any_wrong_option(folder: Path, options: tuple[str, ...], says: str) -> None:
    done = invoked("rank", str(folder), *options)
    assert (done.exit_code, says in words(done.output)) == (2, True)


def test_models_of_a_training_are_found_as_folders_in_its_folder(tmp_path: Path, tiny_config: ConfigFactory) -> None:
    for step in (500, 1000):
        (tmp_path / f"checkpoint-{step}").mkdir()
        (tmp_path / f"checkpoint-{step}" / "config.json").write_text("{}")
    done = invoked("rank", str(tmp_path), "--json")
    assert [Path(row["file"]).name for row in json.loads(done.stdout)["without_rank"]] == [
        "checkpoint-1000",
        "checkpoint-500",
    ]
