"""Hugging Face models in memory: asked as the service asks their bundles. Needs the extra `hf`."""

from pathlib import Path

import pytest
import torch
from probe_sandwich import Options, Reading, classify
from probe_sandwich.subjects.bundles import Description
from probe_sandwich.subjects.config import Placing
from probe_sandwich.subjects.foreign.errors import NoRoomForPlaces
from probe_sandwich.subjects.foreign.module import PlainSubject
from probe_sandwich.tasks.logic.tasks import Task

pytest.importorskip("transformers")
from probe_sandwich.subjects.hugging_face import described_subject

from tests.conftest import SAME_P
from tests.subjects.test_hugging_face import FIRST, KINDS, VOCABULARY, build, bundle, description

pytestmark = [pytest.mark.hf, pytest.mark.filterwarnings("ignore")]

QUICK = Options(direct_test=False, noise_draws=1)
T = 12


def reading(kind: str, classes: int = 2) -> Reading:
    task = Task() if classes == 2 else None
    begin = "[CLS]" if kind in FIRST else None
    return Reading(
        vocabulary=VOCABULARY, train_max_length=T, pad="[PAD]", begin=begin, end="[SEP]", task=task, classes=classes
    )


@pytest.mark.parametrize("kind", ["BertForSequenceClassification", "LlamaForSequenceClassification"])
def test_a_model_in_memory_gets_the_answer_of_its_bundle(tmp_path: Path, kind: str) -> None:
    model = build(kind).train()
    in_memory = classify(model, reading(kind), options=QUICK)
    sent = classify(bundle(tmp_path / "model.zip", model, description(kind)), options=QUICK)
    assert in_memory.verdict is sent.verdict
    assert in_memory.generalizer_probability == pytest.approx(sent.generalizer_probability, abs=SAME_P)
    assert [probe.symbols for probe in in_memory.probes] == [probe.symbols for probe in sent.probes]
    assert in_memory.checkpoint.parameters == sent.checkpoint.parameters
    assert model.training


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"T5ForSequenceClassification"}))
def test_a_model_asked_as_any_module_is_answers_as_its_architecture_does(kind: str) -> None:
    """So that architectures which are not known by name are asked rightly too."""
    model = build(kind)
    by_name = described_subject(model, kind, Description(**description(kind)))
    by_itself = PlainSubject(model, reading(kind))
    assert by_itself.configs[0].placing is Placing.BY_POSITION
    random = torch.Generator().manual_seed(0)
    ids = torch.cat([torch.full((4, 1), 10), torch.randint(10, (4, T), generator=random)], dim=1)
    mask = torch.arange(1 + T) <= torch.tensor([T, T - 1, 6, 4]).unsqueeze(1)
    parted = (torch.arange(1 + T) + (torch.arange(1 + T) >= 4) * T).view(1, 1, -1)
    for places in (None, parted):
        one, other = (s.forward(s.embed_ids(ids[None]), mask, places).logits for s in (by_name, by_itself))
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)


def test_a_head_that_the_service_does_not_run_is_asked_as_any_module_is() -> None:
    kind = "BertForSequenceClassification"
    diagnosis = classify(build(kind, num_labels=3), reading(kind, classes=3), options=QUICK)
    assert diagnosis.generalizer_probability is not None or diagnosis.withheld_probability is not None


def test_a_model_is_trained_on_after_it_was_asked() -> None:
    kind = "LlamaForSequenceClassification"
    model = build(kind).train()
    classify(model, reading(kind), options=QUICK)
    labels = torch.tensor([0, 1])
    model(input_ids=torch.randint(3, 9, (2, 30)), labels=labels).loss.backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_a_table_without_room_is_named() -> None:
    kind = "DistilBertForSequenceClassification"
    model = build(kind, max_position_embeddings=20)
    assert described_subject(model, kind, Description(**description(kind))).configs[0].placing is Placing.IMPOSSIBLE
    with pytest.raises(NoRoomForPlaces, match="at most 18 symbols"):
        classify(model, reading(kind), options=QUICK)
