"""How far a command is: a bar in a terminal, and in a file a line now and then."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from probe_sandwich.answer import Progress as DiagnosisProgress
from probe_sandwich.cli.failures import complaints, console

SECONDS_A_LINE = 30.0


class Ticker(Protocol):
    """Is told what is done."""

    def stage(self, what: str) -> None:
        """What is done from now on, of which nobody knows how long it takes."""

    def count(self, done: int, total: int, what: str | None = None) -> None:
        """So many of so many; `what` they are, where that has changed."""

    def name(self, what: str) -> None:
        """What is done now, of what is counted."""


def stages(ticker: Ticker, what: str) -> DiagnosisProgress:
    """Names the stage of a diagnosis beside what is counted."""
    return lambda stage, detail: ticker.name(f"{what}: {stage.replace('_', ' ')} {detail}".rstrip())


@contextmanager
def progress(what: str, total: int | None = None) -> Iterator[Ticker]:
    """Shows how far a command is, until it ends: on standard error, or above the answers where those go to the same
    terminal."""
    if complaints.is_terminal:
        with _Bar.shown(what, total) as bar:
            yield bar
        return
    lines = _Lines(what, total)
    with lines.told_now_and_then():
        yield lines


class _Pace(ProgressColumn):
    """Steps a minute since the start, and how long the rest may take: they end in bursts, as stacks do."""

    def render(self, task: Task) -> Text:
        if not task.completed or not task.elapsed or task.total is None:
            return Text("")
        left = f", {_rest(task.elapsed, task.completed, task.total)} to go" if task.completed < task.total else ""
        return Text(f"{60 * task.completed / task.elapsed:.1f}/min{left}")


class _CountIfKnown(MofNCompleteColumn):
    """Nothing where nobody knows how much there is to do."""

    def render(self, task: Task) -> Text:
        return Text("") if task.total is None else super().render(task)


class _Bar:
    """A bar with a rate."""

    def __init__(self, bar: Progress, what: str, total: int | None) -> None:
        self._bar = bar
        self._task = bar.add_task(what, total=total)

    @classmethod
    @contextmanager
    def shown(cls, what: str, total: int | None) -> "Iterator[_Bar]":
        columns = (TextColumn("{task.description}"), BarColumn(bar_width=20), _CountIfKnown())
        times = (TimeElapsedColumn(), _Pace())
        above = console if console.is_terminal else complaints
        with Progress(*columns, *times, console=above, transient=True) as bar:
            yield cls(bar, what, total)

    def stage(self, what: str) -> None:
        self._bar.reset(self._task, description=what, total=None)

    def count(self, done: int, total: int, what: str | None = None) -> None:
        self._bar.update(self._task, completed=done, total=total, description=what)

    def name(self, what: str) -> None:
        self._bar.update(self._task, description=what)


@dataclass
class _Lines:
    """Lines on standard error, where it is no terminal."""

    what: str
    total: int | None
    done: int = 0
    started: float = 0.0

    @contextmanager
    def told_now_and_then(self) -> Iterator[None]:
        self.started = time.monotonic()
        self._tell()
        ended = threading.Event()
        telling = threading.Thread(target=self._tell_until, args=(ended,), daemon=True)
        telling.start()
        try:
            yield
        finally:
            ended.set()
            telling.join()
        self._tell()

    def stage(self, what: str) -> None:
        self.what, self.total = what, None
        self._tell()

    def count(self, done: int, total: int, what: str | None = None) -> None:
        self.done, self.total, self.what = done, total, what or self.what

    def name(self, what: str) -> None:
        self.what = what

    def _tell_until(self, ended: threading.Event) -> None:
        while not ended.wait(SECONDS_A_LINE):
            self._tell()

    def _tell(self) -> None:
        seconds = time.monotonic() - self.started
        parts = [self.what]
        if self.total is not None:
            parts.append(f"{self.done} of {self.total}")
        if seconds >= 1:
            parts.append(f"{_clock(seconds)} so far")
        if self.total is not None and 0 < self.done < self.total:
            parts.append(f"{_rest(seconds, self.done, self.total)} to go")
        sys.stderr.write(", ".join(parts) + "\n")
        sys.stderr.flush()


def _rest(seconds: float, done: float, total: float) -> str:
    """What the rest takes if it goes on as it went."""
    return f"about {_clock(seconds / done * (total - done))}"


def _clock(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))
