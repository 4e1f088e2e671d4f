"""The zoo's card."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from probe_sandwich.files import write_atomically
from probe_sandwich.zoo.broad import FAMILIES, GROUPS_A_FAMILY, BroadRecipe, broad_group
from probe_sandwich.zoo.build import OtherRecipe, build
from probe_sandwich.zoo.card import CARD, read_card, write_card
from probe_sandwich.zoo.shards import (
    merge,
    read_index,
    read_weights,
    shard_bytes,
    shard_path,
)
from safetensors.torch import load_file

from tests.conftest import TINY_DEFINITION, TINY_RECIPE, in_process


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
    assert card.training_stability.stored_precision.compared == 4
    (buckets,) = card.bag_of_symbols.values()
    assert max(accuracy for readers in buckets.values() for accuracy in readers.values()) <= 0.55
    assert (tmp_path / "zoo" / "accuracies.png").stat().st_size > 10_000


def test_a_broad_zoo_is_checked_task_by_task(tmp_path: Path) -> None:
    groups = [broad_group(list(FAMILIES).index(name) * GROUPS_A_FAMILY) for name in ("majority", "contains")]
    short = [replace(group, training=group.training.model_copy(update={"steps": 2})) for group in groups]
    build(tmp_path, short, in_process, TINY_DEFINITION)
    for group in groups:
        # As if they had been trained as long as the recipe says, and converged.
        path = shard_path(tmp_path, group.index)
        claimed = {"training": group.training, "converged": True}
        own = [row.model_copy(update=claimed) for row in read_index(tmp_path) if row.group == group.index]
        write_atomically(path, shard_bytes(load_file(path), own))
    merge(tmp_path, [])
    card = write_card(tmp_path, BroadRecipe(), sample=10, retrained=0, seed=0, device=torch.device("cpu"))
    assert read_card(tmp_path) == card
    assert [name.partition(",")[0] for name in card.bag_of_symbols] == ["contains", "majority"]
    assert card.label_stability.second_test_set.compared == 10
    assert list(card.summary.by_task) == ["contains", "majority"]
    assert "broad_group" in card.rebuild
    with pytest.raises(OtherRecipe):
        write_card(tmp_path, BroadRecipe(seed=1), sample=1, retrained=0, seed=0, device=torch.device("cpu"))


def test_a_zoo_without_a_card_has_none_nor_has_one_with_another_versions_card(tiny_zoo: Path, tmp_path: Path) -> None:
    assert read_card(tiny_zoo) is None
    shutil.copytree(tiny_zoo, tmp_path / "zoo")
    (tmp_path / "zoo" / CARD).write_text('{"recipe": {}, "half_precision": 1}')
    assert read_card(tmp_path / "zoo") is None
