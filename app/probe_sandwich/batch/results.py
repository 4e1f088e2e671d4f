"""Answers in a file of JSON lines, appended as they come: whoever was stopped goes on from there."""

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from os import SEEK_END
from pathlib import Path

from probe_sandwich.batch.question import Answered, Question
from probe_sandwich.subjects.parts import Separate

_ASKED = "asked"
_START = b'{"file": '
"""What a line of ours begins with, however early a run was killed that wrote it."""


class NotOurResults(ValueError):
    """A file that something else has written."""

    def __init__(self, path: Path, number: int) -> None:
        super().__init__(
            f"line {number} of {path} is no answer of this program, so that nothing is appended: name another file"
        )


class Results:
    """The answers of one question about some files, one line each; the last line about a file counts.

    `asked` of a line is a hash of question and file (size and time of its last change): other lines are not believed.
    """

    def __init__(self, path: Path, question: Question, files: Sequence[Path]) -> None:
        self.path = path
        self._asked = {str(file): _asked(question, file) for file in files}

    def known(self) -> dict[str, Answered]:
        """The diagnoses that are there already, by file; what had a problem is to be asked again.

        Raises `NotOurResults`."""
        found: dict[str, Answered] = {}
        for number, line in enumerate(self.path.read_bytes().splitlines() if self.path.exists() else (), 1):
            if line.strip() and not line.startswith(_START[: len(line)]):
                raise NotOurResults(self.path, number)
            with suppress(ValueError, KeyError, TypeError):  # of a run that was killed, or of another version
                facts = json.loads(line)
                if facts.pop(_ASKED) == self._asked.get(facts["file"]) and "problem" not in facts:
                    found[facts["file"]] = Answered.of_facts(facts)
        return found

    def append(self, answered: Answered) -> None:
        """Write a line, on a line of its own whatever the last run left."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        line = json.dumps({**answered.facts, _ASKED: self._asked[answered.file]}) + "\n"
        with self.path.open("ab+") as file:
            if file.tell():
                file.seek(-1, SEEK_END)
                line = line if file.read() == b"\n" else f"\n{line}"
            file.write(line.encode())


def _asked(question: Question, path: Path) -> str:
    parts = Separate.of_folder(path).files.values() if path.is_dir() else [path]
    seen = [f"{part.stat().st_size} {part.stat().st_mtime_ns}" for part in parts if part.exists()]
    return hashlib.sha256("\n".join([question.fingerprint, *seen]).encode()).hexdigest()
