"""Diagnoses, for tests of what is made of them."""

import json
from importlib.resources import files

from probe_sandwich.answer import Diagnosis, Doubt, Verdict

EXAMPLE = json.loads(files("probe_sandwich.api").joinpath("example_diagnosis.json").read_text())


def diagnosis_of(*members: float, doubt: Doubt | None = None, **checkpoint: object) -> Diagnosis:
    """One whose members say this; `checkpoint`: what is other of its subject."""
    probability, interval = sum(members) / len(members), (min(members), max(members))
    given, withheld = (None, probability) if doubt else (probability, None)
    verdict = Verdict.GENERALIZER if probability >= 0.5 else Verdict.NOT_GENERALIZER
    changes = {
        "checkpoint": EXAMPLE["checkpoint"] | checkpoint,
        "generalizer_probability": given,
        "probability_interval": None if doubt else interval,
        "withheld_probability": withheld,
        "withheld_interval": interval if doubt else None,
        "member_probabilities": list(members),
        "verdict": Verdict.ABSTAIN if doubt else verdict,
        "doubt": doubt,
    }
    return Diagnosis.model_validate(EXAMPLE | changes)
