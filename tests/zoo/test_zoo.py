"""The zoo: a deterministic manifest, training that equals one at a time, labels of what is stored."""

import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from probe_sandwich.diagnosis import load_meta_classifiers
from probe_sandwich.files import write_atomically
from probe_sandwich.length_test import run_length_test
from probe_sandwich.settings import SHIPPED_MODELS
from probe_sandwich.subjects.config import Scheme
from probe_sandwich.subjects.transformer import SubjectStack, join
from probe_sandwich.tasks.datasets import sample_formulas
from probe_sandwich.tasks.logic.tasks import TaskName
from probe_sandwich.tasks.splits import Split
from probe_sandwich.zoo.build import OtherRecipe, build, build_stack, check_recipe, stacks, training_run
from probe_sandwich.zoo.card import read_card, write_card
from probe_sandwich.zoo.engines.local import LocalPool
from probe_sandwich.zoo.info import one_sided_schemes, summarize
from probe_sandwich.zoo.recipe import RECIPES, Group, Recipe, manifest
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
from probe_sandwich.zoo.stability import Flips
from probe_sandwich.zoo.training import Run, TrainingConfig, train_stack
from probe_sandwich.zoo.verify import verify
from safetensors.torch import load_file
from torch import Tensor

from tests.conftest import TINY_DEFINITION, TINY_RECIPE, ConfigFactory


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
    (trained,) = train_stack([Run(group.config, training, (1,), formulas)], torch.device("cpu"))
    assert trained.losses[-1] < trained.losses[0] - 0.02


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


def test_stacks_hold_groups_of_one_shape_each_group_once() -> None:
    groups = manifest(Recipe(groups=60))
    cut = stacks(groups, 4)
    assert sorted(group.index for stack in cut for group in stack) == list(range(60))
    assert all(len({group.config.shape for group in stack}) == 1 and len(stack) <= 4 for stack in cut)
    assert min(len(cut), 59) < 60


def test_stacked_groups_become_the_same_subjects(tiny_zoo: Path, tmp_path: Path) -> None:
    alike = max(stacks(manifest(TINY_RECIPE.model_copy(update={"groups": 40})), 3), key=len)
    assert len(alike) > 1
    shards = build_stack(alike, TINY_DEFINITION, "cpu")
    assert [shard.group for shard in shards] == [group.index for group in alike]
    for shard in shards:
        write_atomically(shard_path(tmp_path, shard.group), shard.content)
    build(tmp_path / "alone", alike, LocalPool(1), TINY_DEFINITION)
    together, alone = merge(tmp_path, []), read_index(tmp_path / "alone")
    for one, other in zip(read_weights(tmp_path, together), read_weights(tmp_path / "alone", alone), strict=True):
        for name, weight in one.items():
            torch.testing.assert_close(weight, other[name], atol=2e-3, rtol=1e-2)


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
    build(tmp_path, tiny_groups[:1], LocalPool(1), TINY_DEFINITION)
    before = [row.subject for row in read_index(tiny_zoo) if row.group == 0]
    assert [row.subject for row in shard_rows(tmp_path)] == before


def test_a_finished_build_trains_nothing_again(tiny_zoo: Path, tiny_groups: list[Group]) -> None:
    stamps = {path: path.stat().st_mtime_ns for path in (tiny_zoo / "shards").iterdir()}
    build(tiny_zoo, tiny_groups, LocalPool(2), TINY_DEFINITION)
    assert {path: path.stat().st_mtime_ns for path in (tiny_zoo / "shards").iterdir()} == stamps


def test_a_folder_of_another_recipe_is_refused(tiny_zoo: Path) -> None:
    with pytest.raises(OtherRecipe, match="empty folder"):
        build(tiny_zoo, manifest(TINY_RECIPE.model_copy(update={"steps": 9})), LocalPool(1))


def test_a_processor_that_rounds_otherwise_goes_on_with_the_same_zoo(tiny_zoo: Path, tiny_groups: list[Group]) -> None:
    def rounded_otherwise(group: Group) -> Group:
        rate = math.nextafter(group.training.learning_rate, 1.0)
        return replace(group, training=group.training.model_copy(update={"learning_rate": rate}))

    check_recipe(tiny_zoo, [rounded_otherwise(group) for group in tiny_groups])


def test_the_shipped_zoo_is_of_the_shipped_recipe() -> None:
    check_recipe(SHIPPED_MODELS / "zoo-conjunction", manifest(RECIPES[TaskName.CONJUNCTION]))


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
        build(part, tiny_groups[number::2], LocalPool(1), TINY_DEFINITION)
    merged = merge(tmp_path / "whole", parts)
    assert [row.subject for row in merged] == [row.subject for row in read_index(tiny_zoo)]


def test_pruning_drops_the_weights_of_what_did_not_converge_and_nothing_else(
    tiny_zoo: Path, tiny_groups: list[Group], tmp_path: Path
) -> None:
    shutil.copytree(tiny_zoo, tmp_path, dirs_exist_ok=True)
    rows = [row for row in read_index(tmp_path) if row.group == 1]
    weights = load_file(shard_path(tmp_path, 1))
    # As if the second seed had converged.
    second = rows[1].model_copy(update={"converged": True})
    write_atomically(shard_path(tmp_path, 1), shard_bytes(weights, [rows[0], second]))
    size = shard_path(tmp_path, 1).stat().st_size
    before = merge(tmp_path, [])

    after = prune(tmp_path)
    assert [row.model_copy(update={"row": None}) for row in after] == [
        row.model_copy(update={"row": None}) for row in before
    ]
    assert [row.seed for row in after if row.row is not None] == [second.seed]
    assert shard_path(tmp_path, 1).stat().st_size < 0.6 * size
    (kept,) = read_weights(tmp_path, [row for row in after if row.converged])
    for name, tensor in kept.items():
        assert torch.equal(tensor, weights[name][1].float())
    with pytest.raises(NotKept, match="build it again"):
        read_weights(tmp_path, after)
    checked = verify(tmp_path, 20, 0, torch.device("cpu"))
    assert (checked.subjects, checked.pruned, checked.wrong) == (1, 9, [])
    # A build takes it for finished, and pruning again changes nothing.
    stamps = {path: path.stat().st_mtime_ns for path in (tmp_path / "shards").iterdir()}
    build(tmp_path, tiny_groups, LocalPool(1), TINY_DEFINITION)
    assert prune(tmp_path) == after
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "shards").iterdir()} == stamps


def test_verify_tests_again_and_finds_a_wrong_count(tiny_zoo: Path, tmp_path: Path) -> None:
    assert verify(tiny_zoo, 20, 0, torch.device("cpu")).wrong == []
    rows = [row for row in read_index(tiny_zoo) if row.group == 2]
    singles = read_weights(tiny_zoo, rows)
    stacked = {name: torch.stack([single[name] for single in singles]) for name in singles[0]}
    bucket = rows[0].buckets[0]
    forged = rows[0].model_copy(
        update={"buckets": [bucket.model_copy(update={"correct": bucket.correct + 1}), *rows[0].buckets[1:]]}
    )
    write_atomically(shard_path(tmp_path, 2), shard_bytes(stacked, [forged, *rows[1:]]))
    merge(tmp_path, [])
    assert verify(tmp_path, 20, 0, torch.device("cpu")).wrong == [forged.subject]


def test_a_summary_counts_labels_of_converged_subjects_only(tiny_zoo: Path) -> None:
    rows = read_index(tiny_zoo)
    marked = [row.model_copy(update={"converged": number < 3, "label": True}) for number, row in enumerate(rows)]
    summary = summarize(marked)
    assert (summary.subjects, summary.converged, summary.generalizers) == (10, 3, 3)


def test_a_scheme_with_too_few_of_a_label_is_one_sided(tiny_zoo: Path) -> None:
    row = read_index(tiny_zoo)[0].model_copy(update={"converged": True})
    rows = [row.model_copy(update={"label": number >= 3}) for number in range(20)]
    assert one_sided_schemes(rows) == set()
    assert one_sided_schemes([*rows, row.model_copy(update={"label": True})]) == {row.scheme}
    unconverged = [row.model_copy(update={"label": False, "converged": False})] * 9
    assert one_sided_schemes([*rows, row.model_copy(update={"label": True}), *unconverged]) == {row.scheme}


BUILDER = """
import sys
from pathlib import Path
from probe_sandwich.zoo.build import build
from probe_sandwich.zoo.engines.local import LocalPool
from probe_sandwich.zoo.recipe import manifest
from tests.conftest import TINY_DEFINITION, TINY_RECIPE
groups = manifest(TINY_RECIPE.model_copy(update={"groups": 8, "steps": 60}))
build(Path(sys.argv[1]), groups, LocalPool(2), TINY_DEFINITION)
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


def test_a_worker_that_dies_is_replaced_and_its_groups_done_again(tmp_path: Path) -> None:
    killed, quiet = tmp_path / "killed", tmp_path / "quiet"
    environment = os.environ | {"ZOO_TEST": str(killed)}
    process = subprocess.Popen(_command(killed), env=environment)
    while not list(killed.glob("shards/group-*")):
        assert process.poll() is None
        time.sleep(0.02)
    workers = [pid for pid in _processes_of(killed) if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    os.kill(workers[0], signal.SIGKILL)
    assert process.wait(timeout=120) == 0
    subprocess.run(_command(quiet), check=True, capture_output=True)
    hashes = [[row.subject for row in read_index(folder)] for folder in (killed, quiet)]
    assert hashes[0] == hashes[1]
    assert len(hashes[0]) == 16


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
    # A zoo lies beside the meta-classifiers, and is not taken for one of them.
    assert load_meta_classifiers(tmp_path, torch.device("cpu")) == {}


def test_a_zoo_without_a_card_has_none(tiny_zoo: Path) -> None:
    assert read_card(tiny_zoo) is None


def test_flips_are_counted_among_the_certain_too() -> None:
    before = [(True, True), (True, False), (False, True), (False, False)]
    flips = Flips.count(before, [False, False, False, False])
    assert flips == Flips(compared=4, flipped=2, certain=2, certain_flipped=1)


def test_info_prints_json(tiny_zoo: Path) -> None:
    command = [sys.executable, "-m", "probe_sandwich.cli", "zoo", "info", str(tiny_zoo), "--json"]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert json.loads(printed)["subjects"] == 10
    assert np.isclose(
        json.loads(printed)["train_core_seconds"], sum(r.train_seconds for r in read_index(tiny_zoo)), atol=0.1
    )
