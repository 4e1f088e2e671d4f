"""Eight bits a weight: what is stored, read, labelled and pruned is one and the same."""

from pathlib import Path

import torch
from hypothesis import given
from hypothesis import strategies as st
from probe_sandwich.files import write_atomically
from probe_sandwich.zoo.precision import pack, unpack
from probe_sandwich.zoo.shards import read_index, read_weights, shard_bytes, shard_path
from probe_sandwich.zoo.verify import verify
from safetensors.torch import load_file
from torch import Tensor

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


def test_half_precision_shards_of_earlier_zoos_are_read_as_they_are(tmp_path: Path, tiny_zoo: Path) -> None:
    halves = unpack(load_file(shard_path(tiny_zoo, 0)))
    rows = [row for row in read_index(tiny_zoo) if row.group == 0]
    write_atomically(shard_path(tmp_path, 0), shard_bytes(halves, rows))
    assert load_file(shard_path(tmp_path, 0)).keys() == halves.keys()
    for row, weights in zip(rows, read_weights(tmp_path, rows), strict=True):
        assert all(torch.equal(tensor, halves[name][row.row].float()) for name, tensor in weights.items())


def test_labels_and_hashes_are_those_of_the_eight_bit_weights(tiny_zoo: Path) -> None:
    rows = read_index(tiny_zoo)
    checked = verify(tiny_zoo, len(rows), 0, torch.device("cpu"))
    assert (checked.subjects, checked.retested, checked.wrong) == (len(rows), len(rows), [])
    for weights in read_weights(tiny_zoo, rows):
        assert all(torch.unique(row).numel() <= 255 for row in weights["embedding"])


def test_eight_bits_halve_the_store(tiny_zoo: Path) -> None:
    packed = load_file(shard_path(tiny_zoo, 0))
    small, usual = (
        sum(part.numel() * part.element_size() for part in stored.values()) for stored in (packed, unpack(packed))
    )
    assert small < 0.6 * usual
