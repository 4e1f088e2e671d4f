"""From files to answers: one a file, whatever the others are."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from probe_sandwich.batch.answering import answer_files
from probe_sandwich.batch.question import Question
from probe_sandwich.options import Options
from probe_sandwich.settings import Settings
from probe_sandwich.subjects.checkpoint import save_checkpoint

from tests.conftest import EXAMPLES, ConfigFactory, fresh_weights

QUESTION = Question(Settings().model, "cpu", Options(direct_test=False, noise_draws=1))


def alike(folder: Path, config: ConfigFactory, count: int) -> list[Path]:
    """Checkpoints of one shape."""
    paths = [folder / f"{number}.safetensors" for number in range(count)]
    for number, path in enumerate(paths):
        save_checkpoint(path, config(), fresh_weights(config(), number))
    return paths


def test_every_file_gets_an_answer_and_a_bad_one_its_problem(tmp_path: Path) -> None:
    bad, none = tmp_path / "bad.safetensors", tmp_path / "none.safetensors"
    bad.write_bytes(b"")
    answers = {answered.file: answered for answered in answer_files([bad, EXAMPLES[0], none], QUESTION)}
    assert {file: answered.problem and answered.problem.type for file, answered in answers.items()} == {
        str(bad): "EmptyFile",
        str(none): "UnreadableFile",
        str(EXAMPLES[0]): None,
    }


def test_files_of_one_shape_run_stacked(
    tmp_path: Path, tiny_config: ConfigFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [EXAMPLES[0], *alike(tmp_path, tiny_config, 3)]
    sizes: list[int] = []
    from probe_sandwich.batch import answering  # noqa: PLC0415

    diagnose = answering.diagnose

    def counted(checkpoints: Sequence[object], *arguments: object, **named: object) -> object:
        sizes.append(len(checkpoints))
        return diagnose(checkpoints, *arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(answering, "diagnose", counted)
    assert len(list(answer_files(paths, QUESTION))) == 4
    assert sorted(sizes) == [1, 3]


def test_a_checkpoint_that_fails_while_it_is_run_costs_its_own_answer(
    tmp_path: Path, tiny_config: ConfigFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = alike(tmp_path, tiny_config, 3)
    from probe_sandwich.batch import answering  # noqa: PLC0415

    diagnose, odd = answering.diagnose, fresh_weights(tiny_config(), 1)["embedding"]

    def failing(checkpoints: Sequence[object], *arguments: object, **named: object) -> object:
        if any(torch.equal(checkpoint.weights["embedding"], odd) for checkpoint in checkpoints):  # type: ignore[attr-defined]
            raise RuntimeError("out of luck")
        return diagnose(checkpoints, *arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(answering, "diagnose", failing)
    answers = list(answer_files(paths, QUESTION))
    assert [answered.diagnosis is not None for answered in answers] == [True, False, True]
    assert answers[1].problem is not None
    assert answers[1].problem.detail == "it failed while it was run (RuntimeError: out of luck)"
