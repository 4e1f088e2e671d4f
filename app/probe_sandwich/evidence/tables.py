"""Figures as lines of markdown, and what follows from them as sentences."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from probe_sandwich.evidence.agreement import AGREEMENT_TREES
from probe_sandwich.evidence.arms import SANDWICH
from probe_sandwich.evidence.baselines import AS_MANY_PLACED_FORMULAS, CONFIGURATION
from probe_sandwich.evidence.metrics import Lead, short
from probe_sandwich.evidence.price import LONG_FORMULAS, LONG_FORMULAS_UNSEEN, Price, overtaken_at
from probe_sandwich.evidence.schemes import SHOWN, SchemeFigures
from probe_sandwich.sandwich.card import Card

HEADLINE = (SANDWICH, AGREEMENT_TREES, CONFIGURATION, AS_MANY_PLACED_FORMULAS)
Lines = list[str]


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Lines:
    """A table."""
    return [f"| {' | '.join(row)} |" for row in (header, ["---"] * len(header), *rows)]


def headline_table(card: Card) -> Lines:
    """The few rows that README shows: out of fold, and where nothing was chosen on."""
    rows = []
    for method in HEADLINE:
        known, unseen = card.metrics[method], card.unseen[method]
        ahead = _lead(unseen["sandwich_lead"])
        rows.append((spaced(method), f"{known['tokens']:,}", area(known), area(unseen), ahead))
    prices, elsewhere = (
        [Price.model_validate(one) for one in card.prices.get(kind, [])]
        for kind in (LONG_FORMULAS, LONG_FORMULAS_UNSEEN)
    )
    formulas = overtaken_at(prices, card.metrics[SANDWICH]["auc"]) or prices[-1].formulas
    direct = next(one for one in prices if one.formulas == formulas)
    unseen_area = next((one.auc for one in elsewhere if one.formulas == formulas), None)
    name = f"direct test, {formulas} long formulas"
    rows.append((name, f"{direct.tokens:,.0f}", short(direct.auc), short(unseen_area), "-"))
    header = ("method", "tokens", "AUC out of fold", "AUC, unseen configurations", "sandwich's lead there")
    return markdown(header, rows)


def figures_table(figures: Mapping[str, Any]) -> Lines:
    """Figures by method, each with its 95 % interval where it has one."""
    return markdown(
        (
            "method",
            "tokens",
            "AUC",
            "sandwich's lead",
            "within-configuration AUC",
            "Spearman",
            "Brier",
            "calibration error",
            "accuracy",
        ),
        [
            (
                spaced(method),
                f"{one['tokens']:,}",
                area(one),
                _lead(one["sandwich_lead"]),
                within(one),
                *(short(one[name]) for name in ("spearman", "brier", "expected_calibration_error", "accuracy")),
            )
            for method, one in figures.items()
        ],
    )


def slices_table(card: Card) -> Lines:
    """The sandwich's figures on slices of the zoo."""
    return markdown(
        ("converged subjects", "number", "generalizers", "AUC", "within-configuration AUC", "accuracy"),
        [
            (name, str(one["subjects"]), str(one["positives"]), area(one), within(one), short(one["accuracy"]))
            for name, one in card.slices.items()
        ],
    )


def schemes_table(card: Card) -> Lines:
    """AUC by position scheme of what lives by placements, beside what asks at the usual places alone."""
    rows = []
    for scheme, figures in card.schemes.items():
        one = SchemeFigures.model_validate(figures)
        told = [f"{short(one.auc[name])} / {short(one.within_configuration_auc[name])}" for name in SHOWN]
        ahead = _lead(figures["lead_over_usual_places"])
        rows.append((scheme, f"{one.positives} of {one.subjects}", *told, ahead))
    return markdown(("scheme", "generalizers", *map(spaced, SHOWN), "sandwich's lead over usual places"), rows)


def turning_table(card: Card) -> Lines:
    """By position scheme, the share of answers that a placement turns."""
    schemes = {scheme: SchemeFigures.model_validate(one) for scheme, one in card.schemes.items()}
    placements = list(next(iter(schemes.values())).answers_that_turn)
    return markdown(
        ("scheme", *placements),
        [(scheme, *(short(one.answers_that_turn[name]) for name in placements)) for scheme, one in schemes.items()],
    )


def what_places_tell(card: Card) -> str:
    """For which schemes placements change nothing, and where the sandwich's lead over the usual places is shown."""
    schemes = {scheme: SchemeFigures.model_validate(one) for scheme, one in card.schemes.items()}
    still = [f"`{scheme}` ({_these(one)})" for scheme, one in schemes.items() if one.changing_nothing]
    leads = {scheme: one.lead_over_usual_places for scheme, one in schemes.items()}
    gaining = [f"`{scheme}`" for scheme, ahead in leads.items() if ahead and ahead.low > 0]
    rest = [f"`{scheme}`" for scheme, ahead in leads.items() if not (ahead and ahead.low > 0)]
    return (
        f"Placements turn no answer for {'; '.join(still) or 'no scheme'}: there they tell nothing, and what is told "
        "comes from the answers at the usual places (how sure they are, and what the inner layers say). The sandwich "
        f"is shown to be ahead of one that asks at the usual places alone for {', '.join(gaining) or 'none'}; not for "
        f"{', '.join(rest) or 'none'}. Where no placement turns anything, that lead is due to training, not to places."
    )


def _these(one: SchemeFigures) -> str:
    every = len(one.changing_nothing) == len(one.answers_that_turn)
    return "any placement" if every else ", ".join(one.changing_nothing)


def what_leads_show(figures: Mapping[str, Any]) -> str:
    """Over which methods the sandwich's lead is shown on some subjects, and over which it is not."""
    leads = {method: one["sandwich_lead"] for method, one in figures.items() if one["sandwich_lead"]}
    by_outcome: dict[str, Lines] = {"ahead": [], "not shown": [], "behind": []}
    for method, one in leads.items():
        ahead = Lead.model_validate(one)
        outcome = ("ahead" if ahead.auc > 0 else "behind") if ahead.shown else "not shown"
        by_outcome[outcome].append(spaced(method))
    sentences = {
        "ahead": "The sandwich's AUC is larger, with an interval that excludes 0, than that of",
        "not shown": "No difference is shown to",
        "behind": "It is smaller, with an interval that excludes 0, than that of",
    }
    return " ".join(f"{text} {', '.join(by_outcome[key])}." for key, text in sentences.items() if by_outcome[key])


def what_holds_elsewhere(card: Card) -> str:
    """Which leads that are shown out of fold are shown where nothing was chosen on, too."""
    known, unseen = (
        {name: Lead.model_validate(one["sandwich_lead"]) for name, one in figures.items() if one["sandwich_lead"]}
        for figures in (card.metrics, card.unseen)
    )
    ahead = [name for name in unseen if name in known and known[name].low > 0]
    held = [spaced(name) for name in ahead if unseen[name].low > 0]
    lost = [
        f"{spaced(name)} ({unseen[name].auc:+.3f}, {unseen[name].low:+.3f} to {unseen[name].high:+.3f})"
        for name in ahead
        if unseen[name].low <= 0
    ]
    sentences = []
    if lost:
        sentences.append(f"Not shown on unseen configurations is the lead, shown out of fold, over {', '.join(lost)}.")
    if held:
        sentences.append(f"Shown out of fold and on unseen configurations is the lead over {', '.join(held)}.")
    return " ".join(sentences)


def never_seen(card: Card) -> float:
    """Mean AUC over position schemes, each judged by what saw none of it."""
    areas = [figures["auc"] for name, figures in card.slices.items() if name.endswith("never seen")]
    return float(np.mean([value for value in areas if value is not None]))


def spaced(method: str) -> str:
    """A method's name as tables show it."""
    return method.replace("_", " ")


def area(figures: Mapping[str, Any]) -> str:
    """An AUC with its interval."""
    return f"{short(figures['auc'])} ({short(figures['auc_low'])} to {short(figures['auc_high'])})"


def within(figures: Mapping[str, Any]) -> str:
    """A within-configuration AUC with its interval."""
    value, low, high = (short(figures[f"within_configuration_{name}"]) for name in ("auc", "low", "high"))
    return f"{value} ({low} to {high})"


def _lead(one: Mapping[str, Any] | None) -> str:
    return "-" if one is None else f"{one['auc']:+.3f} ({one['low']:+.3f} to {one['high']:+.3f})"
