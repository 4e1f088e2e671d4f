"""Proves every path that a device takes, against the CPU and against the plain way of doing it, in one run.

    python -m tests.benchmarks.device --device cuda|cpu [--small]

Under nine minutes on one GPU, no network. Prints a Markdown table; exits 1 where something does not hold. On a CPU at a
small size it is a test of the suite, so that on the day of a GPU only the device is new.
"""

import argparse
import importlib.util
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import torch
from probe_sandwich.answer import Diagnosis
from probe_sandwich.client import Client, ServiceProblem
from probe_sandwich.diagnosis import diagnose
from probe_sandwich.options import Options
from probe_sandwich.sandwich.meta_classifier import load_meta_classifier
from probe_sandwich.settings import SHIPPED_MODELS, Settings, torch_device
from probe_sandwich.subjects.checkpoint import CONFIG_KEY, load_checkpoint, save_checkpoint
from probe_sandwich.subjects.config import Norm, Pooling, Scheme, SubjectConfig
from probe_sandwich.subjects.stacks import AnyCheckpoint, batches
from probe_sandwich.subjects.transformer import initial_weights
from probe_sandwich.subjects.uploads import load_upload
from probe_sandwich.zoo.build import stacks, training_run
from probe_sandwich.zoo.cohorts import load_cohorts
from probe_sandwich.zoo.recipe import Recipe, manifest
from probe_sandwich.zoo.shards import read_index, read_weights
from probe_sandwich.zoo.training import Run, train_stack
from safetensors.torch import save

from tests.benchmarks.sandwich import seconds_a_step
from tests.conftest import EXAMPLES, running

CLOSE, CLOSE_LOSS = 1e-3, 1e-2
ZOO = SHIPPED_MODELS / "zoo-conjunction"
FOREIGN = ("BertForSequenceClassification", "GPT2ForSequenceClassification", "LlamaForSequenceClassification")
CPU = torch.device("cpu")
_LEFT_BYTES = 64 * 2**20


@dataclass(frozen=True)
class Size:
    """How much of everything."""

    subjects: int
    formulas: int
    foreign: int
    groups: int
    training_formulas: int
    steps: int
    trained_alone: int
    sandwich_subjects: int
    requests: int
    batch: int
    sent_alone: int


FULL = Size(
    subjects=64,
    formulas=400,
    foreign=3,
    groups=16,
    training_formulas=30_000,
    steps=60,
    trained_alone=8,
    sandwich_subjects=64,
    requests=40,
    batch=200,
    sent_alone=40,
)
SMALL = Size(
    subjects=3,
    formulas=20,
    foreign=1,
    groups=1,
    training_formulas=1000,
    steps=4,
    trained_alone=2,
    sandwich_subjects=2,
    requests=2,
    batch=3,
    sent_alone=2,
)


@dataclass(frozen=True)
class Answer:
    """What is compared of a diagnosis."""

    probability: float | None
    verdict: str
    accuracies: tuple[float, ...]


@dataclass(frozen=True)
class Proof:
    """One line of the table: what was to hold, whether it did, and the figures."""

    name: str
    holds: bool
    figures: str

    @property
    def line(self) -> str:
        return f"| {self.name} | {'yes' if self.holds else '**no**'} | {self.figures} |"


def proofs(device: torch.device, size: Size) -> Iterator[Proof]:
    """All of them, each as soon as it is known."""
    with tempfile.TemporaryDirectory() as folder:
        paths = _write_checkpoints(Path(folder), max(size.subjects, size.batch))
        yield own_subjects(paths[: size.subjects], device, size)
        if importlib.util.find_spec("transformers"):
            yield foreign_subjects(Path(folder), device, size)
        yield stacked_training(device, size)
        yield sandwich_step(device, size)
        yield from service(paths, device, size)
        yield two_workers(device, size)


def own_subjects(paths: Sequence[Path], device: torch.device, size: Size) -> Proof:
    """Answers of the device, stacked, against those of the CPU, one by one."""
    checkpoints = [load_checkpoint(path) for path in paths]
    reference, alone = _answers(checkpoints, [[number] for number in range(len(checkpoints))], CPU, size)
    found, together = _answers(checkpoints, batches(checkpoints), device, size)
    return _same("own subjects: answers of the CPU, one by one", reference, found, alone / together)


def foreign_subjects(folder: Path, device: torch.device, size: Size) -> Proof:
    """The same of foreign architectures with random weights."""
    from tests.subjects.test_hugging_face import build, bundle, description  # noqa: PLC0415

    kinds = FOREIGN[: size.foreign]
    paths = [bundle(folder / f"{kind}.zip", build(kind), description(kind)) for kind in kinds]
    each = [[number] for number in range(len(kinds))]
    # A foreign model moves to its device and stays there, so it is read twice.
    reference, alone = _answers([load_upload(path) for path in paths], each, CPU, size)
    found, together = _answers([load_upload(path) for path in paths], each, device, size)
    return _same(
        f"foreign subjects ({', '.join(k.split('For')[0] for k in kinds)})", reference, found, alone / together
    )


def stacked_training(device: torch.device, size: Size) -> Proof:
    """Subjects of one shape trained as one batch on the device, against one after another there; losses against the
    CPU's."""
    groups = max(
        stacks(manifest(Recipe(groups=25 * size.groups, formulas=size.training_formulas)), size.groups), key=len
    )
    runs = []
    for run in map(training_run, groups):
        short = run.training.model_copy(update={"steps": size.steps})
        runs.append(Run(run.config, short, run.seeds, run.formulas))
    singles = [Run(run.config, run.training, (seed,), run.formulas) for run in runs for seed in run.seeds]
    few = singles[: size.trained_alone]
    train_stack([runs[0]], device)  # whatever is slow the first time
    alone = _seconds(lambda: [train_stack([single], device) for single in few], device) * len(singles) / len(few)
    together = _seconds(lambda: train_stack(runs, device), device)
    apart = (train_stack(runs[:1], device)[0].losses - train_stack(runs[:1], CPU)[0].losses).abs().max()
    figures = f"{len(singles)} subjects; ratio {alone / together:.2f}; losses apart by at most {float(apart):.1e}"
    return Proof("zoo training: stacked, against one by one", float(apart) <= CLOSE_LOSS, figures)


def sandwich_step(device: torch.device, size: Size) -> Proof:
    """A training step through the frozen subjects, stacked, against a loop over them."""
    rows = [row for row in read_index(ZOO) if row.converged]
    kinds = [(row.config.shape, row.scheme) for row in rows]
    common = max(set(kinds), key=kinds.count)
    rows = [row for row, kind in zip(rows, kinds, strict=True) if kind == common][: size.sandwich_subjects]
    (cohort,) = load_cohorts(ZOO, rows, device)
    loop = seconds_a_step([cohort.select([row]) for row in range(len(rows))], device)
    together = seconds_a_step([cohort], device)
    figures = f"{len(rows)} subjects; ratio {loop / together:.2f} ({1000 * together:.0f} ms a step)"
    return Proof("sandwich training step: stacked, against a loop", together > 0, figures)


def service(paths: Sequence[Path], device: torch.device, size: Size) -> Iterator[Proof]:
    """`POST /classify`, a batch, and a subject that is too large, through the real service."""
    options = Options(formulas_per_length=size.formulas)
    example = load_checkpoint(EXAMPLES[0])
    reference, alone = _answers([example] * size.requests, [[n] for n in range(size.requests)], CPU, size)
    with _service(device, workers=1) as (url, client):
        client.classify(EXAMPLES[0], options)
        seconds, answers = [], []
        for _ in range(size.requests):
            began = time.monotonic()
            answers.append(client.classify(EXAMPLES[0], options))
            seconds.append(time.monotonic() - began)
        middle = statistics.median(seconds)
        here = answers[0].device.startswith(device.type)
        same = _same(
            f"`POST /classify` on {answers[0].device}",
            reference,
            list(map(_of, answers)),
            alone / size.requests / middle,
        )
        yield Proof(same.name, same.holds and here, f"{same.figures}; median {middle:.3f} s")
        yield _batch(client, paths[: size.batch], size)
        yield _too_large(url, client, device, options)


def _batch(client: Client, paths: Sequence[Path], size: Size) -> Proof:
    options = Options(direct_test=False)
    began = time.monotonic()
    results = client.classify_many(paths, options)
    together = time.monotonic() - began
    few = paths[: size.sent_alone]
    began = time.monotonic()
    single = [client.classify(path, options) for path in few]
    alone = (time.monotonic() - began) * len(paths) / len(few)
    found = [_of(result.diagnosis) for result in results if result.diagnosis is not None]
    reference = [_of(answer) for answer in single]
    same = _same(f"a batch of {len(paths)}, against as many requests", reference, found[: len(few)], alone / together)
    return Proof(same.name, same.holds and len(found) == len(paths), same.figures)


def _too_large(url: str, client: Client, device: torch.device, options: Options) -> Proof:
    """What does not fit costs a 413 and the worker lives: more parameters than are run; on a GPU also more memory than
    is left on it."""
    restarts = _restarts(url)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.safetensors"
        metadata = {CONFIG_KEY: _large(layers=24).model_dump_json()}
        path.write_bytes(save({"embedding": torch.zeros(1)}, metadata=metadata))
        told = [_refusal(client, path, options)]
        if device.type == "cuda":
            config = _large(layers=4)
            save_checkpoint(path, config, initial_weights(config, torch.Generator().manual_seed(0)))
            free, _ = torch.cuda.mem_get_info(device)
            filling = torch.empty(max(0, free - _LEFT_BYTES), dtype=torch.uint8, device=device)
            told.append(_refusal(client, path, options))
            del filling
            torch.cuda.empty_cache()
    answer = client.classify(EXAMPLES[0], options)
    lives = answer.direct_test is not None and _restarts(url) == restarts
    refused = all(status == httpx.codes.REQUEST_ENTITY_TOO_LARGE for status, _ in told)
    figures = f"{', '.join(f'{status} {kind}' for status, kind in told)}; the worker {'lives' if lives else 'was lost'}"
    return Proof("a subject too large: 413", refused and lives, figures)


def _large(layers: int) -> SubjectConfig:
    return SubjectConfig(
        d_model=1024,
        layers=layers,
        heads=8,
        d_ff=4096,
        scheme=Scheme.ROTARY,
        causal=True,
        pooling=Pooling.MAX,
        norm=Norm.PRE,
        train_max_length=12,
    )


def _refusal(client: Client, path: Path, options: Options) -> tuple[int, str]:
    try:
        client.classify(path, options)
    except ServiceProblem as problem:
        return problem.status, str(problem.problem.get("type", "")).rsplit(":", 1)[-1]
    return httpx.codes.OK, "answered"


def _restarts(url: str) -> str:
    lines = httpx.get(f"{url}/metrics").text.splitlines()
    return next(line for line in lines if "worker_restarts_total" in line and not line.startswith("#"))


def two_workers(device: torch.device, size: Size) -> Proof:
    """Two workers on one device answer at once, and as one does."""
    options = Options(formulas_per_length=size.formulas)
    with _service(device, workers=2) as (url, client):
        deadline = time.monotonic() + 120
        while (ready := client.health()["workers_ready"]) < 2 and time.monotonic() < deadline:
            time.sleep(0.1)
        began = time.monotonic()
        single = [client.classify(EXAMPLES[0], options) for _ in range(size.requests)]
        alone = time.monotonic() - began

        def ask(number: int) -> Diagnosis:
            with Client(url) as own:
                return own.classify(EXAMPLES[0], options)

        with ThreadPoolExecutor(2) as pool:
            began = time.monotonic()
            both = list(pool.map(ask, range(size.requests)))
            together = time.monotonic() - began
    reference, found = ([_of(answer) for answer in answers] for answers in (single, both))
    same = _same("two workers on one device, against one client", reference, found, alone / together)
    return Proof(same.name, same.holds and ready == 2, f"{same.figures}; {ready} ready")


@contextmanager
def _service(device: torch.device, workers: int) -> Iterator[tuple[str, Client]]:
    settings = Settings(
        device="cuda" if device.type == "cuda" else "cpu",
        workers=workers,
        cache_bytes=0,
        max_files=256,
        deadline_seconds=600,
        log_level="error",
    )
    with running(settings) as url, Client(url, timeout_seconds=600) as client:
        yield url, client


def _answers(
    checkpoints: Sequence[AnyCheckpoint], together: Sequence[Sequence[int]], device: torch.device, size: Size
) -> tuple[list[Answer], float]:
    """Probability and verdict of each, and the seconds of the diagnoses; the first one, a warm-up, apart."""
    meta = load_meta_classifier(Settings().model, device)
    options = Options(formulas_per_length=size.formulas)
    diagnose([checkpoints[number] for number in together[0]], meta, device, options)
    began = time.monotonic()
    found: dict[int, Answer] = {}
    for numbers in together:
        answers = diagnose([checkpoints[number] for number in numbers], meta, device, options)
        found |= dict(zip(numbers, map(_of, answers), strict=True))
    return [found[number] for number in range(len(checkpoints))], time.monotonic() - began


def _of(answer: Diagnosis) -> Answer:
    test = answer.direct_test
    accuracies = [] if test is None else [bucket.accuracy or 0.0 for bucket in test.buckets]
    return Answer(answer.generalizer_probability, answer.verdict.value, tuple(accuracies))


def _same(name: str, reference: Sequence[Answer], found: Sequence[Answer], ratio: float) -> Proof:
    pairs = list(zip(reference, found, strict=True))
    apart = max((abs((a.probability or 0) - (b.probability or 0)) for a, b in pairs), default=0.0)
    silent = all((a.probability is None) == (b.probability is None) for a, b in pairs)
    verdicts = sum(a.verdict == b.verdict for a, b in pairs)
    tests = max((abs(x - y) for a, b in pairs for x, y in zip(a.accuracies, b.accuracies, strict=True)), default=0.0)
    figures = (
        f"{verdicts} of {len(pairs)} verdicts equal; P apart by at most {apart:.1e}, accuracies by {tests:.1e}; "
        f"ratio {ratio:.2f}"
    )
    return Proof(name, silent and verdicts == len(pairs) and apart <= CLOSE, figures)


def _write_checkpoints(folder: Path, count: int) -> list[Path]:
    """Converged subjects of the shipped zoo, every position scheme among them, as files."""
    rows = [row for row in read_index(ZOO) if row.converged]
    rows = rows[:: max(1, len(rows) // count)][:count]
    paths = []
    for number, (row, weights) in enumerate(zip(rows, read_weights(ZOO, rows), strict=True)):
        paths.append(folder / f"{number:03d}.safetensors")
        save_checkpoint(paths[-1], row.config, weights)
    return paths


def _seconds(work: Callable[[], object], device: torch.device) -> float:
    began = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - began


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Prove every path that a device takes.")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--small", action="store_true", help="as the test suite runs it")
    chosen = parser.parse_args()
    device = torch_device(chosen.device)
    name = torch.cuda.get_device_name() if device.type == "cuda" else "CPU"
    began = time.monotonic()
    print(f"{name}, PyTorch {torch.__version__}\n\n| what | holds | figures |\n| --- | --- | --- |", flush=True)
    failed = 0
    for proof in proofs(device, SMALL if chosen.small else FULL):
        print(proof.line, flush=True)
        failed += not proof.holds
    print(f"\n{time.monotonic() - began:.0f} s in all")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
