"""The pipeline on real checkpoints: what is given, and what is withheld."""

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from probe_sandwich.answer import Verdict
from probe_sandwich.diagnosis import SeveralMetaClassifiers, diagnose, load_meta_classifiers
from probe_sandwich.options import Options
from probe_sandwich.sandwich.calibration import Calibration
from probe_sandwich.sandwich.meta_classifier import MetaClassifier
from probe_sandwich.settings import SHIPPED_MODELS
from probe_sandwich.subjects.checkpoint import save_checkpoint
from probe_sandwich.subjects.config import SubjectConfig
from probe_sandwich.subjects.uploads import load_upload
from probe_sandwich.tasks.logic.tasks import TaskName

from tests.conftest import EXAMPLES, ConfigFactory, fresh_weights

CPU = torch.device("cpu")
QUICK = Options(direct_test=False, noise_draws=1)


def ensemble_that_says(*probabilities: float) -> MetaClassifier:
    """The shipped ensemble, its members' answers replaced."""
    shipped = load_meta_classifiers(SHIPPED_MODELS, CPU)[TaskName.CONJUNCTION]
    logits = torch.tensor(probabilities).logit().tolist()
    members = [
        replace(member, calibration=Calibration(slope=0.0, shift=logit))
        for member, logit in zip(shipped.members, logits, strict=True)
    ]
    return replace(shipped, members=tuple(members))


@pytest.mark.parametrize(
    ("probabilities", "verdict"),
    [
        ((0.9, 0.9, 0.9, 0.9, 0.9), Verdict.GENERALIZER),
        ((0.9, 0.9, 0.9, 0.9, 0.4), Verdict.GENERALIZER),
        ((0.9, 0.9, 0.9, 0.2, 0.2), Verdict.ABSTAIN),
        ((0.1, 0.1, 0.1, 0.1, 0.1), Verdict.NOT_GENERALIZER),
    ],
)
def test_an_ensemble_of_two_minds_gives_no_verdict(probabilities: tuple[float, ...], verdict: Verdict) -> None:
    checkpoint = load_upload(EXAMPLES[0])
    meta = {TaskName.CONJUNCTION: ensemble_that_says(*probabilities)}
    (diagnosis,) = diagnose([checkpoint], meta, CPU, QUICK)
    assert diagnosis.verdict is verdict
    told, withheld = diagnosis.generalizer_probability, diagnosis.withheld_probability
    given, absent = (withheld, told) if verdict is Verdict.ABSTAIN else (told, withheld)
    assert given == pytest.approx(sum(probabilities) / 5)
    assert absent is None
    assert (diagnosis.probability_interval is None) == (verdict is Verdict.ABSTAIN)
    assert "P(generalizer)" not in diagnosis.reason or verdict is not Verdict.ABSTAIN
    assert ("of two minds" in diagnosis.reason) == (verdict is Verdict.ABSTAIN)


@pytest.mark.parametrize("factor", [1e-3, 0.1, 10, 1e3])
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_a_factor_on_the_head_changes_neither_verdict_nor_probability(
    example: Path, factor: float, tmp_path: Path
) -> None:
    plain = load_upload(example)
    weights = {name: w * factor if name.startswith("head") else w for name, w in plain.weights.items()}
    save_checkpoint(tmp_path / "scaled.safetensors", plain.config, weights)
    meta = load_meta_classifiers(SHIPPED_MODELS, CPU)
    one, other = (
        diagnose([checkpoint], meta, CPU, QUICK)[0]
        for checkpoint in (plain, load_upload(tmp_path / "scaled.safetensors"))
    )
    assert other.verdict is one.verdict is Verdict(example.stem.replace("-", "_"))
    assert other.generalizer_probability == pytest.approx(one.generalizer_probability, abs=1e-3)


def test_a_subject_without_positions_needs_no_placing_and_a_stranger_is_told_what_is_strange(
    tiny_config: ConfigFactory, tmp_path: Path
) -> None:
    reason = reason_for(tiny_config(scheme="none"), {}, tmp_path)
    assert re.search(r"unlike those of the zoo's.* of .* is \d+\.\d standard deviations (above|below) theirs", reason)


def test_a_subject_whose_answers_are_the_same_at_every_place_gets_no_probability(
    tiny_config: ConfigFactory, tmp_path: Path
) -> None:
    config = tiny_config(scheme="learned")
    blind = {"positions": torch.zeros_like(fresh_weights(config)["positions"])}
    assert "positions cannot be chosen" in reason_for(config, blind, tmp_path)


def reason_for(config: SubjectConfig, changes: dict[str, torch.Tensor], folder: Path) -> str:
    """Why an untrained subject gets no verdict; where it cannot be placed, nor a number."""
    save_checkpoint(folder / "subject.safetensors", config, fresh_weights(config) | changes)
    meta = load_meta_classifiers(SHIPPED_MODELS, CPU)
    (diagnosis,) = diagnose([load_upload(folder / "subject.safetensors")], meta, CPU, QUICK)
    assert diagnosis.verdict is Verdict.ABSTAIN
    assert diagnosis.generalizer_probability is diagnosis.probability_interval is None
    assert (diagnosis.withheld_probability is None) == ("positions cannot be chosen" in diagnosis.reason)
    return diagnosis.reason


def test_two_meta_classifiers_for_one_task_are_an_error_that_names_both(tmp_path: Path) -> None:
    for name in ("one", "other"):
        shutil.copytree(SHIPPED_MODELS / "conjunction", tmp_path / name)
    with pytest.raises(SeveralMetaClassifiers, match=r"one and .*other are both .* for task conjunction"):
        load_meta_classifiers(tmp_path, CPU)
