"""Reading a subject with all members of an ensemble at once: what several of them ask is asked once."""

from collections.abc import Sequence

import torch
from torch import Tensor

from probe_sandwich.sandwich.answers import answer_channels
from probe_sandwich.sandwich.inputs import Candidates
from probe_sandwich.sandwich.readout import ReadoutOutput
from probe_sandwich.sandwich.universal import UniversalSandwich, candidates_of
from probe_sandwich.subjects.batching import Cancelling, never
from probe_sandwich.subjects.subject import Subjects


def read_together(
    sandwiches: Sequence[UniversalSandwich],
    subjects: Subjects,
    noise: Tensor,
    cancelled: Cancelling = never,
    candidates: Candidates | None = None,
) -> list[ReadoutOutput]:
    """What each of some sandwiches of one config says from its own noise, of `(sandwiches, draws, probes, noise_dim)`,
    without gradients. Members choose among the same candidates, and nearly all the time goes into the subject: so each
    candidate runs once, at one set of places, however many choose it. Raises `Cancelled`."""
    noise = noise.to(subjects.device)
    facts = subjects.configs[0]
    some = (candidates or candidates_of(facts.task, facts.train_max_length)).to(subjects.device)
    with torch.inference_mode():
        chosen = torch.stack(
            [
                sandwich.generator.weights(own, some).argmax(dim=-1)
                for sandwich, own in zip(sandwiches, noise, strict=True)
            ]
        )  # (sandwiches, draws, probes)
        asked, at = chosen.unique(return_inverse=True)
        logits = sandwiches[0].placed_logits(subjects, some.symbols[asked], some.lengths[asked], cancelled)
        # logits[:, :, at]: (models, placements, draws, probes, classes), of each sandwich
        return [
            sandwich.eval().readout(answer_channels(logits[:, :, own].transpose(1, 2)), own_noise)
            for sandwich, own, own_noise in zip(sandwiches, at, noise, strict=True)
        ]
