"""Figures as tables in markdown."""

from collections.abc import Mapping, Sequence

import numpy as np

from probe_sandwich.evidence.experiment.methods import (
    AGREEMENT_TREES,
    AS_MANY_PLACED_FORMULAS,
    CONFIGURATION,
    SANDWICH,
    title,
)
from probe_sandwich.evidence.figures.comparison import NEVER_SEEN
from probe_sandwich.evidence.figures.evidence import Evidence
from probe_sandwich.evidence.figures.metrics import Figures, Lead
from probe_sandwich.evidence.figures.price import Price, Prices, overtaken_at
from probe_sandwich.evidence.figures.schemes import SHOWN, SchemeFigures

HEADLINE = (SANDWICH, AGREEMENT_TREES, CONFIGURATION, AS_MANY_PLACED_FORMULAS)
Lines = list[str]


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Lines:
    """A table."""
    return [f"| {' | '.join(row)} |" for row in (header, ["---"] * len(header), *rows)]


def headline_table(evidence: Evidence) -> Lines:
    """The few rows that README shows: out of fold, and where nothing was chosen on."""
    rows = []
    for method in HEADLINE:
        known, unseen = evidence.out_of_fold[method], evidence.unseen[method]
        found = (f"{one.tokens:,}: {area(one)}" for one in (known, unseen))
        rows.append((title(method), *found, _lead(unseen.sandwich_lead)))
    prices, elsewhere = evidence.prices.long_formulas, evidence.prices.long_formulas_unseen
    formulas = overtaken_at(prices, evidence.out_of_fold[SANDWICH].auc or 1.0) or prices[-1].formulas
    direct = next(one for one in prices if one.formulas == formulas)
    unseen_area = next((one.auc for one in elsewhere if one.formulas == formulas), None)
    name = f"direct test, {formulas} long formulas"
    tokens = f"{direct.tokens:,.0f}"
    rows.append((name, f"{tokens}: {short(direct.auc)}", f"{tokens}: {short(unseen_area)}", "-"))
    header = ("method", "out of fold, tokens: AUC", "unseen configurations, tokens: AUC", "sandwich's lead there")
    return markdown(header, rows)


def figures_table(figures: Mapping[str, Figures]) -> Lines:
    """Figures by method, each with its 95 % interval where it has one."""
    header = (
        "method",
        "tokens",
        "AUC",
        "sandwich's lead",
        "within-configuration AUC",
        "Spearman",
        "Brier",
        "calibration error",
        "accuracy",
    )
    rows = []
    for method, one in figures.items():
        merits = (one.spearman, one.brier, one.expected_calibration_error, one.accuracy)
        ahead = _lead(one.sandwich_lead)
        rows.append((title(method), f"{one.tokens:,}", area(one), ahead, within(one), *map(short, merits)))
    return markdown(header, rows)


def slices_table(slices: Mapping[str, Figures]) -> Lines:
    """The sandwich's figures on slices of the zoo."""
    return markdown(
        ("converged subjects", "number", "generalizers", "AUC", "within-configuration AUC", "accuracy"),
        [
            (name, str(one.subjects), str(one.positives), area(one), within(one), short(one.accuracy))
            for name, one in slices.items()
        ],
    )


def schemes_table(schemes: Mapping[str, SchemeFigures]) -> Lines:
    """AUC by position scheme of what lives by placements, beside a sandwich whose probes stand at the usual places
    alone."""
    rows = []
    for scheme, one in schemes.items():
        areas = [f"{short(one.auc[name])} / {short(one.within_configuration_auc[name])}" for name in SHOWN]
        rows.append((scheme, f"{one.positives} of {one.subjects}", *areas, _lead(one.lead_over_usual_places)))
    return markdown(("scheme", "generalizers", *map(title, SHOWN), "sandwich's lead over usual places"), rows)


def turning_table(schemes: Mapping[str, SchemeFigures]) -> Lines:
    """By position scheme, the share of answers that a placement turns."""
    placements = list(next(iter(schemes.values())).answers_that_turn)
    return markdown(
        ("scheme", *placements),
        [(scheme, *(short(one.answers_that_turn[name]) for name in placements)) for scheme, one in schemes.items()],
    )


def prices_table(prices: Prices) -> Lines:
    """AUC and tokens by number of labelled formulas, a column for each kind."""
    by_kind = {kind: {one.formulas: one for one in many} for kind, many in prices.by_title.items()}
    counts = sorted({count for by_count in by_kind.values() for count in by_count})
    return markdown(
        ("labelled formulas", *by_kind),
        [(str(count), *(_price(by_count.get(count)) for by_count in by_kind.values())) for count in counts],
    )


def never_seen(slices: Mapping[str, Figures]) -> float:
    """Mean AUC over position schemes, each judged by a sandwich that saw none of it."""
    areas = [figures.auc for name, figures in slices.items() if name.endswith(NEVER_SEEN)]
    return float(np.mean([value for value in areas if value is not None]))


def short(figure: float | None) -> str:
    """A figure as tables show it."""
    return "-" if figure is None else f"{figure:.3f}"


def percent(value: float | None) -> str:
    """A share as sentences and tables show it."""
    return "-" if value is None else f"{value:.0%}".replace("%", " %")


def area(figures: Figures) -> str:
    """An AUC with its interval."""
    return f"{short(figures.auc)} ({short(figures.auc_low)} to {short(figures.auc_high)})"


def within(figures: Figures) -> str:
    """A within-configuration AUC with its interval."""
    low, high = short(figures.within_configuration_low), short(figures.within_configuration_high)
    return f"{short(figures.within_configuration_auc)} ({low} to {high})"


def _lead(one: Lead | None) -> str:
    return "-" if one is None else f"{one.auc:+.3f} ({one.low:+.3f} to {one.high:+.3f})"


def _price(price: Price | None) -> str:
    return "-" if price is None else f"{price.auc:.3f}, {price.tokens:,.0f}"
