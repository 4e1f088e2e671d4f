"""The picture of an answer: well-formed, complete, and harmless whatever an answer holds."""

import re
from xml.etree import ElementTree

import pytest
from probe_sandwich.answer import Diagnosis, Verdict
from probe_sandwich.api.card_image import card_image
from probe_sandwich.api.documented import EXAMPLE

SVG = "{http://www.w3.org/2000/svg}"
DIAGNOSIS = Diagnosis.model_validate(EXAMPLE)


def drawn(**changes: object) -> ElementTree.Element:
    """The picture of the documented example, with some of it changed."""
    return ElementTree.fromstring(card_image(DIAGNOSIS.model_copy(update=changes)))


def texts(picture: ElementTree.Element) -> str:
    return "\n".join(element.text or "" for element in picture.iter(f"{SVG}text"))


def test_it_says_what_the_answer_says() -> None:
    said = texts(drawn())
    assert "Generalizer" in said
    assert f"P(generalizer) = {DIAGNOSIS.generalizer_probability:.2f} [" in said
    assert DIAGNOSIS.checkpoint.sha256 in said
    assert "task conjunction, T = 12, 34,114 parameters" in said


def test_every_bucket_and_every_placement_is_drawn() -> None:
    test, kept = DIAGNOSIS.direct_test, DIAGNOSIS.kept_answers
    assert test is not None
    assert kept is not None
    # All but the usual places, where every answer is kept.
    assert len(list(drawn().iter(f"{SVG}circle"))) == len(test.buckets) + len(kept.placements) - 1


def test_an_abstention_without_test_and_probes_has_neither_number_nor_curve() -> None:
    picture = drawn(
        verdict=Verdict.ABSTAIN,
        generalizer_probability=None,
        probability_interval=None,
        direct_test=None,
        kept_answers=None,
        meta_classifier=None,
    )
    assert "No verdict" in texts(picture)
    assert "P(generalizer) = " not in texts(picture).replace(DIAGNOSIS.reason, "")
    assert not list(picture.iter(f"{SVG}circle"))


@pytest.mark.parametrize(
    "hostile", ["</text><script>alert(1)</script>", "]]>&<!--", "\x00\x1b\ud800\uffff", '" onload="x']
)
def test_what_an_answer_holds_stays_text(hostile: str) -> None:
    checkpoint = DIAGNOSIS.checkpoint.model_copy(update={"task": hostile})
    picture = drawn(checkpoint=checkpoint, reason=hostile * 40)
    tags = {element.tag.removeprefix(SVG) for element in picture.iter()}
    assert tags == {"svg", "title", "rect", "text", "polyline", "polygon", "circle"}
    assert not [name for element in picture.iter() for name in element.attrib if name.startswith("on")]
    shown = re.sub("[\x00-\x1f\ud800-\udfff\uffff]", "\N{REPLACEMENT CHARACTER}", hostile)
    assert f"task {shown}, T" in texts(picture)


def test_it_needs_nothing_from_elsewhere() -> None:
    text = card_image(DIAGNOSIS).replace("http://www.w3.org/2000/svg", "")
    assert "http" not in text
    assert not re.search(r"<(style|script|image|a|use|foreignObject)\b", text)
