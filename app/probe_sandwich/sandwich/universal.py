"""The composition for subjects of any task, alphabet and length: selector, frozen subjects, readout."""

from functools import lru_cache

import torch
from torch import Tensor, nn

from probe_sandwich.sandwich.answers import answer_channels
from probe_sandwich.sandwich.config import SandwichConfig
from probe_sandwich.sandwich.inputs import Candidates, best_candidates
from probe_sandwich.sandwich.placements import places_by_length
from probe_sandwich.sandwich.readout import Readout, ReadoutOutput
from probe_sandwich.sandwich.selector import Selector
from probe_sandwich.subjects.batching import Cancelling, never, row_batches
from probe_sandwich.subjects.subject import SubjectFacts, Subjects
from probe_sandwich.tasks.alphabets import alphabet_of
from probe_sandwich.tasks.task import AnyTask


class UniversalSandwich(nn.Module):
    """Noise -> hidden layers -> frozen Transformers -> hidden layers -> logits.

    The module owns the parameters of selector and readout and nothing else: a subject comes in as an argument and is no
    part of it, so no optimizer of the sandwich can reach it.
    """

    def __init__(self, config: SandwichConfig) -> None:
        super().__init__()
        self.config = config
        self.generator = Selector(config)
        self.readout = Readout(config)

    def forward(
        self, subjects: Subjects, noise: Tensor, cancelled: Cancelling = never, candidates: Candidates | None = None
    ) -> ReadoutOutput:
        """What the readout says of each subject, from noise `(draws, probes, noise_dim)`, asked about `candidates`: by
        default inputs drawn from the task. Raises `Cancelled`."""
        output: ReadoutOutput = self.readout(self.answers(subjects, noise, cancelled, candidates), noise)
        return output

    def answers(
        self, subjects: Subjects, noise: Tensor, cancelled: Cancelling = never, candidates: Candidates | None = None
    ) -> Tensor:
        """Channels `(models, draws, placements, probes, channels)` of the answers to the probes that noise selects."""
        return answer_channels(self.logits(subjects, noise, cancelled, candidates))

    def logits(
        self, subjects: Subjects, noise: Tensor, cancelled: Cancelling = never, candidates: Candidates | None = None
    ) -> Tensor:
        """The answers themselves, `(models, draws, placements, probes, classes)`."""
        # Each draw is a set of probes of its own.
        selected = self._selected(subjects.configs[0], noise, candidates)
        symbols, lengths = (part.flatten(0, 1) for part in selected)
        placed = self.placed_logits(subjects, symbols, lengths, cancelled).unflatten(2, noise.shape[:2])
        by_draw: Tensor = placed.transpose(1, 2)  # (models, draws, placements, probes, classes)
        return by_draw

    def placed_logits(
        self, subjects: Subjects, symbols: Tensor, lengths: Tensor, cancelled: Cancelling = never
    ) -> Tensor:
        """Logits `(models, placements, probes, classes)` of probes `symbols (probes, length, symbols)` of `lengths
        (probes,)`, at their usual places and at every placement. Raises `Cancelled`."""
        symbols = symbols[:, : int(lengths.max())]  # noise need not have selected the longest candidate
        train_max_length = subjects.configs[0].train_max_length
        places = self.places(lengths.cpu(), train_max_length).to(symbols.device)  # (placements, probes, 1 + length)
        vectors = subjects.embed_distribution(symbols).repeat(1, len(places), 1, 1)
        mask = torch.arange(vectors.shape[2], device=symbols.device) <= lengths.repeat(len(places)).unsqueeze(1)
        positions = places.flatten(0, 1).unsqueeze(0)  # (1, placements * probes, 1 + length)
        parts = [
            subjects.forward(vectors[:, rows], mask[rows], positions[:, rows]).logits
            for rows in row_batches(subjects, mask.shape[0], mask.shape[1], cancelled)
        ]
        logits: Tensor = torch.cat(parts, dim=1)
        placed: Tensor = logits.unflatten(1, places.shape[:2])
        return placed

    def written(self, subjects: Subjects, noise: Tensor, candidates: Candidates | None = None) -> list[list[str]]:
        """The symbols of each probe that noise `(probes, noise_dim)` selects."""
        facts = subjects.configs[0]
        symbols, lengths = self._selected(facts, noise, candidates)
        alphabet = alphabet_of(facts.task)
        rows = zip(symbols.argmax(dim=-1).tolist(), lengths.tolist(), strict=True)
        return [[alphabet[index] for index in row[:length]] for row, length in rows]

    def _selected(self, facts: SubjectFacts, noise: Tensor, candidates: Candidates | None) -> tuple[Tensor, Tensor]:
        """Symbols `(..., probes, length, symbols)` and lengths `(..., probes)` that noise `(..., probes, noise_dim)`
        selects."""
        candidates = candidates or candidates_of(facts.task, facts.train_max_length)
        selected: tuple[Tensor, Tensor] = self.generator(noise, candidates.to(noise.device))
        return selected

    def places(self, lengths: Tensor, train_max_length: int) -> Tensor:
        """Places of the begin symbol and of each probe's symbols, `(placements, probes, 1 + length)`, of probes of
        `lengths (probes,)`; the usual ones come first."""
        random = torch.Generator().manual_seed(self.config.placement_seed)
        usual = torch.arange(1 + int(lengths.max())).expand(len(lengths), -1)
        others = [places_by_length(kind, lengths, train_max_length, random) for kind in self.config.placements]
        return torch.stack([usual, *others])


@lru_cache(maxsize=256)
def candidates_of(task: AnyTask, train_max_length: int) -> Candidates:
    """The candidates of a task and T, drawn once. Raises `NoFormulas`."""
    # Whoever draws them first may be diagnosing; whoever has them next may be training.
    with torch.inference_mode(False):
        return best_candidates(task, train_max_length)
