"""What a diagnosis costs is told before it is spent."""

from pathlib import Path

import pytest
import torch
from probe_sandwich.api.work import BRIEF_SHARE
from probe_sandwich.cost import MAX_JOB_FLOP, Cost, TooCostly, estimate
from probe_sandwich.options import Options
from probe_sandwich.sandwich.meta_classifier import MetaClassifier, load_meta_classifier
from probe_sandwich.subjects.checkpoint import Checkpoint, load_checkpoint
from probe_sandwich.tasks.given import GivenInputs, read_labelled

from tests.conftest import EXAMPLES, MODEL, ConfigFactory
from tests.own_task import own_config, texts


def cost_of(config: object, **options: object) -> Cost:
    return estimate(Checkpoint(config, {}, ""), None, Options(**options))  # type: ignore[arg-type]


def test_a_larger_subject_more_formulas_and_a_longer_t_cost_more(tiny_config: ConfigFactory) -> None:
    usual = cost_of(tiny_config()).total
    assert cost_of(tiny_config(d_model=256, d_ff=1024)).total > usual
    assert cost_of(tiny_config(), formulas_per_length=5000).total > usual
    assert cost_of(tiny_config(train_max_length=24)).total > usual


@pytest.fixture(scope="module")
def meta() -> MetaClassifier:
    return load_meta_classifier(MODEL, torch.device("cpu"))


def test_a_language_at_the_largest_t_is_refused_before_it_runs_into_its_deadline(meta: MetaClassifier) -> None:
    """Found by a stranger: with default options it passed the bound."""
    config = own_config(task={"name": "parity"}, vocabulary=("a", "b", "<bos>", "<pad>"), train_max_length=256)
    checkpoint = Checkpoint(config, {}, "")
    whole, few, none = (
        estimate(checkpoint, meta, options).total
        for options in (Options(), Options(formulas_per_length=50), Options(direct_test=False))
    )
    assert none < few < MAX_JOB_FLOP["cpu"] < whole


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_a_bundled_example_costs_little_enough_to_interrupt_another_job(meta: MetaClassifier, example: Path) -> None:
    assert estimate(load_checkpoint(example), meta, Options()).total < BRIEF_SHARE * MAX_JOB_FLOP["cpu"]


def test_what_the_sandwich_asks_is_counted_with_its_placements_draws_and_candidates(
    meta: MetaClassifier, tiny_config: ConfigFactory
) -> None:
    checkpoint = Checkpoint(tiny_config(), {}, "")

    def sandwich(draws: int, given: GivenInputs = GivenInputs()) -> float:
        return estimate(checkpoint, meta, Options(noise_draws=draws, direct_test=False), given=given).sandwich

    settings = meta.card.sandwich
    rows = settings.probes * (1 + len(settings.placements))
    assert sandwich(2) - sandwich(1) == pytest.approx(sandwich(3) - sandwich(2))
    assert sandwich(2) - sandwich(1) >= rows * checkpoint.size.row_flop(1 + checkpoint.config.train_max_length)
    assert sandwich(4) == sandwich(64)  # every candidate was asked
    assert sandwich(1, GivenInputs(unlabelled=(("a",),) * 8)) < sandwich(1)


def test_what_is_not_asked_costs_nothing(tiny_config: ConfigFactory) -> None:
    assert cost_of(tiny_config(), direct_test=False).total == 0


def test_formulas_are_drawn_once_for_a_stack(tiny_config: ConfigFactory) -> None:
    checkpoint = Checkpoint(tiny_config(), {}, "")
    alone, beside = (estimate(checkpoint, None, Options(), drawn).total for drawn in (False, True))
    assert 0 < beside < alone / 2


def test_labelled_inputs_that_are_given_are_counted_and_no_others_drawn() -> None:
    config = own_config()

    def cost_with(count: int, formulas: int = 1000) -> float:
        lines = "\n".join(f'{{"input": "{text}", "label": 0}}' for text in texts(count, 10))
        given = GivenInputs(labelled=read_labelled(lines, config.task, config.train_max_length, 2))
        return estimate(Checkpoint(config, {}, ""), None, Options(formulas_per_length=formulas), given=given).total

    assert cost_with(80) == pytest.approx(8 * cost_with(10))
    assert cost_with(80) == cost_with(80, formulas=5000)


def test_an_own_task_without_labelled_inputs_has_no_direct_test_to_pay_for() -> None:
    assert cost_of(own_config()).direct_test == 0


@pytest.mark.parametrize(
    ("cost", "words"),
    [
        (Cost(sandwich=1e10, direct_test=5e12), "lower formulas_per_length"),
        (Cost(sandwich=5e12, direct_test=1e10), "lower noise_draws"),
        (Cost(sandwich=1e10, direct_test=5e12, labelled=True), "give fewer labelled inputs"),
        (Cost(sandwich=0, direct_test=0, reading=5e12), "give fewer inputs"),
    ],
)
def test_the_message_names_estimate_bound_and_option(cost: Cost, words: str) -> None:
    told = str(TooCostly(cost, 1e12, 2e12))
    assert words in told
    assert "5.0e+12" in told
    assert "2.0e+12" in told
