"""What a checkpoint says about its subject."""

import json

import pytest
from probe_sandwich.subjects.config import Scheme, SubjectConfig
from probe_sandwich.tasks.logic.vocabulary import VOCABULARY
from pydantic import ValidationError

from tests.conftest import ConfigFactory


def test_a_config_is_strict(tiny_config: ConfigFactory) -> None:
    with pytest.raises(ValidationError, match="causal"):
        tiny_config(causal=1)


def test_a_config_without_names_is_written_as_before_there_were_any(tiny_config: ConfigFactory) -> None:
    written = tiny_config().model_dump_json()
    assert "symbols" not in json.loads(written)
    named = tiny_config(vocabulary=("x1", *VOCABULARY[1:]), symbols={"a": "x1"})
    assert SubjectConfig.model_validate_json(named.model_dump_json()) == named


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"d_model": 18, "heads": 4}, "twice the number of heads"),
        ({"vocabulary": ("a", "a", "<bos>", "<pad>")}, "names a symbol twice"),
        ({"pad_symbol": "<none>"}, "'<none>' is not in the vocabulary"),
        ({"classes": 3}, "task conjunction has two classes"),
        ({"scheme": "learned", "max_positions": 12}, "at least train_max_length"),
        ({"pooling": "first", "causal": True}, "pooling first needs causal false"),
        ({"layers": 10**9}, "less than or equal to 24"),
    ],
)
def test_a_config_that_contradicts_itself_is_refused(
    tiny_config: ConfigFactory, changes: dict[str, object], words: str
) -> None:
    with pytest.raises(ValidationError, match=words):
        tiny_config(**changes)


def test_only_a_learned_table_ends(tiny_config: ConfigFactory) -> None:
    ends = {scheme: tiny_config(scheme=scheme.value).longest_formula for scheme in Scheme}
    assert ends == dict.fromkeys(Scheme) | {Scheme.LEARNED: 48}
