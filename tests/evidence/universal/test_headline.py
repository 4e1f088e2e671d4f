"""The few rows of the report that the README shows."""

import pytest
from probe_sandwich.evidence.universal.evaluation import RESERVE, TASK, UNSEEN
from probe_sandwich.evidence.universal.figures import UniversalEvidence
from probe_sandwich.evidence.universal.headline import headline_table
from probe_sandwich.evidence.universal.methods import AGREEMENT, CONFIGURATION, IN_DISTRIBUTION, SANDWICH, TREES

from tests.evidence.conftest import kind_of

LABELS = [1] * 5 + [0] * 5
RIGHT = [0.9] * 5 + [0.1] * 5
RIVALS = (TREES, AGREEMENT, CONFIGURATION, IN_DISTRIBUTION)


@pytest.fixture
def rows() -> list[list[str]]:
    """Cells of the table where rivals miss one generalizer of the unseen, two of the reserve, and three of a task left
    out."""
    kinds = {
        kind: kind_of({SANDWICH: RIGHT} | dict.fromkeys(RIVALS, [0.1] * missed + RIGHT[missed:]), LABELS, SANDWICH)
        for missed, kind in enumerate((UNSEEN, RESERVE, TASK), start=1)
    }
    evidence = UniversalEvidence(
        kinds=kinds,
        learning_curve=[],
        least_confidence=None,
        sure_by_task={},
        leads_elsewhere={},
        other_cuts={},
        converged_by_task={},
        generalizers_by_task={},
    )
    return [line.strip("| ").split(" | ") for line in headline_table(evidence)]


def test_every_row_is_a_method_and_every_column_a_kind(rows: list[list[str]]) -> None:
    head, _, *others = rows
    assert head == ["method", UNSEEN, RESERVE, TASK, "sandwich's lead there"]
    assert [row[0] for row in others] == [SANDWICH, *RIVALS]
    assert [area.partition(" ")[0] for area in others[0][1:4]] == ["1.000"] * 3
    assert [area.partition(" ")[0] for area in others[1][1:4]] == ["0.900", "0.800", "0.700"]


def test_the_lead_is_that_on_tasks_left_out(rows: list[list[str]]) -> None:
    _, _, sandwich, *others = rows
    assert sandwich[-1] == "-"
    assert all(row[-1].startswith("+0.300 (") for row in others)
