"""The report's pictures."""

from collections.abc import Callable, Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray
from sklearn.metrics import roc_curve
from torch import Tensor

from probe_sandwich.evidence.experiment.methods import (
    CONFIGURATION,
    DRAWN,
    MNTD,
    NOT_TRAINED,
    PARTS_OF_THE_ZOO,
    PROBEGEN,
    REAL_FORMULAS_USUAL_PLACES,
    SANDWICH,
    USUAL_PLACES,
    Predictions,
    title,
)
from probe_sandwich.evidence.experiment.zoo import Zoo
from probe_sandwich.evidence.figures.auc import auc
from probe_sandwich.evidence.figures.calibration import CoveragePoint
from probe_sandwich.evidence.figures.evidence import Evidence
from probe_sandwich.evidence.figures.probes import ProbeFigures
from probe_sandwich.length_test import wilson_interval
from probe_sandwich.tasks.logic.vocabulary import FORMULA_SYMBOLS

mpl.use("Agg")

import matplotlib.pyplot as plt

_MARKS = {SANDWICH: "s", REAL_FORMULAS_USUAL_PLACES: "^", USUAL_PLACES: "v", PROBEGEN: "P", MNTD: "X"}
_BLUE, _GREY, _DPI = "#2f6f9f", "0.6", 110


def roc(path: Path, zoo: Zoo, predictions: Predictions, judged: NDArray[np.bool_]) -> None:
    """ROC curves of a few methods, over the subjects that count."""
    labels = zoo.labels[judged]

    def draw(axes: Axes) -> None:
        for method in (name for name in DRAWN if name in predictions):
            probability = predictions[method][judged]
            false_share, true_share, _ = roc_curve(labels, probability)
            label = f"{title(method)} ({auc(probability, labels):.2f})"
            axes.plot(false_share, true_share, label=label, linewidth=2.5 if method == SANDWICH else 1.2)
        axes.plot([0, 1], [0, 1], color="0.7", linestyle=":")
        axes.set(xlabel="false positive rate", ylabel="true positive rate", title="Out of fold (AUC)")
        axes.legend(loc="lower right", fontsize=8)

    _save(path, draw, (5, 5))


def long_accuracy(path: Path, zoo: Zoo, probability: NDArray[np.float64]) -> None:
    """Probability against what it is meant to tell."""

    def draw(axes: Axes) -> None:
        for scheme in np.unique(zoo.schemes):
            rows = zoo.schemes == scheme
            axes.scatter(zoo.long_accuracy[rows], probability[rows], s=10, label=scheme, alpha=0.7)
        cut = zoo.rows[0].definition.generalizer_cut
        axes.axvline(cut, color="0.5", linestyle="--", linewidth=1, label=f"cut {cut:.2f}")
        axes.set(xlabel="accuracy on (T, 2T], direct test", ylabel="P(generalizer), out of fold", ylim=(-0.02, 1.02))
        axes.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))

    _save(path, draw, (7, 4))


def price(path: Path, evidence: Evidence) -> None:
    """AUC against tokens run through the subject."""
    known = evidence.out_of_fold

    def draw(axes: Axes) -> None:
        for kind, prices in evidence.prices.by_title.items():
            points = [(one.tokens, one.auc) for one in prices]
            axes.plot(*zip(*points, strict=True), marker=".", label=f"k labelled {kind}")
            for at, one in list(zip(points, prices, strict=True))[::2]:
                axes.annotate(str(one.formulas), at, (2, -12), textcoords="offset points", fontsize=7)
        for method, mark in _MARKS.items():
            tokens = evidence.costs.tokens[method]
            axes.plot(tokens, _defined(known[method].auc), marker=mark, linestyle="", label=title(method))
        axes.axhline(_defined(known[CONFIGURATION].auc), color=_GREY, linestyle=":", label="configuration (no token)")
        axes.set(xscale="log", xlabel="tokens run through the subject", ylabel="AUC, converged subjects")
        axes.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))

    _save(path, draw, (9, 4))


def reliability(path: Path, probability: NDArray[np.float64], labels: NDArray[np.bool_]) -> None:
    """Shares of generalizers among subjects of like probability."""

    def draw(axes: Axes) -> None:
        bins = np.minimum((probability * 10).astype(int), 9)
        for one in np.unique(bins):
            inside = bins == one
            low, high = wilson_interval(int(labels[inside].sum()), int(inside.sum()))
            middle, share = probability[inside].mean(), labels[inside].mean()
            # At a share of 0 or 1 an end of the interval may lie on the wrong side by a last digit.
            reach = [[max(0.0, share - low)], [max(0.0, high - share)]]
            axes.errorbar(middle, share, reach, fmt="o", color=_BLUE, capsize=3)
            axes.annotate(f"{inside.sum()}", (middle, share), (6, -3), textcoords="offset points", fontsize=8)
        axes.plot([0, 1], [0, 1], color="0.7", linestyle=":")
        axes.set(xlabel="P(generalizer), out of fold", ylabel="share of generalizers (number, 95 % interval)")
        axes.set_aspect("equal")

    _save(path, draw, (5, 5))


def learning_curve(path: Path, evidence: Evidence) -> None:
    """AUC against the share of the training configurations."""
    areas = {share: evidence.controls[name] for name, share in PARTS_OF_THE_ZOO.items()}
    areas[1.0] = evidence.out_of_fold[NOT_TRAINED]

    def draw(axes: Axes) -> None:
        shares = sorted(areas)
        middle = [_defined(areas[share].auc) for share in shares]
        axes.plot(shares, middle, marker="o", color=_BLUE, label="AUC, 95 % interval")
        axes.fill_between(
            shares,
            [_defined(areas[share].auc_low) for share in shares],
            [_defined(areas[share].auc_high) for share in shares],
            color=_BLUE,
            alpha=0.15,
        )
        within = [_defined(areas[share].within_configuration_auc) for share in shares]
        axes.plot(shares, within, marker="s", color="#b5622b", label="within a configuration")
        axes.set_xscale("log", base=2)
        axes.set_xticks(shares, [f"1/{round(1 / share)}" if share < 1 else "all" for share in shares])
        axes.set(xlabel="training configurations", ylabel="AUC, out of fold")
        axes.legend(fontsize=8, loc="lower right")

    _save(path, draw, (5, 4))


def risk_coverage(path: Path, curve: Sequence[CoveragePoint]) -> None:
    """Accuracy of the surest verdicts."""

    def draw(axes: Axes) -> None:
        axes.plot([one.coverage for one in curve], [one.accuracy for one in curve], marker="o", color=_BLUE)
        axes.set(xlabel="share of the subjects, the surest first", ylabel="accuracy of the verdicts", xlim=(0.45, 1.02))

    _save(path, draw, (5, 3.5))


def probe_heat_map(path: Path, figures: ProbeFigures, symbols: Tensor, count: int = 6) -> None:
    """Distributions of the most decisive probes, of `symbols (probes, length, symbols)`."""
    order = sorted(range(len(figures.probes)), key=lambda n: figures.probes[n].most, reverse=True)[:count]
    figure, grid = plt.subplots(2, (len(order) + 1) // 2, figsize=(10, 5.5), layout="constrained", squeeze=False)
    for axes, number in zip(grid.flat, order, strict=False):
        probe = figures.probes[number]
        axes.imshow(symbols[number].T.numpy(), aspect="auto", cmap="Blues", vmin=0, vmax=1)
        axes.set_yticks(range(len(FORMULA_SYMBOLS)), FORMULA_SYMBOLS, fontsize=7)
        axes.set_xticks(range(len(probe.text)), probe.text, fontsize=8)
        axes.set_title(f"{probe.most[1]}: AUC {probe.most[0]:.2f}", fontsize=9)
    for axes in grid.flat[len(order) :]:
        axes.axis("off")
    figure.savefig(path, dpi=_DPI)
    plt.close(figure)


def used(path: Path, figures: ProbeFigures) -> None:
    """Which placements, kinds of response and positions the readout goes by."""
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(13, 3.6), layout="constrained")
    for axes, losses in ((left, figures.auc_lost_by_placement), (middle, figures.auc_lost_by_response)):
        axes.barh(list(losses)[::-1], list(losses.values())[::-1], color=_BLUE)
        axes.set_xlabel("AUC lost when subjects exchange these")
    positions = range(1, 1 + len(figures.sensitivity_by_position))
    right.bar(list(positions), figures.sensitivity_by_position, color=_BLUE)
    right.set(xlabel="position in the probe", ylabel="share of the score's gradient")
    figure.savefig(path, dpi=_DPI)
    plt.close(figure)


def _defined(figure: float | None) -> float:
    """NaN, which plots leave out, where a figure is not defined."""
    return float("nan") if figure is None else figure


def _save(path: Path, draw: Callable[[Axes], None], size: tuple[float, float]) -> None:
    figure, axes = plt.subplots(figsize=size, layout="constrained")
    draw(axes)
    figure.savefig(path, dpi=_DPI)
    plt.close(figure)
