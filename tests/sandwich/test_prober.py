"""Asking frozen subjects what noise selects."""

import pytest
import torch
from probe_sandwich.sandwich.config import SandwichConfig
from probe_sandwich.sandwich.inputs import Candidates, bare_candidates
from probe_sandwich.sandwich.noise import draw_noise
from probe_sandwich.sandwich.prober import Prober
from probe_sandwich.subjects import batching
from probe_sandwich.subjects.batching import Cancelled
from probe_sandwich.tasks.languages.names import LanguageName, LanguageTask
from probe_sandwich.tasks.task import OwnTask

from tests.conftest import StackFactory, frozen_hash

CONFIG = SandwichConfig(noise_dim=16, probes=40, edits=2)
MAJORITY = {"task": LanguageTask(name=LanguageName.MAJORITY), "vocabulary": ("a", "b", "c", "<bos>", "<pad>")}
OWN = {"task": OwnTask(name="mine", alphabet=("x", "y")), "vocabulary": ("<pad>", "y", "x", "<bos>"), "classes": 4}
KINDS = pytest.mark.parametrize("kind", [{}, MAJORITY, OWN], ids=["logic", "language", "own"])
NOISE = draw_noise(CONFIG, 3, torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def prober() -> Prober:
    torch.manual_seed(0)
    return Prober(CONFIG).eval()


@KINDS
def test_a_candidate_that_several_probes_are_is_asked_once_and_answers_as_each_of_them(
    kind: dict[str, object], prober: Prober, tiny_stack: StackFactory
) -> None:
    stack = tiny_stack(kind | {"scheme": "alibi"}, kind | {"scheme": "learned"}, kind | {"pooling": "mean"})
    before = frozen_hash(stack)
    asked = prober.ask(stack, NOISE)
    assert asked.logits.shape[2] == len(asked.chosen.unique()) < NOISE.shape[0] * NOISE.shape[1]
    with torch.no_grad():
        torch.testing.assert_close(asked.channels(), prober.answers(stack, NOISE), atol=1e-4, rtol=1e-4)
    assert frozen_hash(stack) == before


def test_a_candidate_has_the_same_places_whatever_else_is_asked(prober: Prober, tiny_stack: StackFactory) -> None:
    stack = tiny_stack({})
    many, few = prober.ask(stack, NOISE), prober.ask(stack, NOISE[:1])
    same = torch.isin(many.chosen, few.chosen)
    assert torch.equal(many.places[:, same], few.places)
    torch.testing.assert_close(many.logits[:, :, same], few.logits, atol=1e-4, rtol=1e-4)


def test_how_many_rows_run_together_changes_no_answer(
    prober: Prober, tiny_stack: StackFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = tiny_stack({"pooling": "mean"}, {"pooling": "last"})
    together = prober.ask(stack, NOISE).logits
    monkeypatch.setitem(batching.MAX_ROWS, "cpu", 7)
    torch.testing.assert_close(prober.ask(stack, NOISE).logits, together, atol=1e-4, rtol=1e-4)


def test_a_subject_without_positions_answers_alike_at_every_place(prober: Prober, tiny_stack: StackFactory) -> None:
    channels = prober.ask(tiny_stack({"scheme": "none"}, {"scheme": "rotary"}), NOISE).channels()
    blind, seeing = channels[:, :, : 1 + len(CONFIG.placements)]
    torch.testing.assert_close(blind, blind[:, :1].expand_as(blind), atol=1e-5, rtol=1e-4)
    assert not torch.allclose(seeing[:, 4], seeing[:, 0], atol=1e-4)


def test_a_stop_is_heard_between_batches(
    prober: Prober, tiny_stack: StackFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(batching.MAX_ROWS, "cpu", 50)
    heard = iter([False, False, True])
    with pytest.raises(Cancelled):
        prober.ask(tiny_stack({}), NOISE, cancelled=lambda: next(heard))
    assert next(heard, None) is None


def test_few_candidates_are_each_asked_once_however_many_draws_there_are(
    prober: Prober, tiny_stack: StackFactory
) -> None:
    bare = bare_candidates(OWN["task"], 12)  # type: ignore[arg-type]
    few = Candidates(bare.content, *(part[:5] for part in (bare.symbols, bare.lengths, bare.features, bare.structure)))
    assert prober.ask(tiny_stack(OWN), NOISE, candidates=few).logits.shape[2] == 5
