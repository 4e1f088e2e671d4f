"""The file of figures."""

from pathlib import Path

import pytest
from probe_sandwich.evidence.figures.evidence import NoEvidence, read_evidence
from probe_sandwich.sandwich.meta_classifier import CARD, load_card
from probe_sandwich.settings import SHIPPED_MODELS


def test_a_card_is_small_and_says_how_good_its_meta_classifier_is() -> None:
    folder = SHIPPED_MODELS / "conjunction"
    assert (folder / CARD).stat().st_size < 4000
    assert load_card(folder).track_record == read_evidence(folder).track_record


def test_a_folder_without_figures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NoEvidence, match="train anew"):
        read_evidence(tmp_path)
