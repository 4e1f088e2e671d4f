"""Stacked training equals training one at a time."""

import torch
from probe_sandwich.subjects.config import Scheme
from probe_sandwich.subjects.transformer import SubjectStack
from probe_sandwich.tasks.datasets import sample_formulas
from probe_sandwich.tasks.splits import Split
from probe_sandwich.zoo.build import training_run
from probe_sandwich.zoo.recipe import Group
from probe_sandwich.zoo.training import Run, TrainingConfig, train_stack
from torch import Tensor

from tests.conftest import ConfigFactory


def test_training_lowers_the_loss(tiny_groups: list[Group]) -> None:
    group = tiny_groups[3]
    training = group.training.model_copy(update={"steps": 150, "batch": 64, "learning_rate": 3e-3})
    formulas = sample_formulas(group.config.task, 1, 12, 4000, 0, Split.TRAINING)
    (trained,) = train_stack([Run(group.config, training, (1,), formulas)], torch.device("cpu"))
    assert trained.losses[-1] < trained.losses[0] - 0.02


def test_a_task_without_short_inputs_is_trained_on_its_shortest_first(tiny_groups: list[Group]) -> None:
    group = tiny_groups[3]
    formulas = sample_formulas(group.config.task, 12, 12, 200, 0, Split.TRAINING)
    (trained,) = train_stack(
        [Run(group.config, group.training.model_copy(update={"steps": 20}), (1,), formulas)], torch.device("cpu")
    )
    assert trained.losses.isfinite().all()


def _logits(run: Run, weights: dict[str, Tensor]) -> Tensor:
    stack = SubjectStack.of([run.config] * len(run.seeds), weights)
    ids = torch.from_numpy(run.formulas.with_begin()[:50])
    mask = torch.arange(ids.shape[1]) <= torch.from_numpy(run.formulas.lengths[:50])[:, None]
    return stack.forward(stack.embed_ids(ids[None]), mask).logits


def test_a_run_comes_out_the_same_whatever_it_is_stacked_with(tiny_config: ConfigFactory) -> None:
    """All schemes with learned tables of two sizes, steps, batches, rates and decays of their own."""
    configs = [tiny_config(scheme=scheme) for scheme in Scheme]
    configs.append(tiny_config(scheme=Scheme.LEARNED, max_positions=30, pooling="last", causal=False))
    runs = [
        Run(
            config,
            TrainingConfig(
                steps=20 + 3 * number,
                batch=8 + 4 * number,
                learning_rate=1e-3 * (1 + number),
                weight_decay=0.1 * number,
                formulas=200,
                max_offset=number,
            ),
            (number, 100 + number),
            sample_formulas(config.task, 1, 12, 200, number, Split.TRAINING),
        )
        for number, config in enumerate(configs)
    ]
    cpu = torch.device("cpu")
    together = train_stack(runs, cpu, snapshot_at=(0.6,))
    for run, stacked in zip(runs, together, strict=True):
        (alone,) = train_stack([run], cpu, snapshot_at=(0.6,))
        # Compared by what they say: biases of the keys have no gradient but rounding, which Adam blows up.
        for one, other in ((stacked.weights, alone.weights), (stacked.snapshots[0], alone.snapshots[0])):
            assert {name: part.shape for name, part in one.items()} == {
                name: part.shape for name, part in other.items()
            }
            torch.testing.assert_close(_logits(run, one), _logits(run, other), atol=1e-4, rtol=1e-3)
        torch.testing.assert_close(stacked.losses, alone.losses, atol=1e-4, rtol=1e-4)


def test_a_snapshot_at_the_end_is_the_outcome(tiny_groups: list[Group]) -> None:
    (trained,) = train_stack([training_run(tiny_groups[1])], torch.device("cpu"), snapshot_at=(0.5, 1.0))
    half, end = trained.snapshots
    assert all(torch.equal(end[name], weight) for name, weight in trained.weights.items())
    assert not torch.equal(half["embedding"], end["embedding"])
