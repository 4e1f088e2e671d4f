"""The command line, run as a user runs it."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
import torch
from probe_sandwich.cli import app
from probe_sandwich.settings import SHIPPED_MODELS
from probe_sandwich.subjects.folders import as_bundle
from probe_sandwich.tasks.datasets import Split, in_split
from probe_sandwich.tasks.logic.solver import satisfiable
from probe_sandwich.tasks.logic.vocabulary import encode
from typer.testing import CliRunner, Result

from tests.api.bundles import bundle_of
from tests.conftest import EXAMPLES, ConfigFactory, fresh_weights


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """One `probe-sandwich` command."""
    return subprocess.run(
        [sys.executable, "-m", "probe_sandwich.cli", *arguments], capture_output=True, text=True, check=False
    )


def told(*arguments: str) -> Result:
    """One command within this process, which is faster; on the CPU whatever there is."""
    return CliRunner().invoke(app, list(arguments), env={"COLUMNS": "200"})


def words(text: str) -> str:
    """A text without the line breaks, boxes and colours that a terminal wants."""
    return " ".join(re.sub(r"\x1b\[[0-9;]*m|│", " ", text).split())


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
    assert {answer["file"] for answer in answers if "problem" not in answer} == {files[0], files[2]}
    (refused,) = [answer for answer in answers if "problem" in answer]
    assert (refused["file"], refused["problem"]["type"]) == (files[1], "EmptyFile")
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


def test_help_and_serve_load_nothing_that_is_slow_to_load() -> None:
    slow = ("torch", "scipy", "sklearn", "matplotlib", "fastapi", "httpx")
    code = f"import probe_sandwich.cli, probe_sandwich.settings, sys; print([m for m in {slow} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_version_is_told() -> None:
    assert told("--version").stdout.startswith("probe-sandwich 0.")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("classify", "x", "--noise-draws", "0"), "--noise-draws': Input should be greater than or equal to 1"),
        (("classify", "x", "--noise-draws", "65"), "less than or equal to 64"),
        (("classify", "x", "--seed", "-3"), "greater than or equal to 0"),
        (("classify", "x", "--seed", "4294967296"), "less than or equal to 4294967295"),
        (("classify", "x", "--formulas-per-length", "5"), "greater than or equal to 10"),
        (("formulas", "sample", "--seed", "-3"), "greater than or equal to 0"),
        (("zoo", "build", "nowhere", "--seed", "-3"), "greater than or equal to 0"),
        (("zoo", "build", "nowhere", "--workers", "0"), "greater than or equal to 1"),
        (("zoo", "build", "nowhere", "--device", "tpu"), "'tpu' is not one of 'cpu', 'cuda'"),
    ],
)
def test_an_option_out_of_bounds_is_a_usage_error_that_says_the_bounds(arguments: tuple[str, ...], says: str) -> None:
    done = told(*arguments)
    assert done.exit_code == 2
    assert says in words(done.output)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("zoo", "info", "{empty}"), "holds no zoo shards"),
        (("zoo", "merge", "{empty}"), "holds no zoo shards"),
        (("zoo", "verify", "{empty}"), "holds no zoo shards"),
        (("zoo", "prune", "{empty}"), "holds no zoo shards"),
        (("zoo", "card", "{tiny}", "--steps", "8"), "another recipe"),
        (("evaluate", "{tiny}", "--model", "{empty}"), "no meta-classifier"),
        (("classify", "{example}", "--model", "{empty}"), "no meta-classifier"),
        (("classify", "{empty}"), "neither a config.json"),
        (("convert", "{example}", "--config", "{example}", "--out", "{empty}/x"), "config"),
    ],
)
def test_what_cannot_be_done_is_told_in_a_line(
    arguments: tuple[str, ...], says: str, tmp_path: Path, tiny_zoo: Path
) -> None:
    (tmp_path / "empty").mkdir()
    places = {"empty": tmp_path / "empty", "tiny": tiny_zoo, "example": EXAMPLES[0]}
    done = told(*(argument.format(**places) for argument in arguments))
    assert done.exit_code == 1
    assert says in words(done.output)
    assert done.exception is None or isinstance(done.exception, SystemExit)


def test_a_card_of_a_zoo_where_nothing_converged_is_refused(tiny_zoo: Path) -> None:
    with patch("probe_sandwich.zoo.card.check_recipe"):
        done = told("zoo", "card", str(tiny_zoo))
    assert done.exit_code == 1
    assert "has converged" in words(done.output)


def test_cuda_where_there_is_none_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setenv("PROBE_SANDWICH_DEVICE", "cuda")
    for arguments in (("classify", str(EXAMPLES[0])), ("serve",), ("zoo", "build", str(tmp_path), "--device", "cuda")):
        done = told(*arguments)
        assert (done.exit_code, "sees no GPU" in words(done.output)) == (1, True)


def test_a_mistyped_models_folder_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROBE_SANDWICH_MODELS_DIR", str(tmp_path / "modles"))
    done = told("classify", str(EXAMPLES[0]))
    assert done.exit_code == 1
    assert "modles holds no meta-classifier" in words(done.output)


def test_a_demo_without_examples_or_meta_classifier_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("probe_sandwich.settings.SHIPPED_MODELS", tmp_path)
    done = told("demo")
    assert done.exit_code == 1
    assert "holds no example checkpoint" in words(done.output)


def test_classify_takes_one_meta_classifier_and_a_folder_of_files(tmp_path: Path) -> None:
    shutil.copy(EXAMPLES[0], tmp_path / "one.safetensors")
    model = str(SHIPPED_MODELS / "conjunction")
    done = told("classify", str(tmp_path), "--model", model, "--json", "--no-direct-test", "--noise-draws", "1")
    (answer,) = [json.loads(line) for line in done.stdout.splitlines()]
    assert answer["file"] == str(tmp_path / "one.safetensors")
    assert (answer["meta_classifier"]["name"], answer["direct_test"]) == ("conjunction", None)


def test_a_file_that_is_not_there_costs_its_own_line_only(tmp_path: Path) -> None:
    files = [str(tmp_path / "mistyped.safetensors"), str(EXAMPLES[0])]
    done = told("classify", *files, "--json", "--no-direct-test", "--noise-draws", "1")
    answers = {answer["file"]: answer for answer in map(json.loads, done.stdout.splitlines())}
    assert done.exit_code == 1
    assert answers[files[0]]["problem"]["type"] == "UnreadableFile"
    assert answers[files[1]]["verdict"] in ("generalizer", "not_generalizer")


def test_a_folder_and_a_zip_with_one_top_folder_become_the_bundle_that_is_read(tmp_path: Path) -> None:
    (tmp_path / "plain.zip").write_bytes(bundle_of())
    with zipfile.ZipFile(tmp_path / "plain.zip") as archive:
        archive.extractall(tmp_path / "model")
    nested = Path(shutil.make_archive(str(tmp_path / "nested"), "zip", tmp_path, "model"))
    for number, path in enumerate((tmp_path / "model", nested)):
        with zipfile.ZipFile(as_bundle(path, tmp_path / f"{number}.zip")) as archive:
            assert set(archive.namelist()) == {"config.json", "model.safetensors", "subject.json"}
    assert as_bundle(tmp_path / "plain.zip", tmp_path / "unused") == tmp_path / "plain.zip"


@pytest.mark.parametrize("split", Split)
def test_formulas_are_of_the_split_that_was_asked_for_and_of_the_training_split_by_default(split: Split) -> None:
    arguments = () if split is Split.TRAINING else ("--split", split.value)
    done = told("formulas", "sample", "--min-length", "12", "--max-length", "12", "--count", "200", *arguments)
    texts = [json.loads(line)["formula"] for line in done.stdout.splitlines()]
    assert len(texts) == 200
    assert in_split(np.array([encode(text) for text in texts], np.uint8), split).all()


def test_ctrl_c_says_what_was_kept_and_leaves_no_process(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "probe_sandwich.cli", "zoo", "build", str(tmp_path / "zoo"), "--workers", "1"]
    building = subprocess.Popen(
        [*command, "--models", "5"], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    children = Path(f"/proc/{building.pid}/task/{building.pid}/children")
    while not (workers := children.read_text().split()):
        assert building.poll() is None
        time.sleep(0.05)
    time.sleep(0.5)
    building.send_signal(signal.SIGINT)
    _, said = building.communicate(timeout=30)
    assert building.returncode == 130, said
    assert "0 finished groups are kept" in words(said)
    assert "goes on from there" in words(said)
    assert "Traceback" not in said
    deadline = time.monotonic() + 10
    while left := [pid for pid in workers if os.path.exists(f"/proc/{pid}")]:
        assert time.monotonic() < deadline, left
        time.sleep(0.05)
