"""What follows from the figures, as sentences."""

from collections.abc import Mapping

from probe_sandwich.evidence.experiment.methods import title
from probe_sandwich.evidence.figures.evidence import Evidence
from probe_sandwich.evidence.figures.metrics import Figures, Lead
from probe_sandwich.evidence.figures.schemes import SchemeFigures


def what_places_tell(schemes: Mapping[str, SchemeFigures]) -> str:
    """For which schemes placements change nothing, and where the sandwich's lead over the usual places is shown."""
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


def what_leads_show(figures: Mapping[str, Figures]) -> str:
    """Over which methods the sandwich's lead is shown on some subjects, and over which it is not."""
    by_finding: dict[str, list[str]] = {"ahead": [], "not shown": [], "behind": []}
    for method, ahead in _leads(figures).items():
        finding = ("ahead" if ahead.auc > 0 else "behind") if ahead.shown else "not shown"
        by_finding[finding].append(title(method))
    sentences = {
        "ahead": "The sandwich's AUC is larger, with an interval that excludes 0, than that of",
        "not shown": "No difference is shown to",
        "behind": "It is smaller, with an interval that excludes 0, than that of",
    }
    return " ".join(f"{text} {', '.join(by_finding[key])}." for key, text in sentences.items() if by_finding[key])


def what_holds_elsewhere(evidence: Evidence) -> str:
    """Which leads that are shown out of fold are shown where nothing was chosen on, too."""
    known, unseen = _leads(evidence.out_of_fold), _leads(evidence.unseen)
    ahead = [name for name in unseen if name in known and known[name].low > 0]
    held = [title(name) for name in ahead if unseen[name].low > 0]
    lost = [
        f"{title(name)} ({unseen[name].auc:+.3f}, {unseen[name].low:+.3f} to {unseen[name].high:+.3f})"
        for name in ahead
        if unseen[name].low <= 0
    ]
    sentences = []
    if lost:
        sentences.append(f"Not shown on unseen configurations is the lead, shown out of fold, over {', '.join(lost)}.")
    if held:
        sentences.append(f"Shown out of fold and on unseen configurations is the lead over {', '.join(held)}.")
    return " ".join(sentences)


def _leads(figures: Mapping[str, Figures]) -> dict[str, Lead]:
    return {method: one.sandwich_lead for method, one in figures.items() if one.sandwich_lead is not None}


def _these(one: SchemeFigures) -> str:
    every = len(one.changing_nothing) == len(one.answers_that_turn)
    return "any placement" if every else ", ".join(one.changing_nothing)
