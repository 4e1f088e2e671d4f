"""The zoo on disk: shards, the index derived from them, merging and pruning."""

import shutil
from pathlib import Path

import pytest
import torch
from probe_sandwich.files import write_atomically
from probe_sandwich.length_test import judge
from probe_sandwich.zoo.build import build
from probe_sandwich.zoo.label import label_of
from probe_sandwich.zoo.recipe import Group
from probe_sandwich.zoo.shards import (
    DamagedShard,
    NotAZoo,
    NotKept,
    merge,
    prune,
    read_index,
    read_weights,
    shard_bytes,
    shard_path,
    shard_rows,
)
from probe_sandwich.zoo.verify import verify
from safetensors.torch import load_file

from tests.conftest import TINY_DEFINITION, TINY_RECIPE, in_process


def test_the_index_repeats_the_shards(tiny_zoo: Path) -> None:
    assert read_index(tiny_zoo) == list(shard_rows(tiny_zoo))
    assert len(read_index(tiny_zoo)) == TINY_RECIPE.groups * TINY_RECIPE.seeds_per_group


def test_a_damaged_shard_is_noticed(tiny_zoo: Path, tmp_path: Path) -> None:
    rows = [row for row in read_index(tiny_zoo) if row.group == 1]
    content = bytearray(shard_path(tiny_zoo, 1).read_bytes())
    content[-3] ^= 64
    shard_path(tmp_path, 1).parent.mkdir()
    shard_path(tmp_path, 1).write_bytes(bytes(content))
    with pytest.raises(DamagedShard, match="does not match its hash"):
        read_weights(tmp_path, rows)


def test_a_folder_without_shards_is_no_zoo(tmp_path: Path) -> None:
    with pytest.raises(NotAZoo, match="zoo build"):
        read_index(tmp_path)


def test_parts_built_apart_merge_into_the_whole(tiny_zoo: Path, tiny_groups: list[Group], tmp_path: Path) -> None:
    parts = [tmp_path / "one", tmp_path / "other"]
    for number, part in enumerate(parts):
        build(part, tiny_groups[number::2], in_process, TINY_DEFINITION)
    merged = merge(tmp_path / "whole", parts)
    assert [row.subject for row in merged] == [row.subject for row in read_index(tiny_zoo)]


def test_pruning_drops_the_weights_of_what_did_not_converge_and_nothing_else(
    tiny_zoo: Path, tiny_groups: list[Group], tmp_path: Path
) -> None:
    shutil.copytree(tiny_zoo, tmp_path, dirs_exist_ok=True)
    rows = [row for row in read_index(tmp_path) if row.group == 1]
    weights = load_file(shard_path(tmp_path, 1))
    # The second seed has converged by a definition that asks for nothing.
    lenient = rows[1].definition.model_copy(update={"convergence_cut": 0.0})
    second = rows[1].model_copy(update=dict(label_of(judge(rows[1].buckets, lenient))))
    write_atomically(shard_path(tmp_path, 1), shard_bytes(weights, [rows[0], second]))
    size = shard_path(tmp_path, 1).stat().st_size
    before = merge(tmp_path, [])
    (whole,) = read_weights(tmp_path, [second])

    after = prune(tmp_path)
    assert [row.model_copy(update={"row": None}) for row in after] == [
        row.model_copy(update={"row": None}) for row in before
    ]
    assert [row.seed for row in after if row.row is not None] == [second.seed]
    assert shard_path(tmp_path, 1).stat().st_size < 0.6 * size
    (kept,) = read_weights(tmp_path, [row for row in after if row.converged])
    for name, tensor in kept.items():
        assert torch.equal(tensor, whole[name])
    with pytest.raises(NotKept, match="build it again"):
        read_weights(tmp_path, after)
    checked = verify(tmp_path, 20, 0, torch.device("cpu"))
    assert (checked.subjects, checked.pruned, checked.wrong) == (1, 9, [])
    # A build takes it for finished, and pruning again changes nothing.
    stamps = {path: path.stat().st_mtime_ns for path in (tmp_path / "shards").iterdir()}
    build(tmp_path, tiny_groups, in_process, TINY_DEFINITION)
    assert prune(tmp_path) == after
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "shards").iterdir()} == stamps
