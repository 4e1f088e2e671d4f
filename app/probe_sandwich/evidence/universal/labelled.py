"""What rivals see and the sandwich does not: labels, and inputs longer than T."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from probe_sandwich.evidence.universal.part import Part
from probe_sandwich.evidence.universal.table import Table
from probe_sandwich.sandwich.prober import Prober
from probe_sandwich.subjects.batching import row_batches
from probe_sandwich.subjects.subject import SubjectFacts, Subjects
from probe_sandwich.tasks.datasets import Formulas, NoFormulas, sample_formulas
from probe_sandwich.zoo.cohorts import Cohort, in_chunks

BUDGETS = (16, 64, 256)
"""Labelled long inputs of a direct test."""
_PLACED, _SEED = 64, 40_009
_NO_ANSWER = -1


@dataclass(frozen=True)
class Labelled:
    """Of each subject: `placed (subjects,)`, the share of labelled inputs of at most T symbols that it answers rightly
    at the sandwich's placements; and its `answers (subjects, inputs)` to inputs of (T, 2T] symbols in random order,
    with their `truth (subjects, inputs)`; no answer where its positions end before."""

    placed: NDArray[np.float64]
    answers: NDArray[np.int64]
    truth: NDArray[np.int64]

    @staticmethod
    def of(cohorts: Sequence[Cohort], numbers: Part, prober: Prober) -> "Labelled":
        """Ask subjects of a table, in the order of their `numbers`."""
        inputs = max(BUDGETS)
        placed = np.zeros(len(numbers))
        answers, truth = (np.full((len(numbers), inputs), _NO_ANSWER) for _ in range(2))
        for chunk in in_chunks(cohorts):
            rows = np.searchsorted(numbers, chunk.numbers.numpy())
            placed[rows] = placed_accuracy(prober, chunk.subjects)
            answers[rows], truth[rows] = long_answers(chunk.subjects)
        return Labelled(placed, answers, truth)

    def direct_test(self, budget: int) -> NDArray[np.float64]:
        """Accuracy on the first labelled long inputs, `(subjects,)`."""
        asked = self.truth[:, :budget] != _NO_ANSWER
        right = (self.answers == self.truth)[:, :budget] & asked
        accuracy: NDArray[np.float64] = right.sum(axis=1) / np.maximum(asked.sum(axis=1), 1)
        return accuracy

    def with_majority(self, table: Table) -> NDArray[np.float64]:
        """How often each subject's answer to a long input is that of most subjects of its task and T, those of its own
        configuration left out, `(subjects,)`; who has no such company gets the mean."""
        alike: dict[object, list[int]] = defaultdict(list)
        for number, row in enumerate(table.rows):
            alike[row.config.task, row.config.train_max_length].append(number)
        shares = np.full(len(table), np.nan)
        for numbers in map(np.array, alike.values()):
            votes = np.stack([self.answers[numbers] == answer for answer in range(1 + int(self.answers.max()))])
            for number in numbers:
                others = table.configurations[numbers] != table.configurations[number]
                if others.any():
                    most = votes[:, others].sum(axis=1).argmax(axis=0)  # (inputs,)
                    shares[number] = (self.answers[number] == most).mean()
        return np.where(np.isnan(shares), np.nanmean(shares) if np.isfinite(shares).any() else 0.0, shares)


def placed_accuracy(prober: Prober, subjects: Subjects) -> NDArray[np.float64]:
    """Share of labelled inputs from half of T on that subjects answer rightly, over all placements but the usual one,
    `(models,)`."""
    facts = subjects.configs[0]
    half = facts.train_max_length // 2
    inputs = sample_formulas(facts.task, half + 1, facts.train_max_length, _PLACED, _SEED)
    hot = torch.eye(len(inputs.alphabet) + 2)[torch.from_numpy(inputs.ids).long()][..., : len(inputs.alphabet)]
    with torch.inference_mode():
        symbols, lengths = hot.to(subjects.device), torch.from_numpy(inputs.lengths).to(subjects.device)
        logits = prober.placed_logits(subjects, symbols, lengths)
    right = logits[:, 1:].argmax(dim=-1).cpu() == torch.from_numpy(inputs.satisfiable).long()
    share: NDArray[np.float64] = right.double().mean(dim=(1, 2)).numpy()
    return share


def long_answers(subjects: Subjects) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Answers of subjects to inputs of (T, 2T] symbols, in random order, and their labels: `(models, inputs)` each."""
    facts, count = subjects.configs[0], max(BUDGETS)
    answers, truth = (np.full((len(subjects), count), _NO_ANSWER) for _ in range(2))
    try:
        inputs = sample_formulas(facts.task, facts.train_max_length + 1, 2 * facts.train_max_length, count, _SEED)
    except NoFormulas:
        return answers, truth
    inputs = inputs.select(np.random.default_rng(_SEED).permutation(len(inputs)))
    answers[:, : len(inputs)] = _answers(subjects, facts, inputs)
    truth[:, : len(inputs)] = inputs.satisfiable
    return answers, truth


def _answers(subjects: Subjects, facts: SubjectFacts, inputs: Formulas) -> NDArray[np.int64]:
    """Classes `(models, inputs)`; none for inputs beyond the end of the positions."""
    ids = torch.from_numpy(inputs.with_begin())
    within = inputs.lengths <= (facts.longest_formula or inputs.lengths.max())
    found = np.full((len(subjects), len(inputs)), _NO_ANSWER)
    lengths = torch.from_numpy(inputs.lengths[within])
    if not len(lengths):
        return found
    some = ids[torch.from_numpy(within)][:, : 1 + int(lengths.max())].to(subjects.device)
    mask = (torch.arange(some.shape[1]) <= lengths.unsqueeze(1)).to(subjects.device)
    with torch.inference_mode():
        parts = [
            subjects.forward(subjects.embed_ids(some[None, rows]), mask[rows]).logits.argmax(dim=-1)
            for rows in row_batches(subjects, len(some), some.shape[1])
        ]
    found[:, within] = torch.cat(parts, dim=1).cpu().numpy()
    return found
