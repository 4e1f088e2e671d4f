"""A ranking as a person reads it, as JSON and as CSV."""

import csv
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from itertools import groupby
from typing import Self

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from probe_sandwich.answer import Diagnosis, Verdict
from probe_sandwich.batch.question import Answered
from probe_sandwich.cli.failures import console, visible
from probe_sandwich.ranking import Ranked, rank

_SUFFIX = ".safetensors"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a cell begins with that a spreadsheet runs."""
_LEGEND = "P: P(generalizer), which no label and no long input went into"
_LEGEND_OF_THE_TEST = "; (T, 2T]: accuracy there by the direct test, on labels"


@dataclass(frozen=True)
class Row:
    """One file; without a rank, `reason` says why. Ranks are among files of one task and T."""

    task: str | None
    train_max_length: int | None
    rank: int | None
    last_rank: int | None
    file: str
    step: int | None
    probability: float | None
    low: float | None
    high: float | None
    withheld: bool | None
    verdict: str | None
    in_distribution_accuracy: float | None
    long_accuracy: float | None
    reason: str

    @classmethod
    def of(cls, answers: Sequence[Answered], steps: dict[str, int]) -> list[Self]:
        """The ranked ones first, then the others as they were given."""
        ranking = rank([answered.diagnosis for answered in answers])
        ranked = {one.index for one in ranking}
        rows = [cls._one(answers[one.index], one, steps) for one in ranking]
        return rows + [cls._one(one, None, steps) for number, one in enumerate(answers) if number not in ranked]

    @classmethod
    def _one(cls, answered: Answered, ranked: Ranked | None, steps: dict[str, int]) -> Self:
        diagnosis = answered.diagnosis
        test = diagnosis.direct_test if diagnosis is not None else None
        return cls(
            task=diagnosis.checkpoint.task if diagnosis else None,
            train_max_length=diagnosis.checkpoint.train_max_length if diagnosis else None,
            rank=ranked.rank if ranked else None,
            last_rank=ranked.last_rank if ranked else None,
            file=answered.file,
            step=steps.get(answered.file),
            probability=_rounded(ranked.probability) if ranked else None,
            low=_rounded(ranked.interval[0]) if ranked else None,
            high=_rounded(ranked.interval[1]) if ranked else None,
            withheld=ranked.withheld if ranked else None,
            verdict=diagnosis.verdict.value if diagnosis else None,
            in_distribution_accuracy=_rounded(test.in_distribution_accuracy) if test else None,
            long_accuracy=_rounded(test.long_accuracy) if test else None,
            reason=_reason(diagnosis, answered),
        )

    @property
    def generalizer(self) -> bool:
        """Whether it is called one."""
        return self.verdict == Verdict.GENERALIZER

    @property
    def place(self) -> str:
        return f"{self.rank}" if self.rank == self.last_rank else f"{self.rank}-{self.last_rank}"


def _rounded(share: float | None) -> float | None:
    """To six digits after the point, as a diagnosis has them."""
    return None if share is None else round(share, 6)


def _reason(diagnosis: Diagnosis | None, answered: Answered) -> str:
    if diagnosis is not None:
        return diagnosis.reason
    return answered.problem.detail if answered.problem is not None else ""


def print_json(rows: Sequence[Row]) -> None:
    """One object: the ranking, and what has no rank."""
    ranking, without = ([asdict(row) for row in rows if (row.rank is None) is absent] for absent in (False, True))
    sys.stdout.write(json.dumps({"ranking": ranking, "without_rank": without}, indent=2) + "\n")


def print_csv(rows: Sequence[Row]) -> None:
    """One line a file, those without a rank last. A text that a spreadsheet would run as a formula begins with an
    apostrophe."""
    writer = csv.DictWriter(sys.stdout, [field.name for field in fields(Row)])
    writer.writeheader()
    writer.writerows({name: _inert(value) for name, value in asdict(row).items()} for row in rows)


def _inert(value: object) -> object:
    if not isinstance(value, str):
        return value
    return visible(f"'{value}" if value.startswith(_FORMULA) else value)


def print_table(rows: Sequence[Row]) -> None:
    """A ranking for each task and T; below them what has no rank, and what the tables mean."""
    ranked, without = ([row for row in rows if (row.rank is None) is absent] for absent in (False, True))
    names = _names(rows)
    groups = [list(group) for _, group in groupby(ranked, lambda row: (row.task, row.train_max_length))]
    for group in groups:
        if len(groups) > 1:
            _say(f"\n{group[0].task}, T = {group[0].train_max_length}:")
        console.print(_table(group, names))
        _say_who_is_first(group, names)
    if len(groups) > 1:
        _say("Ranks of another task or T do not compare: what is asked there is not the same.")
    if ranked:
        _say_what_it_means(ranked)
    _list_without(without, names)
    _list_withheld(ranked, names)


def _table(ranked: Sequence[Row], names: dict[str, str]) -> Table:
    """Narrow enough for a terminal of 80 columns."""
    tested = any(row.long_accuracy is not None for row in ranked)
    shared = _SUFFIX if all(row.file.endswith(_SUFFIX) for row in ranked) else ""
    table = Table(box=SIMPLE_HEAD, show_edge=False)
    table.add_column("rank", no_wrap=True)
    table.add_column("P ", justify="right", no_wrap=True)
    for heading in ("interval", "generalizer", *(("(T, 2T]",) if tested else ())):
        table.add_column(heading, no_wrap=True)
    table.add_column(f"file ({shared})" if shared else "file", overflow="fold")
    for row in ranked:
        number = f"{row.probability:.2f}"
        cells = [row.place, f"({number})" if row.withheld else f"{number} ", f"{row.low:.2f}-{row.high:.2f}"]
        cells.append("no verdict" if row.withheld else "yes" if row.generalizer else "no")
        if tested:
            cells.append(_accuracy(row.long_accuracy))
        table.add_row(*cells, escape(names[row.file].removesuffix(shared)))
    return table


def _accuracy(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _say_who_is_first(ranked: Sequence[Row], names: dict[str, str]) -> None:
    first = [row for row in ranked if row.rank == 1]
    _say("")
    if len(first) > 1:
        _say(f"{len(first)} of {len(ranked)} may stand first: the members of the ensemble do not all put one ahead.")
    elif len(ranked) > 1:
        _say(f"{names[first[0].file]} stands ahead: every member of the ensemble puts it above the others.")
    if not any(row.generalizer for row in ranked):
        _say("None of them is called a generalizer.")


def _say_what_it_means(ranked: Sequence[Row]) -> None:
    if any(row.rank != row.last_rank for row in ranked):
        _say("A rank such as 2-4 is a tie: anywhere between the two.")
    _say(_LEGEND + (_LEGEND_OF_THE_TEST if any(row.long_accuracy is not None for row in ranked) else ""))


def _list_without(without: Sequence[Row], names: dict[str, str]) -> None:
    if without:
        _say("\nNo rank:")
    for row in without:
        _say(f"  {names[row.file]}: {row.reason}")


def _list_withheld(ranked: Sequence[Row], names: dict[str, str]) -> None:
    """Reasons why there is no verdict, each with the files that share it."""
    files: dict[str, list[str]] = {}
    for row in ranked:
        if row.withheld:
            files.setdefault(row.reason, []).append(names[row.file])
    if files:
        _say("\nIn brackets: withheld; it orders checkpoints, but is no verdict.")
    for reason, these in files.items():
        who = "all" if len(these) == len(ranked) else ", ".join(these)
        _say(f"  {who}: {reason}")


def _say(text: str) -> None:
    console.print(escape(text), highlight=False, soft_wrap=not console.is_terminal)


def _names(rows: Sequence[Row]) -> dict[str, str]:
    """Paths without the folder that all of them share."""
    full = {row.file: os.path.abspath(row.file) for row in rows}
    folder = os.path.commonpath([os.path.dirname(path) for path in full.values()])
    return {file: os.path.relpath(path, folder) for file, path in full.items()}
