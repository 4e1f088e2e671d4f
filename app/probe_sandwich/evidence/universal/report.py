"""The report of the universal meta-classifier: two tables a kind, by method and by task."""

from pathlib import Path

from probe_sandwich.evidence.figures.metrics import Lead
from probe_sandwich.evidence.universal.asking import FILE as ASKING_FILE
from probe_sandwich.evidence.universal.asking import Asking
from probe_sandwich.evidence.universal.asking_report import asking_section
from probe_sandwich.evidence.universal.figures import KindFigures, MethodFigures, UniversalEvidence
from probe_sandwich.files import write_atomically
from probe_sandwich.sandwich.card import Card

TRAIL = "trail.md"
_HOW = {
    "unseen configurations": "Cross-validated: a subject is judged by a readout that saw no seed of its configuration.",
    "task left out": "Each task in turn is judged by a readout that saw no subject of it; its inputs come unlabelled.",
    "T left out": "Trained on T of 14 and less, judged on T of 20 and more.",
    "size left out": "Trained on widths up to 48 and fewer than 6 layers, judged on widths from 64 on and 6 layers.",
    "reserve": "The whole ensemble on configurations that no member saw; rivals are fitted on all the others.",
}


def write_universal_report(folder: Path, card: Card, evidence: UniversalEvidence) -> None:
    """Write `report.md`; a `trail.md` beside it is put at its end."""
    lines = [
        f"# Meta-classifier `{card.name}`",
        "",
        "For subjects of any task, alphabet and T. Trained on "
        f"{card.zoo.converged - card.zoo.reserve} converged subjects outside the reserve; {card.zoo.generalizers} of "
        f"all {card.zoo.converged} are generalizers (accuracy at least {card.definition.generalizer_cut:.2f} on "
        "(T, 2T]). AUC with its 95 % bootstrap over configurations; the sandwich's lead is the paired difference of "
        "pooled AUC. A task has an AUC of its own where either label has at least five of its subjects.",
        "",
        "| task | converged | generalizers |",
        "| --- | --- | --- |",
    ]
    for task, count in evidence.converged_by_task.items():
        lines.append(f"| {task} | {count} | {evidence.generalizers_by_task.get(task, 0)} |")
    for kind, figures in evidence.kinds.items():
        lines += ["", f"## {kind[0].upper()}{kind[1:]}", "", *_kind(kind, figures)]
    if (folder / ASKING_FILE).exists():
        lines += ["", *asking_section(Asking.model_validate_json((folder / ASKING_FILE).read_text()))]
    text = "\n".join(lines) + "\n"
    if (folder / TRAIL).exists():
        text += "\n" + (folder / TRAIL).read_text()
    write_atomically(folder / "report.md", text.encode())


def _kind(kind: str, figures: KindFigures) -> list[str]:
    return [
        f"{_HOW[kind]} {figures.subjects} subjects of {figures.configurations} configurations, {figures.positives} "
        "generalizers.",
        "",
        "| method | AUC, pooled | mean over tasks | least of a task | within a configuration | calibration error | "
        "accuracy | sandwich's lead |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        *(_row(name, method) for name, method in figures.methods.items()),
        "",
        f"Within the support: {figures.answered.share:.2f} of them, of which {_short(figures.answered.accuracy)} get "
        f"the right verdict (of all {figures.answered.accuracy_of_all:.3f}).",
        "",
        "| task | subjects | generalizers | within the support | right of those | "
        + " | ".join(figures.methods)
        + " |",
        "| --- | --- | --- | --- | --- |" + " --- |" * len(figures.methods),
        *(_task_row(task, figures) for task in next(iter(figures.methods.values())).tasks),
    ]


def _row(name: str, method: MethodFigures) -> str:
    area = f"{_short(method.auc)} ({_short(method.auc_low)} to {_short(method.auc_high)})"
    within = f"{_short(method.within_configuration_auc)} ({method.within_configuration_pairs} pairs)"
    cells = [
        name,
        area,
        _short(method.mean_task_auc),
        _short(method.least_task_auc),
        within,
        _short(method.calibration_error),
        _short(method.accuracy),
        _lead(method.sandwich_lead),
    ]
    return "| " + " | ".join(cells) + " |"


def _task_row(task: str, figures: KindFigures) -> str:
    of_task = [method.tasks[task] for method in figures.methods.values()]
    areas = " | ".join(_short(one.auc) for one in of_task)
    answered = figures.answered_by_task[task]
    facts = [task, of_task[0].subjects, of_task[0].positives, f"{answered.share:.2f}", _short(answered.accuracy), areas]
    return "| " + " | ".join(map(str, facts)) + " |"


def _lead(lead: Lead | None) -> str:
    return "-" if lead is None else f"{lead.auc:+.3f} ({lead.low:+.3f} to {lead.high:+.3f})"


def _short(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
