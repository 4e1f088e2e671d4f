"""Settings of a sandwich, as a card keeps them."""

from probe_sandwich.sandwich.config import SandwichConfig


def test_a_probe_is_asked_at_its_usual_places_at_every_placement_and_with_every_edit() -> None:
    config = SandwichConfig(edits=3)
    assert config.variants == 1 + len(config.placements) + 3


def test_a_card_from_before_there_were_edits_has_none_and_stays_as_it_is() -> None:
    assert "edits" not in SandwichConfig().model_dump()
    assert SandwichConfig.model_validate(SandwichConfig().model_dump()).edits == 0
