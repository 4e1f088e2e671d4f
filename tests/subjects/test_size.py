"""What a subject costs to run."""

import math

from probe_sandwich.subjects.size import Size
from probe_sandwich.subjects.transformer import weight_shapes

from tests.conftest import ConfigFactory


def test_every_position_goes_through_the_matrices_of_the_layers(tiny_config: ConfigFactory) -> None:
    config = tiny_config()
    matrices = [math.prod(s) for name, s in weight_shapes(config).items() if name.startswith("layers") and len(s) == 2]
    assert config.size.parameters == sum(matrices)


def test_attention_makes_a_long_sequence_dearer_than_two_halves() -> None:
    size = Size(parameters=1000, layers=2, heads=4, width=16, inner=32)
    for cost in (size.row_bytes, size.row_flop):
        assert cost(64) > 2 * cost(32)
    assert size.row_flop(1) == 2 * 1000 + 4 * 2 * 16
