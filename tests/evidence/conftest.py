"""Small worlds that the tests of evidence share."""

from collections.abc import Callable, Sequence
from pathlib import Path
from shutil import copyfile

import numpy as np
import pytest
import torch
from probe_sandwich.answer import Definition
from probe_sandwich.evidence.universal.build import train_universal
from probe_sandwich.evidence.universal.ensemble import train_ensemble
from probe_sandwich.evidence.universal.evaluation import Evaluation, evaluate_universal
from probe_sandwich.evidence.universal.figures import Facts, KindFigures, measure_kind
from probe_sandwich.evidence.universal.foreign import Foreign
from probe_sandwich.evidence.universal.labelled import BUDGETS, Labelled
from probe_sandwich.evidence.universal.methods import Recordings, Rivals
from probe_sandwich.evidence.universal.settings import UNIVERSAL
from probe_sandwich.evidence.universal.table import Table
from probe_sandwich.evidence.universal.workers import ReadingJob
from probe_sandwich.sandwich.answers import ANSWER_CHANNELS, CHANNELS
from probe_sandwich.sandwich.config import SandwichTraining
from probe_sandwich.sandwich.meta_classifier import Member
from probe_sandwich.sandwich.training.recorded import Recording
from probe_sandwich.sandwich.training.start import start_universal
from probe_sandwich.settings import SHIPPED_MODELS
from probe_sandwich.subjects.config import Activation, Norm
from probe_sandwich.tasks.logic.tasks import Task, TaskName
from probe_sandwich.zoo.foreign.build import build
from probe_sandwich.zoo.foreign.config import Family, ForeignConfig, ForeignPool, ForeignTraining, PositionSource
from probe_sandwich.zoo.foreign.recipe import Plan
from probe_sandwich.zoo.shards import INDEX, IndexRow, merge, read_index, shard_path

CPU = torch.device("cpu")
CONFIG = UNIVERSAL.model_copy(update={"probes": 8, "heads": 2, "readout_hidden": 8, "trees": 10, "leaves": 16})
TRAINING = SandwichTraining(fitting_draws=2, readout_epochs=10, epochs=0, folds=2)
GROUPS = (0, 1, 4, 5, 6, 7, 17, 20, 21)
"""Of the shipped zoo: few, of both labels, one of them in the reserve and one with ALiBi."""
SEEDS = 5


@pytest.fixture(scope="session")
def small_zoo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few configurations of the shipped zoo."""
    folder = tmp_path_factory.mktemp("experiment") / "zoo"
    for group in GROUPS:
        path = shard_path(folder, group)
        path.parent.mkdir(parents=True, exist_ok=True)
        copyfile(shard_path(SHIPPED_MODELS / "zoo-conjunction", group), path)
    merge(folder, [])
    return folder


@pytest.fixture(scope="session")
def universal(small_zoo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a universal meta-classifier, trained in seconds."""
    folder = tmp_path_factory.mktemp("models") / "universal"
    train_universal([small_zoo], folder, CPU, config=CONFIG, training=TRAINING)
    return folder


RowFactory = Callable[..., IndexRow]


@pytest.fixture(scope="session")
def row_of() -> RowFactory:
    """A converged subject's row, with whatever a test wants to be different of it or of its config."""
    like = read_index(SHIPPED_MODELS / "zoo-conjunction")[0]

    def make(number: int, group: int = 0, *, label: bool = True, reserve: bool = False, **config: object) -> IndexRow:
        facts = {
            "subject": f"{number:064x}",
            "seed": number,
            "group": group,
            "reserve": reserve,
            "label": label,
            "long_accuracy": 0.97 if label else 0.6,
            "converged": True,
            "config": like.config.model_copy(update=config),
        }
        return like.model_copy(update=facts)

    return make


def table_of(folder: Path, rows: Sequence[IndexRow]) -> Table:
    """The table of a zoo of these rows."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / INDEX).write_text("".join(f"{row.model_dump_json()}\n" for row in rows))
    return Table.of([folder])


@pytest.fixture(scope="session")
def three_tasks(tmp_path_factory: pytest.TempPathFactory, row_of: RowFactory) -> Table:
    """Three tasks of six configurations of five seeds each, one of them short and one long, one narrow and one wide;
    labels alternate within each configuration. The last configuration of each task is the reserve."""
    rows = []
    for group in range(18):
        task, kind = list(TaskName)[group // 6], group % 6
        for seed in range(SEEDS):
            config = {
                "task": Task(name=task),
                "train_max_length": 24 if kind == 1 else 12,
                "d_model": 64 if kind == 0 else 32,
                "layers": 3,
            }
            number = SEEDS * group + seed
            rows.append(row_of(number, group, label=(seed + group) % 2 == 0, reserve=kind == 5, **config))
    return table_of(tmp_path_factory.mktemp("tasks"), rows)


@pytest.fixture(scope="session")
def rivals(three_tasks: Table) -> Rivals:
    """What splits read of the three tasks, where generalizers keep most of their answers further out."""
    random = torch.Generator().manual_seed(3)
    labels = torch.from_numpy(three_tasks.labels).float()
    variants = CONFIG.variants

    def recording(keeping: float) -> Recording:
        channels = torch.randn(len(labels), 1, variants, CONFIG.probes, len(CHANNELS), generator=random) / 4
        channels[:, :, 1:, :, ANSWER_CHANNELS.index("agreement")] += keeping * labels.view(-1, 1, 1, 1)
        noise = torch.randn(1, CONFIG.probes, CONFIG.noise_dim, generator=random)
        facts = torch.from_numpy(three_tasks.long_accuracy).float(), torch.from_numpy(three_tasks.configurations)
        return Recording(channels, noise, labels, *facts, torch.arange(len(labels)))

    truth = np.tile(np.arange(max(BUDGETS)) % 2, (len(labels), 1))
    answers = np.where(three_tasks.labels[:, None], truth, 1 - truth)
    labelled = Labelled(np.where(three_tasks.labels, 0.9, 0.5), answers, truth)
    return Rivals.of(three_tasks, Recordings(recording(1.0), recording(0.0)), labelled, CONFIG)


def here(rivals: Rivals) -> Callable[[Sequence[ReadingJob]], list[object]]:
    """Jobs done one after the other."""
    return lambda jobs: [job(rivals) for job in jobs]


@pytest.fixture(scope="session")
def members(rivals: Rivals) -> list[Member]:
    """An ensemble fitted on them."""
    return train_ensemble(here(rivals), rivals.table, CONFIG, TRAINING)


@pytest.fixture(scope="session")
def foreign_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A foreign test set of one plain encoder that was hardly trained, and counts as converged."""
    config = ForeignConfig(
        family=Family.PLAIN,
        d_model=16,
        layers=2,
        heads=2,
        d_ff=16,
        table=PositionSource.LEARNED,
        causal=True,
        pool=ForeignPool.MAX,
        norm=Norm.PRE,
        activation=Activation.RELU,
        begins=True,
        ends=False,
        train_max_length=12,
        task=Task(),
    )
    training = ForeignTraining(
        steps=4,
        batch=8,
        learning_rate=1e-3,
        weight_decay=0.0,
        dropout=0.0,
        examples=100,
        short_first=False,
        stop_loss=0.0,
        max_offset=0,
    )
    folder = tmp_path_factory.mktemp("foreign")
    build(folder, [Plan(0, config, training, 0)], Definition(formulas_per_bucket=20, convergence_cut=0.0))
    return folder


@pytest.fixture(scope="session")
def foreign(foreign_folder: Path, rivals: Rivals) -> Foreign | None:
    """That set, asked what they were asked."""
    return Foreign.of(foreign_folder, start_universal(CONFIG, TRAINING).prober, rivals.recordings.drawn.noise)


@pytest.fixture(scope="session")
def evaluation(rivals: Rivals, members: list[Member], foreign: Foreign | None) -> Evaluation:
    """All kinds of splits of them, judged."""
    return evaluate_universal(here(rivals), rivals, members, foreign, CONFIG, TRAINING)


def kind_of(scores: dict[str, list[float]], labels: list[int], sandwich: str, **facts: Sequence[object]) -> KindFigures:
    """Figures of subjects with these labels, all of which get a verdict; by default each a configuration of its own, of
    one task."""
    count = len(labels)
    known = {
        "long_accuracy": [0.5 + label / 2 for label in labels],
        "configurations": range(count),
        "tasks": ["one"] * count,
    } | facts
    return measure_kind(
        {name: np.array(score, float) for name, score in scores.items()},
        np.ones(count, np.bool_),
        frozenset([sandwich]),
        sandwich,
        Facts(np.array(labels) == 1, *(np.array(list(known[name])) for name in known)),
    )
