"""From zoos to the universal meta-classifier: its folder, its figures, and what it answers."""

import itertools
import json
from pathlib import Path
from shutil import copyfile, copytree

import pytest
from probe_sandwich.answer import Verdict
from probe_sandwich.diagnosis import diagnose
from probe_sandwich.evidence.universal.build import (
    HasEvidence,
    OtherZoos,
    ZooTooSmall,
    evaluate_again,
    train_alone,
    train_universal,
)
from probe_sandwich.evidence.universal.evaluation import RESERVE, UNSEEN
from probe_sandwich.evidence.universal.figures import FILE, UniversalEvidence
from probe_sandwich.evidence.universal.methods import METHODS, SANDWICH, SEVERED
from probe_sandwich.evidence.universal.table import Table
from probe_sandwich.options import Options
from probe_sandwich.sandwich.meta_classifier import CARD, WEIGHTS, load_card, load_meta_classifier
from probe_sandwich.settings import SHIPPED_MODELS
from probe_sandwich.subjects.checkpoint import load_checkpoint, save_checkpoint
from probe_sandwich.tasks.given import given_in
from probe_sandwich.tasks.task import OwnTask
from probe_sandwich.zoo.shards import merge, shard_path

from tests.conftest import ConfigFactory, fresh_weights
from tests.evidence.conftest import CONFIG, CPU, TRAINING


def test_the_card_holds_how_many_answers_subjects_of_either_label_keep(universal: Path, small_zoo: Path) -> None:
    card = load_card(universal)
    curves = card.kept_answers
    labels = Table.of([small_zoo]).labels
    assert card.kept_answers_by_task == {"conjunction": curves}
    assert curves is not None
    assert (curves.generalizers.subjects, curves.others.subjects) == (labels.sum(), (~labels).sum())
    for curve in (curves.generalizers, curves.others):
        assert len(curve.mean) == len(curve.median) == 1 + len(CONFIG.placements)
        assert (curve.mean[0], curve.median[0]) == (1, 1)


def test_the_folder_holds_figures_of_every_method_and_a_report(universal: Path) -> None:
    evidence = UniversalEvidence.model_validate_json((universal / FILE).read_text())
    assert set(evidence.kinds) == {UNSEEN, RESERVE}
    assert set(evidence.kinds[UNSEEN].methods) == {method.name for method in METHODS}
    severed = evidence.kinds[UNSEEN].methods[SEVERED]
    assert severed.within_configuration_auc == 0.5
    assert evidence.kinds[UNSEEN].methods[SANDWICH].sandwich_lead is None
    record = load_card(universal).track_record
    assert record is not None
    assert (record.auc, record.subjects) == (
        evidence.kinds[UNSEEN].methods[SANDWICH].auc,
        evidence.kinds[UNSEEN].subjects,
    )
    assert "## Unseen configurations" in (universal / "report.md").read_text()


LATER = 22
"""A configuration that joins the zoo."""
FILES = (FILE, CARD, WEIGHTS, "report.md", "predictions.csv", "reserve.csv")


class StoppedError(Exception):
    """A user has seen enough."""


def test_a_zoo_that_has_grown_since_is_read_as_it_was(universal: Path, small_zoo: Path, tmp_path: Path) -> None:
    def stop(stage: str) -> None:
        raise StoppedError(stage)

    grown = copytree(small_zoo, tmp_path / "zoo")
    copyfile(shard_path(SHIPPED_MODELS / "zoo-conjunction", LATER), shard_path(grown, LATER))
    merge(grown, [])
    subjects = len(Table.of([small_zoo]))
    assert len(Table.of([grown])) > subjects
    with pytest.raises(StoppedError, match=f"^asking {subjects} subjects$"):
        evaluate_again([grown], universal, CPU, stop)


@pytest.fixture(scope="module")
def alone(small_zoo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same meta-classifier, trained without evidence."""
    folder = tmp_path_factory.mktemp("alone") / "universal"
    train_alone([small_zoo], folder, CPU, config=CONFIG, training=TRAINING)
    return folder


def test_without_evidence_there_are_the_same_weights_and_a_card_that_says_so(universal: Path, alone: Path) -> None:
    assert {path.name for path in alone.iterdir()} == {CARD, WEIGHTS}
    assert (alone / WEIGHTS).read_bytes() == (universal / WEIGHTS).read_bytes()
    card = load_meta_classifier(alone, CPU).card
    assert (card.track_record, card.tasks, card.other_tasks) == (None, {}, None)
    unmeasured = {"track_record": None, "tasks": {}, "other_tasks": None}
    assert card == load_card(universal).model_copy(update=unmeasured)


def test_evaluating_makes_the_evidence_that_training_makes_to_the_byte(
    universal: Path, alone: Path, small_zoo: Path, tmp_path: Path
) -> None:
    folder = copytree(alone, tmp_path / "universal")
    evidence = evaluate_again([small_zoo], folder, CPU)
    assert evidence == UniversalEvidence.model_validate_json((universal / FILE).read_text())
    for name in FILES:
        assert (folder / name).read_bytes() == (universal / name).read_bytes()


def test_weights_without_evidence_do_not_replace_those_that_have_it(universal: Path, small_zoo: Path) -> None:
    before = (universal / WEIGHTS).read_bytes()
    with pytest.raises(HasEvidence, match="name another folder"):
        train_alone([small_zoo], universal, CPU, config=CONFIG, training=TRAINING)
    assert (universal / WEIGHTS).read_bytes() == before


def test_a_folder_of_half_a_zoo_is_refused(tiny_zoo: Path, tmp_path: Path) -> None:
    with pytest.raises(ZooTooSmall, match="at least 10 of each"):
        train_universal([tiny_zoo], tmp_path / "meta", CPU)


def test_it_is_not_judged_on_a_zoo_that_it_was_not_trained_on(universal: Path, tiny_zoo: Path) -> None:
    """Folds depend on what the zoos hold: on another state of them, test subjects would be training subjects."""
    with pytest.raises(OtherZoos, match="or train it anew"):
        evaluate_again([tiny_zoo], universal, CPU)


def test_it_answers_for_a_task_of_ones_own_from_given_inputs(
    universal: Path, tiny_config: ConfigFactory, tmp_path: Path
) -> None:
    task = OwnTask(name="mine", alphabet=("x", "y", "z"))
    config = tiny_config(task=task, vocabulary=("x", "y", "z", "<bos>", "<pad>"), train_max_length=8)
    save_checkpoint(tmp_path / "mine.safetensors", config, fresh_weights(config))
    checkpoint = load_checkpoint(tmp_path / "mine.safetensors")
    meta = load_meta_classifier(universal, CPU)
    lines = ["".join(symbols) for symbols in itertools.product("xyz", repeat=5)][:36]
    labelled = [{"input": line * times, "label": int(line[-1] == "x")} for times in (1, 2, 3) for line in lines]
    given = given_in("\n".join(lines), "\n".join(map(json.dumps, labelled)), task, 8, 2)
    (bare,) = diagnose([checkpoint], meta, CPU, Options(noise_draws=1))
    (asked,) = diagnose([checkpoint], meta, CPU, Options(noise_draws=1), given=given)
    assert bare.direct_test is None
    assert asked.direct_test is not None
    assert [bucket.formulas for bucket in asked.direct_test.buckets] == [36, 36, 36, 0, 0]
    assert {"".join(probe.symbols) for probe in asked.probes} <= set(lines)
    assert asked.verdict is Verdict.ABSTAIN  # it was never trained, so the test finds it unconverged
