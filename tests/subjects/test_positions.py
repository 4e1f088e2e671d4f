"""Position schemes as data."""

import math

import torch
from probe_sandwich.subjects.config import Scheme
from probe_sandwich.subjects.positions import stack_positions, turn

from tests.conftest import ConfigFactory

CPU = torch.device("cpu")


def test_a_stack_holds_what_its_schemes_use_and_zeros_for_the_others(tiny_config: ConfigFactory) -> None:
    mixed = stack_positions([tiny_config(scheme=scheme) for scheme in Scheme], CPU)
    order = list(Scheme)
    for part, scheme in (
        (mixed.wavenumbers, Scheme.SINUSOIDAL),
        (mixed.frequencies, Scheme.ROTARY),
        (mixed.slopes, Scheme.ALIBI),
    ):
        assert part is not None
        assert [bool(row.any()) for row in part] == [other is scheme for other in order]
    alone = stack_positions([tiny_config(scheme="none")], CPU)
    assert (alone.wavenumbers, alone.frequencies, alone.slopes) == (None, None, None)


def test_sinusoidal_rows_are_sines_and_cosines_of_the_place(tiny_config: ConfigFactory) -> None:
    config = tiny_config(scheme="sinusoidal", position_base=100.0)
    positions = stack_positions([config, tiny_config(scheme="none")], CPU)
    rows = positions.additive(torch.tensor([[3.0]]), torch.float32)
    assert rows is not None
    half = config.d_model // 2
    angles = [3 * 100.0 ** (-index / half) for index in range(half)]
    expected = [*map(math.sin, angles), *map(math.cos, angles)]
    torch.testing.assert_close(rows[0, 0], torch.tensor(expected))
    assert not rows[1].any()


def test_slopes_fall_by_powers_of_two(tiny_config: ConfigFactory) -> None:
    slopes = stack_positions([tiny_config(scheme="alibi", d_model=16, heads=4)], CPU).slopes
    assert slopes is not None
    assert slopes[0].tolist() == [2**-2, 2**-4, 2**-6, 2**-8]


def test_two_quarter_turns_are_a_half_turn_within_each_head() -> None:
    columns = torch.arange(1.0, 9.0)
    assert turn(columns, 4).tolist() == [-3, -4, 1, 2, -7, -8, 5, 6]
    assert torch.equal(turn(turn(columns, 4), 4), -columns)
