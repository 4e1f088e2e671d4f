"""Anybody's module as a subject."""

import copy
import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from probe_sandwich.answer import Definition
from probe_sandwich.length_test import run_length_test
from probe_sandwich.subjects.config import Activation, Norm, Placing
from probe_sandwich.subjects.foreign import errors
from probe_sandwich.subjects.foreign.module import PlainSubject
from probe_sandwich.subjects.foreign.reading import Reading
from probe_sandwich.tasks.datasets import sample_formulas
from probe_sandwich.tasks.logic.tasks import Task
from probe_sandwich.tasks.logic.vocabulary import FORMULA_SYMBOLS
from probe_sandwich.zoo.foreign.config import Family, ForeignConfig, ForeignPool, PositionSource
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
        "table": PositionSource.LEARNED,
        "causal": False,
        "pool": ForeignPool.MAX,
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
    """A module that is told no positions, only what is padding."""
    usual = {"vocabulary": VOCABULARY, "train_max_length": T, "pad": "<pad>", "begin": "<bos>", "task": Task()}
    return PlainSubject(module, Reading(**(usual | facts)), lambda ids, mask: module(ids, ~mask))


def asked_as_it_is(module: nn.Module) -> PlainSubject:
    """The same, whose arguments are found out: it takes positions."""
    return PlainSubject(
        module, Reading(vocabulary=VOCABULARY, train_max_length=T, pad="<pad>", begin="<bos>", task=Task())
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


class _Rows(nn.Module):
    """A table of positions that is no `nn.Embedding`, so that nobody can tell what is looked up in it."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight)

    def forward(self, positions: Tensor) -> Tensor:
        return self.weight[positions]


def with_hidden_table(module: PlainClassifier) -> nn.Module:
    hidden = copy.deepcopy(module)
    if module.learned is not None:
        hidden.learned = _Rows(module.learned.weight.detach())  # type: ignore[assignment]
    return hidden


KINDS: dict[str, dict[str, Any]] = {
    "learned, max": {},
    "learned, mean, post-norm": {"pool": ForeignPool.MEAN, "norm": Norm.POST},
    "learned, first": {"pool": ForeignPool.FIRST},
    "sinusoidal, last, causal": {"table": PositionSource.SINUSOIDAL, "pool": ForeignPool.LAST, "causal": True},
    "sinusoidal, mean, causal": {"table": PositionSource.SINUSOIDAL, "pool": ForeignPool.MEAN, "causal": True},
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_module_answers_as_it_does_by_itself(kind: str) -> None:
    module = plain(**KINDS[kind]).eval()
    ids, mask = some_formulas()
    own = torch.where(mask, ids, PAD)
    wanted = module(own, ~mask)
    subject = asked(module)
    responses = subject.forward(subject.embed_ids(ids[None]), mask)
    torch.testing.assert_close(responses.logits[0], wanted, atol=1e-5, rtol=1e-5)
    assert wanted.std(dim=0).min() > 1e-3


@pytest.mark.parametrize("kind", KINDS)
def test_fillers_place_symbols_as_positions_do(kind: str) -> None:
    module = plain(**KINDS[kind])
    by_fillers, by_positions = asked(with_hidden_table(module)), asked_as_it_is(module)
    assert by_fillers.configs[0].placing is Placing.BY_FILLERS
    assert by_positions.configs[0].placing is Placing.BY_POSITION
    ids, mask = full_formulas()
    usual = by_fillers.forward(by_fillers.embed_ids(ids[None]), mask)
    answers = [one.forward(one.embed_ids(ids[None]), mask, parted()) for one in (by_fillers, by_positions)]
    torch.testing.assert_close(answers[0].logits, answers[1].logits, atol=1e-5, rtol=1e-5)
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
    assert subject.forward(subject.embed_distribution(symbols), mask, parted()).logits.dtype == torch.float32


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
    assert asked(plain(table=PositionSource.NONE, causal=True), positions=False).configs[0].placing is Placing.NEEDLESS


def test_what_stands_around_a_formula_is_the_modules_own() -> None:
    module = plain(pool=ForeignPool.LAST, causal=True, begins=False, ends=True).eval()
    ids, mask = some_formulas()
    lengths = mask.sum(dim=1) - 1
    own = torch.full((len(ids), ids.shape[1]), PAD)
    for row, length in enumerate(lengths.tolist()):
        own[row, :length] = ids[row, 1 : 1 + length]
        own[row, length] = EOS
    wanted = module(own, own == PAD)
    subject = asked(module, begin=None, end="<eos>")
    torch.testing.assert_close(
        subject.forward(subject.embed_ids(ids[None]), mask).logits[0], wanted, atol=1e-5, rtol=1e-5
    )


class _Variant(nn.Module):
    """A plain classifier with something otherwise than usual."""

    def __init__(self, change: Callable[[Tensor, Tensor], Any], inner: nn.Module | None = None) -> None:
        super().__init__()
        self.inner = inner or plain()
        self.change = change

    def forward(self, ids: Tensor, padding: Tensor) -> Any:
        return self.change(ids, padding)


class _Counting(PlainClassifier):
    """Counts its symbols to find the last, so that fillers lead it astray."""

    def _pooled(self, x: Tensor, seen: Tensor) -> Tensor:
        return x[torch.arange(len(x)), seen.sum(dim=1) - 1]


def counting(table: PositionSource) -> nn.Module:
    torch.manual_seed(0)
    return _Counting(plain(table=table).config)


def test_a_module_that_heeds_no_mask_is_asked_length_by_length() -> None:
    inner = plain(pool=ForeignPool.LAST, causal=True)
    subject = asked(_Variant(lambda ids, padding: inner(ids), inner))
    ids, mask = some_formulas()
    answers = subject.forward(subject.embed_ids(ids[None]), mask).logits
    torch.testing.assert_close(answers[0], inner.eval()(torch.where(mask, ids, PAD), ~mask), atol=1e-5, rtol=1e-5)
    assert subject.configs[0].placing is Placing.BY_POSITION


def test_a_table_of_positions_places_where_fillers_lead_astray() -> None:
    assert asked(counting(PositionSource.LEARNED)).configs[0].placing is Placing.BY_POSITION


def test_places_past_the_end_of_a_table_are_its_last() -> None:
    module = plain()
    module.learned = nn.Embedding(20, 16)
    subject = asked(module)
    assert subject.configs[0].longest_formula == 19
    ids, mask = full_formulas()
    vectors = subject.embed_ids(ids[None])
    far, last = (subject.forward(vectors, mask, parted().clamp(max=most)).logits for most in (24, 19))
    assert torch.equal(far, last)
    (result,) = run_length_test(subject, Definition(formulas_per_bucket=10))
    assert [bucket.unreachable is None for bucket in result.buckets] == [True, True, False, False, False]


def test_no_row_is_asked_for_that_a_table_has_not() -> None:
    """Since a GPU would run nothing after it."""

    most: list[int] = []

    class Asked(nn.Embedding):
        def forward(self, ids: Tensor) -> Tensor:
            most.append(int(ids.max()))
            return super().forward(ids)

    module = plain()
    module.learned = Asked(20, 16)
    asked(module)
    assert max(most) == 19


class _Blocks(nn.Module):
    """What people write themselves: sequences second, and a table of symbols that is no embedding."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.table = nn.Parameter(torch.randn(len(VOCABULARY), 16))
        self.encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(16, 2, 32), 2, enable_nested_tensor=False)
        self.head = nn.Linear(16, 2)

    def forward(self, src: Tensor, src_key_padding_mask: Tensor) -> Tensor:
        """Of `src (length, batch)`."""
        angles = torch.arange(len(src)).unsqueeze(1) / torch.arange(1, 17)
        x = self.encoder(self.table[src] + angles.sin().unsqueeze(1), src_key_padding_mask=src_key_padding_mask)
        return self.head(x.masked_fill(src_key_padding_mask.T.unsqueeze(-1), -math.inf).amax(dim=0))


def test_sequences_that_stand_second_are_found_out() -> None:
    module = _Blocks()
    subject = asked_as_it_is(module)
    assert subject.configs[0].placing is Placing.BY_FILLERS
    ids, mask = some_formulas()
    answers = subject.forward(subject.embed_ids(ids[None]), mask).logits[0]
    torch.testing.assert_close(answers, module.eval()(torch.where(mask, ids, PAD).T, ~mask), atol=1e-5, rtol=1e-5)


class _Arguments(nn.Module):
    """A classifier with an argument for its mask, of any name and either way round, and any output."""

    def __init__(self, output: Callable[[Tensor], Any] = lambda logits: logits) -> None:
        super().__init__()
        self.inner = plain(table=PositionSource.SINUSOIDAL)
        self.output = output


class _Attention(_Arguments):
    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Any:
        return self.output(self.inner(input_ids, attention_mask == 0))


class _Padding(_Arguments):
    def forward(self, x: Tensor, pad_mask: Tensor | None = None) -> Any:
        return self.output(self.inner(x, pad_mask))


class _Mask(_Arguments):
    """Whose mask is true on padding, though its name does not say so."""

    def forward(self, x: Tensor, mask: Tensor) -> Any:
        return self.output(self.inner(x, mask))


class _ByItself(_Arguments):
    """Finds the padding itself."""

    def forward(self, x: Tensor) -> Any:
        return self.output(self.inner(x, x == PAD))


@pytest.mark.parametrize("kind", [_Attention, _Padding, _Mask, _ByItself])
def test_the_way_a_mask_is_given_is_found_out(kind: type[_Arguments]) -> None:
    module = kind()
    subject = asked_as_it_is(module)
    assert subject.configs[0].placing is Placing.BY_FILLERS
    ids, mask = some_formulas()
    answers = subject.forward(subject.embed_ids(ids[None]), mask).logits[0]
    wanted = module.inner.eval()(torch.where(mask, ids, PAD), ~mask)
    torch.testing.assert_close(answers, wanted, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    "output",
    [
        lambda logits: SimpleNamespace(logits=logits),
        lambda logits: (logits, None),
        lambda logits: logits.unsqueeze(1),
        lambda logits: logits[:, 1] - logits[:, 0],
        lambda logits: logits[:, 1:] - logits[:, :1],
    ],
    ids=["an object", "a tuple", "of the last symbol", "one logit", "one logit in a column"],
)
def test_logits_are_found_in_what_people_return(output: Callable[[Tensor], Any]) -> None:
    bare, wrapped = asked_as_it_is(_Padding()), asked_as_it_is(_Padding(output))
    ids, mask = some_formulas()
    one, other = (s.forward(s.embed_ids(ids[None]), mask).logits[0].softmax(dim=-1) for s in (bare, wrapped))
    torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)


def test_a_mask_that_a_module_keeps_serves_its_training_afterwards() -> None:
    scales: list[Tensor] = []

    class Keeping(_Padding):
        def forward(self, x: Tensor, pad_mask: Tensor | None = None) -> Tensor:
            scales.append(torch.ones(1))  # as tables are that grow when they are needed
            return self.inner(x, pad_mask)

    module = Keeping()
    subject = asked_as_it_is(module)
    ids, mask = some_formulas()
    with torch.inference_mode():
        subject.forward(subject.embed_ids(ids[None]), mask)
    weight = torch.ones(1, requires_grad=True)
    (weight * scales[-1]).sum().backward()
    assert weight.grad is not None


@pytest.mark.parametrize(
    ("module", "error"),
    [
        (lambda: _Variant(lambda ids, padding: ids["a"]), errors.UncallableModel),
        (lambda: _Variant(lambda ids, padding: torch.zeros(len(ids), 3)), errors.WrongLogits),
        (lambda: _Variant(lambda ids, padding: "yes"), errors.WrongLogits),
        (lambda: _Variant(lambda ids, padding: torch.full((len(ids), 2), torch.nan)), errors.NonFiniteAnswers),
    ],
)
def test_what_cannot_be_asked_is_said(module: Callable[[], nn.Module], error: type[errors.UnusableModel]) -> None:
    with pytest.raises(error, match=r"forward=lambda|Reading"):
        asked(module())


def without_mask() -> nn.Module:
    inner = plain(table=PositionSource.SINUSOIDAL, pool=ForeignPool.LAST, causal=True)
    return _Variant(lambda ids, padding: inner(ids), inner)


def with_a_short_table() -> nn.Module:
    module = plain(table=PositionSource.SINUSOIDAL)
    module.sinusoidal = module.sinusoidal[:20]
    return module


@pytest.mark.parametrize(
    ("module", "obstacle"),
    [
        (lambda: _Variant(lambda ids, padding: torch.zeros(len(ids), 2)), errors.AnswersNothing),
        (without_mask, errors.TakesNoPlaces),
        (lambda: counting(PositionSource.SINUSOIDAL), errors.FillersSeen),
        (lambda: plain(table=PositionSource.NONE, causal=True), errors.CountsItsSymbols),
        (with_a_short_table, errors.NoRoomForPlaces),
    ],
)
def test_why_a_module_cannot_be_placed_is_said(
    module: Callable[[], nn.Module], obstacle: type[errors.UnusableModel]
) -> None:
    subject = asked(module())
    assert type(subject.obstacle) is obstacle
    assert subject.configs[0].placing is Placing.IMPOSSIBLE


def test_a_vocabulary_that_the_model_has_no_rows_for_is_told() -> None:
    module = nn.Sequential(nn.Embedding(len(VOCABULARY) - 1, 8), nn.Flatten(), nn.Linear(8 * T, 2))
    reading = Reading(vocabulary=VOCABULARY, train_max_length=T, begin="<bos>", end="<eos>", pad="<pad>", task=Task())
    with pytest.raises(errors.UnusableReading, match="13 symbols, and the model's largest table has 12 rows"):
        PlainSubject(module, reading)
