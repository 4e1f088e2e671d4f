"""Anybody's module as a subject."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from probe_sandwich.answer import Definition
from probe_sandwich.length_test import run_length_test
from probe_sandwich.subjects.checkpoint import UnrunnableModel
from probe_sandwich.subjects.config import Activation, Norm, Placing
from probe_sandwich.subjects.foreign.module import PlainSubject, Reading
from probe_sandwich.tasks.datasets import sample_formulas
from probe_sandwich.tasks.logic.tasks import Task
from probe_sandwich.tasks.logic.vocabulary import FORMULA_SYMBOLS
from probe_sandwich.zoo.foreign.config import Family, ForeignConfig, Pool, Table
from probe_sandwich.zoo.foreign.plain import PlainClassifier
from torch import Tensor, nn

T = 12
VOCABULARY = (*FORMULA_SYMBOLS, "<bos>", "<eos>", "<pad>")
BOS, EOS, PAD = 10, 11, 12


def plain(**facts: Any) -> PlainClassifier:
    """A classifier around PyTorch's own encoder, with random weights."""
    torch.manual_seed(0)
    usual: dict[str, Any] = {
        "family": Family.PLAIN,
        "d_model": 16,
        "layers": 3,
        "heads": 2,
        "d_ff": 32,
        "table": Table.LEARNED,
        "causal": False,
        "pool": Pool.MAX,
        "norm": Norm.PRE,
        "activation": Activation.GELU,
        "begins": True,
        "ends": False,
        "train_max_length": T,
        "task": Task(),
    }
    config = ForeignConfig(**(usual | facts))
    return PlainClassifier(config)


def asked(module: nn.Module, **facts: Any) -> PlainSubject:
    reading = Reading(**({"vocabulary": VOCABULARY, "train_max_length": T, "pad": PAD, "begin": BOS} | facts))
    return PlainSubject(module, lambda ids, mask: module(ids, ~mask), reading)


def asked_by_positions(module: nn.Module) -> PlainSubject:
    """The same module, told the positions that it can take."""
    return PlainSubject(
        module,
        lambda ids, mask: module(ids, ~mask),
        Reading(VOCABULARY, T, PAD, BOS),
        lambda ids, mask, positions: module(ids, ~mask, positions),
    )


def some_formulas() -> tuple[Tensor, Tensor]:
    """Ids with the begin symbol first, and their mask, of several lengths."""
    formulas = sample_formulas(Task(), 6, 20, 40, seed=3)
    ids = torch.from_numpy(formulas.with_begin())
    return ids, torch.arange(ids.shape[1]) <= torch.from_numpy(formulas.lengths)[:, None]


def full_formulas() -> tuple[Tensor, Tensor]:
    ids = torch.from_numpy(sample_formulas(Task(), T, T, 20, seed=4).with_begin())
    return ids, torch.ones_like(ids, dtype=torch.bool)


def parted(reach: int = 2 * T) -> Tensor:
    usual = torch.arange(1 + T)
    return (usual + (usual >= 5) * (reach - T)).view(1, 1, -1)


KINDS: dict[str, dict[str, Any]] = {
    "learned, max": {},
    "learned, mean, post-norm": {"pool": Pool.MEAN, "norm": Norm.POST},
    "learned, first": {"pool": Pool.FIRST},
    "sinusoidal, last, causal": {"table": Table.SINUSOIDAL, "pool": Pool.LAST, "causal": True},
    "sinusoidal, mean, causal": {"table": Table.SINUSOIDAL, "pool": Pool.MEAN, "causal": True},
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_module_answers_as_it_does_by_itself(kind: str) -> None:
    module = plain(**KINDS[kind]).eval()
    ids, mask = some_formulas()
    own = torch.where(mask, ids, PAD)
    wanted = module(own, ~mask)
    subject = asked(module)
    responses = subject.forward(subject.embed_ids(ids[None]), mask, with_streams=True)
    torch.testing.assert_close(responses.logits[0], wanted, atol=1e-5, rtol=1e-5)
    assert wanted.std(dim=0).min() > 1e-3
    assert responses.lens is not None
    assert responses.log_norms is not None
    assert responses.lens.shape == (1, *ids[:, None].expand(-1, 3, -1).shape, 2)
    assert responses.log_norms.shape == responses.lens.shape[:-1]


@pytest.mark.parametrize("kind", KINDS)
def test_fillers_place_symbols_as_positions_do(kind: str) -> None:
    module = plain(**KINDS[kind])
    by_fillers, by_positions = asked(module), asked_by_positions(module)
    assert by_fillers.configs[0].placing is Placing.BY_FILLERS
    assert by_positions.configs[0].placing is Placing.BY_POSITION
    ids, mask = full_formulas()
    usual = by_fillers.forward(by_fillers.embed_ids(ids[None]), mask)
    answers = [
        one.forward(one.embed_ids(ids[None]), mask, parted(), with_streams=True) for one in (by_fillers, by_positions)
    ]
    torch.testing.assert_close(answers[0].logits, answers[1].logits, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(answers[0].lens, answers[1].lens, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(answers[0].log_norms, answers[1].log_norms, atol=1e-5, rtol=1e-5)
    assert not torch.allclose(answers[0].logits, usual.logits, atol=1e-3)


def test_the_usual_places_said_outright_change_nothing() -> None:
    subject = asked(plain())
    ids, mask = full_formulas()
    vectors = subject.embed_ids(ids[None])
    places = torch.arange(1 + T).view(1, 1, -1)
    torch.testing.assert_close(subject.forward(vectors, mask, places).logits, subject.forward(vectors, mask).logits)


def test_distributions_of_one_symbol_each_are_the_same_formulas() -> None:
    subject = asked(plain())
    ids, mask = full_formulas()
    symbols = nn.functional.one_hot(ids[:, 1:], len(FORMULA_SYMBOLS)).float()
    by_symbols = subject.forward(subject.embed_distribution(symbols), mask).logits
    torch.testing.assert_close(by_symbols, subject.forward(subject.embed_ids(ids[None]), mask).logits)


def test_a_module_of_half_precision_answers_in_single() -> None:
    subject = asked(plain().bfloat16())
    symbols = torch.eye(len(FORMULA_SYMBOLS))[torch.randint(7, (4, T), generator=torch.Generator().manual_seed(0))]
    mask = torch.ones(4, 1 + T, dtype=torch.bool)
    responses = subject.forward(subject.embed_distribution(symbols), mask, parted(), with_streams=True)
    assert responses.lens is not None
    assert responses.logits.dtype == responses.lens.dtype == torch.float32


def test_a_gradient_reaches_the_distribution_and_no_parameter() -> None:
    module = plain()
    subject = asked(module)
    symbols = torch.full((4, T, len(FORMULA_SYMBOLS)), 0.1, requires_grad=True)
    mask = torch.ones(4, 1 + T, dtype=torch.bool)
    subject.forward(subject.embed_distribution(symbols), mask, with_streams=True).logits.sum().backward()
    assert symbols.grad is not None
    assert symbols.grad.abs().sum() > 0
    assert all(parameter.grad is None for parameter in module.parameters())


@pytest.mark.parametrize("training", [True, False])
def test_a_module_comes_back_as_it_went_in(training: bool) -> None:
    module = plain().train(training)
    module.head.weight.requires_grad_(False)
    state = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    needing = [parameter.requires_grad for parameter in module.parameters()]
    random = torch.get_rng_state()
    fused = torch.backends.mha.get_fastpath_enabled()
    run_length_test(asked(module), Definition(formulas_per_bucket=10))
    assert all(torch.equal(state[name], tensor) for name, tensor in module.state_dict().items())
    assert [parameter.requires_grad for parameter in module.parameters()] == needing
    assert {part.training for part in module.modules()} == {training}
    assert not any(part._forward_hooks for part in module.modules())
    assert torch.equal(torch.get_rng_state(), random)
    assert torch.backends.mha.get_fastpath_enabled() is fused


def test_a_module_without_positions_needs_no_placing() -> None:
    assert asked(plain(table=Table.NONE, causal=True)).configs[0].placing is Placing.NEEDLESS


def test_what_stands_around_a_formula_is_the_modules_own() -> None:
    module = plain(pool=Pool.LAST, causal=True, begins=False, ends=True).eval()
    ids, mask = some_formulas()
    lengths = mask.sum(dim=1) - 1
    own = torch.full((len(ids), ids.shape[1]), PAD)
    for row, length in enumerate(lengths.tolist()):
        own[row, :length] = ids[row, 1 : 1 + length]
        own[row, length] = EOS
    wanted = module(own, own == PAD)
    subject = asked(module, begin=None, end=EOS)
    torch.testing.assert_close(
        subject.forward(subject.embed_ids(ids[None]), mask).logits[0], wanted, atol=1e-5, rtol=1e-5
    )


class _Variant(nn.Module):
    """A plain classifier with something otherwise than usual."""

    def __init__(self, change: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.inner = plain()
        self.change = change

    def forward(self, ids: Tensor, padding: Tensor) -> Tensor:
        return self.change(ids, padding)


def test_a_module_that_heeds_no_mask_cannot_be_placed() -> None:
    inner = plain(pool=Pool.MEAN)
    module = _Variant(lambda ids, padding: inner(ids))
    module.inner = inner
    assert asked(module).configs[0].placing is Placing.IMPOSSIBLE


def test_a_module_that_counts_its_symbols_to_find_the_last_cannot_be_placed() -> None:
    class Counting(PlainClassifier):
        def _pooled(self, x: Tensor, seen: Tensor) -> Tensor:
            return x[torch.arange(len(x)), seen.sum(dim=1) - 1]

    torch.manual_seed(0)
    assert asked(Counting(plain().config)).configs[0].placing is Placing.IMPOSSIBLE


def test_a_table_too_short_for_places_beyond_t_cannot_be_placed_in() -> None:
    module = plain()
    module.learned = nn.Embedding(20, 16)
    subject = asked(module)
    assert subject.configs[0].longest_formula == 19
    assert subject.configs[0].placing is Placing.IMPOSSIBLE
    (result,) = run_length_test(subject, Definition(formulas_per_bucket=10))
    assert [bucket.unreachable is None for bucket in result.buckets] == [True, True, False, False, False]


class _Blocks(nn.Module):
    """What people write themselves: blocks in a list, sequences second, a tuple out of each block, no embedding."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.table = nn.Parameter(torch.randn(len(VOCABULARY), 16))
        self.blocks = nn.ModuleList(_Block() for _ in range(2))
        self.head = nn.Linear(16, 2)

    def forward(self, ids: Tensor, padding: Tensor) -> Tensor:
        angles = torch.arange(ids.shape[1]).unsqueeze(1) / torch.arange(1, 17)
        x = (self.table[ids] + angles.sin()).transpose(0, 1)
        for block in self.blocks:
            x, _ = block(x, padding)
        return self.head(x.transpose(0, 1).masked_fill(padding.unsqueeze(-1), -math.inf).amax(dim=1))


class _Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(16, 2)

    def forward(self, x: Tensor, padding: Tensor) -> tuple[Tensor, None]:
        return x + self.attention(x, x, x, key_padding_mask=padding, need_weights=False)[0], None


def test_blocks_of_ones_own_and_a_table_that_is_no_embedding() -> None:
    module = _Blocks()
    subject = asked(module)
    assert subject.configs[0].placing is Placing.BY_FILLERS
    ids, mask = some_formulas()
    responses = subject.forward(subject.embed_ids(ids[None]), mask, with_streams=True)
    torch.testing.assert_close(responses.logits[0], module(torch.where(mask, ids, PAD), ~mask), atol=1e-5, rtol=1e-5)
    ids, mask = full_formulas()
    symbols = nn.functional.one_hot(ids[:, 1:], len(FORMULA_SYMBOLS)).float()
    by_ids = subject.forward(subject.embed_ids(ids[None]), mask, parted(), with_streams=True)
    by_symbols = subject.forward(subject.embed_distribution(symbols), mask, parted(), with_streams=True)
    torch.testing.assert_close(by_ids.lens, by_symbols.lens)


def test_the_head_is_read_on_every_symbol_of_the_last_stream() -> None:
    module = plain(pool=Pool.LAST, causal=True).eval()
    subject = asked(module)
    ids, mask = full_formulas()
    responses = subject.forward(subject.embed_ids(ids[None]), mask, with_streams=True)
    assert responses.lens is not None
    torch.testing.assert_close(responses.lens[:, :, -1, -1], responses.logits, atol=1e-5, rtol=1e-5)


def three_classes() -> nn.Module:
    module = plain()
    module.head = nn.Linear(16, 3)
    return module


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (lambda: _Variant(lambda ids, padding: ids["a"]), "cannot be run"),
        (lambda: _Variant(lambda ids, padding: torch.zeros(len(ids), 2)), "no blocks"),
        (three_classes, "2 finite numbers"),
    ],
)
def test_what_cannot_be_used_is_said(module: Callable[[], nn.Module], message: str) -> None:
    with pytest.raises(UnrunnableModel, match=message):
        asked(module())
