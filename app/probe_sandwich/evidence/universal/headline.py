"""The few rows of the report that the README shows."""

from probe_sandwich.evidence.universal.evaluation import RESERVE, TASK, UNSEEN
from probe_sandwich.evidence.universal.figures import UniversalEvidence
from probe_sandwich.evidence.universal.methods import AGREEMENT, CONFIGURATION, IN_DISTRIBUTION, SANDWICH, TREES
from probe_sandwich.evidence.universal.report import area, lead_of

_KINDS = (UNSEEN, RESERVE, TASK)
_METHODS = (SANDWICH, TREES, AGREEMENT, CONFIGURATION, IN_DISTRIBUTION)


def headline_table(evidence: UniversalEvidence) -> list[str]:
    """Lines of a Markdown table: pooled AUC with its interval, by method and kind, and the sandwich's lead where it
    matters most."""
    lines = [f"| method | {' | '.join(_KINDS)} | sandwich's lead there |", "| --- |" + " --- |" * (len(_KINDS) + 1)]
    for name in _METHODS:
        found = [evidence.kinds[kind].methods[name] for kind in _KINDS]
        lines.append(f"| {name} | {' | '.join(map(area, found))} | {lead_of(found[-1])} |")
    return lines
