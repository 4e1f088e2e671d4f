"""The few rows of the report that the README shows."""

from probe_sandwich.evidence.universal.evaluation import RESERVE, TASK, UNSEEN
from probe_sandwich.evidence.universal.figures import MethodFigures, UniversalEvidence
from probe_sandwich.evidence.universal.methods import AGREEMENT, CONFIGURATION, IN_DISTRIBUTION, SANDWICH, TREES

_KINDS = (UNSEEN, RESERVE, TASK)
_METHODS = (SANDWICH, TREES, AGREEMENT, CONFIGURATION, IN_DISTRIBUTION)


def headline_table(evidence: UniversalEvidence) -> list[str]:
    """Lines of a Markdown table: pooled AUC with its interval, by method and kind, and the sandwich's lead where it
    matters most."""
    lines = [f"| method | {' | '.join(_KINDS)} | sandwich's lead there |", "| --- |" + " --- |" * (len(_KINDS) + 1)]
    for name in _METHODS:
        found = [evidence.kinds[kind].methods[name] for kind in _KINDS]
        lines.append(f"| {name} | {' | '.join(map(_area, found))} | {_lead(found[-1])} |")
    return lines


def _area(method: MethodFigures) -> str:
    return f"{method.auc:.3f} ({method.auc_low:.3f} to {method.auc_high:.3f})"


def _lead(method: MethodFigures) -> str:
    lead = method.sandwich_lead
    return "-" if lead is None else f"{lead.auc:+.3f} ({lead.low:+.3f} to {lead.high:+.3f})"
