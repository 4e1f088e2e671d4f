"""`probe-sandwich classify`: an answer a file, whatever the others are."""

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.commands import invoked, run, words
from tests.conftest import EXAMPLES
from tests.own_task import any_task_folder, evenly_answered, labelled_file, own_checkpoint, texts, unlabelled_file


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


def test_a_mistyped_folder_of_the_meta_classifier_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROBE_SANDWICH_MODEL", str(tmp_path / "modle"))
    done = invoked("classify", str(EXAMPLES[0]))
    assert done.exit_code == 1
    assert "modle holds no card.json, so it is no meta-classifier" in words(done.output)


def test_classify_takes_another_meta_classifier_and_a_folder_of_files(tmp_path: Path) -> None:
    shutil.copy(EXAMPLES[0], tmp_path / "one.safetensors")
    model = str(any_task_folder(tmp_path / "models"))
    done = invoked("classify", str(tmp_path), "--model", model, "--json", "--no-direct-test", "--noise-draws", "1")
    (answer,) = [json.loads(line) for line in done.stdout.splitlines()]
    assert answer["file"] == str(tmp_path / "one.safetensors")
    assert (answer["meta_classifier"]["name"], answer["direct_test"]) == ("any", None)


def test_a_file_that_is_not_there_costs_its_own_line_only(tmp_path: Path) -> None:
    files = [str(tmp_path / "mistyped.safetensors"), str(EXAMPLES[0])]
    done = invoked("classify", *files, "--json", "--no-direct-test", "--noise-draws", "1")
    answers = {answer["file"]: answer for answer in map(json.loads, done.stdout.splitlines())}
    assert done.exit_code == 1
    assert answers[files[0]]["problem"]["type"] == "UnreadableFile"
    assert answers[files[1]]["verdict"] in ("generalizer", "not_generalizer")


def test_inputs_of_the_users_own_become_probes_and_the_direct_test(tmp_path: Path) -> None:
    own, model = str(own_checkpoint(tmp_path)), str(any_task_folder(tmp_path / "models"))
    labelled = str(labelled_file(tmp_path, [*texts(50, 10), *evenly_answered(30, 15), *evenly_answered(40, 20)]))
    inputs = str(unlabelled_file(tmp_path))
    done = invoked("classify", own, "--model", model, "--inputs", inputs, "--labelled", labelled, "--json")
    (answer,) = [json.loads(line) for line in done.stdout.splitlines()]
    assert (answer["probe_content"], answer["verdict"]) == ("given inputs", "generalizer")
    assert [bucket["formulas"] for bucket in answer["direct_test"]["buckets"]] == [50, 30, 40, 0, 0]
    bare = words(invoked("classify", own, "--model", model).output)
    assert "Probes from: bare alphabet" in bare
    assert "give unlabelled inputs of task mine" in bare


def test_inputs_that_cannot_be_used_cost_the_files_that_they_are_not_for(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = own_checkpoint(
        tmp_path / "other", task={"name": "other", "alphabet": ("p", "q")}, vocabulary=("p", "q", "<bos>", "<pad>")
    )
    files = [str(own_checkpoint(tmp_path)), str(other)]
    labelled = str(labelled_file(tmp_path, texts(50, 10)))
    done = invoked("classify", *files, "--labelled", labelled, "--json", "--noise-draws", "1")
    answers = {answer["file"]: answer for answer in map(json.loads, done.stdout.splitlines())}
    assert done.exit_code == 1
    assert answers[files[1]]["problem"]["type"] == "UnusableInputs"
    assert answers[files[0]]["direct_test"]["buckets"][0]["formulas"] == 50


def test_a_task_of_ones_own_is_answered_without_any_inputs_and_costs_others_nothing(tmp_path: Path) -> None:
    files = [str(own_checkpoint(tmp_path)), str(EXAMPLES[0])]
    done = invoked("classify", *files, "--json", "--noise-draws", "1", "--formulas-per-length", "50")
    answers = {answer["file"]: answer for answer in map(json.loads, done.stdout.splitlines())}
    assert done.exit_code == 0
    assert [answers[file]["direct_test"] is None for file in files] == [True, False]
