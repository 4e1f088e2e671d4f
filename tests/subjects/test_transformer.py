"""The stacked Transformer: equal to one at a time, and true to its position schemes."""

from itertools import product

import pytest
import torch
from probe_sandwich.subjects.config import Pooling, Scheme
from probe_sandwich.subjects.transformer import UnlikeShapes, join, parameter_count, weight_shapes
from probe_sandwich.tasks.logic.vocabulary import FORMULA_SYMBOLS, VOCABULARY

from tests.conftest import ConfigFactory, StackFactory, fresh_weights

EVERY_KIND = [
    {"scheme": scheme, "pooling": pooling, "causal": causal}
    for scheme, pooling, causal in product(Scheme, Pooling, (True, False))
    if not (causal and pooling is Pooling.FIRST)
]


def batch_of(lengths: list[int], seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Random ids `(1, batch, length)` with the begin symbol, and their mask."""
    width = max(lengths) + 1
    ids = torch.randint(len(FORMULA_SYMBOLS), (1, len(lengths), width), generator=torch.Generator().manual_seed(seed))
    ids[:, :, 0] = VOCABULARY.index("<bos>")
    mask = torch.arange(width)[None] <= torch.tensor(lengths)[:, None]
    return ids, mask


@pytest.mark.parametrize("norm", ["pre", "post"])
def test_a_stack_of_every_kind_answers_like_its_subjects_alone(tiny_stack: StackFactory, norm: str) -> None:
    stack = tiny_stack(*({"norm": norm, **kind} for kind in EVERY_KIND))
    ids, mask = batch_of([12, 9, 5])
    together = stack.forward(stack.embed_ids(ids), mask)
    for row in range(len(stack)):
        one = stack.select([row])
        alone = one.forward(one.embed_ids(ids), mask)
        torch.testing.assert_close(together.logits[row], alone.logits[0], atol=1e-5, rtol=1e-4)


def test_padding_changes_nothing(tiny_stack: StackFactory) -> None:
    stack = tiny_stack(*EVERY_KIND)
    ids, mask = batch_of([6, 12])
    padded = stack.forward(stack.embed_ids(ids), mask).logits[:, 0]
    bare = stack.forward(stack.embed_ids(ids[:, :1, :7]), mask[:1, :7]).logits[:, 0]
    torch.testing.assert_close(padded, bare, atol=1e-5, rtol=1e-4)


def test_a_one_hot_distribution_is_the_symbol_itself(tiny_stack: StackFactory) -> None:
    stack = tiny_stack(*EVERY_KIND)
    ids, mask = batch_of([10, 10])
    symbols = torch.nn.functional.one_hot(ids[0, :, 1:], len(FORMULA_SYMBOLS)).float()
    by_ids = stack.forward(stack.embed_ids(ids), mask).logits
    by_symbols = stack.forward(stack.embed_distribution(symbols), mask).logits
    torch.testing.assert_close(by_ids, by_symbols)


@pytest.mark.parametrize("scheme", list(Scheme))
def test_only_a_scheme_with_positions_sees_order(tiny_stack: StackFactory, scheme: Scheme) -> None:
    stack = tiny_stack({"scheme": scheme, "causal": False, "pooling": "mean"})
    ids, mask = batch_of([8])
    swapped = ids.clone()
    swapped[..., 3], swapped[..., 6] = ids[..., 6], ids[..., 3]
    assert not torch.equal(ids, swapped)
    one, other = (stack.forward(stack.embed_ids(batch), mask).logits for batch in (ids, swapped))
    assert torch.allclose(one, other, atol=1e-5) == (scheme is Scheme.NONE)


@pytest.mark.parametrize("scheme", [Scheme.ROTARY, Scheme.ALIBI])
def test_relative_schemes_do_not_change_when_positions_shift(tiny_stack: StackFactory, scheme: Scheme) -> None:
    stack = tiny_stack({"scheme": scheme})
    ids, mask = batch_of([8])
    places = torch.arange(ids.shape[-1]).view(1, 1, -1)
    here, shifted, stretched = (
        stack.forward(stack.embed_ids(ids), mask, positions).logits for positions in (None, places + 7, places * 2)
    )
    torch.testing.assert_close(here, shifted)
    assert not torch.allclose(here, stretched, atol=1e-3)


def test_positions_apart_are_those_of_a_longer_sequence(tiny_stack: StackFactory) -> None:
    stack = tiny_stack(*({"scheme": scheme, "causal": False} for scheme in Scheme))
    ids, mask = batch_of([9, 9])
    vectors = stack.embed_ids(ids)
    # Symbols that nobody sees leave the others at their places.
    kept = [0, 1, 2, 7, 8, 9]
    hidden = torch.isin(torch.arange(10), torch.tensor(kept))
    whole = stack.forward(vectors, mask & hidden, torch.arange(10).view(1, 1, -1)).logits
    apart = stack.forward(vectors[:, :, kept], mask[:, kept], torch.tensor(kept).view(1, 1, -1)).logits
    torch.testing.assert_close(whole, apart)


def test_past_the_end_of_its_table_a_subject_stays_at_the_last_row(tiny_stack: StackFactory) -> None:
    stack = tiny_stack({"scheme": Scheme.LEARNED})
    ids, mask = batch_of([8])
    last = stack.configs[0].max_positions - 1
    one, other = (
        stack.forward(stack.embed_ids(ids), mask, torch.full((1, 1, 9), place)).logits for place in (last, last + 50)
    )
    assert torch.equal(one, other)


@pytest.mark.parametrize("causal", [True, False])
def test_a_causal_subject_reads_no_later_symbol(tiny_stack: StackFactory, causal: bool) -> None:
    """What it makes of each symbol is what it would make of it as the last."""
    by_mean, by_last = (tiny_stack({"causal": causal, "pooling": pooling}) for pooling in (Pooling.MEAN, Pooling.LAST))
    ids, mask = batch_of([10])
    mean = by_mean.forward(by_mean.embed_ids(ids), mask).logits
    beginnings = [
        by_last.forward(by_last.embed_ids(ids[..., :end]), mask[:, :end]).logits for end in range(1, ids.shape[-1] + 1)
    ]
    assert torch.allclose(mean, torch.stack(beginnings).mean(dim=0), atol=1e-6) == causal


def test_the_order_of_the_vocabulary_is_the_subjects_own(tiny_config: ConfigFactory) -> None:
    config = tiny_config()
    weights = fresh_weights(config)
    turned = tiny_config(vocabulary=VOCABULARY[::-1])
    turned_weights = {**weights, "embedding": weights["embedding"].flip(0)}
    ids, mask = batch_of([9])
    one, other = join([(config, weights)]), join([(turned, turned_weights)])
    torch.testing.assert_close(
        one.forward(one.embed_ids(ids), mask).logits, other.forward(other.embed_ids(ids), mask).logits
    )


def test_subjects_of_different_shapes_do_not_stack(tiny_stack: StackFactory) -> None:
    with pytest.raises(UnlikeShapes):
        tiny_stack({}, {"d_model": 24})


def test_parameters_are_counted_without_making_them(tiny_config: ConfigFactory) -> None:
    config = tiny_config(scheme="learned")
    assert parameter_count(config) == sum(weight.numel() for weight in fresh_weights(config).values())
    assert list(weight_shapes(config)) == list(fresh_weights(config))


def test_a_stack_of_one_holds_no_second_copy(tiny_stack: StackFactory) -> None:
    stack = tiny_stack({})
    weights = {name: weight[0] for name, weight in stack.weights.items()}
    again = join([(stack.configs[0], weights)])
    assert again.weights["head.weight"].data_ptr() == weights["head.weight"].data_ptr()


def test_first_pooling_reads_what_the_begin_symbol_gathered(tiny_stack: StackFactory) -> None:
    """Of one symbol, begin, any pooling reads the same; of more, the first alone does not average."""
    first, mean = (tiny_stack({"causal": False, "pooling": pooling}) for pooling in (Pooling.FIRST, Pooling.MEAN))
    ids, mask = batch_of([7])
    alone, whole = (
        [stack.forward(stack.embed_ids(ids[..., :end]), mask[:, :end]).logits for stack in (first, mean)]
        for end in (1, 8)
    )
    torch.testing.assert_close(*alone)
    assert not torch.allclose(*whole, atol=1e-4)
    # What stands at the begin symbol's own place hears of every other symbol.
    changed = ids.clone()
    changed[..., -1] = (ids[..., -1] + 1) % len(FORMULA_SYMBOLS)
    other = first.forward(first.embed_ids(changed), mask).logits
    assert not torch.allclose(whole[0], other, atol=1e-6)
