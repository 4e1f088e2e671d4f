"""The zoo: a deterministic manifest, training that equals one at a time, labels of what is stored."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from app.formulas.datasets import Split, sample_formulas
from app.length_test import run_length_test
from app.subjects.config import Scheme
from app.subjects.transformer import join
from app.zoo.build import OtherRecipe, build, build_group
from app.zoo.info import summarize
from app.zoo.recipe import Group, Recipe, manifest
from app.zoo.shards import (
    DamagedShard,
    NotAZoo,
    merge,
    read_index,
    read_weights,
    shard_path,
    shard_rows,
    write_shard,
)
from app.zoo.training import train_stack
from app.zoo.verify import verify
from tests.conftest import TINY_DEFINITION, TINY_RECIPE


def test_a_group_depends_on_seed_and_index_alone() -> None:
    few, many = manifest(Recipe(groups=3)), manifest(Recipe(groups=30))
    assert few == many[:3]
    assert manifest(Recipe(groups=3, seed=1)) != few


def test_schemes_take_turns_and_no_seed_is_used_twice() -> None:
    groups = manifest(Recipe(groups=50))
    assert [group.config.scheme for group in groups[:5]] == list(Scheme)
    seeds = [seed for group in groups for seed in group.seeds]
    assert len(set(seeds)) == len(seeds) == 250


def test_the_reserve_has_configurations_of_its_own_and_every_scheme() -> None:
    reserve = [group for group in manifest(Recipe(groups=80)) if group.reserve]
    assert len(reserve) == 10
    assert {group.config.scheme for group in reserve} == set(Scheme)


def test_training_lowers_the_loss(tiny_groups: list[Group]) -> None:
    group = tiny_groups[3]
    training = group.training.model_copy(update={"steps": 150, "batch": 64, "learning_rate": 3e-3})
    formulas = sample_formulas(group.config.task, 1, 12, 4000, 0, Split.TRAINING)
    losses = train_stack(group.config, training, [formulas], [1], torch.device("cpu")).losses
    assert losses[-1] < losses[0] - 0.02


def test_the_index_repeats_the_shards(tiny_zoo: Path) -> None:
    assert read_index(tiny_zoo) == list(shard_rows(tiny_zoo))
    assert len(read_index(tiny_zoo)) == TINY_RECIPE.groups * TINY_RECIPE.seeds_per_group


def test_labels_are_those_of_the_stored_half_precision_weights(tiny_zoo: Path) -> None:
    rows = read_index(tiny_zoo)[:2]
    stack = join(list(zip([row.config for row in rows], read_weights(tiny_zoo, rows), strict=True)))
    assert [result.buckets for result in run_length_test(stack, TINY_DEFINITION)] == [row.buckets for row in rows]


def test_other_seeds_of_a_configuration_are_other_subjects(tiny_zoo: Path) -> None:
    rows = read_index(tiny_zoo)
    assert len({row.subject for row in rows}) == len(rows)


def test_the_same_seeds_give_the_same_subjects(tiny_zoo: Path, tiny_groups: list[Group], tmp_path: Path) -> None:
    build_group(tmp_path, tiny_groups[0], TINY_DEFINITION, "cpu")
    before = [row.subject for row in read_index(tiny_zoo) if row.group == 0]
    assert [row.subject for row in shard_rows(tmp_path)] == before


def test_a_finished_build_trains_nothing_again(tiny_zoo: Path, tiny_groups: list[Group]) -> None:
    stamps = {path: path.stat().st_mtime_ns for path in (tiny_zoo / "shards").iterdir()}
    build(tiny_zoo, tiny_groups, workers=2, definition=TINY_DEFINITION)
    assert {path: path.stat().st_mtime_ns for path in (tiny_zoo / "shards").iterdir()} == stamps


def test_a_folder_of_another_recipe_is_refused(tiny_zoo: Path) -> None:
    with pytest.raises(OtherRecipe, match="empty folder"):
        build(tiny_zoo, manifest(TINY_RECIPE.model_copy(update={"steps": 9})), workers=1)


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
        for group in tiny_groups[number::2]:
            build_group(part, group, TINY_DEFINITION, "cpu")
    merged = merge(tmp_path / "whole", parts)
    assert [row.subject for row in merged] == [row.subject for row in read_index(tiny_zoo)]


def test_verify_tests_again_and_finds_a_wrong_count(tiny_zoo: Path, tmp_path: Path) -> None:
    assert verify(tiny_zoo, 20, 0, torch.device("cpu")).wrong == []
    rows = [row for row in read_index(tiny_zoo) if row.group == 2]
    singles = read_weights(tiny_zoo, rows)
    stacked = {name: torch.stack([single[name] for single in singles]) for name in singles[0]}
    bucket = rows[0].buckets[0]
    forged = rows[0].model_copy(
        update={"buckets": [bucket.model_copy(update={"correct": bucket.correct + 1}), *rows[0].buckets[1:]]}
    )
    write_shard(tmp_path, 2, stacked, [forged, *rows[1:]])
    merge(tmp_path, [])
    assert verify(tmp_path, 20, 0, torch.device("cpu")).wrong == [forged.subject]


def test_a_summary_counts_labels_of_converged_subjects_only(tiny_zoo: Path) -> None:
    rows = read_index(tiny_zoo)
    marked = [row.model_copy(update={"converged": number < 3, "label": True}) for number, row in enumerate(rows)]
    summary = summarize(marked)
    assert (summary.subjects, summary.converged, summary.generalizers) == (10, 3, 3)


BUILDER = """
import sys
from pathlib import Path
from app.zoo.build import build
from app.zoo.recipe import manifest
from tests.conftest import TINY_DEFINITION, TINY_RECIPE
groups = manifest(TINY_RECIPE.model_copy(update={"groups": 8, "steps": 60}))
build(Path(sys.argv[1]), groups, workers=2, definition=TINY_DEFINITION)
"""


def _command(folder: Path) -> list[str]:
    return [sys.executable, "-c", BUILDER, str(folder)]


def _processes_of(folder: Path) -> list[int]:
    """Living processes whose parent was the builder of this folder, by the environment they inherit."""
    mark = f"ZOO_TEST={folder}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and mark in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def test_a_build_killed_outright_goes_on_where_it_was(tmp_path: Path) -> None:
    killed, quiet = tmp_path / "killed", tmp_path / "quiet"
    environment = os.environ | {"ZOO_TEST": str(killed)}
    process = subprocess.Popen(_command(killed), env=environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    while not list(killed.glob("shards/group-*")):
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    deadline = time.monotonic() + 20
    while _processes_of(killed) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not _processes_of(killed), "workers outlive their builder"
    survivors = {path.name: path.stat().st_mtime_ns for path in killed.glob("shards/group-*")}
    for folder in (killed, quiet):
        subprocess.run(_command(folder), check=True, capture_output=True)
    assert {name: (killed / "shards" / name).stat().st_mtime_ns for name in survivors} == survivors
    hashes = [[row.subject for row in read_index(folder)] for folder in (killed, quiet)]
    assert hashes[0] == hashes[1]
    assert len(hashes[0]) == 16


def test_info_prints_json(tiny_zoo: Path) -> None:
    command = [sys.executable, "-m", "app.cli", "zoo", "info", str(tiny_zoo), "--json"]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert json.loads(printed)["subjects"] == 10
    assert np.isclose(
        json.loads(printed)["train_core_seconds"], sum(r.train_seconds for r in read_index(tiny_zoo)), atol=0.1
    )
