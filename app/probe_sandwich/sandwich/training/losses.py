"""What a sandwich is trained on, and by which heads it counts."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from probe_sandwich.sandwich.config import SandwichTraining
from probe_sandwich.sandwich.training.blind_heads import BlindHeads
from probe_sandwich.sandwich.universal import UniversalSandwich
from probe_sandwich.zoo.cohorts import Cohort, in_chunks


def targets(labels: Tensor, long_accuracy: Tensor) -> Tensor:
    """What a readout learns of subjects, from 0 to 1, `(models, 2)`: the label `(models,)`, and how far the long
    accuracy `(models,)` is from chance, 0.5."""
    return torch.stack([labels, ((long_accuracy - 0.5) * 2).clamp(0, 1)], dim=1)


def logit_losses(logits: Tensor, training: SandwichTraining, wanted: Tensor) -> Tensor:
    """Loss of every head on every subject, `(heads, models)`: logits `(heads, models, draws, 2)` against `targets`
    `(models, 2)`, averaged over the draws."""
    wanted = wanted.to(logits.device).unsqueeze(1).expand_as(logits)
    both = F.binary_cross_entropy_with_logits(logits, wanted, reduction="none").mean(dim=2)  # (heads, models, 2)
    weight = training.long_accuracy_weight
    return (1 - weight) * both[..., 0] + weight * both[..., 1]


def sandwich_losses(sandwich: UniversalSandwich, training: SandwichTraining, cohort: Cohort, noise: Tensor) -> Tensor:
    """The same of a whole sandwich that reads `noise (draws, probes, noise_dim)`, `(heads, models)`."""
    output = sandwich(cohort.subjects, noise)
    logits = torch.stack([output.label, output.long_accuracy], dim=-1)
    return logit_losses(logits, training, targets(cohort.labels, cohort.long_accuracy))


def seen_loss(losses: Tensor, blind: Tensor) -> Tensor:
    """Mean loss `(models,)` by the heads that are not blind to a subject, of losses `(heads, models)`; the head `blind
    (models,)` is."""
    seeing = torch.arange(len(losses), device=losses.device).unsqueeze(1) != blind.to(losses.device)
    return (losses * seeing).sum(dim=0) / seeing.sum(dim=0)


def held_out_loss(losses: Tensor, blind: Tensor) -> Tensor:
    """Loss `(models,)` by the head that is blind to a subject, of losses `(heads, models)`."""
    return losses.gather(0, blind.to(losses.device).unsqueeze(0))[0]


@torch.no_grad()
def evaluate_loss(
    sandwich: UniversalSandwich, training: SandwichTraining, cohorts: Sequence[Cohort], noise: Tensor, blind: BlindHeads
) -> float:
    """Mean held-out loss over the subjects."""
    sandwich.eval()
    losses = [
        held_out_loss(sandwich_losses(sandwich, training, chunk, noise), blind.of(chunk.groups))
        for chunk in in_chunks(cohorts)
    ]
    return float(torch.cat(losses).mean())
