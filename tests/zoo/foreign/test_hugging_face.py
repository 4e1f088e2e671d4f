"""Small classifiers of Hugging Face's architectures. Needs the extra `hf`."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from probe_sandwich.subjects.config import Placing
from probe_sandwich.zoo.foreign.build import build
from probe_sandwich.zoo.foreign.config import Family, ForeignPool, PositionSource
from probe_sandwich.zoo.foreign.store import (
    read_subject,
)
from probe_sandwich.zoo.foreign.subject import build_module, subject_of

from tests.zoo.foreign.plans import DEFINITION, plan


@pytest.mark.hf
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("family", [family for family in Family if family is not Family.PLAIN])
def test_every_family_is_trained_stored_and_placed(tmp_path: Path, family: Family) -> None:
    pytest.importorskip("transformers")
    foreign = plan(family=family, table=PositionSource.OWN, pool=ForeignPool.OWN)
    training = foreign.training.model_copy(update={"max_offset": 0})
    (row,) = build(tmp_path, [replace(foreign, training=training)], DEFINITION)
    stored = read_subject(tmp_path, row)
    assert stored.configs[0].placing is not Placing.IMPOSSIBLE
    fresh = subject_of(row.config, build_module(row.config, row.seed))
    ids = torch.randint(5, (1, 4, 13))
    mask = torch.ones(4, 13, dtype=torch.bool)
    answers = [one.forward(one.embed_ids(ids), mask).logits for one in (stored, fresh)]
    assert not torch.allclose(*answers)
