"""The few rows of the report that the README shows."""

from probe_sandwich.evidence.universal.evaluation import RESERVE, TASK, UNSEEN, Evaluation
from probe_sandwich.evidence.universal.headline import headline_table
from probe_sandwich.evidence.universal.methods import AGREEMENT, CONFIGURATION, IN_DISTRIBUTION, SANDWICH, TREES


def cells(line: str) -> list[str]:
    return line.strip("| ").split(" | ")


def test_every_row_is_a_method_and_every_column_a_kind(evaluation: Evaluation) -> None:
    head, _, *rows = map(cells, headline_table(evaluation.evidence))
    assert head == ["method", UNSEEN, RESERVE, TASK, "sandwich's lead there"]
    assert [row[0] for row in rows] == [SANDWICH, TREES, AGREEMENT, CONFIGURATION, IN_DISTRIBUTION]
    for name, *areas, _ in rows:
        for kind, area in zip((UNSEEN, RESERVE, TASK), areas, strict=True):
            assert area.startswith(f"{evaluation.evidence.kinds[kind].methods[name].auc:.3f} (")


def test_the_lead_is_that_on_tasks_left_out(evaluation: Evaluation) -> None:
    _, _, sandwich, trees, *_ = map(cells, headline_table(evaluation.evidence))
    lead = evaluation.evidence.kinds[TASK].methods[TREES].sandwich_lead
    assert lead is not None
    assert (sandwich[-1], trees[-1]) == ("-", f"{lead.auc:+.3f} ({lead.low:+.3f} to {lead.high:+.3f})")
