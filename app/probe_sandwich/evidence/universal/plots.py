"""The pictures of the universal report."""

from collections.abc import Callable
from pathlib import Path
from textwrap import fill

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes

from probe_sandwich.evidence.universal.confidence import WANTED, confidence, of_both_labels, right_by_task
from probe_sandwich.evidence.universal.evaluation import TASK, UNSEEN, Evaluation, facts_of
from probe_sandwich.evidence.universal.figures import UniversalEvidence
from probe_sandwich.evidence.universal.methods import (
    AGREEMENT,
    BOTH,
    IN_DISTRIBUTION,
    MAJORITY,
    SANDWICH,
    TREES,
    direct_test,
)
from probe_sandwich.evidence.universal.settings import THRESHOLD
from probe_sandwich.evidence.universal.table import Table

mpl.use("Agg")

import matplotlib.pyplot as plt

AREAS, LONG_ACCURACY, CONFIDENCE = "areas.png", "long_accuracy.png", "confidence.png"
_DRAWN = (SANDWICH, TREES, AGREEMENT, MAJORITY, BOTH, IN_DISTRIBUTION, direct_test(64))
_DPI = 110


def draw_all(folder: Path, table: Table, evaluation: Evaluation) -> None:
    """Draw every picture whose kinds were judged."""
    areas(folder / AREAS, evaluation.evidence)
    if TASK in evaluation.judged:
        long_accuracy(folder / LONG_ACCURACY, table, evaluation)
        sure_verdicts(folder / CONFIDENCE, table, evaluation)


def areas(path: Path, evidence: UniversalEvidence) -> None:
    """Pooled AUC of the chief methods, by kind."""

    def draw(axes: Axes) -> None:
        kinds = list(evidence.kinds)
        for offset, name in enumerate(_DRAWN):
            for place, kind in enumerate(kinds):
                figures = evidence.kinds[kind].methods.get(name)
                if figures is None or figures.auc is None or figures.auc_low is None or figures.auc_high is None:
                    continue
                where = place + (offset - len(_DRAWN) / 2 + 0.5) / (len(_DRAWN) + 2)
                error = [[figures.auc - figures.auc_low], [figures.auc_high - figures.auc]]
                mark = "s" if name == SANDWICH else "o"
                axes.errorbar(
                    where, figures.auc, error, fmt=mark, color=f"C{offset}", label=name if place == 0 else None
                )
        axes.set_xticks(range(len(kinds)), [fill(kind, 18) for kind in kinds], fontsize=8)
        axes.axhline(0.5, color="0.7", linestyle=":")
        axes.set(ylabel="AUC, pooled (95 %)", ylim=(0.2, 1.02))
        axes.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))

    _save(path, draw, (10, 4))


def long_accuracy(path: Path, table: Table, evaluation: Evaluation) -> None:
    """P against what it is meant to tell, by task, each task left out of the training."""
    judged = evaluation.judged[TASK]
    facts = facts_of(table, judged.test)
    tasks = np.unique(facts.tasks)

    def draw(axes: Axes) -> None:
        for number, task in enumerate(tasks):
            rows = facts.tasks == task
            mark = "os^vDPX"[number // 10]
            size = 6 if rows.sum() > len(rows) / 3 else 16
            probability = judged.scores[SANDWICH][rows]
            axes.scatter(facts.long_accuracy[rows], probability, s=size, marker=mark, label=task, alpha=0.6)
        axes.axvline(table.rows[0].definition.generalizer_cut, color="0.5", linestyle="--", linewidth=1)
        axes.axhline(THRESHOLD, color="0.5", linestyle="--", linewidth=1)
        axes.set(xlabel="accuracy on (T, 2T], direct test", ylabel="P(generalizer), its task left out")
        axes.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))

    _save(path, draw, (8, 4.5))


def sure_verdicts(path: Path, table: Table, evaluation: Evaluation) -> None:
    """Share of right verdicts among those at least so sure, every task of both labels counting alike, and how many of
    all are so sure."""

    def draw(axes: Axes) -> None:
        for number, kind in enumerate((UNSEEN, TASK)):
            judged = evaluation.judged[kind]
            facts, probability = facts_of(table, judged.test), judged.scores[SANDWICH]
            right = (probability >= THRESHOLD) == facts.labels
            steps = np.linspace(0, 0.45, 19)
            telling = of_both_labels(facts.labels, facts.tasks)
            sure = [confidence(probability) >= step for step in steps]
            shares = [right_by_task(right, facts.tasks, telling & some) for some in sure]
            accuracy = [np.nan if share is None else share for share in shares]
            axes.plot(steps, accuracy, color=f"C{number}", label=f"{kind}: right")
            axes.plot(steps, [some.mean() for some in sure], color=f"C{number}", linestyle=":", label="given")
        axes.axhline(WANTED, color="0.7", linewidth=1)
        axes.set(xlabel="least distance of P from 0.5", ylabel="share", ylim=(0, 1.02))
        axes.legend(fontsize=8)

    _save(path, draw, (6, 4))


def _save(path: Path, draw: Callable[[Axes], None], size: tuple[float, float]) -> None:
    figure, axes = plt.subplots(figsize=size)
    draw(axes)
    figure.savefig(path, dpi=_DPI, bbox_inches="tight")
    plt.close(figure)
