"""The report of a meta-classifier: tables in markdown, and two plots."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_curve

from app.evidence.experiment import SANDWICH, Zoo
from app.evidence.metrics import auc
from app.sandwich.card import Card
from app.zoo.shards import write_atomically

mpl.use("Agg")

import matplotlib.pyplot as plt

Predictions = Mapping[str, NDArray[np.float64]]


def write_report(folder: Path, card: Card, zoo: Zoo, predictions: Predictions) -> None:
    """Write `report.md`, `roc.png` and `long_accuracy.png`."""
    _plot_roc(folder / "roc.png", zoo, predictions, card.zoo["one_sided_schemes"])
    _plot_long_accuracy(folder / "long_accuracy.png", zoo, predictions[SANDWICH])
    write_atomically(folder / "report.md", _text(card, zoo, predictions).encode())


def figures_table(card: Card) -> list[str]:
    """The card's figures as lines of a markdown table; README and report show the same."""
    lines = [
        "| method | AUC (95 % interval) | within-configuration AUC | Spearman | Brier | calibration error |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for method, figures in card.metrics.items():
        area = f"{_short(figures['auc'])} ({_short(figures['auc_low'])} to {_short(figures['auc_high'])})"
        names = ("within_configuration_auc", "spearman", "brier", "expected_calibration_error")
        others = " | ".join(_short(figures[name]) for name in names)
        lines.append(f"| {method.replace('_', ' ')} | {area} | {others} |")
    return lines


def _short(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _text(card: Card, zoo: Zoo, predictions: Predictions) -> str:
    cut = card.definition.generalizer_cut
    sandwich = card.metrics[SANDWICH]
    left_out = ", ".join(card.zoo["one_sided_schemes"]) or "none"
    lines = [
        f"# Meta-classifier `{card.name}`",
        "",
        f"Task `{card.task.name}`, T = {card.train_max_length}. A generalizer has accuracy at least "
        f"{card.definition.convergence_cut:.2f} on (0, T] and at least {cut:.2f} on (T, 2T].",
        "",
        f"Zoo: {card.zoo['subjects']} subjects, {card.zoo['converged']} converged, {card.zoo['generalizers']} of them "
        f"generalizers; {card.zoo['reserve']} subjects are a reserve that no fold saw.",
        "",
        f"Out-of-fold figures of {card.training.folds}-fold cross-validation grouped by configuration, over the "
        f"{sandwich['subjects']} converged subjects outside the reserve ({sandwich['positives']} generalizers). "
        f"Left out as one-sided, with under 15 % of a label: {left_out}. Every "
        "method uses the same folds. The interval of the AUC is a 95 % bootstrap over configurations.",
        "",
        *figures_table(card),
    ]
    lines += [
        "",
        f"Within-configuration AUC counts {sandwich['within_configuration_pairs']} pairs of subjects of one "
        "configuration with different labels; knowing the configuration alone scores 0.5 there by construction. "
        "`sandwich on reserve` is the whole ensemble on the converged subjects of the reserve.",
        "",
        "![ROC curves](roc.png)",
        "",
        "![Probability against long accuracy](long_accuracy.png)",
        "",
        "## By position scheme",
        "",
        "| scheme | converged | generalizers | AUC of the sandwich |",
        "| --- | --- | --- | --- |",
    ]
    for scheme in np.unique(zoo.schemes):
        rows = (zoo.schemes == scheme) & zoo.converged
        value = auc(predictions[SANDWICH][rows], zoo.labels[rows])
        figure = "-" if value is None else f"{value:.3f}"
        lines.append(f"| {scheme} | {rows.sum()} | {zoo.labels[rows].sum()} | {figure} |")
    return "\n".join([*lines, ""])


def _plot_roc(path: Path, zoo: Zoo, predictions: Predictions, left_out: Sequence[str]) -> None:
    figure, axes = plt.subplots(figsize=(5, 5), layout="constrained")
    judged = zoo.judged(left_out)
    labels = zoo.labels[judged]
    for method, probability in predictions.items():
        false_share, true_share, _ = roc_curve(labels, probability[judged])
        area = auc(probability[judged], labels)
        width = 2.5 if method == SANDWICH else 1.2
        axes.plot(false_share, true_share, label=f"{method.replace('_', ' ')} ({area:.2f})", linewidth=width)
    axes.plot([0, 1], [0, 1], color="0.7", linestyle=":")
    axes.set(xlabel="false positive rate", ylabel="true positive rate", title="Out of fold, converged subjects (AUC)")
    axes.legend(loc="lower right", fontsize=8)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _plot_long_accuracy(path: Path, zoo: Zoo, probability: NDArray[np.float64]) -> None:
    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    for scheme in np.unique(zoo.schemes):
        rows = (zoo.schemes == scheme) & zoo.converged
        axes.scatter(zoo.long_accuracy[rows], probability[rows], s=14, label=scheme, alpha=0.8)
    cut = zoo.rows[0].definition.generalizer_cut
    axes.axvline(cut, color="0.5", linestyle="--", linewidth=1, label=f"cut {cut:.2f}")
    axes.set(xlabel="accuracy on (T, 2T], direct test", ylabel="P(generalizer), out of fold", ylim=(-0.02, 1.02))
    axes.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    figure.savefig(path, dpi=110)
    plt.close(figure)
