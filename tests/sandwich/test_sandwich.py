"""Generator, readout, calibration and the saved meta-classifier."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from probe_sandwich.answer import Definition
from probe_sandwich.sandwich.calibration import Calibration, fit_calibration
from probe_sandwich.sandwich.card import Card
from probe_sandwich.sandwich.cohorts import Cohort
from probe_sandwich.sandwich.config import SandwichConfig, SandwichTraining
from probe_sandwich.sandwich.generator import Generator, formulas_in_noise, warm_up
from probe_sandwich.sandwich.kept import Kept
from probe_sandwich.sandwich.meta_classifier import (
    CARD,
    WEIGHTS,
    DamagedMetaClassifier,
    Member,
    head_scores,
    load_meta_classifier,
    save_meta_classifier,
)
from probe_sandwich.sandwich.placements import Kind, Placement, places
from probe_sandwich.sandwich.readout import CHANNELS, Readout, moment_name
from probe_sandwich.sandwich.sandwich import NoiseTooNarrow, Sandwich, draw_noise
from probe_sandwich.sandwich.support import fit_support
from probe_sandwich.sandwich.training import fit_readout
from probe_sandwich.subjects.transformer import SubjectStack
from probe_sandwich.tasks.logic.solver import MalformedFormula, satisfiable
from probe_sandwich.tasks.logic.vocabulary import FORMULA_SYMBOLS, decode
from safetensors.torch import load_file, save_file

from tests.conftest import StackFactory

CONFIG = SandwichConfig(probe_length=12, probes=8, generator_hidden=64)


def test_every_vector_of_noise_spells_a_formula() -> None:
    noise = torch.randn(300, CONFIG.noise_dim, generator=torch.Generator().manual_seed(0))
    texts = [decode(row) for row in formulas_in_noise(noise, CONFIG).tolist()]
    assert {len(text) for text in texts} == {CONFIG.probe_length}
    share = np.mean([satisfiable(text) for text in texts])
    assert 0.2 < share < 0.9


def test_warm_up_makes_most_fresh_probes_formulas() -> None:
    torch.manual_seed(0)
    generator = Generator(SandwichConfig(probe_length=12))

    def share_of_formulas() -> float:
        noise = torch.randn(200, CONFIG.noise_dim, generator=torch.Generator().manual_seed(9))
        texts = [decode(row) for row in generator(noise).argmax(dim=-1).tolist()]
        return float(np.mean([_is_formula(text) for text in texts]))

    before = share_of_formulas()
    warm_up(generator, 500, torch.Generator().manual_seed(1))
    assert before < 0.1
    assert share_of_formulas() > 0.4


def _is_formula(text: str) -> bool:
    try:
        satisfiable(text)
    except MalformedFormula:
        return False
    return True


@pytest.mark.parametrize("hard", [True, False])
def test_probes_are_distributions_over_symbols(hard: bool) -> None:
    generator = Generator(CONFIG.model_copy(update={"hard_symbols": hard}))
    probes = generator(torch.randn(5, CONFIG.noise_dim))
    assert probes.shape == (5, CONFIG.probe_length, len(FORMULA_SYMBOLS))
    torch.testing.assert_close(probes.sum(dim=-1), torch.ones(5, CONFIG.probe_length))
    assert bool((probes.max(dim=-1).values > 0.999).all()) == hard


def test_noise_too_narrow_for_the_warm_up_is_refused() -> None:
    with pytest.raises(NoiseTooNarrow, match="noise_dim is 8"):
        Sandwich(CONFIG.model_copy(update={"noise_dim": 8}))


def test_the_order_of_probes_does_not_matter() -> None:
    readout = Readout(CONFIG).eval()
    random = torch.Generator().manual_seed(0)
    channels = torch.randn(2, 1, 1 + len(CONFIG.placements), CONFIG.probes, len(CHANNELS), generator=random)
    noise = draw_noise(CONFIG, 1, random)
    order = torch.randperm(CONFIG.probes, generator=random)
    one, other = readout(channels, noise), readout(channels[:, :, :, order], noise[:, order])
    torch.testing.assert_close(one.label, other.label)


@pytest.mark.parametrize(("planted", "low", "high"), [(3.0, 0.95, 1.0), (0.0, 0.3, 0.7)])
def test_a_readout_finds_what_is_planted_in_responses_and_nothing_else(planted: float, low: float, high: float) -> None:
    random = torch.Generator().manual_seed(0)
    labels = (torch.rand(300, generator=random) < 0.5).float()
    channels = torch.randn(300, 3, 1 + len(CONFIG.placements), CONFIG.probes, len(CHANNELS), generator=random)
    channels[:, :, 1, :, 0] += planted * labels.view(-1, 1, 1)
    kept = Kept(channels, labels, 0.8 + 0.15 * labels, torch.arange(300) // 5, torch.arange(300))
    noise = draw_noise(CONFIG, 3, random)
    known, unseen = kept.select(torch.arange(200)), kept.select(torch.arange(200, 300))
    training = SandwichTraining(readout_epochs=20, readout_rate=3e-3)
    readout = fit_readout(CONFIG, training, known.draws(slice(0, 2)), noise[:2], seed=0)
    with torch.no_grad():
        scores = head_scores(readout(unseen.channels[:, 2:], noise[2:])).mean(axis=0)
    positive, negative = scores[unseen.labels == 1], scores[unseen.labels == 0]
    assert low <= (positive[:, None] > negative).mean() <= high


@given(
    st.sampled_from(Kind), st.floats(1, 4), st.integers(1, 9), st.integers(4, 16), st.integers(0, 8), st.integers(0, 99)
)
def test_a_placed_probe_keeps_its_order_and_its_reach(
    kind: Kind, reach: float, probes: int, length: int, spare: int, seed: int
) -> None:
    train_max_length = length + spare
    random = torch.Generator().manual_seed(seed)
    found = places(Placement(kind=kind, reach=reach), probes, length, train_max_length, random)
    assert found.shape == (probes, 1 + length)
    assert (found[:, 1:] > found[:, :-1]).all()
    assert found.min() >= 0
    assert found.max() <= max(length, round(reach * train_max_length))
    if kind is not Kind.SPREAD:
        assert (found[:, -1] == max(length, round(reach * train_max_length))).all()


def test_a_subject_without_positions_answers_alike_at_every_place(tiny_stack: StackFactory) -> None:
    sandwich = Sandwich(CONFIG).eval()
    symbols = sandwich.generator(draw_noise(CONFIG, 1, torch.Generator().manual_seed(0))[0])
    blind, seeing = sandwich.responses(tiny_stack({"scheme": "none"}, {"scheme": "rotary"}), symbols)
    torch.testing.assert_close(blind, blind[:1].expand_as(blind))
    assert not torch.allclose(seeing[3], seeing[0], atol=1e-4)


def test_evidence_of_a_stack_is_that_of_its_subjects_alone(tiny_stack: StackFactory) -> None:
    sandwich = Sandwich(CONFIG).eval()
    stack = tiny_stack({"scheme": "alibi"}, {"scheme": "learned"}, {"pooling": "last"})
    noise = draw_noise(CONFIG, 2, torch.Generator().manual_seed(0))
    together = sandwich(stack, noise).label  # (heads, models, draws)
    alone = torch.cat([sandwich(stack.select([row]), noise).label for row in range(len(stack))], dim=1)
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-4)


def with_head_times(stack: SubjectStack, factor: float) -> SubjectStack:
    """The same subjects, whose answers are the same too: their logits times a positive factor."""
    weights = {name: weight * factor if name.startswith("head") else weight for name, weight in stack.weights.items()}
    return SubjectStack.of(stack.configs, weights)


@settings(max_examples=15, deadline=None)
@given(exponent=st.floats(-3, 3))
def test_a_factor_on_the_head_changes_no_evidence(tiny_stack: StackFactory, exponent: float) -> None:
    torch.manual_seed(0)
    sandwich = Sandwich(CONFIG).eval()
    stack = tiny_stack({"scheme": "alibi"}, {"scheme": "learned"}, {"pooling": "last"})
    noise = draw_noise(CONFIG, 2, torch.Generator().manual_seed(0))
    sandwich.readout.standardize_on(sandwich.answers(stack, noise))
    plain, scaled = sandwich(stack, noise), sandwich(with_head_times(stack, 10**exponent), noise)
    for name in ("label", "long_accuracy", "moments"):
        torch.testing.assert_close(getattr(scaled, name), getattr(plain, name), atol=1e-3, rtol=1e-3)


def test_a_subject_that_sees_no_difference_between_its_classes_has_finite_evidence(tiny_stack: StackFactory) -> None:
    sandwich = Sandwich(CONFIG).eval()
    evidence = sandwich(with_head_times(tiny_stack({}), 0.0), draw_noise(CONFIG, 2, torch.Generator().manual_seed(0)))
    for name in ("label", "long_accuracy", "moments"):
        assert getattr(evidence, name).isfinite().all()


def test_a_moment_has_a_name_that_says_what_it_measures() -> None:
    count = len(CHANNELS) * 2 * (1 + len(CONFIG.placements))
    names = [moment_name(CONFIG, index) for index in range(count)]
    assert len(set(names)) == count
    assert names[0] == "the mean, over probes at their usual places, of the gap between its two logits"
    assert names[-1] == "the spread, over probes spread to 2T, of the log-norm of its last layer's stream"


def test_calibration_recovers_a_known_sigmoid() -> None:
    rng = np.random.default_rng(0)
    scores = rng.normal(size=4000)
    labels = rng.random(4000) < 1 / (1 + np.exp(-(2.0 * scores - 0.5)))
    fitted = fit_calibration(scores, labels)
    assert fitted.slope == pytest.approx(2.0, abs=0.25)
    assert fitted.shift == pytest.approx(-0.5, abs=0.15)


def test_support_tells_a_stranger_from_the_zoo() -> None:
    rng = np.random.default_rng(0)
    support = fit_support(rng.normal(size=(200, 6)), rng.normal(size=(200, 6)))
    familiar, stranger = torch.zeros(6), torch.full((6,), 8.0)
    assert support.distance(familiar) < support.limit < support.distance(stranger)


@pytest.fixture
def meta_folder(tmp_path: Path, shipped_cohort: Cohort) -> Path:
    """An untrained meta-classifier of two members."""
    rng = np.random.default_rng(0)
    features = len(CHANNELS) * 2 * (1 + len(CONFIG.placements))
    supports = [fit_support(rng.normal(size=(50, features)), rng.normal(size=(50, features))) for _ in range(2)]
    members = [Member(Sandwich(CONFIG), Calibration(slope=1.0, shift=0.0), support) for support in supports]
    config = shipped_cohort.subjects.configs[0]
    card = Card(
        name="untrained",
        task=config.task,
        train_max_length=config.train_max_length,
        definition=Definition(),
        threshold=0.5,
        sandwich=CONFIG,
        training=SandwichTraining(),
        calibrations=[],
        support_limits=[],
        student_quantile=6.31,
        zoo={},
        metrics={},
        packages={},
        sha256="",
    )
    save_meta_classifier(tmp_path / "untrained", members, card)
    return tmp_path / "untrained"


def test_a_saved_meta_classifier_predicts_the_same_for_the_same_seed(meta_folder: Path, shipped_cohort: Cohort) -> None:
    meta = load_meta_classifier(meta_folder, torch.device("cpu"))
    again = load_meta_classifier(meta_folder, torch.device("cpu"))
    one, other = (m.predict(shipped_cohort.subjects, seed=3) for m in (meta, again))
    assert (one.probability == other.probability).all()
    assert (one.low <= one.probability).all()
    assert (one.probability <= one.high).all()
    assert not (one.probability == meta.predict(shipped_cohort.subjects, seed=4).probability).all()


def test_probes_can_be_read(meta_folder: Path) -> None:
    texts, symbols = load_meta_classifier(meta_folder, torch.device("cpu")).probes(4)
    assert [len(text) for text in texts] == [CONFIG.probe_length] * 4
    assert symbols.shape == (4, CONFIG.probe_length, len(FORMULA_SYMBOLS))


def test_weights_that_do_not_match_the_card_are_refused(meta_folder: Path) -> None:
    content = bytearray((meta_folder / WEIGHTS).read_bytes())
    content[-1] ^= 1
    (meta_folder / WEIGHTS).write_bytes(bytes(content))
    with pytest.raises(DamagedMetaClassifier):
        load_meta_classifier(meta_folder, torch.device("cpu"))


def test_weights_of_another_version_are_refused(meta_folder: Path) -> None:
    tensors = load_file(meta_folder / WEIGHTS)
    name = next(name for name, tensor in tensors.items() if tensor.dim() == 2)
    save_file(tensors | {name: tensors[name][:1].contiguous()}, meta_folder / WEIGHTS)
    card = Card.model_validate_json((meta_folder / CARD).read_text())
    digest = hashlib.sha256((meta_folder / WEIGHTS).read_bytes()).hexdigest()
    (meta_folder / CARD).write_text(card.model_copy(update={"sha256": digest}).model_dump_json())
    with pytest.raises(DamagedMetaClassifier, match="another version of the sandwich"):
        load_meta_classifier(meta_folder, torch.device("cpu"))


def test_another_card_is_refused(meta_folder: Path) -> None:
    (meta_folder / CARD).write_text("{}")
    with pytest.raises(DamagedMetaClassifier, match="not a meta-classifier's card"):
        load_meta_classifier(meta_folder, torch.device("cpu"))
