"""The zoo's card."""

import shutil
from pathlib import Path

import torch
from probe_sandwich.files import write_atomically
from probe_sandwich.zoo.card import read_card, write_card
from probe_sandwich.zoo.shards import (
    merge,
    read_index,
    read_weights,
    shard_bytes,
    shard_path,
)

from tests.conftest import TINY_RECIPE


def test_the_card_checks_labels_and_trains_again(tiny_zoo: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_zoo, tmp_path / "zoo")
    rows = read_index(tiny_zoo)
    # An untrained zoo has not converged: for this test, say that it has.
    for group in range(TINY_RECIPE.groups):
        own = [row.model_copy(update={"converged": True}) for row in rows if row.group == group]
        singles = read_weights(tiny_zoo, own)
        stacked = {name: torch.stack([single[name] for single in singles]) for name in singles[0]}
        write_atomically(shard_path(tmp_path / "zoo", group), shard_bytes(stacked, own))
    merge(tmp_path / "zoo", [])
    card = write_card(tmp_path / "zoo", TINY_RECIPE, sample=6, retrained=2, seed=0, device=torch.device("cpu"))
    assert read_card(tmp_path / "zoo") == card
    assert (card.label_stability.second_test_set.compared, card.seeds) == (6, 10)
    assert (card.training_stability.subjects, card.training_stability.reproduced) == (4, 4)
    assert card.training_stability.half_precision.compared == 4
    assert max(accuracy for readers in card.bag_of_symbols.values() for accuracy in readers.values()) <= 0.55
    assert (tmp_path / "zoo" / "accuracies.png").stat().st_size > 10_000


def test_a_zoo_without_a_card_has_none(tiny_zoo: Path) -> None:
    assert read_card(tiny_zoo) is None
