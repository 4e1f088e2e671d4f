"""The page of the report on what is asked: are learned questions better, by how much, where, and which are they."""

from probe_sandwich.evidence.universal.asking import AskedPoint, Asking, DirectPoint


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
        "| probe | in a set of eight | placement | generalizers | others |",
        "| --- | --- | --- | --- | --- |",
        *(
            f"| `{probe.text.replace('|', chr(92) + '|')}` | {probe.share:.2f} | {probe.placement} | "
            f"{probe.generalizers:.2f} | {probe.others:.2f} |"
            for probe in asking.shown
        ),
    ]


def _answer(asking: Asking) -> str:
    """The founding question answered, whichever way the figures point."""
    ahead = [probes for probes, lead in asking.leads.items() if lead is not None and lead.low > 0]
    steadier = [
        learned.probes
        for learned, random in zip(asking.learned, asking.random, strict=True)
        if learned.spread < random.spread
    ]
    behind = [
        learned.probes
        for learned, direct in zip(asking.learned, asking.direct, strict=True)
        if learned.auc > direct.auc
    ]
    return (
        "Hidden layers before the frozen subjects choose among candidates by what these are made like, and learn by "
        "gradient descent through the subjects' recorded answers which choice tells; no subject changes. Does that "
        f"make better questions than chance? The interval of the lead excludes 0 with {_listed(ahead)} probes; a "
        f"learned set varies less from noise to noise with {_listed(steadier)}; and it is ahead of a direct test with "
        f"labels, at equal tokens, with {_listed(behind)}."
    )


def _listed(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers)) or "no number of"


def _row(asking: Asking, random: AskedPoint, learned: AskedPoint, direct: DirectPoint) -> str:
    lead = asking.leads[random.probes]
    ahead = "-" if lead is None else f"{lead.auc:+.3f} ({lead.low:+.3f} to {lead.high:+.3f})"
    cells = [
        f"{random.probes}",
        f"{random.tokens:,.0f}",
        _area(random),
        f"{learned.tokens:,.0f}",
        _area(learned),
        ahead,
        f"{direct.tokens:,.0f}",
        f"{direct.auc:.3f}",
    ]
    return "| " + " | ".join(cells) + " |"


def _area(point: AskedPoint) -> str:
    return f"{point.auc:.3f} ± {point.spread:.3f}, least {point.least:.3f}"
