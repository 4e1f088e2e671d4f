"""`classify`: models in memory are asked as the service asks uploads, and come back as they went in."""

import random
from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from probe_sandwich import Diagnosis, Options, Reading, classify
from probe_sandwich.answer import ProbeContent
from probe_sandwich.classification import NeedlessReading, NoModel, NoReading, served_meta_classifier
from probe_sandwich.diagnosis import diagnose
from probe_sandwich.subjects.checkpoint import NotSafetensors
from probe_sandwich.subjects.foreign.errors import NoRoomForPlaces, NotInPlainTorch, UnusableReading, WrongLogits
from probe_sandwich.subjects.uploads import load_upload
from probe_sandwich.tasks.given import UnusableInputs
from torch import Tensor, nn

from tests.conftest import EXAMPLES
from tests.own_models import GPT, VOCABULARY, Encoder, T

QUICK = Options(direct_test=False, noise_draws=1)
READING = Reading(vocabulary=VOCABULARY, train_max_length=T, pad="#")
INPUTS = [head + tail for head in ("abca", "bbbb", "cacab") for tail in map("".join, product("abc", repeat=3))]


def made(kind: Callable[[], nn.Module]) -> nn.Module:
    torch.manual_seed(0)
    return kind()


@pytest.mark.parametrize("kind", [Encoder, GPT])
def test_a_module_in_memory_gets_a_diagnosis(kind: Callable[[], nn.Module]) -> None:
    diagnosis = classify(made(kind), READING, inputs=INPUTS, options=QUICK)
    assert isinstance(diagnosis, Diagnosis)
    assert diagnosis.checkpoint.architecture == kind.__name__
    assert diagnosis.probe_content is ProbeContent.GIVEN
    assert {"".join(probe.symbols) for probe in diagnosis.probes} <= set(INPUTS)
    assert diagnosis.generalizer_probability is not None or diagnosis.withheld_probability is not None


def test_a_callable_of_ones_own_is_what_is_asked() -> None:
    model = made(Encoder)
    as_it_is = classify(model, READING, inputs=INPUTS, options=QUICK)
    given = classify(
        model, READING, inputs=INPUTS, options=QUICK, forward=lambda ids, mask: model(ids, padding_mask=~mask)
    )
    turned = classify(model, READING, inputs=INPUTS, options=QUICK, forward=lambda ids, mask: -model(ids, ~mask))
    assert without_timings(as_it_is) == without_timings(given)
    assert [probe.symbols for probe in given.probes] == [probe.symbols for probe in turned.probes]
    assert given.probes != turned.probes


def without_timings(diagnosis: Diagnosis) -> dict[str, Any]:
    return diagnosis.model_dump(exclude={"timings_seconds"})


def test_a_checkpoint_gets_the_answer_of_the_service() -> None:
    (expected,) = diagnose(
        [load_upload(EXAMPLES[0])],
        served_meta_classifier(torch.device("cpu")),
        torch.device("cpu"),
        QUICK,
    )
    for model in (EXAMPLES[0], str(EXAMPLES[0]), load_upload(EXAMPLES[0])):
        assert without_timings(classify(model, options=QUICK)) == without_timings(expected)


def test_labelled_inputs_are_the_direct_test() -> None:
    model = made(Encoder).eval()
    assert isinstance(model, Encoder)
    texts = INPUTS[:54]  # of one length
    ids = torch.tensor([[VOCABULARY.index(symbol) for symbol in text] for text in texts])
    with torch.no_grad():
        logits = model(ids)
        model.head.bias -= logits.median(dim=0).values  # either answer to about half of them
    labels = model(ids).argmax(dim=1).tolist()
    labelled = list(zip(texts, labels, strict=True))
    diagnosis = classify(model, READING, labelled=labelled, options=Options(noise_draws=1))
    assert diagnosis.direct_test is not None
    assert diagnosis.direct_test.in_distribution_accuracy == 1.0
    assert [bucket.formulas for bucket in diagnosis.direct_test.buckets] == [54, 0, 0, 0, 0]


def test_quotes_and_brackets_may_be_symbols() -> None:
    reading = Reading(vocabulary=("#", '"', "[", ","), train_max_length=T, pad="#")
    inputs = [text.translate(str.maketrans("abc", '"[,')) for text in INPUTS]
    diagnosis = classify(made(Encoder), reading, inputs=inputs, options=QUICK)
    assert {"".join(probe.symbols) for probe in diagnosis.probes} <= set(inputs)


@pytest.mark.parametrize(
    ("unlike", "message"),
    [
        (lambda: made(Encoder).to("meta"), "meta"),
        (lambda: nn.Sequential(nn.Embedding(13, 8), nn.Flatten(), nn.LazyLinear(2)), "lazy"),
        (lambda: torch.jit.script(nn.Embedding(4, 2)), "ScriptModule"),
    ],
)
@pytest.mark.filterwarnings("ignore")  # torch.jit is deprecated
def test_what_is_no_plain_module_is_refused(unlike: Callable[[], nn.Module], message: str) -> None:
    with pytest.raises(NotInPlainTorch, match=message):
        classify(unlike(), READING, inputs=INPUTS, options=QUICK)


class _Drawing(Encoder):
    """Draws from every global generator whenever it is run."""

    def forward(self, ids: Tensor, padding_mask: Tensor | None = None) -> Tensor:
        torch.rand(1), random.random(), np.random.rand()
        return super().forward(ids, padding_mask)


def state_of(model: nn.Module) -> list[object]:
    """Bytes of all that a diagnosis must not touch."""
    tensors = [*model.parameters(), *model.buffers(), *(p.grad for p in model.parameters() if p.grad is not None)]
    return [
        [(tensor.device, tensor.detach().numpy().tobytes()) for tensor in tensors],
        [part.training for part in model.modules()],
        [(p.requires_grad, p.grad is None) for p in model.parameters()],
        [(list(part._forward_hooks), list(part._forward_pre_hooks)) for part in model.modules()],
        torch.get_rng_state().numpy().tobytes(),
        str(np.random.get_state()),
        random.getstate(),
        torch.is_grad_enabled(),
        torch.backends.mha.get_fastpath_enabled(),
    ]


def half_trained() -> nn.Module:
    """In training, but for a part that is not and a weight that is frozen, with gradients of a step."""
    model = made(_Drawing).train()
    assert isinstance(model, Encoder)
    model.encoder.eval()
    model.head.weight.requires_grad_(False)
    model(torch.ones(2, 5, dtype=torch.long)).sum().backward()
    return model


def test_a_model_comes_back_as_it_went_in() -> None:
    model = half_trained()
    before = state_of(model)
    classify(model, READING, options=QUICK)
    assert state_of(model) == before


def test_a_model_that_is_refused_comes_back_as_it_went_in() -> None:
    model = half_trained()
    before = state_of(model)
    with pytest.raises(WrongLogits, match=r"\(3, 5\) are wanted"):
        classify(model, READING.model_copy(update={"classes": 5}), options=QUICK)
    assert state_of(model) == before


def test_none_means_that_no_inputs_are_given() -> None:
    model = made(Encoder)
    told = classify(model, READING, inputs=None, labelled=None, options=QUICK)
    assert without_timings(told) == without_timings(classify(model, READING, options=QUICK))


def test_what_a_user_got_wrong_is_named() -> None:
    model = made(Encoder)
    with pytest.raises(NoReading, match="give a Reading"):
        classify(model, options=QUICK)
    with pytest.raises(NoModel, match=r"a state dict cannot be asked: pass the torch\.nn\.Module itself"):
        classify(model.state_dict(), READING)  # type: ignore[arg-type]
    with pytest.raises(NeedlessReading, match="give no Reading"):
        classify(EXAMPLES[0], READING, options=QUICK)
    with pytest.raises(NotSafetensors, match="does not start like"):
        classify(__file__, options=QUICK)
    with pytest.raises(UnusableInputs, match="inputs: line 1 holds 'x'"):
        classify(model, READING, inputs=["abx"], options=QUICK)
    with pytest.raises(NoRoomForPlaces, match="at most 11 symbols"):
        classify(made(_Short), READING, options=QUICK)


class _Short(Encoder):
    """Whose table is too short, and no embedding."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.randn(11, 16))

    def forward(self, ids: Tensor, padding_mask: Tensor | None = None) -> Tensor:
        x = self.encoder(self.symbols(ids) + self.table[torch.arange(ids.shape[1])], src_key_padding_mask=padding_mask)
        return self.head(x.masked_fill(padding_mask.unsqueeze(-1), -1e4).amax(dim=1))


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"pad": "?"}, "special symbol '\\?' is not in the vocabulary"),
        ({"vocabulary": ("a", "a", "b")}, "twice"),
        ({"task": "conjunction"}, "the vocabulary lacks"),
        ({"train_max_length": 1000}, "less than or equal to 256"),
        ({"begin": "a", "task": {"name": "own", "alphabet": ["a", "b"]}}, "stand for two things"),
    ],
)
def test_a_reading_that_contradicts_itself_is_refused(facts: dict[str, Any], message: str) -> None:
    with pytest.raises(UnusableReading, match=message):
        Reading(**({"vocabulary": VOCABULARY, "train_max_length": T} | facts))
