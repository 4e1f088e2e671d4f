"""What learned questions are worth where few are asked: AUC against tokens, by one reader for all arms."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from probe_sandwich.evidence.figures.auc import areas
from probe_sandwich.evidence.figures.lead import Lead, lead
from probe_sandwich.evidence.universal.asking_elsewhere import AskingElsewhere, measure_asking_elsewhere
from probe_sandwich.evidence.universal.direct import DirectPoint, direct_draws, direct_point
from probe_sandwich.evidence.universal.part import in_folds
from probe_sandwich.evidence.universal.searching import SHOWN, Searching, ShownProbe, measure_searching
from probe_sandwich.evidence.universal.settings import UNIVERSAL
from probe_sandwich.evidence.universal.table import Table
from probe_sandwich.files import write_atomically
from probe_sandwich.sandwich.config import SandwichConfig, SandwichTraining
from probe_sandwich.sandwich.readout import Readout
from probe_sandwich.sandwich.selector import Selector
from probe_sandwich.sandwich.training.pools import Pool, among, record_pools
from probe_sandwich.sandwich.training.recorded import Recording
from probe_sandwich.sandwich.training.selector_fit import fit_selector
from probe_sandwich.sandwich.training.start import start_universal
from probe_sandwich.subjects.config import Scheme
from probe_sandwich.tasks.alphabets import alphabet_of
from probe_sandwich.zoo.shards import IndexRow

FILE = "asking.json"
PROBES = (2, 4, 8, 16)
ASKING = UNIVERSAL.model_copy(update={"candidate_features": 16, "generator_hidden": 32, "edits": 0})
"""The sandwich whose selector is taught."""
_FITTING_DRAWS, _JUDGED_DRAWS = 8, 20
_FITTING_SEED, _JUDGED_SEED = 77, 177
_PENALTY = 0.003
"""Inverse strength of the reader's penalty: its statistics are many, and go together."""


class AskedPoint(BaseModel):
    """So many probes at every placement: tokens read, and AUC over noise draws that the reader was not fitted on, its
    mean, standard deviation and least."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    probes: int
    tokens: float
    auc: float
    spread: float
    least: float


class Asking(BaseModel):
    """Questions selected at random and learned ones, out of fold, and by how much the learned are ahead (`leads`, by
    number of probes: AUC of one noise draw, averaged over twenty, paired over configurations), beside a direct test of
    about the learned ones' tokens each, with the same lead over that; the same of single questions that are searched
    for; and, on tasks left out, of such as are taught (`elsewhere`)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    subjects: int
    configurations: int
    candidates: int
    random: list[AskedPoint]
    learned: list[AskedPoint]
    direct: list[DirectPoint]
    leads: dict[int, Lead | None]
    direct_leads: dict[int, Lead | None]
    shown: list[ShownProbe]
    searching: Searching
    elsewhere: AskingElsewhere | None = None


def write_asking(folder: Path, table: Table, training: SandwichTraining, device: torch.device) -> Asking:
    """Measure it on the task and T that most subjects of a table have, and on tasks left out, and write `asking.json`.
    Of the first, left out is ALiBi, of which nearly all generalize; the reserve is judged by itself."""
    kinds = [(row.config.task, row.config.train_max_length) for row in table.rows]
    commonest = Counter(kinds).most_common(1)[0][0]
    wanted = [
        kind == commonest and row.config.scheme is not Scheme.ALIBI for kind, row in zip(kinds, table.rows, strict=True)
    ]
    prober = start_universal(ASKING, training).prober.to(device)
    pools = record_pools(prober, table.cohorts(np.arange(len(table)), device))
    known, later = (
        next(among(pools, torch.from_numpy(np.flatnonzero(wanted & part))), None)
        for part in (~table.reserve, table.reserve)
    )
    assert known is not None
    rows = [table.rows[number] for number in known.numbers.tolist()]
    asking = measure_asking(known, rows, later, ASKING, training)
    asking = asking.model_copy(update={"elsewhere": measure_asking_elsewhere(table, pools, ASKING)})
    write_atomically(folder / FILE, (asking.model_dump_json(indent=1) + "\n").encode())
    return asking


@dataclass(frozen=True)
class _Arm:
    """The selector that asks the judged part of each fold."""

    selectors: Sequence[Selector]
    config: SandwichConfig

    def scores(self, pool: Pool, folds: Sequence[NDArray[np.bool_]], probes: int) -> NDArray[np.float64]:
        """Out-of-fold scores `(draws, subjects)`."""
        found = np.zeros((_JUDGED_DRAWS, len(pool.labels)))
        for selector, judged in zip(self.selectors, folds, strict=True):
            known = pool.select(torch.from_numpy(np.flatnonzero(~judged)))
            fitting = known.answers(selector, self._noise(_FITTING_DRAWS, probes, _FITTING_SEED))
            judging = pool.select(torch.from_numpy(np.flatnonzero(judged))).answers(selector, self.judged_noise(probes))
            found[:, judged] = _read(self.config, fitting, judging)
        return found

    def tokens(self, pool: Pool, probes: int) -> float:
        """Symbols and begin symbols of a draw, over all placements."""
        noise = self.judged_noise(probes)
        chosen = [selector.choose(noise, pool.candidates) for selector in self.selectors]
        lengths = pool.candidates.lengths[torch.stack(chosen)]  # (folds, draws, probes)
        return float((lengths + 1).sum(dim=-1).float().mean()) * pool.logits.shape[1]

    def judged_noise(self, probes: int) -> Tensor:
        return self._noise(_JUDGED_DRAWS, probes, _JUDGED_SEED)

    def _noise(self, draws: int, probes: int, seed: int) -> Tensor:
        return torch.randn(draws, probes, self.config.noise_dim, generator=torch.Generator().manual_seed(seed))


def measure_asking(
    pool: Pool, rows: Sequence[IndexRow], later: Pool | None, config: SandwichConfig, training: SandwichTraining
) -> Asking:
    """All arms on subjects of one task and T, whose index rows are `rows`, cross-validated over their configurations:
    neither a selector nor a reader saw any seed of a judged one. `later`: others of the same kind, to be judged by
    what was searched for on all of the first."""
    labels, groups = pool.labels.numpy() == 1, pool.groups.numpy()
    folds = in_folds(groups, np.ones(len(groups), np.bool_), training.folds, training.seed)
    known = [pool.select(torch.from_numpy(np.flatnonzero(~judged))) for judged in folds]
    taught = [fit_selector(config, training, [part], number) for number, part in enumerate(known)]
    arms = {"random": _Arm([Selector(config)] * len(folds), config), "learned": _Arm(taught, config)}
    points: dict[str, list[AskedPoint]] = {name: [] for name in arms}
    leads, direct_leads = {}, {}
    with torch.no_grad():
        for probes in PROBES:
            scores = {name: arm.scores(pool, folds, probes) for name, arm in arms.items()}
            for name, arm in arms.items():
                points[name].append(_point(probes, arm.tokens(pool, probes), scores[name], labels))
            leads[probes] = lead(scores["learned"], scores["random"], labels, groups)
            direct = direct_draws(rows, points["learned"][-1].tokens, _JUDGED_DRAWS)
            direct_leads[probes] = lead(scores["learned"], direct, labels, groups)
        shown = _shown(pool, arms["learned"], config, alphabet_of(rows[0].config.task))
    return Asking(
        subjects=len(labels),
        configurations=len(np.unique(groups)),
        candidates=len(pool.candidates.lengths),
        random=points["random"],
        learned=points["learned"],
        direct=[direct_point(rows, labels, point.tokens) for point in points["learned"]],
        leads=leads,
        direct_leads=direct_leads,
        shown=shown,
        searching=measure_searching(pool, rows, later, config, folds),
    )


def _read(config: SandwichConfig, fitting: Recording, judging: Recording) -> NDArray[np.float64]:
    """Logistic regression on the readout's own statistics: scores `(draws, judged)`."""
    readout = Readout(config)
    readout.standardize_on(fitting.channels)
    train, test = (readout.prepare(part.channels).statistics.numpy() for part in (fitting, judging))
    draws = train.shape[1]
    reader = LogisticRegression(C=_PENALTY, max_iter=1000)
    reader.fit(train.swapaxes(0, 1).reshape(-1, train.shape[2]), np.tile(fitting.labels.numpy() == 1, draws))
    return np.stack([reader.decision_function(test[:, draw]) for draw in range(test.shape[1])])


def _point(probes: int, tokens: float, scores: NDArray[np.float64], labels: NDArray[np.bool_]) -> AskedPoint:
    found = areas(scores, labels)
    return AskedPoint(
        probes=probes, tokens=tokens, auc=float(found.mean()), spread=float(found.std()), least=float(found.min())
    )


def _shown(pool: Pool, learned: _Arm, config: SandwichConfig, alphabet: Sequence[str]) -> list[ShownProbe]:
    noise = learned.judged_noise(8)
    chosen = torch.stack([selector.weights(noise, pool.candidates).sum(dim=1) for selector in learned.selectors])
    share = chosen.mean(dim=(0, 1))  # (candidates,)
    agreement = pool.agreement()  # (subjects, placements, candidates)
    generalizers, others = (agreement[pool.labels == label].mean(dim=0) for label in (1, 0))
    places = (generalizers - others).argmax(dim=0)  # (candidates,)
    return [
        ShownProbe(
            text="".join(pool.candidates.text(index, alphabet)),
            share=float(share[index]),
            placement=config.placements[int(places[index])].name,
            generalizers=float(generalizers[places[index], index]),
            others=float(others[places[index], index]),
        )
        for index in share.argsort(descending=True)[:SHOWN].tolist()
    ]
