"""Snapshots of one run: P(generalizer) against the step."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from probe_sandwich.batch.question import Answered
from probe_sandwich.ranking import rank

_COLOUR = "#2f6f9f"


def plot_steps(path: Path, answers: Sequence[Answered], steps: dict[str, int]) -> None:
    """P with its interval at every step; hollow where it is withheld, a cross at the foot where there is none."""
    ranking = sorted(rank([one.diagnosis for one in answers]), key=lambda one: steps[answers[one.index].file])
    at = [steps[answers[one.index].file] for one in ranking]
    without = sorted({steps[one.file] for one in answers} - set(at))
    with mpl.rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(6.4, 3.2), layout="constrained")
        axes = figure.subplots()
        low, high = ([one.interval[end] for one in ranking] for end in (0, 1))
        axes.fill_between(at, low, high, color=_COLOUR, alpha=0.2, linewidth=0, label="interval")
        axes.plot(at, [one.probability for one in ranking], color=_COLOUR, linewidth=1)
        for withheld, name in ((False, "with a verdict"), (True, "withheld")):
            marked = [
                (step, one.probability) for step, one in zip(at, ranking, strict=True) if one.withheld is withheld
            ]
            if marked:
                face = "white" if withheld else _COLOUR
                axes.plot(*zip(*marked, strict=True), "o", color=_COLOUR, markerfacecolor=face, label=name)
        if without:
            axes.plot(without, [0.0] * len(without), "x", color="#777777", label="no number", clip_on=False)
        axes.set(ylim=(0, 1), xlabel="step", ylabel="P(generalizer)")
        axes.legend(frameon=False)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=150)
