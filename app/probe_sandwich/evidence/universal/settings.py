"""What the universal sandwich is made with."""

from probe_sandwich.options import DRAWS
from probe_sandwich.sandwich.config import SandwichConfig, SandwichTraining
from probe_sandwich.sandwich.placements import Kind, Placement

THRESHOLD = 0.5
"""A subject is called a generalizer from this probability on."""
UNIVERSAL = SandwichConfig(
    noise_dim=32,
    temperature=0.1,
    placements=tuple(
        Placement(kind=kind, reach=reach)
        for kind, reaches in (
            (Kind.SHIFTED, (1, 1.5, 2)),
            (Kind.PARTED, (1, 1.5, 2)),
            (Kind.SPREAD, (1, 1.5, 2)),
        )
        for reach in reaches
    ),
    edits=3,
)
TRAINING = SandwichTraining(fitting_draws=DRAWS, epochs=0, selector_steps=300)
"""The readouts are fitted on the draws of a diagnosis: random questions, the same for every subject of a task and T.
What learned ones are worth where few are asked is measured beside (`selector_steps`)."""
