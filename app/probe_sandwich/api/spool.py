"""Uploads on disk: a form's files are written once, where the worker reads them, and go with the request."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from uuid import uuid4

from fastapi import Request, UploadFile
from starlette.datastructures import FormData
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect

from probe_sandwich.api.problems import Problem
from probe_sandwich.settings import Settings

INPUT_PARTS = ("inputs", "labelled")
"""Files of inputs of the user's own, which have a limit of their own."""
OF_ONE_MODEL = ("config", "vocabulary", "train_max_length", "task", "alphabet", "begin", "end", "symbols")
"""Fields that describe one foreign model, and so none of a batch."""
_TRIAL = bytes(1 << 16)


class Spool:
    """A folder of our own for what is uploaded."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._folder = Path(tempfile.mkdtemp(prefix="probe-sandwich-"))

    def folder(self) -> Path:
        """The folder, made anew where a cleaner of /tmp has taken it. Raises `OSError`."""
        with contextlib.suppress(FileExistsError):
            self._folder.mkdir(mode=0o700)
        return self._folder

    def complaint(self) -> Problem | None:
        """Why nothing can be kept now, or None."""
        try:
            with tempfile.TemporaryFile(dir=self.folder()) as trial:
                trial.write(_TRIAL)
        except OSError as error:
            return self.no_space(error)
        return None

    async def read_form(self, request: Request, fields: Mapping[str, bool]) -> FormData:
        """The form of a request; `fields` are those it may have, and whether more than once. Raises `Problem`."""
        parser = _Parser(request, self, fields)
        try:
            return _Form(await parser.parse(), parser.paths)
        except BaseException as error:
            _remove(parser.paths)
            if isinstance(error, MultiPartException):
                raise Problem("bad-request", 400, f"{error.message} Send multipart/form-data.") from error
            if isinstance(error, ClientDisconnect):
                raise Problem("client-gone", 408, "the client left before its upload was complete") from error
            if isinstance(error, OSError):
                raise self.no_space(error) from error
            raise

    def no_space(self, error: OSError) -> Problem:
        """What to tell a client while nothing can be kept."""
        reason = f"the service cannot keep uploads now: {os.strerror(error.errno) if error.errno else error}"
        return Problem("no-space", 503, reason, {"Retry-After": str(self.settings.retry_after_seconds)})

    def close(self) -> None:
        """Remove it."""
        shutil.rmtree(self._folder, ignore_errors=True)


class _Form(FormData):
    """A form whose files are removed when it is closed, which FastAPI does when the answer has been sent."""

    def __init__(self, form: FormData, paths: Sequence[Path]) -> None:
        super().__init__(form)
        self._paths = paths

    async def close(self) -> None:
        """Close and remove its files."""
        await super().close()
        _remove(self._paths)


class _Parser(MultiPartParser):
    """Starlette's, but files lie in the spool under a name, and fields that nobody asked for are refused by name."""

    def __init__(self, request: Request, spool: Spool, fields: Mapping[str, bool]) -> None:
        super().__init__(request.headers, request.stream())
        self._spool = spool
        self._fields = fields
        self._seen: dict[str, int] = {}
        self._input_bytes: dict[str, int] = {}
        self.paths: list[Path] = []

    def on_part_begin(self) -> None:
        super().on_part_begin()
        # A form has no character set of its own (RFC 7578), and what strangers may name decodes in quadratic time.
        self._charset = "utf-8"

    def on_headers_finished(self) -> None:
        super().on_headers_finished()
        part = self._current_part
        self._admit(part.field_name)
        if part.file is not None:
            part.file.file.close()
            path = self._spool.folder() / uuid4().hex
            part.file.file = path.open("x+b")
            self.paths.append(path)
            self._files_to_close_on_error[-1] = part.file.file  # type: ignore[call-overload]

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        name = self._current_part.field_name
        if name in INPUT_PARTS:
            self._input_bytes[name] = self._input_bytes.get(name, 0) + end - start
            most = self._spool.settings.max_inputs_bytes
            if self._input_bytes[name] > most:
                raise Problem("inputs-too-large", 413, f"{name}: a file of inputs may have at most {most} bytes")
        super().on_part_data(data, start, end)

    def _admit(self, name: str) -> None:
        if name not in self._fields:
            known = ", ".join(self._fields)
            advice = ""
            if name in OF_ONE_MODEL:
                advice = (
                    "; POST /classify takes it, beside the weights of one model; here a foreign model comes as a zip"
                )
            raise Problem("invalid-request", 422, f"{name[:80]}: no field of this form; it has {known}{advice}")
        self._seen[name] = self._seen.get(name, 0) + 1
        most = self._spool.settings.max_files if self._fields[name] else 1
        if self._seen[name] > most:
            if self._fields[name]:
                raise Problem("too-many-files", 413, f"more than {most} files in one request; send at most {most}")
            advice = "; POST /classify/batch takes many" if name == "checkpoint" else ""
            raise Problem("invalid-request", 422, f"{name}: sent more than once{advice}")


def path_of(upload: UploadFile) -> Path:
    """Where a file of a form lies."""
    return Path(str(upload.file.name))


def _remove(paths: Sequence[Path]) -> None:
    for path in paths:
        with contextlib.suppress(OSError):
            path.unlink()
