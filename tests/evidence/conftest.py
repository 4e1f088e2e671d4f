"""Small worlds that the tests of evidence share."""

from pathlib import Path
from shutil import copyfile

import pytest
from probe_sandwich.settings import SHIPPED_MODELS
from probe_sandwich.zoo.shards import merge, shard_path

GROUPS = range(24)


@pytest.fixture(scope="session")
def small_zoo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first configurations of the shipped zoo."""
    folder = tmp_path_factory.mktemp("experiment") / "zoo"
    for group in GROUPS:
        path = shard_path(folder, group)
        path.parent.mkdir(parents=True, exist_ok=True)
        copyfile(shard_path(SHIPPED_MODELS / "zoo-conjunction", group), path)
    merge(folder, [])
    return folder
