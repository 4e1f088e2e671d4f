"""Training and evaluation, which share no input."""

from enum import StrEnum


class Split(StrEnum):
    """Which inputs a set may hold."""

    TRAINING = "training"
    EVALUATION = "evaluation"
