"""Subjects that answer nothing, made of those of a zoo."""

import torch

from probe_sandwich.subjects.transformer import SubjectStack, initial_weights, join, on_device


def with_shuffled_weights(subjects: SubjectStack, seed: int) -> SubjectStack:
    """The entries of every tensor of each subject in another order: same statistics, no function."""
    random = torch.Generator().manual_seed(seed)
    weights = {}
    for name, weight in subjects.weights.items():
        flat = weight.flatten(1).cpu()
        order = torch.stack([torch.randperm(flat.shape[1], generator=random) for _ in range(len(flat))])
        weights[name] = flat.gather(1, order).view(weight.shape).to(weight.device)
    return SubjectStack.of(subjects.configs, weights)


def freshly_initialized(subjects: SubjectStack, seed: int) -> SubjectStack:
    """Untrained subjects of the same configurations."""
    random = torch.Generator().manual_seed(seed)
    fresh = [(config, initial_weights(config, random)) for config in subjects.configs]
    return join([(config, on_device(weights, subjects.device)) for config, weights in fresh])
