"""What a verdict rests on: the same probes at all their placements, and how many answers stay the same."""

import pytest
import torch
from probe_sandwich.sandwich.config import SandwichConfig
from probe_sandwich.sandwich.noise import draw_noise
from probe_sandwich.sandwich.placed_answers import (
    LEAST_OF_A_LABEL,
    PlacedAnswers,
    placements_of,
    zoo_curves,
    zoo_curves_by_task,
)
from probe_sandwich.sandwich.prober import ProbeAnswers, Prober
from probe_sandwich.tasks.task import OwnTask

from tests.conftest import StackFactory

CONFIG = SandwichConfig(noise_dim=16, probes=24)
NOISE = draw_noise(CONFIG, 1, torch.Generator().manual_seed(0))
TASK = OwnTask(name="mine", alphabet=("x", "y", "z"))
OWN = {
    "task": TASK,
    "vocabulary": ("<pad>", "y", "x", "z", "<bos>"),
    "classes": 3,
}
PLACED, UNPLACED = OWN | {"scheme": "learned"}, OWN | {"scheme": "none"}
T = 12


@pytest.fixture(scope="module")
def answers(tiny_stack: StackFactory) -> ProbeAnswers:
    """Of a subject that sees places, and of one that does not."""
    torch.manual_seed(0)
    return Prober(CONFIG).ask(tiny_stack(PLACED, UNPLACED), NOISE)


@pytest.fixture(scope="module")
def asked(answers: ProbeAnswers) -> PlacedAnswers:
    return PlacedAnswers.of(answers, CONFIG, TASK.alphabet)


def test_a_subject_without_positions_keeps_every_answer(asked: PlacedAnswers) -> None:
    assert asked.shares(1) == [1.0] * (1 + len(CONFIG.placements))
    assert asked.shares(0)[0] == 1.0
    assert min(asked.shares(0)) < 1.0


def test_probes_stand_at_their_usual_places_first_and_further_out_within_twice_t(asked: PlacedAnswers) -> None:
    for probe in asked.most_moved(0, 24):
        usual, *others = probe.answers
        assert usual.placed.kind == "usual"
        assert usual.places == list(range(1, 1 + len(probe.symbols)))
        for answer in others:
            assert len(answer.places) == len(probe.symbols) <= T
            assert answer.places == sorted(set(answer.places))
            assert answer.places[-1] <= answer.placed.reach * T


def test_the_probes_shown_are_different_ones_and_those_that_move_most(asked: PlacedAnswers) -> None:
    some, more = asked.most_moved(0, 3), asked.most_moved(0, 24)
    assert more[:3] == some
    assert len({tuple(probe.symbols) for probe in more}) == len(more)
    changed = [sum(answer.answer != probe.answers[0].answer for answer in probe.answers) for probe in more]
    assert changed[0] > 0
    assert sum(changed[:3]) > sum(changed[-3:])


def test_a_confidence_is_the_probability_of_the_answer(asked: PlacedAnswers) -> None:
    number = [tuple(probe) for probe in asked.probes].index(tuple(asked.most_moved(0, 1)[0].symbols))
    told = asked.most_moved(0, 1)[0].answers[0]
    own = asked.probabilities[0, 0, number]
    assert told.answer == int(own.argmax())
    assert told.confidence == pytest.approx(float(own.max()), abs=1e-4)


def test_the_zoos_curves_count_the_same_answers(asked: PlacedAnswers, answers: ProbeAnswers) -> None:
    curves = zoo_curves(answers.channels(), [False, True])
    assert curves is not None
    assert (curves.others.median, curves.generalizers.median) == (asked.shares(0), asked.shares(1))
    assert curves.generalizers.subjects == 1


def test_quartiles_lie_around_the_median_of_each_label() -> None:
    channels = torch.randn(40, 2, 9, 24, 6, generator=torch.Generator().manual_seed(0))
    curves = zoo_curves(channels, [number % 4 > 0 for number in range(40)])
    assert curves is not None
    assert (curves.generalizers.subjects, curves.others.subjects) == (30, 10)
    for curve in (curves.generalizers, curves.others):
        assert all(low <= middle <= high for low, middle, high in zip(curve.low, curve.median, curve.high, strict=True))
        assert any(low < high for low, high in zip(curve.low, curve.high, strict=True))


def test_a_zoo_of_one_label_has_no_curves() -> None:
    assert zoo_curves(torch.zeros(3, 1, 9, 4, 6), [True, True, True]) is None


def test_only_a_task_of_enough_subjects_of_either_label_has_curves_and_they_are_of_its_own() -> None:
    channels = torch.randn(60, 2, 9, 24, 6, generator=torch.Generator().manual_seed(0))
    many, few = 2 * LEAST_OF_A_LABEL, LEAST_OF_A_LABEL - 1
    tasks = ["many"] * many + ["few"] * (60 - many)
    labels = [number % 2 == 0 for number in range(many)] + [number < few for number in range(60 - many)]
    by_task = zoo_curves_by_task(channels, labels, tasks)
    assert by_task == {"many": zoo_curves(channels[:many], labels[:many])}


def test_placements_are_told_as_the_config_has_them() -> None:
    names = [(placed.kind, placed.reach) for placed in placements_of(CONFIG)]
    assert names == [("usual", 1), *((place.kind.value, place.reach) for place in CONFIG.placements)]
