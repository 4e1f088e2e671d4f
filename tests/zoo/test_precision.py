"""Eight bits a weight: what is stored, read, labelled and pruned is one and the same."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from probe_sandwich.files import write_atomically
from probe_sandwich.settings import SHIPPED_MODELS
from probe_sandwich.zoo.build import build
from probe_sandwich.zoo.precision import pack, unpack
from probe_sandwich.zoo.recipe import Group
from probe_sandwich.zoo.shards import prune, read_index, read_weights, shard_bytes, shard_path
from probe_sandwich.zoo.verify import verify
from safetensors.torch import load_file
from torch import Tensor

from tests.conftest import TINY_DEFINITION, in_process

seeds = st.integers(0, 2**32 - 1)
magnitudes = st.sampled_from([1e-4, 0.02, 0.5, 30.0])


def _weights(seed: int, magnitude: float) -> dict[str, Tensor]:
    random = torch.Generator().manual_seed(seed)
    shapes = {"matrix": (2, 3, 9), "bias": (2, 9), "ones": (2, 4, 1)}
    return {name: magnitude * torch.randn(shape, generator=random) for name, shape in shapes.items()}


@given(seeds, magnitudes)
def test_a_stored_weight_is_off_by_at_most_half_a_step(seed: int, magnitude: float) -> None:
    weights = _weights(seed, magnitude)
    packed = pack(weights)
    stored = unpack(packed)
    assert (packed["matrix"].dtype, packed["matrix.scale"].dtype) == (torch.int8, torch.float16)
    assert torch.equal(stored["bias"], weights["bias"].half())
    for name in ("matrix", "ones"):
        step = packed[f"{name}.scale"].float().unsqueeze(-1)
        # Beyond half a step: what is over 127 steps of the rounded scale, and the rounding of the product.
        rounding = weights[name].abs() * 2.0**-10
        assert ((stored[name].float() - weights[name]).abs() <= step / 2 + rounding).all()


@given(seeds, magnitudes)
def test_what_lies_on_the_grid_comes_back_bit_for_bit(seed: int, magnitude: float) -> None:
    packed = pack(_weights(seed, magnitude))
    stored = unpack(packed)
    scale = packed["matrix.scale"].unsqueeze(-1).float()
    assert torch.equal((stored["matrix"].float() / scale).round().to(torch.int8), packed["matrix"])
    assert all(tensor.dtype is torch.float16 for tensor in stored.values())


def test_rows_of_zeros_stay_zeros() -> None:
    assert torch.equal(unpack(pack({"matrix": torch.zeros(1, 2, 3)}))["matrix"], torch.zeros(1, 2, 3).half())


def test_half_precision_shards_are_read_as_they_are() -> None:
    zoo = SHIPPED_MODELS / "zoo-conjunction"
    row = next(row for row in read_index(zoo) if row.row is not None)
    halves = load_file(zoo / "shards" / row.shard)
    assert unpack(halves).keys() == halves.keys()
    (weights,) = read_weights(zoo, [row])
    assert all(torch.equal(tensor, halves[name][row.row].float()) for name, tensor in weights.items())


@pytest.fixture(scope="module")
def small_zoo(tmp_path_factory: pytest.TempPathFactory, tiny_groups: list[Group]) -> Path:
    """A finished zoo of two groups in eight bits."""
    folder = tmp_path_factory.mktemp("eight-bits")
    build(folder, [replace(group, eight_bits=True) for group in tiny_groups[:2]], in_process, TINY_DEFINITION)
    return folder


def test_labels_and_hashes_are_those_of_the_eight_bit_weights(small_zoo: Path) -> None:
    checked = verify(small_zoo, 4, 0, torch.device("cpu"))
    assert (checked.subjects, checked.retested, checked.wrong) == (4, 4, [])
    for weights in read_weights(small_zoo, read_index(small_zoo)):
        assert all(torch.unique(row).numel() <= 255 for row in weights["embedding"])


def test_eight_bits_halve_the_store(small_zoo: Path, tiny_zoo: Path) -> None:
    small, usual = (
        sum(part.numel() * part.element_size() for part in load_file(shard_path(zoo, 0)).values())
        for zoo in (small_zoo, tiny_zoo)
    )
    assert small < 0.6 * usual


def test_pruning_keeps_the_bits_of_what_stays(small_zoo: Path) -> None:
    rows = [row for row in read_index(small_zoo) if row.group == 1]
    before = read_weights(small_zoo, rows)[1]
    marked = [rows[0], rows[1].model_copy(update={"converged": True})]
    write_atomically(shard_path(small_zoo, 1), shard_bytes(load_file(shard_path(small_zoo, 1)), marked))
    (kept,) = read_weights(small_zoo, [row for row in prune(small_zoo) if row.converged])
    assert all(torch.equal(tensor, before[name]) for name, tensor in kept.items())
