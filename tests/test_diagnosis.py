"""The pipeline on real checkpoints: what is given, and what is withheld."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from probe_sandwich.answer import Diagnosis, Doubt, ProbeContent, TrackRecord, Verdict
from probe_sandwich.diagnosis import SHOWN_PROBES, diagnose
from probe_sandwich.options import Options
from probe_sandwich.sandwich.calibration import Calibration
from probe_sandwich.sandwich.card import KindRecord
from probe_sandwich.sandwich.meta_classifier import MetaClassifier, load_meta_classifier
from probe_sandwich.subjects.checkpoint import Checkpoint, save_checkpoint
from probe_sandwich.subjects.config import SubjectConfig
from probe_sandwich.subjects.stacks import AnyCheckpoint
from probe_sandwich.subjects.uploads import load_upload
from probe_sandwich.tasks.given import read_given
from torch import Tensor

from tests.conftest import EXAMPLES, MODEL, SAME_P, ConfigFactory, fresh_weights
from tests.own_task import (
    ALPHABET,
    evenly_answered,
    for_any_task,
    labelled_file,
    own_checkpoint,
    own_config,
    texts,
    unlabelled_file,
)

CPU = torch.device("cpu")
QUICK = Options(direct_test=False, noise_draws=1)


def ensemble_that_says(*probabilities: float) -> MetaClassifier:
    """The shipped ensemble, its members' answers replaced."""
    shipped = load_meta_classifier(MODEL, CPU)
    logits = torch.tensor(probabilities).logit().tolist()
    members = [
        replace(member, calibration=Calibration(slope=0.0, shift=logit))
        for member, logit in zip(shipped.members, logits, strict=True)
    ]
    return replace(shipped, members=tuple(members))


@pytest.mark.parametrize(
    ("probabilities", "verdict"),
    [
        ((0.9, 0.9, 0.9, 0.9, 0.9), Verdict.GENERALIZER),
        ((0.9, 0.9, 0.9, 0.9, 0.4), Verdict.GENERALIZER),
        ((0.9, 0.9, 0.9, 0.2, 0.2), Verdict.ABSTAIN),
        ((0.1, 0.1, 0.1, 0.1, 0.1), Verdict.NOT_GENERALIZER),
    ],
)
def test_an_ensemble_of_two_minds_gives_no_verdict(probabilities: tuple[float, ...], verdict: Verdict) -> None:
    checkpoint = load_upload(EXAMPLES[0])
    meta = ensemble_that_says(*probabilities)
    (diagnosis,) = diagnose([checkpoint], meta, CPU, QUICK)
    assert diagnosis.verdict is verdict
    told, withheld = diagnosis.generalizer_probability, diagnosis.withheld_probability
    given, absent = (withheld, told) if verdict is Verdict.ABSTAIN else (told, withheld)
    assert given == pytest.approx(sum(probabilities) / 5)
    assert absent is None
    assert (diagnosis.probability_interval is None) == (verdict is Verdict.ABSTAIN)
    assert "P(generalizer)" not in diagnosis.reason or verdict is not Verdict.ABSTAIN
    assert ("of two minds" in diagnosis.reason) == (verdict is Verdict.ABSTAIN)


@pytest.mark.parametrize("factor", [1e-3, 0.1, 10, 1e3])
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_a_factor_on_the_head_changes_neither_verdict_nor_probability(
    example: Path, factor: float, tmp_path: Path
) -> None:
    plain = load_upload(example)
    weights = {name: w * factor if name.startswith("head") else w for name, w in plain.weights.items()}
    save_checkpoint(tmp_path / "scaled.safetensors", plain.config, weights)
    meta = load_meta_classifier(MODEL, CPU)
    one, other = (
        diagnose([checkpoint], meta, CPU, QUICK)[0]
        for checkpoint in (plain, load_upload(tmp_path / "scaled.safetensors"))
    )
    assert other.verdict is one.verdict is Verdict(example.stem.replace("-", "_"))
    assert other.generalizer_probability == pytest.approx(one.generalizer_probability, abs=SAME_P)


@given(
    example=st.sampled_from(EXAMPLES),
    factor=st.floats(1, 1e3),
    offsets=st.lists(st.floats(-4, 4), min_size=9, max_size=9),
    seed=st.integers(0, 2**31),
)
@settings(max_examples=5, deadline=None)
def test_a_twin_equal_in_every_answer_gets_the_same_probability_and_verdict(
    example: Path, factor: float, offsets: list[float], seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    checkpoint = load_upload(example)
    assert isinstance(checkpoint, Checkpoint)
    weights = reordered(shifted(checkpoint.weights, factor, offsets), torch.Generator().manual_seed(seed))
    path = tmp_path_factory.mktemp("twin") / "twin.safetensors"
    save_checkpoint(path, checkpoint.config, weights)
    meta = load_meta_classifier(MODEL, CPU)
    one, twin = (diagnose([each], meta, CPU, QUICK)[0] for each in (checkpoint, load_upload(path)))
    assert twin.checkpoint.sha256 != one.checkpoint.sha256
    assert twin.verdict is one.verdict is Verdict(example.stem.replace("-", "_"))
    assert twin.generalizer_probability == pytest.approx(one.generalizer_probability, abs=SAME_P)
    assert twin.probability_interval == pytest.approx(one.probability_interval, abs=2 * SAME_P)


def shifted(weights: Mapping[str, Tensor], factor: float, offsets: Sequence[float]) -> dict[str, Tensor]:
    """The residual stream times a factor, and another offset of all its units after each layer: every layer reads it
    through a norm that takes both away again."""
    writers = [name for name in weights if name in ("embedding", "positions") or ".out." in name]
    ends = [name for name in writers if name == "embedding" or name.endswith("bias")]
    scaled = {name: tensor * factor if name in writers else tensor for name, tensor in weights.items()}
    return scaled | {name: scaled[name] + offset for name, offset in zip(ends, offsets, strict=False)}


def reordered(weights: Mapping[str, Tensor], random: torch.Generator) -> dict[str, Tensor]:
    """The units of the residual stream and the hidden ones of each feed-forward layer in another order."""
    stream = torch.randperm(weights["embedding"].shape[1], generator=random)
    found = {}
    for name, tensor in weights.items():
        if name in ("embedding", "positions") or ".out." in name:
            found[name] = tensor[..., stream]
        elif name.endswith(".in.weight") or name == "head.weight":
            found[name] = tensor[stream]
        else:
            found[name] = tensor
    for name in [name.removesuffix(".in.bias") for name in weights if name.endswith("feed_forward.in.bias")]:
        order = torch.randperm(len(weights[f"{name}.in.bias"]), generator=random)
        found[f"{name}.in.weight"] = found[f"{name}.in.weight"][:, order]
        found[f"{name}.in.bias"] = found[f"{name}.in.bias"][order]
        found[f"{name}.out.weight"] = found[f"{name}.out.weight"][order]
    return found


def test_a_subject_without_positions_needs_no_placing(tiny_config: ConfigFactory, tmp_path: Path) -> None:
    config = tiny_config(scheme="none", pooling="last")
    save_checkpoint(tmp_path / "subject.safetensors", config, fresh_weights(config))
    diagnosis = diagnosis_by(load_meta_classifier(MODEL, CPU), load_upload(tmp_path / "subject.safetensors"))
    assert "positions cannot be chosen" not in diagnosis.reason
    assert diagnosis.kept_answers is not None


def test_a_stranger_is_told_what_is_strange(tiny_config: ConfigFactory, tmp_path: Path) -> None:
    config = tiny_config(scheme="learned", pooling="last")
    loud = {"positions": 20 * fresh_weights(config)["positions"]}
    reason = reason_for(config, loud, tmp_path)
    assert re.search(r"unlike those of the zoo's.* of .* is \d+\.\d standard deviations (above|below) theirs", reason)


def test_a_subject_whose_answers_are_the_same_at_every_place_gets_no_probability(
    tiny_config: ConfigFactory, tmp_path: Path
) -> None:
    config = tiny_config(scheme="learned")
    blind = {"positions": torch.zeros_like(fresh_weights(config)["positions"])}
    assert "positions cannot be chosen" in reason_for(config, blind, tmp_path)


def reason_for(config: SubjectConfig, changes: dict[str, torch.Tensor], folder: Path) -> str:
    """Why an untrained subject gets no verdict; where it cannot be placed, nor a number."""
    save_checkpoint(folder / "subject.safetensors", config, fresh_weights(config) | changes)
    meta = load_meta_classifier(MODEL, CPU)
    (diagnosis,) = diagnose([load_upload(folder / "subject.safetensors")], meta, CPU, QUICK)
    assert diagnosis.verdict is Verdict.ABSTAIN
    assert diagnosis.generalizer_probability is diagnosis.probability_interval is None
    unplaced = "positions cannot be chosen" in diagnosis.reason
    assert (diagnosis.withheld_probability is None) == unplaced
    assert (diagnosis.kept_answers is None) == (diagnosis.probes == []) == unplaced
    return diagnosis.reason


def diagnosis_of(path: Path, folder: Path, inputs: Path | None = None, labelled: Path | None = None) -> Diagnosis:
    """What a meta-classifier for any task says of a file, with what came beside it."""
    checkpoint = load_upload(path)
    config = checkpoint.config
    given = read_given(inputs, labelled, config.task, config.train_max_length, config.classes)
    options = Options(noise_draws=1, formulas_per_length=10)
    (diagnosis,) = diagnose([checkpoint], for_any_task(folder), CPU, options, given=given)
    return diagnosis


def test_of_an_own_task_without_inputs_the_alphabet_is_asked_and_what_is_missing_is_named(tmp_path: Path) -> None:
    answer = diagnosis_of(own_checkpoint(tmp_path), tmp_path)
    assert (answer.probe_content, answer.direct_test) == (ProbeContent.BARE, None)
    assert (answer.verdict, answer.doubt) == (Verdict.ABSTAIN, Doubt.BARE_PROBES)
    assert answer.withheld_probability == pytest.approx(0.9)
    assert "give unlabelled inputs of task mine (`inputs`), at least 32 different ones of 7 to 12" in answer.reason
    assert "no labelled inputs of task mine: give some of up to 4T symbols (`labelled`)" in answer.reason
    assert {symbol for probe in answer.probes for symbol in probe.symbols} == set(ALPHABET)


def test_an_answer_shows_what_it_rests_on(tmp_path: Path) -> None:
    answer = diagnosis_of(own_checkpoint(tmp_path), tmp_path, unlabelled_file(tmp_path))
    assert answer.kept_answers is not None
    assert len(answer.kept_answers.shares) == len(answer.kept_answers.placements)
    assert answer.kept_answers.shares[0] == 1
    assert 0 < len(answer.probes) <= SHOWN_PROBES
    for probe in answer.probes:
        assert [one.placed for one in probe.answers] == answer.kept_answers.placements


def test_answers_are_compared_with_the_zoos_subjects_of_the_same_task_where_it_has_enough(tmp_path: Path) -> None:
    meta, (example,) = load_meta_classifier(MODEL, CPU), EXAMPLES[:1]
    own = diagnosis_by(meta, load_upload(example))
    strange = diagnosis_by(meta, load_upload(own_checkpoint(tmp_path)))
    assert own.kept_answers is not None
    assert strange.kept_answers is not None
    assert (own.kept_answers.zoo_task, strange.kept_answers.zoo_task) == ("conjunction", None)
    assert own.kept_answers.zoo == meta.card.kept_answers_by_task["conjunction"]
    assert strange.kept_answers.zoo == meta.card.kept_answers


def test_an_answer_carries_the_record_that_its_verdict_rests_on(tmp_path: Path) -> None:
    meta = load_meta_classifier(MODEL, CPU)
    for checkpoint, task in ((EXAMPLES[0], "conjunction"), (own_checkpoint(tmp_path), None)):
        summary = diagnosis_by(meta, load_upload(checkpoint)).meta_classifier
        measured = meta.card.other_tasks if task is None else meta.card.tasks[task]
        assert summary is not None
        assert summary.record is not None
        assert measured is not None
        told = in_three_digits(measured)
        del told["fewer"]
        assert summary.record.model_dump() == {"task": task, **told}


def test_figures_of_the_card_are_told_in_three_digits() -> None:
    meta = load_meta_classifier(MODEL, CPU)
    summary = diagnosis_by(meta, load_upload(EXAMPLES[0])).meta_classifier
    assert summary is not None
    assert summary.metrics is not None
    assert meta.card.track_record is not None
    assert (
        summary.metrics.model_dump() == in_three_digits(meta.card.track_record) != meta.card.track_record.model_dump()
    )


def in_three_digits(figures: TrackRecord | KindRecord) -> dict[str, object]:
    """Figures by name, none with more than three digits after the point."""
    return {
        name: float(f"{value:.3f}") if isinstance(value, float) else value
        for name, value in figures.model_dump().items()
    }


def test_probabilities_have_at_most_six_digits() -> None:
    meta = load_meta_classifier(MODEL, CPU)
    answers = [diagnosis_by(meta, load_upload(example)) for example in EXAMPLES]
    for answer in answers:
        assert answer.generalizer_probability is not None
        assert answer.probability_interval is not None
        for value in (answer.generalizer_probability, *answer.probability_interval):
            assert value == round(value, 6)


def diagnosis_by(meta: MetaClassifier, checkpoint: AnyCheckpoint) -> Diagnosis:
    """Without the direct test."""
    (diagnosis,) = diagnose([checkpoint], meta, CPU, QUICK)
    return diagnosis


def test_given_inputs_become_probes_and_nothing_is_said_to_be_missing(tmp_path: Path) -> None:
    inputs = unlabelled_file(tmp_path)
    labelled = labelled_file(tmp_path, [*texts(50, 10), *evenly_answered(30, 15), *evenly_answered(40, 20)])
    answer = diagnosis_of(own_checkpoint(tmp_path), tmp_path, inputs, labelled)
    assert answer.probe_content is ProbeContent.GIVEN
    assert {"".join(probe.symbols) for probe in answer.probes} <= set(inputs.read_text().split())
    assert answer.reason.startswith("P(generalizer) = 0.90 is at or above the threshold 0.50")
    assert answer.direct_test is not None
    assert [bucket.formulas for bucket in answer.direct_test.buckets] == [50, 30, 40, 0, 0]
    assert answer.direct_test.generalizer
    assert answer.direct_test.buckets[4].unreachable == "no labelled input of these lengths was given"


def test_of_a_built_in_language_inputs_are_drawn(tmp_path: Path) -> None:
    answer = diagnosis_of(own_checkpoint(tmp_path, **LANGUAGE), tmp_path)
    assert answer.probe_content is ProbeContent.DRAWN
    assert answer.direct_test is not None
    assert "inputs" not in answer.reason


def test_inputs_that_come_beside_a_built_in_task_flip_no_verdict_and_are_said_to_be_left_out(tmp_path: Path) -> None:
    example = EXAMPLES[1]
    inputs, labelled = tmp_path / "inputs.txt", tmp_path / "labelled.jsonl"
    inputs.write_text("\n".join("&".join("a" * count) for count in range(1, 7)) + "\na&~a\n~a\nb\nc\n")
    labelled.write_text('{"input": "a", "label": 0}')
    checkpoint = load_upload(example)
    config = checkpoint.config
    meta = load_meta_classifier(MODEL, CPU)
    given = read_given(inputs, labelled, config.task, config.train_max_length, config.classes)
    options = Options(noise_draws=1, formulas_per_length=50)
    (alone,) = diagnose([checkpoint], meta, CPU, options)
    (beside,) = diagnose([checkpoint], meta, CPU, options, given=given)
    assert (beside.verdict, beside.probe_content) == (Verdict.NOT_GENERALIZER, ProbeContent.DRAWN)
    assert beside.generalizer_probability == alone.generalizer_probability
    assert beside.direct_test == alone.direct_test
    assert "the inputs that came with it were left out" in beside.reason
    assert "left out" not in alone.reason


def test_an_own_task_whose_inputs_are_few_or_short_gets_no_verdict(tmp_path: Path) -> None:
    for inputs in (texts(31, 10), texts(64, 6)):
        answer = diagnosis_of(own_checkpoint(tmp_path), tmp_path, unlabelled_file(tmp_path, inputs))
        assert (answer.verdict, answer.doubt) == (Verdict.ABSTAIN, Doubt.TOO_FEW_INPUTS)
        assert "give at least 32 different ones of 7 to 12 symbols" in answer.reason


def test_a_subject_that_tells_no_given_inputs_apart_gets_no_verdict(tmp_path: Path) -> None:
    checkpoint = own_checkpoint(tmp_path)
    config = own_config()
    weights = fresh_weights(config)
    save_checkpoint(checkpoint, config, weights | {"head.bias": torch.tensor([100.0, 0.0])})
    answer = diagnosis_of(checkpoint, tmp_path, unlabelled_file(tmp_path))
    assert (answer.verdict, answer.doubt) == (Verdict.ABSTAIN, Doubt.ONE_ANSWER)
    assert "gives the same answer to 100% of the probes" in answer.reason


LANGUAGE = {"task": {"name": "parity"}, "vocabulary": ("a", "b", "<bos>", "<pad>")}


def test_without_a_meta_classifier_nothing_is_asked() -> None:
    (answer,) = diagnose([load_upload(EXAMPLES[0])], None, CPU, QUICK)
    assert (answer.verdict, answer.reason) == (Verdict.ABSTAIN, "no meta-classifier is loaded")
    assert (answer.probe_content, answer.probes, answer.meta_classifier) == (None, [], None)


def test_who_leaves_the_direct_test_out_is_not_told_that_labelled_inputs_are_missing(tmp_path: Path) -> None:
    checkpoint = load_upload(own_checkpoint(tmp_path))
    (answer,) = diagnose([checkpoint], for_any_task(tmp_path), CPU, QUICK)
    assert "labelled" not in answer.reason.replace("unlabelled", "")


def test_labels_that_a_subject_of_an_own_task_never_gives_are_remarked_on(tmp_path: Path) -> None:
    labelled = labelled_file(tmp_path, texts(50, 10))
    turned = labelled.read_text().replace('"label": 1', '"label": 2').replace('"label": 0', '"label": 1')
    labelled.write_text(turned.replace('"label": 2', '"label": 0'))
    answer = diagnosis_of(own_checkpoint(tmp_path), tmp_path, labelled=labelled)
    assert "check that its classes have the numbers of the labels" in answer.reason
