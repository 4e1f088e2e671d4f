"""The half of the sandwich before its readout: noise selects probes, and frozen subjects of any task answer to them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from probe_sandwich.sandwich.answers import answer_channels
from probe_sandwich.sandwich.config import SandwichConfig
from probe_sandwich.sandwich.edits import edited
from probe_sandwich.sandwich.inputs import Candidates, candidates_of
from probe_sandwich.sandwich.placements import places_by_length
from probe_sandwich.sandwich.selector import Selector
from probe_sandwich.subjects.batching import Cancelling, never, row_batches
from probe_sandwich.subjects.config import Placing
from probe_sandwich.subjects.subject import SubjectFacts, Subjects


@dataclass(frozen=True)
class ProbeAnswers:
    """What subjects answer to the probes of some draws, each candidate among them asked once.

    `chosen (different,)` are the candidates, `shares (different,)` their lengths in multiples of T, and `places
    (placements, different, 1 + length)` where their begin symbol and their symbols stand, the usual places first;
    `logits (models, placements, different, classes)` are the answers there, `to_edits (models, edits, different,
    classes)` those to their edits; and `probes (draws, probes)` says which of them each probe is.
    """

    candidates: Candidates
    chosen: Tensor
    shares: Tensor
    places: Tensor
    logits: Tensor
    to_edits: Tensor
    probes: Tensor

    def channels(self) -> Tensor:
        """What a readout reads, `(models, draws, variants, probes, channels)`: the placements, then the edits."""
        both = torch.cat([self.logits, self.to_edits], dim=1)
        # A draw at a time: logits of all of them would grow with the number of classes.
        draws = [answer_channels(both[:, None, :, draw], self.shares[draw].unsqueeze(0)) for draw in self.probes]
        return torch.cat(draws, dim=1)


class Prober(nn.Module):
    """Selector and placements. It owns the selector's parameters and nothing else: a subject comes in as an argument
    and is no part of it."""

    def __init__(self, config: SandwichConfig) -> None:
        super().__init__()
        self.config = config
        self.selector = Selector(config)

    @torch.no_grad()
    def ask(
        self, subjects: Subjects, noise: Tensor, cancelled: Cancelling = never, candidates: Candidates | None = None
    ) -> ProbeAnswers:
        """Answers to the probes that noise `(draws, probes, noise_dim)` selects from `candidates`, by default inputs
        drawn from the task. Raises `Cancelled`."""
        facts = subjects.configs[0]
        noise, candidates = noise.to(subjects.device), (candidates or _candidates_of(facts)).to(subjects.device)
        chosen, probes = self.selector.choose(noise, candidates).unique(return_inverse=True)
        places = self.places(candidates.lengths, facts.train_max_length)[:, chosen]
        symbols, lengths = candidates.symbols[chosen], candidates.lengths[chosen]
        logits = _placed_logits(subjects, symbols, lengths, places, cancelled)
        to_edits = [
            _placed_logits(subjects, version[chosen], lengths, places[:1], cancelled)
            for version in self.edits(candidates)
        ]
        shares = lengths / facts.train_max_length
        return ProbeAnswers(
            candidates, chosen, shares, places, logits, torch.cat([logits[:, :0], *to_edits], dim=1), probes
        )

    def answers(self, subjects: Subjects, noise: Tensor, candidates: Candidates | None = None) -> Tensor:
        """Channels `(models, draws, variants, probes, channels)` of the same answers, each probe run by itself, so that
        a gradient reaches the selector through the frozen subjects."""
        facts = subjects.configs[0]
        candidates = (candidates or _candidates_of(facts)).to(noise.device)
        symbols, chosen = self.selector(noise, candidates)  # (draws, probes, length, symbols), (draws, probes)
        places = self.places(candidates.lengths, facts.train_max_length)[:, chosen.flatten()]
        lengths = candidates.lengths[chosen.flatten()]
        parts = [_placed_logits(subjects, symbols.flatten(0, 1), lengths, places)]
        for version in self.edits(candidates):
            edit, _ = self.selector(noise, replace(candidates, symbols=version))
            parts.append(_placed_logits(subjects, edit.flatten(0, 1), lengths, places[:1]))
        logits = torch.cat(parts, dim=1).unflatten(2, chosen.shape)  # (models, variants, draws, probes, classes)
        return answer_channels(logits.transpose(1, 2), lengths.view(chosen.shape) / facts.train_max_length)

    def placed_logits(self, subjects: Subjects, symbols: Tensor, lengths: Tensor) -> Tensor:
        """Logits `(models, placements, probes, classes)` of inputs `symbols (probes, length, symbols)` of `lengths
        (probes,)`, at their usual places and at every placement."""
        places = self.places(lengths, subjects.configs[0].train_max_length)
        return _placed_logits(subjects, symbols, lengths, places)

    def edits(self, candidates: Candidates) -> Iterator[Tensor]:
        """Symbols `(candidates, length, symbols)` of all candidates, once for each edit, one at a time: they may be
        large. A candidate has the same edits whenever it is selected."""
        random = torch.Generator().manual_seed(self.config.placement_seed)
        for version in edited(candidates.symbols.cpu(), candidates.lengths.cpu(), self.config.edits, random):
            yield version.to(candidates.symbols.device)

    def places(self, lengths: Tensor, train_max_length: int) -> Tensor:
        """Places of the begin symbol and of the symbols of all candidates of a task, `(placements, candidates, 1 +
        length)`, by their `lengths (candidates,)`; the usual ones come first. A candidate has the same places whenever
        it is selected."""
        random = torch.Generator().manual_seed(self.config.placement_seed)
        lengths, device = lengths.cpu(), lengths.device
        usual = torch.arange(1 + int(lengths.max())).expand(len(lengths), -1)
        others = [places_by_length(kind, lengths, train_max_length, random) for kind in self.config.placements]
        return torch.stack([usual, *others]).to(device)


def _candidates_of(facts: SubjectFacts) -> Candidates:
    return candidates_of(facts.task, facts.train_max_length)


def _placed_logits(
    subjects: Subjects, symbols: Tensor, lengths: Tensor, places: Tensor, cancelled: Cancelling = never
) -> Tensor:
    """Logits `(models, placements, probes, classes)` of probes `symbols (probes, length, symbols)` of `lengths
    (probes,)` at `places (placements, probes, 1 + length)`. Raises `Cancelled`."""
    count, at = len(lengths), places.flatten(0, 1)  # (placements * probes, 1 + length)
    vectors = subjects.embed_distribution(symbols)  # (models, probes, 1 + length, d_model)
    by_fillers = subjects.configs[0].placing is Placing.BY_FILLERS
    ends = lengths.repeat(len(places))  # (placements * probes,)
    # Rows of about one width run together, so that little is computed of padding, and of fillers.
    width = at.gather(1, ends.unsqueeze(1))[:, 0] if by_fillers else ends
    order = width.argsort(stable=True)
    parts = []
    for batch in row_batches(subjects, len(order), 1 + int(width.max()), cancelled):
        rows = order[batch]
        longest = 1 + int(ends[rows].max())
        mask = torch.arange(longest, device=rows.device) <= ends[rows].unsqueeze(1)
        positions = at[rows, :longest].unsqueeze(0)
        parts.append(subjects.forward(vectors[:, rows % count, :longest], mask, positions).logits)
    logits: Tensor = torch.cat(parts, dim=1)[:, order.argsort()]
    placed: Tensor = logits.unflatten(1, places.shape[:2])
    return placed
