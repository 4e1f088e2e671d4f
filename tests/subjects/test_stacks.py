"""Which subjects run together."""

from probe_sandwich.subjects.stacks import stacks

from tests.conftest import ConfigFactory


def test_stacks_are_cut_by_their_bytes(tiny_config: ConfigFactory) -> None:
    small, large = tiny_config(), tiny_config(d_model=1024, layers=2, d_ff=4096)
    assert stacks([small] * 40) == [list(range(40))]
    assert [len(rows) for rows in stacks([large] * 6)] == [2, 2, 2]
    assert sorted(row for rows in stacks([small, large, None] * 5) for row in rows) == list(range(15))
