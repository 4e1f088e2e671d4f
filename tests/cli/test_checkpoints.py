"""Which files are meant, and what is asked of them."""

from pathlib import Path

import pytest
import typer
from probe_sandwich.cli.checkpoints import files_of, question
from probe_sandwich.options import Options
from probe_sandwich.settings import Settings


def test_a_folder_stands_for_the_checkpoints_and_models_in_it(tmp_path: Path) -> None:
    for name in ("b.safetensors", "a.zip", "notes.txt"):
        (tmp_path / name).touch()
    for name in ("model", "logs"):
        (tmp_path / name).mkdir()
    (tmp_path / "model" / "config.json").touch()
    assert [path.name for path in files_of([tmp_path])] == ["a.zip", "b.safetensors", "model"]


def test_a_model_s_own_folder_is_one_file(tmp_path: Path) -> None:
    for name in ("config.json", "model.safetensors"):
        (tmp_path / name).touch()
    assert files_of([tmp_path]) == [tmp_path]


def test_what_is_named_twice_is_asked_once_and_a_missing_file_is_left_to_whoever_reads_it(tmp_path: Path) -> None:
    one, none = tmp_path / "one.safetensors", tmp_path / "none.safetensors"
    one.touch()
    assert files_of([one, tmp_path, none, one]) == [one, none]


def test_a_folder_of_nothing_that_can_be_asked_ends_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit):
        files_of([tmp_path])
    assert "holds no config.json, no .safetensors or .zip file" in capsys.readouterr().err


def test_paths_of_which_none_exists_end_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit):
        files_of([tmp_path / "nothere"])
    assert "nothere: no such path exists" in capsys.readouterr().err


def test_a_question_has_whole_paths_so_that_another_process_finds_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    asked = question(None, Path("inputs.txt"), None, Options())
    assert (asked.model, asked.inputs, asked.labelled) == (Settings().model, tmp_path / "inputs.txt", None)
