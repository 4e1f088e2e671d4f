"""What the universal sandwich is made with."""

from probe_sandwich.options import DRAWS
from probe_sandwich.sandwich.config import SandwichConfig, SandwichTraining
from probe_sandwich.sandwich.placements import Kind, Placement

THRESHOLD = 0.5
"""A subject is called a generalizer from this probability on."""
UNIVERSAL = SandwichConfig(
    noise_dim=32,
    temperature=0.1,
    # Noise that selects stands for no symbols: there is nothing to read in it.
    readout_sees_noise=False,
    placements=tuple(
        Placement(kind=kind, reach=reach)
        for kind, reaches in (
            (Kind.SHIFTED, (1.25, 1.5, 2)),
            (Kind.PARTED, (1.25, 1.5, 2)),
            (Kind.SPREAD, (1.5, 2)),
        )
        for reach in reaches
    ),
)
TRAINING = SandwichTraining(fitting_draws=2 * DRAWS, epochs=0, selector_steps=300)
"""Half of the draws to fit on, half to judge on. The readouts read random questions; what learned ones are worth
where few are asked is measured beside (`selector_steps`)."""
