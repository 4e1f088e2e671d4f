"""The report of a meta-classifier: tables in markdown, with plots."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from probe_sandwich.evidence import plots
from probe_sandwich.evidence.arms import PARTS_OF_THE_ZOO, SANDWICH
from probe_sandwich.evidence.asking import Asking
from probe_sandwich.evidence.metrics import short
from probe_sandwich.evidence.predictions import Predictions
from probe_sandwich.evidence.price import LONG_FORMULAS, Price, overtaken_at, sandwich_tokens
from probe_sandwich.evidence.tables import (
    Lines,
    figures_table,
    headline_table,
    markdown,
    never_seen,
    schemes_table,
    slices_table,
    spaced,
    turning_table,
    what_holds_elsewhere,
    what_leads_show,
    what_places_tell,
)
from probe_sandwich.evidence.zoo import Zoo
from probe_sandwich.length_test import bucket_formulas
from probe_sandwich.options import DRAWS
from probe_sandwich.sandwich.card import Card
from probe_sandwich.sandwich.meta_classifier import LEVEL
from probe_sandwich.zoo.shards import write_atomically

TRAIL = "trail.md"
_SHOWN_PROBES = 12


def write_report(folder: Path, card: Card, zoo: Zoo, predictions: Predictions, asking: Asking) -> None:
    """Write `report.md` and its plots. What was tried by hand stands in `trail.md`, and is put at the end."""
    judged = zoo.judged(card.zoo["one_sided_schemes"])
    plots.roc(folder / "roc.png", zoo, predictions, judged)
    plots.long_accuracy(folder / "long_accuracy.png", zoo, predictions[SANDWICH])
    plots.price(folder / "price.png", card)
    plots.reliability(folder / "reliability.png", predictions[SANDWICH][judged], zoo.labels[judged])
    plots.learning_curve(folder / "learning_curve.png", card)
    plots.risk_coverage(folder / "risk_coverage.png", card)
    plots.probe_heat_map(folder / "probes.png", asking)
    plots.used(folder / "used.png", asking)
    sections = [
        _head(card),
        _unseen_text(card),
        _slices_text(card),
        _schemes_text(card),
        _price_text(card),
        _controls_text(card),
        _trust_text(card),
        _asking_text(asking),
        _costs_text(card),
    ]
    text = "\n".join(line for section in sections for line in [*section, ""])
    trail = folder / TRAIL
    if trail.exists():
        text += trail.read_text()
    write_atomically(folder / "report.md", text.encode())


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.0%}".replace("%", " %")


def _head(card: Card) -> Lines:
    sandwich = card.metrics[SANDWICH]
    left_out = ", ".join(card.zoo["one_sided_schemes"]) or "none"
    longest, definition = card.train_max_length, card.definition
    shortest = bucket_formulas(card.task, 1, longest, definition.formulas_per_bucket, definition.seed).lengths.min()
    return [
        f"# Meta-classifier `{card.name}`",
        "",
        f"Task `{card.task.name}`, T = {longest}. A generalizer has accuracy at least "
        f"{definition.convergence_cut:.2f} on (0, T] and at least {definition.generalizer_cut:.2f} on (T, 2T]. The "
        f"shortest fresh minimal pairs have {shortest} symbols, so (0, T] is {shortest} to {longest} symbols.",
        "",
        f"Zoo: {card.zoo['subjects']} subjects, {card.zoo['converged']} converged, {card.zoo['generalizers']} of them "
        f"generalizers; {card.zoo['reserve']} subjects are a reserve that no fold saw.",
        "",
        f"Out-of-fold figures of {card.training.folds}-fold cross-validation grouped by configuration, over the "
        f"{sandwich['subjects']} converged subjects outside the reserve ({sandwich['positives']} generalizers). Each "
        "subject is judged by one sandwich that saw none of its configuration; stopping and calibration stay within "
        f"the training folds. Left out as one-sided, with under 15 % of a label: {left_out}. Every method uses the "
        "same folds. Intervals are 95 % bootstraps over configurations. `Sandwich's lead`: its AUC less that of the "
        "method, both judged on the same drawn configurations. Tokens: what one answer runs through the subject. `self "
        "agreement` is nothing trained, and no probability: how far answers to unlabelled formulas of T symbols stay "
        "the same wherever those stand; `self agreement trees` read the same answers.",
        "",
        *figures_table(card.metrics),
        "",
        what_leads_show(card.metrics),
        "",
        f"Within-configuration AUC counts {sandwich['within_configuration_pairs']} pairs of subjects of one "
        "configuration with different labels; knowing the configuration alone scores 0.5 there by construction.",
        "",
        "![ROC curves](roc.png)",
        "",
        "![Probability against long accuracy](long_accuracy.png)",
    ]


def _unseen_text(card: Card) -> Lines:
    titles = {
        "Configurations that nothing was chosen on: reserve and later, pooled": card.unseen,
        "Configurations kept in reserve": card.reserve,
        "Configurations that joined the zoo after the training": card.later,
    }
    lines: Lines = ["## In short", "", *headline_table(card), "", what_holds_elsewhere(card), ""] if card.unseen else []
    for title, figures in titles.items():
        if figures:
            sandwich = figures[SANDWICH]
            lines += [
                f"## {title}",
                "",
                f"The whole ensemble on {sandwich['subjects']} converged subjects ({sandwich['positives']} "
                f"generalizers, {sandwich['within_configuration_pairs']} pairs within a configuration), beside "
                "baselines fitted on all subjects that it was made from.",
                "",
                *figures_table(figures),
                "",
                what_leads_show(figures),
                "",
            ]
    return lines


def _slices_text(card: Card) -> Lines:
    return [
        "## Slices",
        "",
        "`never seen`: judged by a sandwich (its generator not trained through subjects) trained on the other schemes "
        f"alone; mean AUC {never_seen(card):.3f} over schemes with both labels.",
        "",
        *slices_table(card),
    ]


def _schemes_text(card: Card) -> Lines:
    return [
        "## What carries the answer, by position scheme",
        "",
        what_places_tell(card),
        "",
        "AUC / within-configuration AUC, out of fold:",
        "",
        *schemes_table(card),
        "",
        "Share of the answers to unlabelled formulas of T symbols that a placement turns. Without positions none can; "
        "relative positions (rotary, ALiBi) are the same wherever a whole formula is shifted to.",
        "",
        *turning_table(card),
    ]


def _price_text(card: Card) -> Lines:
    prices = [Price.model_validate(price) for price in card.prices[LONG_FORMULAS]]
    area = card.metrics[SANDWICH]["auc"]
    at = overtaken_at(prices, area)
    overtaken = f"with {at} labelled long formulas" if at else f"with more than {prices[-1].formulas} long formulas"
    return [
        "## The price of an answer",
        "",
        f"The ensemble runs {sandwich_tokens(card.sandwich, card.training.folds, DRAWS):,} tokens through a subject, "
        f"one member with {DRAWS} draws of noise (as in the first table) {card.costs['tokens'][SANDWICH]:,}. The "
        f"direct test reaches the sandwich's AUC of {area:.3f} {overtaken}: where longer formulas with exact labels "
        "can be had, they are the cheaper and the better answer.",
        "",
        *markdown(
            ("labelled formulas", *card.prices),
            [
                (str(count), *(_told_by(price) for price in by_kind))
                for count, by_kind in _by_count(card.prices).items()
            ],
        ),
        "",
        "Each cell: AUC, and tokens. `long formulas`: the direct test on (T, 2T]. `short formulas`: accuracy and "
        "margins on formulas of T symbols, which the sandwich gets no labels of, read by a forest.",
        "",
        "![Price of an answer](price.png)",
    ]


def _by_count(prices: Mapping[str, Any]) -> dict[int, list[Price | None]]:
    """Prices by number of formulas, one for each kind, None where a kind has no such number."""
    found = {kind: {one["formulas"]: Price.model_validate(one) for one in many} for kind, many in prices.items()}
    counts = sorted({count for by_count in found.values() for count in by_count})
    return {count: [by_count.get(count) for by_count in found.values()] for count in counts}


def _told_by(price: Price | None) -> str:
    return "-" if price is None else f"{price.auc:.3f}, {price.tokens:,.0f}"


def _controls_text(card: Card) -> Lines:
    shares = ", ".join(spaced(name) for name in PARTS_OF_THE_ZOO)
    return [
        "## Controls",
        "",
        "Sandwiches, their generators not trained through subjects, from which something is withheld. `shuffled "
        "labels` is trained and judged on labels exchanged between subjects, `severed responses` sees the average "
        "responses of all subjects instead of a subject's own: both must be at chance (severed, a fold has one "
        "answer for all of its subjects: within it exactly 0.5, and less when folds are pooled, as those with more "
        "generalizers in training have fewer to judge). `noise hidden`: the readout does not see z. `longer "
        "probes`, `longer real formulas`: 2T symbols at their usual places, which comes close to running the length "
        f"test. {shares}: so much of the training configurations.",
        "",
        *figures_table(card.controls),
        "",
        "![Learning curve](learning_curve.png)",
    ]


def _trust_text(card: Card) -> Lines:
    trust = card.trust
    lines = [
        "## Can a probability be trusted?",
        "",
        "![Reliability](reliability.png)",
        "",
        "![Accuracy of the surest verdicts](risk_coverage.png)",
        "",
    ]
    if "noise" in trust:
        noise, abstaining = trust["noise"], trust["abstaining"]
        lines += [
            f"On {trust['interval_subjects']} converged subjects that no member has seen (reserve and later), the "
            f"interval from four members holds what the fifth says for {_percent(trust['interval_coverage'])}; it is "
            f"made to hold {_percent(LEVEL)}. Noise drawn anew ({noise['seeds']} seeds, reserve) moves a probability "
            f"by a standard deviation of {noise['standard_deviation']:.3f}, by {noise['largest_range']:.2f} at most, "
            f"and turns {_percent(noise['verdicts_that_turn'])} of the verdicts.",
            "",
            f"Of those subjects the sandwich withholds a verdict for {_percent(abstaining['withheld'])}, as the "
            "responses are unlike the zoo's or the members of two minds. Verdicts are right for "
            f"{_percent(abstaining['accuracy_where_told'])} where they are told, {_percent(abstaining['accuracy'])} "
            f"if all were, and would have been for {_percent(abstaining['accuracy_where_withheld'])} of the withheld.",
            "",
        ]
    by_scheme = ", ".join(f"{scheme} {_percent(share)}" for scheme, share in trust["unlike_the_other_schemes"].items())
    return [
        *lines,
        "What strangers are told by the sandwich alone (a service also refuses other tasks, other T, and what the "
        "direct test finds not converged):",
        "",
        *markdown(
            ("subjects", "number", "unlike the zoo", "members of two minds", "abstains"),
            [
                (kind, str(told["subjects"]), *(_percent(told[name]) for name in ("unlike", "split", "abstain")))
                for kind, told in trust["strangers"].items()
            ],
        ),
        "",
        f"Share of a scheme's subjects that lie outside a support fitted on the other schemes alone: {by_scheme}.",
    ]


def _asking_text(asking: Asking) -> Lines:
    told = sorted(asking.probes, key=lambda probe: probe.most, reverse=True)
    well_formed = sum(probe.satisfiable is not None for probe in asking.probes)
    unsatisfiable = sum(probe.satisfiable is False for probe in asking.probes)
    far = asking.far_contradictions
    return [
        "## What the probes ask",
        "",
        f"The first member's first {len(asking.probes)} probes: {well_formed} are formulas, {unsatisfiable} of them "
        "unsatisfiable. AUC: how well one probe alone tells generalizers, by how far a subject agrees at the "
        "placement with its own answer at the usual places. `apart`: symbols between the two literals of the nearest "
        "contradiction. Over the unsatisfiable probes, that distance and the AUC have a rank correlation of "
        f"{short(far)}.",
        "",
        *markdown(
            ("probe", "satisfiable", "apart", "tells most when", "AUC"),
            [
                (
                    f"`{probe.text}`",
                    {True: "yes", False: "no", None: "no formula"}[probe.satisfiable],
                    str(probe.clash_distance or "-"),
                    probe.most[1],
                    f"{probe.most[0]:.3f}",
                )
                for probe in told[:_SHOWN_PROBES]
            ],
        ),
        "",
        "![The most decisive probes: probability of each symbol at each position](probes.png)",
        "",
        "What the readouts go by, on subjects that they have not seen: how much AUC is lost when subjects exchange "
        "their responses at one placement, or of one kind, and where in a probe a changed symbol changes the score "
        "most.",
        "",
        "![What the readout uses](used.png)",
    ]


def _costs_text(card: Card) -> Lines:
    seconds = card.costs["training_seconds"]
    return [
        "## Costs",
        "",
        "Seconds that all folds took to train, one process for each fold, two at a time on two cores; responses that "
        "several methods share are kept once and not counted.",
        "",
        *markdown(("method", "seconds of training"), [(spaced(name), f"{one:.0f}") for name, one in seconds.items()]),
    ]
