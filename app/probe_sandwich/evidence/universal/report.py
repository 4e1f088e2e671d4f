"""The report of the universal meta-classifier: what was asked of it, then two tables a kind, by method and by task."""

from collections.abc import Callable
from pathlib import Path

from probe_sandwich.evidence.figures.lead import Lead
from probe_sandwich.evidence.universal import evaluation as kinds
from probe_sandwich.evidence.universal.asking import FILE as ASKING_FILE
from probe_sandwich.evidence.universal.asking import Asking
from probe_sandwich.evidence.universal.asking_report import asking_section
from probe_sandwich.evidence.universal.confidence import WANTED
from probe_sandwich.evidence.universal.figures import KindFigures, MethodFigures, UniversalEvidence
from probe_sandwich.evidence.universal.foreign import FOREIGN
from probe_sandwich.evidence.universal.methods import AGREEMENT, AGREEMENT_TREES, METHODS, SANDWICH, TREES
from probe_sandwich.evidence.universal.plots import AREAS, CONFIDENCE, LONG_ACCURACY
from probe_sandwich.files import write_atomically
from probe_sandwich.sandwich.card import Card

TRAIL = "trail.md"
_HOW = {
    kinds.UNSEEN: "Cross-validated: a subject is judged by a readout that saw no seed of its configuration.",
    kinds.CONJUNCTIONS: "Of these, the kind of subjects that the first zoo was made of.",
    kinds.TASK: "Each task of ten subjects and more, in turn, is judged by a readout that saw none of it; its inputs "
    "come unlabelled. "
    f"A verdict is given where P is so far from 0.5 that on the *other* left-out tasks of both labels "
    f"{WANTED:.2f} were right.",
    kinds.LENGTH: "Trained on T of 14 and less, judged on T of 20 and more.",
    kinds.SIZE: "Trained on widths up to 48 and fewer than 6 layers, judged on widths from 64 on and 6 layers.",
    kinds.RESERVE: "The whole ensemble on configurations that no member saw; rivals are fitted on all the others.",
    FOREIGN: "The whole ensemble on architectures that no zoo holds (plain PyTorch modules, Hugging Face models); each "
    "counts as a configuration. Verdicts go by task, sureness and distance from the zoo, as in a service; not by "
    "whether members disagree.",
}
_AS_SERVED = (kinds.TASK, FOREIGN)
_RIVALS = (AGREEMENT_TREES, TREES, AGREEMENT)
_WITHHELD_BESIDES = (
    " These lie near enough to the zoo; a service withholds some of them, by what the card says of their task."
)


def write_universal_report(folder: Path, card: Card, evidence: UniversalEvidence) -> None:
    """Write `report.md`; a `trail.md` beside it is put at its end."""
    lines = [
        f"# Meta-classifier `{card.name}`",
        "",
        "For subjects of any task, alphabet and T. Trained on "
        f"{card.zoo.converged - card.zoo.reserve} converged subjects outside the reserve; {card.zoo.generalizers} of "
        f"all {card.zoo.converged} are generalizers (accuracy at least {card.definition.generalizer_cut:.2f} on "
        "(T, 2T]). In training and calibration a task counts by the square root of its subjects. AUC with its 95 % "
        "bootstrap over configurations; the sandwich's lead is the paired difference. A task has an AUC of its own "
        "where each label has at least five of its subjects. *Gap closed*: in configurations of three seeds and "
        "more, the share of the gap in long accuracy from a random seed to the best one that choosing by the method "
        "closes. Methods with a star see labels of the judged subject's task.",
        "",
        "## What was asked of it",
        "",
        *_targets(evidence),
        "",
        f"![AUC by kind]({AREAS})",
        "",
        "| task | converged | generalizers |",
        "| --- | --- | --- |",
    ]
    for task, count in evidence.converged_by_task.items():
        lines.append(f"| {task} | {count} | {evidence.generalizers_by_task.get(task, 0)} |")
    for kind, figures in evidence.kinds.items():
        lines += ["", f"## {kind[0].upper()}{kind[1:]}", "", *_kind(kind, figures)]
        if kind == kinds.TASK:
            lines += ["", f"![P against long accuracy]({LONG_ACCURACY})", "", f"![Sure verdicts]({CONFIDENCE})", ""]
            lines.append(
                "*Right*: of verdicts so far from 0.5 on tasks with enough of either label, each task counting alike; "
                f"the grey line is what is wanted, {WANTED:.2f}. *Given*: the share of all subjects that are so far."
            )
    lines += _other_cuts(evidence)
    lines += _learning_curve(evidence)
    if (folder / ASKING_FILE).exists():
        lines += ["", *asking_section(Asking.model_validate_json((folder / ASKING_FILE).read_text()))]
    text = "\n".join(lines) + "\n"
    if (folder / TRAIL).exists():
        text += "\n" + (folder / TRAIL).read_text()
    write_atomically(folder / "report.md", text.encode())


def _targets(evidence: UniversalEvidence) -> list[str]:
    """The figures that were asked for, each with its target; kinds that were not judged are left out."""
    rows = ["| figure | measured | target | met |", "| --- | --- | --- | --- |"]

    def told(name: str, measured: str, target: str) -> None:
        rows.append(f"| {name} | {measured} | {target} | {_met(measured, target)} |")

    def add(name: str, kind: str, value: Callable[[MethodFigures], str], target: str) -> None:
        if kind in evidence.kinds:
            told(name, value(evidence.kinds[kind].methods[SANDWICH]), target)

    def of_task(task: str) -> Callable[[MethodFigures], str]:
        return lambda method: _short(method.tasks[task].auc) if task in method.tasks else "-"

    add("conjunctions, T = 12, unseen configurations: AUC", kinds.CONJUNCTIONS, area, "0.945")
    for task, least in (("conjunction", "0.93"), ("cnf", "0.90"), ("formula", "0.90")):
        add(f"{task}, every T, unseen configurations: AUC", kinds.UNSEEN, of_task(task), least)
    add("T left out: AUC", kinds.LENGTH, area, "0.90")
    add("size left out: AUC", kinds.SIZE, area, "0.88")
    add("task left out: AUC, mean over tasks", kinds.TASK, lambda method: _short(method.mean_task_auc), "0.90")
    add("task left out: AUC, least of a task", kinds.TASK, lambda method: _short(method.least_task_auc), "0.80")
    add("task left out: AUC, pooled", kinds.TASK, area, "0.88")
    add("within a configuration, unseen", kinds.UNSEEN, _within, "0.80")
    add("within a configuration, task left out", kinds.TASK, _within, "0.75")
    for kind in (kinds.LENGTH, kinds.SIZE, kinds.TASK):
        add(f"{kind}: calibration error", kind, lambda method: _short(method.calibration_error), "at most 0.10")
    add("gap to the best seed closed, unseen", kinds.UNSEEN, _gap, "0.80")
    add("gap to the best seed closed, task left out", kinds.TASK, _gap, "0.65")
    if FOREIGN in evidence.kinds:
        figures = evidence.kinds[FOREIGN]
        add("foreign: AUC", FOREIGN, area, "0.85")
        told("foreign: answered", f"{figures.answered.share:.2f}", "0.80")
        told("foreign: right of the answered", _short(figures.answered.accuracy), "0.85")
    for rival, lead in evidence.leads_elsewhere.items():
        if rival in _RIVALS:
            told(f"lead over {rival}, mean over what is left out", _lead(lead), "+0.015")
    return rows


def _met(measured: str, target: str) -> str:
    """Whether the first number of what was measured reaches its target, which is the least or, where it says so, the
    most."""
    if measured.startswith("-") and not measured[1:2].isdigit():
        return "-"
    value = float(measured.split(" ", maxsplit=1)[0])
    most = target.removeprefix("at most ")
    reached = value <= float(most) if most != target else value >= float(target)
    return "yes" if reached else "no"


def _kind(kind: str, figures: KindFigures) -> list[str]:
    return [
        f"{_HOW[kind]} {figures.subjects} subjects of {figures.configurations} configurations, {figures.positives} "
        "generalizers.",
        "",
        "| method | AUC, pooled | mean over tasks | least of a task | within a configuration | gap closed | "
        "calibration error | accuracy | sandwich's lead, AUC | sandwich's lead, mean over tasks | "
        "sandwich's lead, gap |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
        *(_row(name, method) for name, method in figures.methods.items()),
        "",
        f"Verdicts {'are' if kind in _AS_SERVED else 'can be'} given on {figures.answered.share:.2f} of them, "
        f"{_short(figures.answered.accuracy)} of which are right (of all {figures.answered.accuracy_of_all:.3f})."
        f"{'' if kind in _AS_SERVED else _WITHHELD_BESIDES}",
        "",
        "| task | subjects | generalizers | verdicts given | right of those | " + " | ".join(figures.methods) + " |",
        "| --- | --- | --- | --- | --- |" + " --- |" * len(figures.methods),
        *(_task_row(task, figures) for task in next(iter(figures.methods.values())).tasks),
    ]


def _other_cuts(evidence: UniversalEvidence) -> list[str]:
    if not evidence.other_cuts:
        return []
    cuts = list(next(iter(evidence.other_cuts.values())))
    return [
        "",
        "## Other cuts",
        "",
        "AUC of the sandwich as it is, where a generalizer is a subject of at least so much accuracy on (T, 2T].",
        "",
        f"| kind | {' | '.join(f'{cut:.2f}' for cut in cuts)} |",
        "| --- |" + " --- |" * len(cuts),
        *(
            f"| {kind} | {' | '.join(_short(area) for area in by_cut.values())} |"
            for kind, by_cut in evidence.other_cuts.items()
        ),
    ]


def _learning_curve(evidence: UniversalEvidence) -> list[str]:
    if not evidence.learning_curve:
        return []
    return [
        "",
        "## Learning curve over tasks",
        "",
        "Readouts trained on so many tasks, judged on all others: medians over draws of tasks.",
        "",
        "| tasks | draws | AUC, pooled | mean over tasks | accuracy | calibration error |",
        "| --- | --- | --- | --- | --- | --- |",
        *(
            f"| {one.tasks} | {one.draws} | {_short(one.auc)} | {_short(one.mean_task_auc)} | {one.accuracy:.3f} | "
            f"{one.calibration_error:.3f} |"
            for one in evidence.learning_curve
        ),
    ]


def _row(name: str, method: MethodFigures) -> str:
    gap = method.gap_lead
    cells = [
        name + " *" * (name in _LABELLED),
        area(method),
        _short(method.mean_task_auc),
        _short(method.least_task_auc),
        _within(method),
        _gap(method),
        _short(method.calibration_error),
        _short(method.accuracy),
        _lead(method.sandwich_lead),
        _lead(method.task_lead),
        "-" if gap is None else f"{gap.closed:+.2f} ({gap.low:+.2f} to {gap.high:+.2f})",
    ]
    return "| " + " | ".join(cells) + " |"


def area(method: MethodFigures) -> str:
    """Pooled AUC with its interval."""
    return f"{_short(method.auc)} ({_short(method.auc_low)} to {_short(method.auc_high)})"


def lead_of(method: MethodFigures) -> str:
    """How far the sandwich is ahead of a method, with the interval of the difference."""
    return _lead(method.sandwich_lead)


def _lead(lead: Lead | None) -> str:
    return "-" if lead is None else f"{lead.auc:+.3f} ({lead.low:+.3f} to {lead.high:+.3f})"


def _within(method: MethodFigures) -> str:
    interval = f"{_short(method.within_configuration_low)} to {_short(method.within_configuration_high)}"
    return f"{_short(method.within_configuration_auc)} ({interval}; {method.within_configuration_pairs} pairs)"


def _gap(method: MethodFigures) -> str:
    if method.gap_closed is None:
        return "-"
    interval = f"{_short(method.gap_closed_low)} to {_short(method.gap_closed_high)}"
    return f"{method.gap_closed:.2f} ({interval}; {method.gap_configurations})"


def _task_row(task: str, figures: KindFigures) -> str:
    of_task = [method.tasks[task] for method in figures.methods.values()]
    areas = " | ".join(_short(one.auc) for one in of_task)
    answered = figures.answered_by_task[task]
    facts = [task, of_task[0].subjects, of_task[0].positives, f"{answered.share:.2f}", _short(answered.accuracy), areas]
    return "| " + " | ".join(map(str, facts)) + " |"


def _short(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


_LABELLED = frozenset(method.name for method in METHODS if method.labelled)
