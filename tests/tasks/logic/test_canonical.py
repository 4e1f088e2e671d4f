"""The same formula under all names of its variables."""

import numpy as np
from probe_sandwich.tasks.datasets import sample_formulas
from probe_sandwich.tasks.logic.canonical import canonical
from probe_sandwich.tasks.logic.tasks import Task


def test_renaming_variables_keeps_the_canonical_form() -> None:
    formulas = sample_formulas(Task(), 16, 16, 200, seed=6)
    renamed = np.where(formulas.ids < 5, (formulas.ids + 2) % 5, formulas.ids).astype(np.uint8)
    assert (canonical(renamed) == canonical(formulas.ids)).all()
