"""Questions that some tasks taught are asked of another, beside random ones."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from probe_sandwich.evidence.universal import asking_elsewhere as module
from probe_sandwich.evidence.universal import methods
from probe_sandwich.evidence.universal.asking_elsewhere import AskingElsewhere, measure_asking_elsewhere
from probe_sandwich.evidence.universal.table import Table
from probe_sandwich.sandwich.config import SandwichConfig
from probe_sandwich.sandwich.inputs import bare_candidates
from probe_sandwich.sandwich.training.pools import Pool

CONFIG = SandwichConfig()


def pools_of(table: Table) -> list[Pool]:
    """One a task and T; those that do not generalize give other answers where probes are spread, all err at times."""
    kinds = [(row.config.task, row.config.train_max_length) for row in table.rows]
    found = []
    for number, (task, train_max_length) in enumerate(dict.fromkeys(kinds)):
        places = [place for place, kind in enumerate(kinds) if kind == (task, train_max_length)]
        candidates = bare_candidates(task, train_max_length)
        labels = torch.from_numpy(table.labels[places]).float()
        random = torch.Generator().manual_seed(number)
        size = len(places), 1 + len(CONFIG.placements), len(candidates.lengths)
        errs = torch.rand(size, generator=random) < 0.3
        errs[:, -1] |= (labels == 0).view(-1, 1) & (torch.rand(size[0], size[2], generator=random) < 0.7)
        errs[:, 0] = False
        gap = torch.where(errs, -6.0, 6.0)
        facts = labels, labels, torch.from_numpy(table.configurations[places]), torch.tensor(places)
        logits = torch.stack([torch.zeros_like(gap), gap], dim=-1).half()
        found.append(Pool(candidates, logits, candidates.lengths / train_max_length, *facts))
    return found


@pytest.fixture(scope="module")
def elsewhere(three_tasks: Table) -> AskingElsewhere:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "QUESTIONS", (4,))
        patch.setattr(module, "DRAWS", 3)
        patch.setattr(methods, "_TREES", 20)
        found = measure_asking_elsewhere(three_tasks, pools_of(three_tasks), CONFIG)
    assert found is not None
    return found


def test_what_other_tasks_taught_is_ahead_where_the_same_placement_tells(elsewhere: AskingElsewhere) -> None:
    (point,) = elsewhere.points
    assert point.learned > point.random
    assert point.learned_within > point.random_within
    assert point.lead is not None
    assert 0 < point.lead.low <= point.lead.auc <= point.lead.high


def test_every_task_with_enough_of_either_label_is_judged(three_tasks: Table, elsewhere: AskingElsewhere) -> None:
    assert elsewhere.tasks == sorted(set(three_tasks.tasks.tolist()))
    assert elsewhere.subjects == (~three_tasks.reserve).sum()
    assert elsewhere.points[0].random_tokens == pytest.approx(elsewhere.points[0].learned_tokens, rel=0.3)
    assert elsewhere.points[0].lead_within is None  # three tasks are too few for an interval over tasks


def test_one_task_has_no_elsewhere(three_tasks: Table) -> None:
    one = three_tasks.tasks == three_tasks.tasks[0]
    alone = replace(three_tasks, labels=np.where(one, three_tasks.labels, True))
    assert measure_asking_elsewhere(alone, [], CONFIG) is None
