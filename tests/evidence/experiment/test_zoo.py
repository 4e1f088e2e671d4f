"""The subjects that an experiment is about."""

from probe_sandwich.evidence.experiment.zoo import Zoo
from probe_sandwich.settings import SHIPPED_MODELS
from probe_sandwich.zoo.shards import read_index

SHIPPED_ZOO = SHIPPED_MODELS / "zoo-conjunction"


def test_the_shipped_zoo_is_as_large_as_the_readme_says(shipped: Zoo) -> None:
    assert len(shipped.rows) + sum(row.reserve and row.converged for row in read_index(SHIPPED_ZOO)) >= 200
