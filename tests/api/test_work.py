"""A job in the worker: every file costs at most its own result, and a stop is heard in every batch."""

import json
import shutil
from collections.abc import Iterator
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Thread
from typing import Any
from unittest.mock import Mock

import pytest
import torch
from probe_sandwich.api import given_once, work
from probe_sandwich.api.messages import Cancel, Done, GivenFiles, Job, Outcome, Resume, Stage, Subject, from_worker
from probe_sandwich.api.work import JobRun
from probe_sandwich.options import Options
from probe_sandwich.sandwich.meta_classifier import MetaClassifier, load_meta_classifier
from probe_sandwich.subjects.batching import Cancelled
from probe_sandwich.subjects.checkpoint import save_checkpoint
from pydantic import BaseModel

from tests.api.bundles import of_version, with_bad_lzma
from tests.api.test_hostile import safetensors
from tests.conftest import EXAMPLES, MODEL, ConfigFactory, fresh_weights
from tests.own_task import own_checkpoint, texts, unlabelled_file

CPU = torch.device("cpu")
QUICK = Options(direct_test=False, noise_draws=1)
Pipes = tuple[Connection, Connection]


@pytest.fixture(scope="module")
def shipped() -> MetaClassifier:
    return load_meta_classifier(MODEL, CPU)


@pytest.fixture
def pipes() -> Iterator[Pipes]:
    ours, theirs = Pipe()
    yield ours, theirs
    ours.close()
    theirs.close()


def outcomes(pipes: Pipes, shipped: MetaClassifier | None, files: list[Path], **facts: object) -> dict[int, Outcome]:
    ours, theirs = pipes
    options = facts.pop("options", QUICK)
    given = facts.get("given", GivenFiles())
    subjects = [Subject(checkpoint=file, given=given) for file in files]  # type: ignore[arg-type]
    job = Job(number=1, subjects=subjects, options=options)  # type: ignore[arg-type]
    JobRun(theirs, job, shipped, CPU, float(facts.get("max_flop", 4e12))).answer()  # type: ignore[arg-type]
    found = {}
    while ours.poll():
        message = from_worker.validate_json(ours.recv_bytes())
        if isinstance(message, Outcome):
            found[message.index] = message
    return found


def slug(outcome: Outcome) -> str:
    return outcome.problem.type.rsplit(":", 1)[1] if outcome.problem else "answered"


def test_bad_files_of_a_batch_cost_the_good_ones_nothing(tmp_path: Path, pipes: Pipes, shipped: MetaClassifier) -> None:
    contents = [
        safetensors(b'{"a":' + b"9" * 5000 + b"}"),
        safetensors({"\ud800": {"dtype": "\ud800", "shape": [0], "data_offsets": [0, 0]}}),
        of_version(99),
        with_bad_lzma(),
        EXAMPLES[0].read_bytes(),
    ]
    files = [tmp_path / str(number) for number in range(len(contents))]
    for file, content in zip(files, contents, strict=True):
        file.write_bytes(content)
    found = outcomes(pipes, shipped, files)
    slugs = [slug(found[number]) for number in range(5)]
    assert slugs == ["malformed-file", "missing-config", "not-safetensors", "bad-bundle", "answered"]


def test_a_subject_that_fails_in_a_stack_costs_the_others_nothing(
    pipes: Pipes, shipped: MetaClassifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [shutil.copy(EXAMPLES[0], tmp_path / str(number)) for number in range(3)]
    real, bad = work.diagnose, []

    def failing(checkpoints, *rest):  # type: ignore[no-untyped-def]
        bad.append(len(checkpoints))
        if len(checkpoints) == 3 or len(bad) == 3:
            raise ZeroDivisionError
        return real(checkpoints, *rest)

    monkeypatch.setattr(work, "diagnose", failing)
    found = outcomes(pipes, shipped, files)
    assert [slug(found[number]) for number in range(3)] == ["answered", "internal-error", "answered"]


def test_what_costs_too_much_is_told_before_it_is_spent(pipes: Pipes, shipped: MetaClassifier) -> None:
    found = outcomes(pipes, shipped, [EXAMPLES[0]], max_flop=1e6)
    assert slug(found[0]) == "too-costly"
    assert found[0].problem is not None
    assert "noise_draws" in found[0].problem.detail


@pytest.fixture
def own_files(tmp_path: Path) -> list[Path]:
    """Subjects of a task of the user's own: of two shapes, and of T = 12 and 10 in turn."""
    files = []
    for number, (d_ff, longest) in enumerate([(24, 12), (24, 10), (32, 12), (32, 10)]):
        folder = tmp_path / str(number)
        folder.mkdir()
        files.append(own_checkpoint(folder, d_ff=d_ff, train_max_length=longest))
    return files


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Mock:
    """Counts how often given inputs are read."""
    counted = Mock(side_effect=given_once.read_given)
    monkeypatch.setattr(given_once, "read_given", counted)
    return counted


@pytest.mark.parametrize(("inputs", "expected"), [(texts(64, 10), "answered"), (["z"], "unusable-inputs")])
def test_inputs_beside_a_batch_are_read_once_for_each_t(
    pipes: Pipes, own_files: list[Path], tmp_path: Path, reads: Mock, inputs: list[str], expected: str
) -> None:
    given = GivenFiles(inputs=unlabelled_file(tmp_path, inputs))
    found = outcomes(pipes, None, own_files, given=given)
    assert [slug(found[number]) for number in range(4)] == [expected] * 4
    assert reads.call_count == 2


def test_inputs_that_would_take_too_long_to_read_are_not_read(
    pipes: Pipes, own_files: list[Path], tmp_path: Path, reads: Mock
) -> None:
    given = GivenFiles(inputs=unlabelled_file(tmp_path))
    found = outcomes(pipes, None, own_files[:1], given=given, max_flop=1e5)
    assert slug(found[0]) == "too-costly"
    assert found[0].problem is not None
    assert "give fewer inputs" in found[0].problem.detail
    assert reads.call_count == 0


def test_a_training_length_without_formulas_is_a_422(
    pipes: Pipes, shipped: MetaClassifier, checkpoint_of_length: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Mock(side_effect=work.diagnose)
    monkeypatch.setattr(work, "diagnose", asked)
    found = outcomes(pipes, shipped, [checkpoint_of_length], options=Options(formulas_per_length=10))
    assert slug(found[0]) == "no-formulas"
    assert asked.call_count == 1, "what failed alone is not tried again"
    assert slug(outcomes(pipes, shipped, [checkpoint_of_length])[0]) == "answered"


@pytest.fixture
def checkpoint_of_length(tmp_path: Path, tiny_config: ConfigFactory) -> Path:
    config, path = tiny_config(train_max_length=5), tmp_path / "short"
    save_checkpoint(path, config, fresh_weights(config))
    return path


def test_a_stop_is_heard_within_a_prediction(pipes: Pipes, shipped: MetaClassifier) -> None:
    ours, theirs = pipes
    job = Job(number=1, subjects=[Subject(checkpoint=EXAMPLES[0])], options=Options(direct_test=False, noise_draws=64))
    run, asked = JobRun(theirs, job, shipped, CPU, 1e18), []
    heard = run.cancelled

    def cancelled() -> bool:
        asked.append(True)
        if len(asked) == 5:
            ours.send_bytes(Cancel(job=1).model_dump_json().encode())
        return heard()

    run.cancelled = cancelled  # type: ignore[method-assign]
    with pytest.raises(Cancelled):
        run.answer()
    stages = [from_worker.validate_json(ours.recv_bytes()) for _ in range(2)]
    assert [stage.stage for stage in stages if isinstance(stage, Stage)] == ["checkpoint", "sandwich"]
    assert len(asked) == 5


def conversation(run: JobRun, pipes: Pipes, brief: Job, *replies: BaseModel) -> list[Any]:
    """What is heard of a job in whose middle another comes; the replies follow when that has ended."""
    heard, asked, messages = run.cancelled, [], []

    def cancelled() -> bool:
        asked.append(True)
        if len(asked) == 6:
            pipes[0].send_bytes(brief.model_dump_json().encode())
        return heard()

    def listen() -> None:
        while not messages or not (isinstance(messages[-1], Done) and messages[-1].job == run.job.number):
            messages.append(from_worker.validate_json(pipes[0].recv_bytes()))
            if isinstance(messages[-1], Done) and messages[-1].job == brief.number:
                for reply in replies:
                    pipes[0].send_bytes(reply.model_dump_json().encode())

    run.cancelled = cancelled  # type: ignore[method-assign]
    listening = Thread(target=listen)
    listening.start()
    run.run()
    listening.join()
    return messages


def answer(messages: list[Any], number: int) -> dict[str, Any]:
    """What came of a job of one file, but for the time that it took."""
    (outcome,) = [one for one in messages if isinstance(one, Outcome) and one.job == number]
    assert outcome.diagnosis is not None
    return {name: value for name, value in json.loads(outcome.diagnosis).items() if name != "timings_seconds"}


def job(number: int, brief: bool = False, options: Options = QUICK) -> Job:
    """A job of one example."""
    return Job(number=number, subjects=[Subject(checkpoint=EXAMPLES[number])], options=options, brief=brief)


def test_a_brief_job_runs_in_the_middle_of_another_and_changes_nothing_of_it(
    pipes: Pipes, shipped: MetaClassifier
) -> None:
    both = conversation(JobRun(pipes[1], job(0), shipped, CPU, 4e12), pipes, job(1, brief=True), Resume())
    assert [message.job for message in both if isinstance(message, Done)] == [1, 0]
    for number in (0, 1):
        JobRun(pipes[1], job(number), shipped, CPU, 4e12).run()
    alone = []
    while pipes[0].poll():
        alone.append(from_worker.validate_json(pipes[0].recv_bytes()))
    assert [answer(both, number) for number in (0, 1)] == [answer(alone, number) for number in (0, 1)]


def test_what_is_not_brief_is_sent_back_and_the_other_goes_on(pipes: Pipes, shipped: MetaClassifier) -> None:
    long = job(1, brief=True, options=Options(noise_draws=64, formulas_per_length=10_000))
    messages = conversation(JobRun(pipes[1], job(0), shipped, CPU, 4e12), pipes, long, Resume())
    ends = [(message.job, message.end) for message in messages if isinstance(message, Done)]
    assert ends == [(1, "too_long"), (0, "complete")]


def test_a_stop_is_heard_after_an_interruption(pipes: Pipes, shipped: MetaClassifier) -> None:
    run = JobRun(pipes[1], job(0), shipped, CPU, 4e12)
    messages = conversation(run, pipes, job(1, brief=True), Cancel(job=1), Resume(), Cancel(job=0))
    ends = [(message.job, message.end) for message in messages if isinstance(message, Done)]
    assert ends == [(1, "complete"), (0, "cancelled")]
