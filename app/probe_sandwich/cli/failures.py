"""How a command that failed ends: with a line that says why and an exit code, without a traceback."""

import re
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import typer
from pydantic import ValidationError
from rich.console import Console, ConsoleOptions, RenderableType
from rich.markup import escape
from rich.segment import Segment

_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def visible(text: str) -> str:
    """A text with its control characters spelled out: whoever gets a stranger's file to look at has a name, a symbol or
    a key of its config in the terminal, and none of them is to drive it."""
    return _CONTROLS.sub(lambda found: found.group().encode("unicode_escape").decode(), text)


class _Terminal(Console):
    """Shows all text as text."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(visible(segment.text), segment.style)


console = _Terminal()
complaints = _Terminal(stderr=True)
INTERRUPTED = 130


def fail(message: str) -> typer.Exit:
    """Print what is wrong; raise what this returns."""
    complaints.print(f"[red]error:[/red] {escape(message)}", highlight=False, soft_wrap=True)
    return typer.Exit(1)


def wrong_option(name: str, message: str) -> typer.BadParameter:
    """An option that cannot be used; raise what this returns, and the command ends as where it cannot be read."""
    return typer.BadParameter(message, param_hint=f"'{name}'")


@contextmanager
def explained(after_interrupt: Callable[[], str] = lambda: "nothing was changed") -> Iterator[None]:
    """Turns a foreseen error into a line and exit code 1; Ctrl-C into a line that ends with what `after_interrupt` says
    of the work done so far, and exit code 130."""
    try:
        yield
    except KeyboardInterrupt as interrupt:
        # Frames that the interrupt left hold pools open; what they had not finished will be done again.
        traceback.clear_frames(interrupt.__traceback__)
        complaints.print(f"\nstopped: {escape(after_interrupt())}", highlight=False, soft_wrap=True)
        raise typer.Exit(INTERRUPTED) from None
    except Exception as error:
        if not _foreseen(error):
            raise
        raise fail(_line(error)) from error


def _foreseen(error: Exception) -> bool:
    """Whether an error is one of ours, named after its cause, or of the files that a command was given."""
    return type(error).__module__.startswith("probe_sandwich.") or isinstance(error, OSError | ValidationError)


def _line(error: Exception) -> str:
    if isinstance(error, ValidationError):
        problems = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()[:8])
        return f"{error.title} does not validate: {problems}"
    return str(error) or type(error).__name__
