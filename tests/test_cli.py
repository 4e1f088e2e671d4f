"""The command line, run as a user runs it."""

import json
import subprocess
import sys
from pathlib import Path

import torch
from probe_sandwich.formulas.solver import satisfiable

from tests.conftest import EXAMPLES, ConfigFactory, fresh_weights


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """One `probe-sandwich` command."""
    return subprocess.run(
        [sys.executable, "-m", "probe_sandwich.cli", *arguments], capture_output=True, text=True, check=False
    )


def test_demo_shows_a_generalizer_and_one_that_is_none() -> None:
    done = run("demo")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("POST /classify") == 2
    assert done.stdout.count("Agreement:      agree") == 2
    assert "Verdict:        generalizer" in done.stdout
    assert "Verdict:        not_generalizer" in done.stdout


def test_classify_prints_one_json_line_a_file_and_goes_on_after_a_bad_one(tmp_path: Path) -> None:
    bad = tmp_path / "bad.safetensors"
    bad.write_bytes(b"")
    files = [str(EXAMPLES[0]), str(bad), str(EXAMPLES[1])]
    done = run("classify", *files, "--json", "--formulas-per-length", "50")
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert {answer["file"] for answer in answers} == {files[0], files[2]}
    assert done.returncode == 1
    assert "empty" in done.stderr


def test_formulas_sample_prints_labelled_json_lines() -> None:
    done = run("formulas", "sample", "--task", "cnf", "--min-length", "10", "--max-length", "20", "--count", "8")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) == 8
    assert all(satisfiable(line["formula"]) == line["satisfiable"] for line in lines)
    assert all(len(line["formula"]) == line["length"] for line in lines)


def test_convert_writes_a_checkpoint_that_classify_takes(tmp_path: Path, tiny_config: ConfigFactory) -> None:
    config = tiny_config()
    torch.save(fresh_weights(config), tmp_path / "state.pt")
    (tmp_path / "config.json").write_text(config.model_dump_json())
    out = str(tmp_path / "out.safetensors")
    assert (
        run("convert", str(tmp_path / "state.pt"), "--config", str(tmp_path / "config.json"), "--out", out).returncode
        == 0
    )
    assert "abstain" in run("classify", out, "--formulas-per-length", "50").stdout


def test_an_error_is_told_in_a_line() -> None:
    done = run("formulas", "sample", "--min-length", "1", "--max-length", "5")
    assert done.returncode == 1
    assert "widen the range" in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
