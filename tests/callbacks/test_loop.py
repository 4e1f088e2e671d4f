"""The callback for a loop of one's own."""

from itertools import product
from pathlib import Path

import pytest
import torch
from probe_sandwich import Options, Reading, classify
from probe_sandwich.callbacks.checks import NothingToKeepBy
from probe_sandwich.callbacks.loop import GeneralizerCallback
from torch import Tensor, nn

from tests.own_models import VOCABULARY, Encoder, T

READING = Reading(vocabulary=VOCABULARY, train_max_length=T, pad="#")
QUICK = Options(noise_draws=1)
TEXTS = [head + tail for head in ("abcabc", "abba", "bbbbb", "aaaa") for tail in map("".join, product("abc", repeat=2))]
LABELLED = [(text, int("c" in text)) for text in TEXTS]


def batch() -> tuple[Tensor, Tensor]:
    width = max(map(len, TEXTS))
    rows = [[VOCABULARY.index(symbol) for symbol in text.ljust(width, "#")] for text in TEXTS]
    return torch.tensor(rows), torch.tensor([label for _, label in LABELLED])


def train(model: nn.Module, callback: GeneralizerCallback | None, steps: int = 30) -> list[dict[str, float]]:
    """Dropout, momentum and all; what the callback returned."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    ids, labels = batch()
    logs = []
    for _ in range(steps):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(ids, ids == 0), labels).backward()
        optimizer.step()
        if callback is not None:
            logs.append(callback.step())
    return logs


def fresh() -> Encoder:
    torch.manual_seed(0)
    return Encoder()


def test_training_goes_on_as_if_nothing_had_been_asked(tmp_path: Path) -> None:
    alone, watched = fresh(), fresh()
    torch.manual_seed(1)
    train(alone, None)
    torch.manual_seed(1)
    ask = lambda: classify(watched, READING, inputs=TEXTS, labelled=LABELLED, options=QUICK)  # noqa: E731
    logs = train(watched, GeneralizerCallback(watched, ask, every=29, best=tmp_path / "deep" / "best.pt"))
    for name, tensor in alone.state_dict().items():
        assert torch.equal(watched.state_dict()[name], tensor), name
    assert [bool(log) for log in logs] == [True, *[False] * 28, True]
    assert logs[-1]["generalizer/in_distribution_accuracy"] == 1.0
    kept = torch.load(tmp_path / "deep" / "best.pt", weights_only=True)
    assert all(torch.equal(kept[name], tensor) for name, tensor in watched.state_dict().items())


def test_what_cannot_be_kept_is_said_at_the_first_step(tmp_path: Path) -> None:
    model = fresh()
    ask = lambda: classify(model, READING, options=Options(noise_draws=1, direct_test=False))  # noqa: E731
    with pytest.raises(NothingToKeepBy):
        GeneralizerCallback(model, ask, best=tmp_path / "best.pt").step()


def test_training_ends_with_a_last_check_that_may_be_the_best(tmp_path: Path) -> None:
    model = fresh()
    ask = lambda: classify(model, READING, inputs=TEXTS, labelled=LABELLED, options=QUICK)  # noqa: E731
    callback = GeneralizerCallback(model, ask, every=1000, best=tmp_path / "best.pt")
    train(model, callback)
    assert callback.finish()["generalizer/in_distribution_accuracy"] == 1.0
    assert (tmp_path / "best.pt").exists()
