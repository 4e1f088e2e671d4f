"""The report of a meta-classifier: tables in markdown, and two plots."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_curve

from app.evidence.experiment import SANDWICH, SCHEME_LEFT_OUT, Zoo
from app.evidence.metrics import auc
from app.evidence.price import Price, direct_test_prices, overtaken_at, sandwich_tokens
from app.length_test import wilson_interval
from app.sandwich.card import Card
from app.sandwich.meta_classifier import DRAWS
from app.zoo.shards import write_atomically

mpl.use("Agg")

import matplotlib.pyplot as plt

TRAIL = "trail.md"
Predictions = Mapping[str, NDArray[np.float64]]


def write_report(folder: Path, card: Card, zoo: Zoo, predictions: Predictions) -> None:
    """Write `report.md` and its plots. What was tried by hand stands in `trail.md`, and is put at the end."""
    _plot_roc(folder / "roc.png", zoo, predictions, card.zoo["one_sided_schemes"])
    _plot_long_accuracy(folder / "long_accuracy.png", zoo, predictions[SANDWICH])
    judged = zoo.judged(card.zoo["one_sided_schemes"])
    rows = [row for row, kept in zip(zoo.rows, judged, strict=True) if kept]
    prices = direct_test_prices(rows, zoo.labels[judged])
    _plot_price(folder / "price.png", card, prices)
    _plot_reliability(folder / "reliability.png", predictions[SANDWICH][judged], zoo.labels[judged])
    text = _text(card, zoo, predictions, prices)
    trail = folder / TRAIL
    if trail.exists():
        text += "\n" + trail.read_text()
    write_atomically(folder / "report.md", text.encode())


def figures_table(card: Card) -> list[str]:
    """The card's figures as lines of a markdown table; README and report show the same."""
    return _table(card.metrics)


def later_table(card: Card) -> list[str]:
    """The same for configurations built after the training."""
    return _table(card.later)


def _table(metrics: Mapping[str, Any]) -> list[str]:
    lines = [
        "| method | AUC (95 % interval) | within-configuration AUC | Spearman | Brier | calibration error |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for method, figures in metrics.items():
        area = f"{_short(figures['auc'])} ({_short(figures['auc_low'])} to {_short(figures['auc_high'])})"
        names = ("within_configuration_auc", "spearman", "brier", "expected_calibration_error")
        others = " | ".join(_short(figures[name]) for name in names)
        lines.append(f"| {method.replace('_', ' ')} | {area} | {others} |")
    return lines


def slices_table(card: Card) -> list[str]:
    """The sandwich's figures on slices of the zoo, as lines of a markdown table."""
    lines = [
        "| converged subjects | number | generalizers | AUC (95 % interval) | within-configuration AUC | accuracy |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, figures in card.slices.items():
        area = f"{_short(figures['auc'])} ({_short(figures['auc_low'])} to {_short(figures['auc_high'])})"
        within, accuracy = _short(figures["within_configuration_auc"]), _short(figures["accuracy"])
        lines.append(f"| {name} | {figures['subjects']} | {figures['positives']} | {area} | {within} | {accuracy} |")
    return lines


def _short(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _never_seen(card: Card) -> float:
    areas = [figures["auc"] for name, figures in card.slices.items() if name.endswith("never seen")]
    return float(np.mean([area for area in areas if area is not None]))


def _later_text(card: Card) -> list[str]:
    if not card.later:
        return []
    sandwich = card.later[SANDWICH]
    return [
        "## Configurations built after the training",
        "",
        f"The whole ensemble on {sandwich['subjects']} converged subjects ({sandwich['positives']} generalizers, "
        f"{sandwich['within_configuration_pairs']} pairs within a configuration) of configurations that did not exist "
        "when it was trained, beside baselines fitted on all subjects that it was made from.",
        "",
        *later_table(card),
        "",
    ]


def _price_text(card: Card, zoo: Zoo, prices: Sequence[Price]) -> list[str]:
    tokens = sandwich_tokens(card.sandwich, card.training.folds, DRAWS)
    area = card.metrics[SANDWICH]["auc"]
    at = overtaken_at(prices, area)
    overtaken = f"with {at} labelled long formulas" if at else f"with more than {prices[-1].formulas} long formulas"
    return [
        f"The ensemble runs {tokens:,} tokens through a subject, one member with one draw of noise "
        f"{sandwich_tokens(card.sandwich, 1, 1):,}. The direct test reaches the sandwich's AUC of {area:.3f} "
        f"{overtaken}: where longer formulas with exact labels can be had, they are the cheaper and the better answer.",
        "",
        "| long formulas | tokens | AUC of the direct test |",
        "| --- | --- | --- |",
        *(f"| {price.formulas} | {price.tokens:,.0f} | {price.auc:.3f} |" for price in prices),
    ]


def _text(card: Card, zoo: Zoo, predictions: Predictions, prices: Sequence[Price]) -> str:
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
        *_later_text(card),
        "## Slices",
        "",
        "`never seen`: judged by a sandwich (its generator not trained through subjects) trained on the other schemes "
        f"alone; mean AUC {_never_seen(card):.3f} over schemes with both labels.",
        "",
        *slices_table(card),
        "",
        "## The price of an answer",
        "",
        *_price_text(card, zoo, prices),
        "",
        "![Price of an answer](price.png)",
        "",
        "![Reliability](reliability.png)",
    ]
    return "\n".join([*lines, ""])


def _plot_price(path: Path, card: Card, prices: Sequence[Price]) -> None:
    figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    axes.plot(
        [price.tokens for price in prices], [price.auc for price in prices], marker="o", label="direct test, k formulas"
    )
    for price in prices[::2]:
        axes.annotate(f"{price.formulas}", (price.tokens, price.auc), (0, -14), textcoords="offset points", fontsize=8)
    usual = card.sandwich.model_copy(update={"placements": ()})
    for method, config in ((SANDWICH, card.sandwich), ("usual_places", usual)):
        area = card.metrics[method]["auc"]
        axes.plot(
            sandwich_tokens(config, 1, DRAWS), area, marker="s", linestyle="", label=f"{method.replace('_', ' ')}"
        )
    tokens = sandwich_tokens(card.sandwich, 1, 1)
    axes.plot(tokens, card.metrics["placed_formulas"]["auc"], marker="^", linestyle="", label="placed formulas")
    axes.set(xscale="log", xlabel="tokens run through the subject", ylabel="AUC, converged subjects")
    axes.legend(fontsize=8, loc="lower right")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _plot_reliability(path: Path, probability: NDArray[np.float64], labels: NDArray[np.bool_]) -> None:
    figure, axes = plt.subplots(figsize=(5, 5), layout="constrained")
    bins = np.minimum((probability * 10).astype(int), 9)
    for one in np.unique(bins):
        inside = bins == one
        low, high = wilson_interval(int(labels[inside].sum()), int(inside.sum()))
        middle, share = probability[inside].mean(), labels[inside].mean()
        axes.errorbar(middle, share, [[share - low], [high - share]], fmt="o", color="#2f6f9f", capsize=3)
        axes.annotate(f"{inside.sum()}", (middle, share), (6, -3), textcoords="offset points", fontsize=8)
    axes.plot([0, 1], [0, 1], color="0.7", linestyle=":")
    axes.set(
        xlabel="P(generalizer), out of fold", ylabel="share of generalizers (number, 95 % interval)", aspect="equal"
    )
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _plot_roc(path: Path, zoo: Zoo, predictions: Predictions, left_out: Sequence[str]) -> None:
    figure, axes = plt.subplots(figsize=(5, 5), layout="constrained")
    judged = zoo.judged(left_out)
    labels = zoo.labels[judged]
    for method, probability in predictions.items():
        if method == SCHEME_LEFT_OUT:
            continue
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
        rows = zoo.schemes == scheme
        axes.scatter(zoo.long_accuracy[rows], probability[rows], s=14, label=scheme, alpha=0.8)
    cut = zoo.rows[0].definition.generalizer_cut
    axes.axvline(cut, color="0.5", linestyle="--", linewidth=1, label=f"cut {cut:.2f}")
    axes.set(xlabel="accuracy on (T, 2T], direct test", ylabel="P(generalizer), out of fold", ylim=(-0.02, 1.02))
    axes.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    figure.savefig(path, dpi=110)
    plt.close(figure)
