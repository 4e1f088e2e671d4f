"""Jobs that read the same thing on several processes."""

from functools import partial
from operator import getitem

import pytest
from probe_sandwich.evidence.universal.workers import workers_that_read


def _place(number: int, read: list[str]) -> str:
    return getitem(read, number)


@pytest.mark.parametrize("count", [1, 2])
def test_what_jobs_find_comes_in_their_order(count: int) -> None:
    with workers_that_read(["a", "b", "c"], count) as run:
        assert list(run([partial(_place, number) for number in (2, 0, 1)])) == ["c", "a", "b"]
