"""Where the symbols of a probe stand."""

import torch
from hypothesis import given
from hypothesis import strategies as st
from probe_sandwich.sandwich.placements import Kind, Placement, places_by_length


@given(
    kind=st.sampled_from(list(Kind)),
    reach=st.sampled_from([1.25, 1.5, 2.0]),
    lengths=st.lists(st.integers(1, 12), min_size=1, max_size=6),
    seed=st.integers(0, 1000),
)
def test_probes_of_any_length_rise_and_end_where_the_placement_reaches(
    kind: Kind, reach: float, lengths: list[int], seed: int
) -> None:
    random = torch.Generator().manual_seed(seed)
    found = places_by_length(Placement(kind=kind, reach=reach), torch.tensor(lengths), 12, random)
    assert found.shape == (len(lengths), 1 + max(lengths))
    assert (found.diff(dim=1) > 0).all()
    last = found[torch.arange(len(lengths)), torch.tensor(lengths)]
    assert (last <= round(reach * 12)).all()
    if kind is Kind.SHIFTED:
        assert (last == round(reach * 12)).all()
