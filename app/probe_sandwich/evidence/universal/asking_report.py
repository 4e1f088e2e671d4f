"""The page of the report on what is asked: are learned questions better, by how much, where, and which are they."""

from collections.abc import Mapping, Sequence

from probe_sandwich.evidence.figures.lead import Lead
from probe_sandwich.evidence.universal.asking import AskedPoint, Asking
from probe_sandwich.evidence.universal.asking_elsewhere import AskingElsewhere
from probe_sandwich.evidence.universal.direct import DirectPoint
from probe_sandwich.evidence.universal.searching import LaterPoint, QuestionsPoint, Searching, ShownProbe


def asking_section(asking: Asking) -> list[str]:
    """Lines of the section."""
    return [
        "## Are learned questions better?",
        "",
        _answer(asking),
        "",
        f"Measured on {asking.subjects} subjects of one task and T, {asking.configurations} configurations, "
        f"{asking.candidates} candidates; every probe at every placement. Both arms have the same reader (logistic "
        "regression on the readout's statistics); neither selector nor reader saw a seed of a judged configuration. "
        "AUC is the mean over noise draws that the reader was not fitted on, with its standard deviation and its "
        "least. The lead is that of one draw, averaged over the draws, with its 95 % bootstrap over configurations. "
        "The direct test has labels, and reads longer inputs.",
        "",
        "| probes | random: tokens | AUC | learned: tokens | AUC | learned's lead | direct test: tokens | AUC |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        *(_row(asking, *points) for points in zip(asking.random, asking.learned, asking.direct, strict=True)),
        "",
        "What the taught selector asks most, and what is answered where it tells most (agreement with the answer at "
        "the usual places: 1 is the same answer, -1 the opposite):",
        "",
        *_table_of_shown(asking.shown, "in a set of eight"),
        "",
        *_searching(asking.searching),
        *_elsewhere(asking.elsewhere),
    ]


def _searching(searching: Searching) -> list[str]:
    places = sorted(searching.placements.items(), key=lambda named: -named[1])
    return [
        "### One question at a time",
        "",
        "A question is one candidate at one placement, beside its usual places; noise proposes half of all such "
        "questions, and a search takes one after another for what it tells beside those before, on the subjects of the "
        "other folds. At random, noise alone decides. Trees read either, fitted on what the other folds' subjects "
        "answer to the very same questions. "
        f"{_told_by_search(searching)}",
        "",
        "| tokens, at most | random: questions | AUC | accuracy | searched: questions | AUC | accuracy | "
        "searched's lead | direct test: tokens | AUC | searched's lead |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
        *(
            _question_row(*row)
            for row in zip(
                searching.random,
                searching.searched,
                searching.leads.values(),
                searching.direct,
                searching.direct_leads.values(),
                strict=True,
            )
        ),
        "",
        *_later(searching),
        "Asking on only where P is not yet sure, set by set: "
        + "; ".join(
            f"until {one.sure:.0%} sure, {one.tokens:,.0f} tokens on average, AUC {one.auc:.3f}, accuracy "
            f"{one.accuracy:.3f}"
            for one in searching.asking_on
        )
        + ".",
        "",
        "Of the questions found, " + ", ".join(f"{share:.0%} are {name}" for name, share in places) + ". Most often:",
        "",
        *_table_of_shown(searching.shown, "in the largest sets"),
    ]


def _table_of_shown(probes: Sequence[ShownProbe], where: str) -> list[str]:
    return [
        f"| probe | {where} | placement | generalizers | others |",
        "| --- | --- | --- | --- | --- |",
        *(
            f"| `{probe.text.replace('|', chr(92) + '|')}` | {probe.share:.2f} | {probe.placement} | "
            f"{probe.generalizers:.2f} | {probe.others:.2f} |"
            for probe in probes
        ),
    ]


def _elsewhere(elsewhere: AskingElsewhere | None) -> list[str]:
    if elsewhere is None:
        return []
    return [
        "",
        "### On tasks left out",
        "",
        "Hidden layers prefer questions by how an input repeats itself and where it is placed, taught by gradient "
        "descent through what subjects of the other tasks answered; noise of the same spread is added. At random, "
        f"noise alone decides. Trees of the other tasks read what does not depend on which questions they are. "
        f"{elsewhere.subjects} subjects of {len(elsewhere.tasks)} tasks with enough of either label, without the "
        f"reserve; every draw of noise has layers of its own. {_told_elsewhere(elsewhere)}",
        "",
        "| questions | random: tokens | AUC, pooled | mean within a task | learned: tokens | AUC, pooled | "
        "mean within a task | lead, pooled | lead within tasks |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
        *(
            f"| {one.questions} | {one.random_tokens:,.0f} | {one.random:.3f} | {one.random_within:.3f} | "
            f"{one.learned_tokens:,.0f} | {one.learned:.3f} | {one.learned_within:.3f} | {_lead(one.lead)} | "
            f"{_lead(one.lead_within)} |"
            for one in elsewhere.points
        ),
    ]


def _told_elsewhere(elsewhere: AskingElsewhere) -> str:
    pooled = _ahead({one.questions: one.lead for one in elsewhere.points})
    within = _ahead({one.questions: one.lead_within for one in elsewhere.points})
    return (
        f"The interval of the pooled lead excludes 0 with {_listed(pooled)} questions, that of the lead within tasks "
        f"with {_listed(within)}."
    )


def _told_by_search(searching: Searching) -> str:
    ahead, beyond = _ahead(searching.leads), _ahead(searching.direct_leads)
    return (
        f"The interval of the searched questions' lead excludes 0 at {_listed(ahead)} tokens, that of their "
        f"lead over a direct test with labels at {_listed(beyond)}."
    )


def _later(searching: Searching) -> list[str]:
    if not searching.later:
        return []
    return [
        f"On the reserve, {searching.reserve} subjects that neither the search nor its settings saw: "
        + "; ".join(_later_point(point) for point in searching.later)
        + ".",
        "",
    ]


def _later_point(point: LaterPoint) -> str:
    return f"at {point.budget:,} tokens {point.searched:.3f}, random {point.random:.3f}, lead {_lead(point.lead)}"


def _question_row(
    random: QuestionsPoint, searched: QuestionsPoint, lead: Lead | None, direct: DirectPoint, direct_lead: Lead | None
) -> str:
    arms = [
        cell
        for point in (random, searched)
        for cell in (f"{point.questions:.0f}", _area(point), f"{point.accuracy:.3f}")
    ]
    of_direct = [f"{direct.tokens:,.0f}", f"{direct.auc:.3f}", _lead(direct_lead)]
    cells = [f"{random.budget:,}", *arms, _lead(lead), *of_direct]
    return "| " + " | ".join(cells) + " |"


def _answer(asking: Asking) -> str:
    """The founding question answered, whichever way the figures point."""
    ahead, behind = _ahead(asking.leads), _ahead(asking.direct_leads)
    steadier = [
        learned.probes
        for learned, random in zip(asking.learned, asking.random, strict=True)
        if learned.spread < random.spread
    ]
    return (
        "Hidden layers before the frozen subjects choose among candidates by what these are made like, and learn by "
        "gradient descent through the subjects' recorded answers which choice tells; no subject changes. Does that "
        "make better questions than chance? The interval of the lead excludes 0 with so many probes: "
        f"{_listed(ahead)}; a learned set varies less from noise to noise with these: {_listed(steadier)}; and the "
        "interval of its lead over a direct test with labels, at equal tokens, excludes 0 with these: "
        f"{_listed(behind)}."
    )


def _ahead(leads: Mapping[int, Lead | None]) -> list[int]:
    """Where the interval of a lead lies above 0."""
    return [number for number, lead in leads.items() if lead is not None and lead.low > 0]


def _listed(numbers: list[int]) -> str:
    return ", ".join(f"{number:,}" for number in numbers) or "none"


def _row(asking: Asking, random: AskedPoint, learned: AskedPoint, direct: DirectPoint) -> str:
    cells = [
        f"{random.probes}",
        f"{random.tokens:,.0f}",
        _area(random),
        f"{learned.tokens:,.0f}",
        _area(learned),
        _lead(asking.leads[random.probes]),
        f"{direct.tokens:,.0f}",
        f"{direct.auc:.3f}",
    ]
    return "| " + " | ".join(cells) + " |"


def _lead(lead: Lead | None) -> str:
    return "-" if lead is None else f"{lead.auc:+.3f} ({lead.low:+.3f} to {lead.high:+.3f})"


def _area(point: AskedPoint | QuestionsPoint) -> str:
    return f"{point.auc:.3f} ± {point.spread:.3f}, least {point.least:.3f}"
