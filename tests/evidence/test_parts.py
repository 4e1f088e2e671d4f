"""Which subjects of a zoo a meta-classifier has seen."""

from pathlib import Path

import pytest
import torch
from probe_sandwich.evidence.evaluation import evaluate_meta_classifier
from probe_sandwich.evidence.parts import OtherZoo
from probe_sandwich.settings import SHIPPED_MODELS


def test_a_meta_classifier_is_not_judged_on_a_zoo_that_it_was_not_trained_on(tiny_zoo: Path) -> None:
    """Folds depend on what the zoo holds: on another state of it, test subjects would be training subjects."""
    with pytest.raises(OtherZoo, match="train it anew"):
        evaluate_meta_classifier(tiny_zoo, SHIPPED_MODELS / "conjunction", torch.device("cpu"))
