"""Every figure anew, from a zoo and a meta-classifier."""

from pathlib import Path
from shutil import copytree

import torch
from probe_sandwich.evidence.evaluation import evaluate_meta_classifier
from probe_sandwich.evidence.figures.evidence import Evidence
from probe_sandwich.evidence.report.predictions import read_predictions
from probe_sandwich.zoo.shards import read_index

from tests.evidence.conftest import TRAINING, add_groups

LATER = range(24, 28)


def test_every_rival_has_its_tokens_and_the_sandwichs_lead_in_every_table(evidence: Evidence) -> None:
    for figures in (evidence.out_of_fold, evidence.reserve, evidence.unseen):
        for method, one in figures.items():
            assert one.tokens >= 0
            assert (one.sandwich_lead is None) == (method == "sandwich"), method
    assert evidence.unseen["sandwich"].tokens == TRAINING.folds * evidence.out_of_fold["sandwich"].tokens
    assert set(evidence.schemes) == {"alibi", "learned", "none", "rotary", "sinusoidal"}


def test_evaluating_again_gives_the_same_evidence_and_predictions(
    trained: Path, small_zoo: Path, evidence: Evidence
) -> None:
    before = (trained / "predictions.csv").read_text()
    assert evaluate_meta_classifier(small_zoo, trained, torch.device("cpu")) == evidence
    assert (trained / "predictions.csv").read_text() == before


def test_strangers_made_of_the_reserve_are_unlike_it(evidence: Evidence) -> None:
    assert evidence.trust is not None
    strangers = evidence.trust.strangers
    assert strangers["shuffled weights"].unlike > strangers["the zoo's own reserve"].unlike
    assert strangers["freshly initialized"].subjects > 0


def test_a_zoo_that_grew_is_judged_apart(trained: Path, small_zoo: Path, evidence: Evidence, tmp_path: Path) -> None:
    model, zoo = copytree(trained, tmp_path / "small"), copytree(small_zoo, tmp_path / "zoo")
    add_groups(zoo, LATER)
    grown = evaluate_meta_classifier(zoo, model, torch.device("cpu"))
    converged = sum(row.converged and row.group in LATER for row in read_index(zoo))
    assert grown.out_of_fold == evidence.out_of_fold
    assert set(grown.later) == set(grown.reserve) == set(grown.unseen)
    numbers = [figures["sandwich"].subjects for figures in (grown.reserve, grown.later, grown.unseen)]
    assert numbers[0] + numbers[1] == numbers[2]
    assert len(read_predictions(model / "later.csv")["sandwich"]) == converged
