"""What subjects answer to given formulas, at the usual places and at others."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from probe_sandwich.sandwich.placements import Placement, places
from probe_sandwich.tasks.datasets import Formulas
from probe_sandwich.zoo.cohorts import Cohort, in_chunks

_FORMULAS_AT_ONCE = 64


def placed_gaps(
    formulas: Formulas, placements: Sequence[Placement], cohorts: Sequence[Cohort], seed: int = 0
) -> NDArray[np.float64]:
    """Logits of satisfiable less those of unsatisfiable, `(subjects, 1 + placements, formulas)`, usual places first.

    Formulas are of one length; `seed` draws where a placement puts the parts of each.
    """
    config = cohorts[0].subjects.configs[0]
    where = _positions(placements, len(formulas), formulas.ids.shape[1], config.train_max_length, seed)
    ids = torch.from_numpy(formulas.with_begin())
    gaps = np.zeros((sum(len(cohort.subjects) for cohort in cohorts), len(where), len(formulas)))
    for chunk in in_chunks(cohorts):
        answers = [
            _answer(chunk, some, at)
            for some, at in zip(ids.split(_FORMULAS_AT_ONCE), where.split(_FORMULAS_AT_ONCE, dim=1), strict=True)
        ]
        gaps[chunk.numbers.numpy()] = torch.cat(answers, dim=-1).cpu().numpy()
    return gaps


def _positions(placements: Sequence[Placement], formulas: int, length: int, train_max_length: int, seed: int) -> Tensor:
    """Positions of the begin symbol and of each formula's symbols, `(1 + placements, formulas, 1 + length)`."""
    random = torch.Generator().manual_seed(seed)
    usual = torch.arange(1 + length).expand(formulas, -1)
    return torch.stack([usual, *(places(one, formulas, length, train_max_length, random) for one in placements)])


def _answer(chunk: Cohort, ids: Tensor, where: Tensor) -> Tensor:
    """Gaps `(models, placements, formulas)` to ids `(formulas, 1 + length)` at `where (placements, formulas, ...)`."""
    device = chunk.subjects.device
    positions = where.flatten(0, 1)[None].to(device)  # (1, placements * formulas, 1 + length)
    with torch.inference_mode():
        vectors = chunk.subjects.embed_ids(ids[None].to(device)).repeat(1, len(where), 1, 1)
        mask = torch.ones(vectors.shape[1:3], dtype=torch.bool, device=device)
        logits = chunk.subjects.forward(vectors, mask, positions).logits
    gaps: Tensor = logits[..., 1] - logits[..., 0]
    placed: Tensor = gaps.unflatten(1, where.shape[:2])
    return placed
