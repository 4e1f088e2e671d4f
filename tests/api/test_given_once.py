"""Inputs beside the files of a job: read when another subject asks otherwise, and not before."""

from pathlib import Path

import pytest
from probe_sandwich.api.given_once import GivenOnce
from probe_sandwich.api.messages import GivenFiles
from probe_sandwich.tasks.given import UnusableInputs

from tests.conftest import ConfigFactory
from tests.own_task import own_config, texts, unlabelled_file


def test_bytes_are_told_before_they_are_read_and_only_where_they_are(tmp_path: Path) -> None:
    files, told, given = GivenFiles(inputs=unlabelled_file(tmp_path)), list[int](), GivenOnce()
    first = given.read(files, own_config(), told.append)
    assert given.read(files, own_config(d_ff=32), told.append) is first
    given.read(files, own_config(train_max_length=11), told.append)
    assert told == [(tmp_path / "inputs.txt").stat().st_size] * 2


def test_a_complaint_is_repeated_and_nothing_read_again(tmp_path: Path) -> None:
    files, told, given = GivenFiles(inputs=unlabelled_file(tmp_path, ["z"])), list[int](), GivenOnce()
    for _ in range(2):
        with pytest.raises(UnusableInputs, match="line 1 holds 'z'"):
            given.read(files, own_config(), told.append)
    assert len(told) == 1


def test_what_may_not_be_read_is_asked_about_again(tmp_path: Path) -> None:
    files, given = GivenFiles(inputs=unlabelled_file(tmp_path)), GivenOnce()

    def refuse(size: int) -> None:
        raise MemoryError

    with pytest.raises(MemoryError):
        given.read(files, own_config(), refuse)
    assert len(given.read(files, own_config(), lambda size: None).unlabelled) == len(texts(64, 10))


def test_what_a_built_in_task_leaves_out_costs_nothing(tmp_path: Path, tiny_config: ConfigFactory) -> None:
    files, told = GivenFiles(inputs=unlabelled_file(tmp_path), labelled=unlabelled_file(tmp_path)), list[int]()
    assert GivenOnce().read(files, tiny_config(), told.append).left_out
    assert told == [0]
