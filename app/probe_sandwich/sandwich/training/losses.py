"""What a sandwich is trained on, and by which heads it counts."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from probe_sandwich.sandwich.config import SandwichTraining
from probe_sandwich.sandwich.readout import ReadoutOutput
from probe_sandwich.sandwich.training.blind_heads import BlindHeads
from probe_sandwich.sandwich.universal import UniversalSandwich
from probe_sandwich.zoo.cohorts import Cohort, in_chunks


def output_losses(output: ReadoutOutput, training: SandwichTraining, labels: Tensor, long_accuracy: Tensor) -> Tensor:
    """Loss of every head on every subject, `(heads, models)`: label and long accuracy `(models,)`, averaged over the
    draws."""
    device = output.label.device
    label = labels.to(device).unsqueeze(1).expand_as(output.label)  # (heads, models, draws)
    # Chance is 0.5: what lies between it and 1 is the soft target.
    target = ((long_accuracy.to(device) - 0.5) * 2).clamp(0, 1).unsqueeze(1).expand_as(label)
    hard = F.binary_cross_entropy_with_logits(output.label, label, reduction="none")
    soft = F.binary_cross_entropy_with_logits(output.long_accuracy, target, reduction="none")
    weight = training.long_accuracy_weight
    return ((1 - weight) * hard + weight * soft).mean(dim=2)


def sandwich_losses(sandwich: UniversalSandwich, training: SandwichTraining, cohort: Cohort, noise: Tensor) -> Tensor:
    """The same of a whole sandwich that reads `noise (draws, probes, noise_dim)`, `(heads, models)`."""
    return output_losses(sandwich(cohort.subjects, noise), training, cohort.labels, cohort.long_accuracy)


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
