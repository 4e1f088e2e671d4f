"""What the README says is what the card says."""

from pathlib import Path

from probe_sandwich.evidence.tables import headline_table
from probe_sandwich.sandwich.card import Card
from probe_sandwich.settings import SHIPPED_MODELS

README = Path(__file__).resolve().parents[1] / "README.md"


def test_the_readme_shows_the_cards_figures() -> None:
    card = Card.model_validate_json((SHIPPED_MODELS / "conjunction" / "card.json").read_text())
    text = README.read_text()
    for line in headline_table(card):
        assert line in text
