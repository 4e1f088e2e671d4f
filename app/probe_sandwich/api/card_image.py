"""An answer as a picture for a paper or a README: SVG without scripts, styles or fonts from elsewhere."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

from probe_sandwich.answer import Diagnosis, KeptAnswers, KeptCurve, LengthTestResult, Verdict

_WIDTH, _HEIGHT, _MARGIN = 760, 372, 28
_INK, _QUIET, _LINE, _PAPER = "#1d2430", "#5a6475", "#d9d7d0", "#ffffff"
_BLUE, _RED, _GREY = "#1f6a9c", "#b3482f", "#7a6a1f"
_VERDICTS = {
    Verdict.GENERALIZER: ("Generalizer", _BLUE),
    Verdict.NOT_GENERALIZER: ("Not a generalizer", _RED),
    Verdict.ABSTAIN: ("No verdict", _GREY),
}
_KINDS = {"shifted": "moved along", "parted": "cut in two", "spread": "spread out"}
_KEPT_AT, _KEPT_STEP = 356, 132
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MOST_CHARACTERS = 110

Point = tuple[float, float]


@dataclass(frozen=True)
class _Panel:
    """A drawing area of a picture: `x` from `first` to `last`, `y` from `least` to 1."""

    picture: ElementTree.Element
    left: float
    width: float
    first: float
    last: float
    least: float = 0
    top: float = 168
    height: float = 124

    def x(self, value: float) -> float:
        return self.left + self.width * (value - self.first) / (self.last - self.first)

    def y(self, share: float) -> float:
        return self.top + self.height * (1 - share) / (1 - self.least)

    def frame(self, title: str, ticks: Sequence[tuple[float, str]]) -> None:
        """Title, axes and what stands below them."""
        _text(self.picture, self.left, self.top - 12, title, fill=_QUIET)
        for share in (self.least, (1 + self.least) / 2, 1):
            _line(self.picture, [(self.left, self.y(share)), (self.left + self.width, self.y(share))], _LINE)
            _text(
                self.picture,
                self.left - 5,
                self.y(share) + 4,
                f"{100 * share:.0f}%",
                size=10,
                fill=_QUIET,
                anchor="end",
            )
        for value, name in ticks:
            _text(self.picture, self.x(value), self.top + self.height + 16, name, size=10, fill=_QUIET, anchor="middle")

    def curve(self, points: Sequence[Point], colour: str, dashes: str = "") -> None:
        """A line through points of the panel."""
        _line(self.picture, [(self.x(x), self.y(y)) for x, y in points], colour, width=2, dashes=dashes)

    def band(self, low: Sequence[Point], high: Sequence[Point], colour: str) -> None:
        """The area between two lines."""
        edge = " ".join(f"{self.x(x):.1f},{self.y(y):.1f}" for x, y in [*low, *reversed(high)])
        ElementTree.SubElement(self.picture, "polygon", {"points": edge, "fill": colour, "fill-opacity": "0.15"})

    def dots(self, points: Sequence[Point], colour: str) -> None:
        for x, y in points:
            facts = {"cx": f"{self.x(x):.1f}", "cy": f"{self.y(y):.1f}", "r": "3.5", "fill": colour}
            ElementTree.SubElement(self.picture, "circle", facts)


def card_image(diagnosis: Diagnosis) -> str:
    """The picture of a diagnosis."""
    size = {"width": str(_WIDTH), "height": str(_HEIGHT), "viewBox": f"0 0 {_WIDTH} {_HEIGHT}"}
    picture = ElementTree.Element("svg", {"xmlns": "http://www.w3.org/2000/svg", "role": "img", **size})
    picture.set("font-family", "system-ui, 'DejaVu Sans', sans-serif")
    ElementTree.SubElement(picture, "title").text = _clean(f"{_said(diagnosis)}: {diagnosis.reason}")
    facts = {"x": "0.5", "y": "0.5", "width": str(_WIDTH - 1), "height": str(_HEIGHT - 1), "rx": "10"}
    ElementTree.SubElement(picture, "rect", {**facts, "fill": _PAPER, "stroke": _LINE})
    _head(picture, diagnosis)
    if diagnosis.direct_test is not None:
        _accuracy(picture, diagnosis.direct_test, diagnosis.checkpoint.train_max_length)
    if diagnosis.kept_answers is not None:
        _kept(picture, diagnosis.kept_answers)
    meta = diagnosis.meta_classifier
    by = "Probe Sandwich" if meta is None else f"Probe Sandwich, {meta.name} version {meta.version}"
    _text(
        picture, _MARGIN, _HEIGHT - 14, f"{by} · checkpoint sha256 {diagnosis.checkpoint.sha256}", size=10, fill=_QUIET
    )
    return ElementTree.tostring(picture, encoding="unicode")


def _said(diagnosis: Diagnosis) -> str:
    words = _VERDICTS[diagnosis.verdict][0]
    probability, interval = diagnosis.generalizer_probability, diagnosis.probability_interval
    if probability is None or interval is None:
        return words
    return f"{words}, P(generalizer) = {probability:.2f} [{interval[0]:.2f}, {interval[1]:.2f}]"


def _head(picture: ElementTree.Element, diagnosis: Diagnosis) -> None:
    words, colour = _VERDICTS[diagnosis.verdict]
    checkpoint = diagnosis.checkpoint
    _text(picture, _MARGIN, 44, words, size=24, fill=colour, weight="700")
    _text(picture, _WIDTH - _MARGIN, 44, _said(diagnosis).partition(", ")[2], size=15, fill=_INK, anchor="end")
    about = f"task {checkpoint.task}, T = {checkpoint.train_max_length}, {checkpoint.parameters:,} parameters"
    _text(picture, _MARGIN, 70, f"Does it stay right on inputs longer than it was trained on? {about}", fill=_INK)
    _text(picture, _MARGIN, 92, _short(diagnosis.reason), size=11, fill=_QUIET)


def _accuracy(picture: ElementTree.Element, test: LengthTestResult, train_max_length: int) -> None:
    """The direct length test: accuracy by length."""
    most = max(bucket.max_length for bucket in test.buckets) / train_max_length
    panel = _Panel(picture, _MARGIN + 30, 222, 0, most)
    multiples = range(1, int(most) + 1)
    _text(picture, _MARGIN, 130, "Direct test: accuracy by length", fill=_INK, weight="600")
    panel.frame("", [(n, "T" if n == 1 else f"{n}T") for n in multiples])
    cut = test.definition.generalizer_cut
    panel.curve([(0, cut), (most, cut)], _QUIET, "2 4")
    _line(picture, [(panel.x(1), panel.y(0)), (panel.x(1), panel.y(1))], _QUIET, dashes="4 3")
    points = [
        ((bucket.min_length + bucket.max_length) / 2 / train_max_length, bucket.accuracy)
        for bucket in test.buckets
        if bucket.accuracy is not None
    ]
    panel.curve(points, _INK)
    panel.dots(points, _INK)


def _kept(picture: ElementTree.Element, kept: KeptAnswers) -> None:
    """The share of answers that stay the same, a panel for each kind of placement, beside the zoo's curves."""
    shown = [kept.shares, *([kept.zoo.generalizers.low, kept.zoo.others.low] if kept.zoo else [])]
    least = min(0.5, math.floor(10 * min(min(shares) for shares in shown)) / 10)
    _text(picture, _KEPT_AT - 30, 130, "Answers that stay the same further out", fill=_INK, weight="600")
    for number, (kind, name) in enumerate(_KINDS.items()):
        numbers = [place for place, placed in enumerate(kept.placements) if placed.kind == kind]
        reaches = [kept.placements[place].reach for place in numbers]
        panel = _Panel(picture, _KEPT_AT + _KEPT_STEP * number, 90, 1, max([2, *reaches]), least)
        panel.frame(name, [(1, "T"), (2, "2T")])

        def along(shares: Sequence[float], places: Sequence[int] = numbers) -> list[Point]:
            return [(kept.placements[place].reach, shares[place]) for place in places]

        if kept.zoo is not None:
            lines: list[tuple[KeptCurve, str, str]] = [
                (kept.zoo.generalizers, _BLUE, ""),
                (kept.zoo.others, _RED, "6 3"),
            ]
            for curve, colour, dashes in lines:
                panel.band(along(curve.low), along(curve.high), colour)
                panel.curve(along(curve.median), colour, dashes)
        panel.curve(along(kept.shares), _INK)
        panel.dots(along(kept.shares), _INK)
    legend = [("this model", _INK)]
    if kept.zoo is not None:
        legend += [("zoo's generalizers", _BLUE), ("its others (dashed)", _RED)]
    for number, (name, colour) in enumerate(legend):
        _text(picture, _KEPT_AT + _KEPT_STEP * number, _HEIGHT - 38, name, size=11, fill=colour, weight="600")


def _line(
    picture: ElementTree.Element, points: Sequence[Point], colour: str, width: float = 1, dashes: str = ""
) -> None:
    facts = {"fill": "none", "stroke": colour, "stroke-width": f"{width:g}"}
    facts |= {"stroke-dasharray": dashes} if dashes else {}
    ElementTree.SubElement(picture, "polyline", {"points": " ".join(f"{x:.1f},{y:.1f}" for x, y in points), **facts})


def _text(
    picture: ElementTree.Element,
    x: float,
    y: float,
    text: str,
    *,
    fill: str,
    size: float = 12,
    anchor: str = "start",
    weight: str = "400",
) -> None:
    facts = {"x": f"{x:.1f}", "y": f"{y:.1f}", "fill": fill, "font-size": f"{size:g}", "text-anchor": anchor}
    ElementTree.SubElement(picture, "text", {**facts, "font-weight": weight}).text = _clean(text)


def _clean(text: str) -> str:
    """Without the characters that no XML may hold; what XML reads as marks is escaped when it is written."""
    return _NO_XML.sub("\N{REPLACEMENT CHARACTER}", text)


def _short(text: str) -> str:
    return text if len(text) <= _MOST_CHARACTERS else f"{text[: _MOST_CHARACTERS - 1]}…"
