"""Inputs that came beside the files of a job: read once for all that are of one task and T, not once a file."""

from collections.abc import Callable

from probe_sandwich.api.messages import GivenFiles
from probe_sandwich.subjects.subject import SubjectFacts
from probe_sandwich.tasks.given import GivenInputs, UnusableInputs, bytes_to_read, read_given


class GivenOnce:
    """What was read last. More is not kept: each task and T makes another table of the same file, and there may be as
    many as files of a batch."""

    def __init__(self) -> None:
        self._key: object = None
        self._found: GivenInputs | UnusableInputs = GivenInputs()

    def read(self, files: GivenFiles, config: SubjectFacts, before_reading: Callable[[int], None]) -> GivenInputs:
        """What the files hold for a subject; `before_reading` is called with their bytes where they are read now, and
        may raise. Raises `UnusableInputs`, `OSError`."""
        key = (files.inputs, files.labelled, config.task, config.train_max_length, config.classes)
        if key != self._key:
            before_reading(bytes_to_read(files.inputs, files.labelled, config.task, config.train_max_length))
            self._found, self._key = GivenInputs(), None  # gone before another takes its memory
            self._found, self._key = _read(files, config), key
        if isinstance(self._found, UnusableInputs):
            raise UnusableInputs(str(self._found))
        return self._found


def _read(files: GivenFiles, config: SubjectFacts) -> GivenInputs | UnusableInputs:
    try:
        return read_given(files.inputs, files.labelled, config.task, config.train_max_length, config.classes)
    except UnusableInputs as error:
        return error
