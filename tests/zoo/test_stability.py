"""Labels compared."""

from probe_sandwich.zoo.stability import Flips


def test_flips_are_counted_among_the_certain_too() -> None:
    before = [(True, True), (True, False), (False, True), (False, False)]
    flips = Flips.count(before, [False, False, False, False])
    assert flips == Flips(compared=4, flipped=2, certain=2, certain_flipped=1)
