"""The report of a meta-classifier: tables in markdown, with plots."""

from pathlib import Path

from torch import Tensor

from probe_sandwich.evidence.experiment.methods import PARTS_OF_THE_ZOO, SANDWICH, Predictions, title
from probe_sandwich.evidence.experiment.zoo import Zoo
from probe_sandwich.evidence.figures.evidence import Evidence
from probe_sandwich.evidence.figures.price import overtaken_at
from probe_sandwich.evidence.figures.probes import ProbeFigures
from probe_sandwich.evidence.figures.schemes import SchemeFigures
from probe_sandwich.evidence.figures.tokens import sandwich_tokens
from probe_sandwich.evidence.figures.trust import Trust, UnseenTrust
from probe_sandwich.evidence.report import plots
from probe_sandwich.evidence.report.sentences import what_holds_elsewhere, what_leads_show, what_places_tell
from probe_sandwich.evidence.report.tables import (
    Lines,
    figures_table,
    headline_table,
    markdown,
    never_seen,
    percent,
    prices_table,
    schemes_table,
    short,
    slices_table,
    turning_table,
)
from probe_sandwich.files import write_atomically
from probe_sandwich.length_test import bucket_formulas
from probe_sandwich.options import DRAWS
from probe_sandwich.sandwich.card import Card
from probe_sandwich.sandwich.prediction import LEVEL

TRAIL = "trail.md"
_SHOWN_PROBES = 12


def write_report(
    folder: Path, card: Card, evidence: Evidence, zoo: Zoo, predictions: Predictions, symbols: Tensor
) -> None:
    """Write `report.md` and its plots; `symbols (probes, length, symbols)` are the distributions of the probes. What
    was tried by hand stands in `trail.md`, and is added at the end."""
    assert evidence.trust is not None
    assert evidence.probes is not None
    judged = zoo.judged(card.zoo.one_sided_schemes)
    plots.roc(folder / "roc.png", zoo, predictions, judged)
    plots.long_accuracy(folder / "long_accuracy.png", zoo, predictions[SANDWICH])
    plots.price(folder / "price.png", evidence)
    plots.reliability(folder / "reliability.png", predictions[SANDWICH][judged], zoo.labels[judged])
    plots.learning_curve(folder / "learning_curve.png", evidence)
    plots.risk_coverage(folder / "risk_coverage.png", evidence.trust.risk_coverage)
    plots.probe_heat_map(folder / "probes.png", evidence.probes, symbols)
    plots.used(folder / "used.png", evidence.probes)
    sections = [
        _head(card, evidence),
        _unseen_text(evidence),
        _slices_text(evidence),
        _schemes_text(evidence.schemes),
        _price_text(card, evidence),
        _controls_text(evidence),
        _trust_text(evidence.trust),
        _probes_text(evidence.probes),
        _costs_text(evidence),
    ]
    text = "\n".join(line for section in sections for line in [*section, ""])
    trail = folder / TRAIL
    if trail.exists():
        text += trail.read_text()
    write_atomically(folder / "report.md", text.encode())


def _head(card: Card, evidence: Evidence) -> Lines:
    sandwich = evidence.out_of_fold[SANDWICH]
    left_out = ", ".join(card.zoo.one_sided_schemes) or "none"
    (task, longest), definition = card.one_task, card.definition
    shortest = bucket_formulas(task, 1, longest, definition.formulas_per_bucket, definition.seed).lengths.min()
    return [
        f"# Meta-classifier `{card.name}`",
        "",
        f"Task `{task.name}`, T = {longest}. A generalizer has accuracy at least "
        f"{definition.convergence_cut:.2f} on (0, T] and at least {definition.generalizer_cut:.2f} on (T, 2T]. The "
        f"shortest fresh minimal pairs have {shortest} symbols, so (0, T] is {shortest} to {longest} symbols.",
        "",
        f"Zoo: {card.zoo.subjects} subjects, {card.zoo.converged} converged, {card.zoo.generalizers} of them "
        f"generalizers; {card.zoo.reserve} subjects are a reserve that no fold saw.",
        "",
        f"Out-of-fold figures of {card.training.folds}-fold cross-validation grouped by configuration, over the "
        f"{sandwich.subjects} converged subjects outside the reserve ({sandwich.positives} generalizers). Each "
        "subject is judged by one sandwich that saw none of its configuration; stopping and calibration stay within "
        f"the training folds. Left out as one-sided, with under 15 % of a label: {left_out}. Every method uses the "
        "same folds. Intervals are 95 % bootstraps over configurations. `Sandwich's lead`: its AUC less that of the "
        "method, both judged on the same drawn configurations. Tokens: what one answer runs through the subject. `self "
        "agreement` is nothing trained, and no probability: how far answers to unlabelled formulas of T symbols stay "
        "the same wherever those stand; `self agreement trees` read the same answers.",
        "",
        *figures_table(evidence.out_of_fold),
        "",
        what_leads_show(evidence.out_of_fold),
        "",
        f"Within-configuration AUC counts {sandwich.within_configuration_pairs} pairs of subjects of one "
        "configuration with different labels; knowing the configuration alone scores 0.5 there by construction.",
        "",
        "![ROC curves](roc.png)",
        "",
        "![Probability against long accuracy](long_accuracy.png)",
    ]


def _unseen_text(evidence: Evidence) -> Lines:
    headings = {
        "Configurations that nothing was chosen on: reserve and later, pooled": evidence.unseen,
        "Configurations kept in reserve": evidence.reserve,
        "Configurations that joined the zoo after the training": evidence.later,
    }
    lines: Lines = []
    if evidence.unseen:
        lines += ["## In short", "", *headline_table(evidence), "", what_holds_elsewhere(evidence), ""]
    for heading, figures in headings.items():
        if figures:
            sandwich = figures[SANDWICH]
            lines += [
                f"## {heading}",
                "",
                f"The whole ensemble on {sandwich.subjects} converged subjects ({sandwich.positives} "
                f"generalizers, {sandwich.within_configuration_pairs} pairs within a configuration), beside "
                "baselines fitted on all subjects that it was made from.",
                "",
                *figures_table(figures),
                "",
                what_leads_show(figures),
                "",
            ]
    return lines


def _slices_text(evidence: Evidence) -> Lines:
    return [
        "## Slices",
        "",
        "`never seen`: judged by a sandwich (its generator not trained through subjects) trained on the other schemes "
        f"alone; mean AUC {never_seen(evidence.slices):.3f} over schemes with both labels.",
        "",
        *slices_table(evidence.slices),
    ]


def _schemes_text(schemes: dict[str, SchemeFigures]) -> Lines:
    return [
        "## What carries the answer, by position scheme",
        "",
        what_places_tell(schemes),
        "",
        "AUC / within-configuration AUC, out of fold:",
        "",
        *schemes_table(schemes),
        "",
        "Share of the answers to unlabelled formulas of T symbols that a placement turns. Without positions none can; "
        "relative positions (rotary, ALiBi) are the same wherever a whole formula is shifted to.",
        "",
        *turning_table(schemes),
    ]


def _price_text(card: Card, evidence: Evidence) -> Lines:
    prices = evidence.prices.long_formulas
    sandwich = evidence.out_of_fold[SANDWICH].auc
    at = None if sandwich is None else overtaken_at(prices, sandwich)
    overtaken = f"with {at} labelled long formulas" if at else f"with more than {prices[-1].formulas} long formulas"
    return [
        "## The price of an answer",
        "",
        f"The ensemble runs {sandwich_tokens(card.sandwich, card.training.folds, DRAWS):,} tokens through a subject, "
        f"one member with {DRAWS} draws of noise (as in the first table) {evidence.costs.tokens[SANDWICH]:,}. The "
        f"direct test reaches the sandwich's AUC of {short(sandwich)} {overtaken}: where longer formulas with exact "
        "labels can be had, they answer as well for fewer tokens.",
        "",
        *prices_table(evidence.prices),
        "",
        "Each cell: AUC, and tokens. `long formulas`: the direct test on (T, 2T]. `short formulas`: accuracy and "
        "margins on formulas of T symbols, which the sandwich gets no labels of, read by a forest.",
        "",
        "![Price of an answer](price.png)",
    ]


def _controls_text(evidence: Evidence) -> Lines:
    shares = ", ".join(title(name) for name in PARTS_OF_THE_ZOO)
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
        *figures_table(evidence.controls),
        "",
        "![Learning curve](learning_curve.png)",
    ]


def _trust_text(trust: Trust) -> Lines:
    by_scheme = ", ".join(f"{scheme} {percent(share)}" for scheme, share in trust.unlike_the_other_schemes.items())
    rows = [
        (kind, str(one.subjects), percent(one.unlike), percent(one.split), percent(one.abstain))
        for kind, one in trust.strangers.items()
    ]
    return [
        "## Can a probability be trusted?",
        "",
        "![Reliability](reliability.png)",
        "",
        "![Accuracy of the surest verdicts](risk_coverage.png)",
        "",
        *(_unseen_trust_text(trust.unseen) if trust.unseen else ()),
        "What strangers are told by the sandwich alone (a service also refuses other tasks, other T, and what the "
        "direct test finds not converged):",
        "",
        *markdown(("subjects", "number", "unlike the zoo", "members of two minds", "abstains"), rows),
        "",
        f"Share of a scheme's subjects that lie outside a support fitted on the other schemes alone: {by_scheme}.",
    ]


def _unseen_trust_text(unseen: UnseenTrust) -> Lines:
    noise, abstaining = unseen.noise, unseen.abstaining
    return [
        f"On {unseen.interval_subjects} converged subjects that no member has seen (reserve and later), the "
        f"interval from four members holds what the fifth says for {percent(unseen.interval_coverage)}; it is "
        f"made to hold {percent(LEVEL)}. Noise drawn anew ({noise.seeds} seeds, reserve) moves a probability "
        f"by a standard deviation of {noise.standard_deviation:.3f}, by {noise.largest_range:.2f} at most, "
        f"and turns {percent(noise.verdicts_that_turn)} of the verdicts.",
        "",
        f"Of those subjects the sandwich withholds a verdict for {percent(abstaining.withheld)}, as the "
        "responses are unlike the zoo's or the members of two minds. Verdicts are right for "
        f"{percent(abstaining.accuracy_where_given)} where they are told, {percent(abstaining.accuracy)} "
        f"if all were, and would have been for {percent(abstaining.accuracy_where_withheld)} of the withheld.",
        "",
    ]


def _probes_text(figures: ProbeFigures) -> Lines:
    by_merit = sorted(figures.probes, key=lambda probe: probe.most, reverse=True)
    well_formed = sum(probe.satisfiable is not None for probe in figures.probes)
    unsatisfiable = sum(probe.satisfiable is False for probe in figures.probes)
    return [
        "## What the probes ask",
        "",
        f"The first member's first {len(figures.probes)} probes: {well_formed} are formulas, {unsatisfiable} of them "
        "unsatisfiable. AUC: how well one probe alone tells generalizers, by how far a subject agrees at the "
        "placement with its own answer at the usual places. `apart`: symbols between the two literals of the nearest "
        "contradiction. Over the unsatisfiable probes, that distance and the AUC have a rank correlation of "
        f"{short(figures.far_contradictions)}.",
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
                for probe in by_merit[:_SHOWN_PROBES]
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


def _costs_text(evidence: Evidence) -> Lines:
    seconds = evidence.costs.training_seconds
    return [
        "## Costs",
        "",
        "Seconds that all folds took to train, one process for each fold, two at a time on two cores; responses that "
        "several methods share are kept once and not counted.",
        "",
        *markdown(("method", "seconds of training"), [(title(name), f"{one:.0f}") for name, one in seconds.items()]),
    ]
