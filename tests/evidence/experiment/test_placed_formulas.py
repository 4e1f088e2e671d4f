"""Labelled formulas at the places of the probes."""

from probe_sandwich.evidence.experiment.placed_formulas import placed_formulas, placed_margins
from probe_sandwich.sandwich.config import SandwichConfig
from probe_sandwich.zoo.cohorts import Cohort


def test_placed_formulas_tell_apart_who_answers_rightly(shipped_cohort: Cohort) -> None:
    config = SandwichConfig(probe_length=12, probes=64)
    margins = placed_margins(config, 1, [shipped_cohort])
    baseline = placed_formulas(margins)
    assert baseline.features.shape == (len(shipped_cohort.subjects), 12)
    # Columns: accuracy at each of six places, then margins; the first is in-distribution accuracy.
    assert baseline.features[:, 0].min() > 0.8
    generalizes = shipped_cohort.labels.numpy() == 1
    placed = baseline.features[:, 1:6].mean(axis=1)
    assert placed[generalizes].mean() > placed[~generalizes].mean() + 0.02
