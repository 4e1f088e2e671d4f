"""Are learned questions better than random ones, by one reader for both?"""

from pathlib import Path

import pytest
import torch
from probe_sandwich.evidence.universal import asking as module
from probe_sandwich.evidence.universal import asking_elsewhere, methods, searching
from probe_sandwich.evidence.universal.asking import FILE, Asking, measure_asking, write_asking
from probe_sandwich.evidence.universal.direct import direct_point
from probe_sandwich.evidence.universal.settings import UNIVERSAL
from probe_sandwich.evidence.universal.table import Table
from probe_sandwich.sandwich.config import SandwichTraining
from probe_sandwich.sandwich.inputs import drawn_candidates
from probe_sandwich.sandwich.training.pools import Pool
from probe_sandwich.subjects.config import Scheme
from probe_sandwich.zoo.shards import IndexRow, read_index

CONFIG = UNIVERSAL.model_copy(update={"candidate_features": 8, "generator_hidden": 16, "edits": 0})
TRAINING = SandwichTraining(selector_steps=120, folds=2)
SUBJECTS = 40


@pytest.fixture(scope="module")
def rows(small_zoo: Path) -> list[IndexRow]:
    return [read_index(small_zoo)[0]] * SUBJECTS


def pool_where_some_questions_tell(row: IndexRow) -> Pool:
    """Of subjects that err at random further out, one label errs at the longer candidates too."""
    candidates = drawn_candidates(row.config.task, 12)
    labels = (torch.arange(SUBJECTS) % 2).float()
    places = 1 + len(CONFIG.placements)
    random = torch.Generator().manual_seed(0)
    errs = torch.rand(SUBJECTS, places, len(candidates.lengths), generator=random) < 0.3
    telling = (labels == 0).view(-1, 1, 1) & (candidates.lengths > 10)
    errs |= telling & (torch.rand(errs.shape, generator=random) < 0.4)
    errs[:, 0] = False
    gap = torch.where(errs, -6.0, 6.0)
    facts = (labels, labels, torch.arange(SUBJECTS) // 2, torch.arange(SUBJECTS))
    shares = candidates.lengths / candidates.lengths.max()
    return Pool(candidates, torch.stack([torch.zeros_like(gap), gap], dim=-1).half(), shares, *facts)


def ask_few(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(module, "PROBES", (2,))
    for name, value in {"BUDGETS": (60, 120), "DRAWS": 2}.items():
        patch.setattr(searching, name, value)
    patch.setattr(methods, "_TREES", 5)
    patch.setattr(asking_elsewhere, "DRAWS", 1)


@pytest.fixture(scope="module")
def asking(rows: list[IndexRow]) -> Asking:
    with pytest.MonkeyPatch.context() as patch:
        ask_few(patch)
        return measure_asking(pool_where_some_questions_tell(rows[0]), rows, None, CONFIG, TRAINING)


def test_learned_questions_are_ahead_where_some_questions_tell_more(asking: Asking) -> None:
    (random,), (learned,) = asking.random, asking.learned
    assert learned.auc > random.auc
    lead = asking.leads[2]
    assert lead is not None
    assert lead.low <= lead.auc <= lead.high


def test_the_direct_test_reads_about_as_many_tokens(asking: Asking, rows: list[IndexRow]) -> None:
    (learned,), (direct,) = asking.learned, asking.direct
    assert direct.tokens == pytest.approx(learned.tokens, rel=0.2)
    labels = pool_where_some_questions_tell(rows[0]).labels.numpy() == 1
    assert direct_point(rows, labels, 10 * learned.tokens).formulas > direct.formulas


def test_probes_are_shown_where_generalizers_agree_most_more_than_others(asking: Asking) -> None:
    assert all(probe.generalizers > probe.others for probe in asking.shown)


def test_it_is_measured_on_what_most_subjects_of_a_zoo_have_and_written(
    small_zoo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask_few(monkeypatch)
    table = Table.of([small_zoo], {row.subject for row in read_index(small_zoo)[::3]})
    training = SandwichTraining(selector_steps=2, folds=2)
    asking = write_asking(tmp_path, table, training, torch.device("cpu"))
    counted = [row.reserve for row in table.rows if row.config.scheme is not Scheme.ALIBI]
    assert (asking.subjects, asking.searching.reserve) == (counted.count(False), counted.count(True))
    assert Asking.model_validate_json((tmp_path / FILE).read_text()) == asking
