"""Typed clients of the service, blocking and asynchronous. Both wait and try again on 429 and 503."""

import asyncio
import json
import time
from collections.abc import AsyncIterable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from probe_sandwich.answer import BatchResult, Diagnosis, Progress
from probe_sandwich.options import Options

_ATTEMPTS = 6
_BUSY = (httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE)
FilePath = str | PathLike[str]


class ServiceProblem(RuntimeError):
    """The service answered with a problem document."""

    def __init__(self, problem: Mapping[str, Any], status: int) -> None:
        self.problem = dict(problem)
        self.status = status
        super().__init__(f"{status} {self.problem.get('type', '')}: {self.problem.get('detail', '')}")


class NoService(ConnectionError):
    """Nothing at a URL answers, or not to the end."""

    def __init__(self, url: str, why: Exception) -> None:
        super().__init__(
            f"no service answers at {url} ({why or type(why).__name__}); start one with `probe-sandwich serve`, or "
            "give the URL of one that runs"
        )


@contextmanager
def _reached(http: httpx.Client | httpx.AsyncClient) -> Iterator[None]:
    """Raises `NoService` where no answer comes."""
    try:
        yield
    except httpx.TransportError as error:
        raise NoService(str(http.base_url), error) from error


class Client:
    """Talks to one service; use as a context manager."""

    def __init__(self, url: str, api_key: str | None = None, timeout_seconds: float = 120.0) -> None:
        self._http = httpx.Client(base_url=url, timeout=timeout_seconds, headers=_headers(api_key))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def health(self) -> dict[str, Any]:
        """What the service says of itself. Raises `ServiceProblem`, `NoService`."""
        with _reached(self._http):
            return dict(_checked(self._http.get("/health")).json())

    def classify(
        self,
        checkpoint: FilePath,
        options: Options = Options(),
        progress: Progress | None = None,
        *,
        inputs: FilePath | None = None,
        labelled: FilePath | None = None,
    ) -> Diagnosis:
        """Diagnose a checkpoint file; `progress` is called as its stages start. `inputs` is a file
        of unlabelled inputs to make probes of, `labelled` one of labelled inputs for the direct test.

        Raises `ServiceProblem`, `NoService`.
        """
        upload = _upload(checkpoint, options, progress, inputs, labelled)
        for attempt in range(_ATTEMPTS):
            with _reached(self._http), self._http.stream("POST", "/classify", **upload) as response:
                pause = _pause(response, attempt)
                if pause is None:
                    if progress is None or response.is_error:
                        response.read()
                        return Diagnosis.model_validate_json(_checked(response).content)
                    return _Events(progress).last(response.iter_lines())
            time.sleep(pause)
        raise AssertionError

    def classify_many(
        self,
        checkpoints: Sequence[FilePath],
        options: Options = Options(),
        *,
        inputs: FilePath | None = None,
        labelled: FilePath | None = None,
    ) -> list[BatchResult]:
        """Diagnose many files in one request; those of one shape and scheme run stacked. Inputs of your own are for all
        of them. Raises `ServiceProblem`, `NoService`."""
        files = [_part("checkpoints", checkpoint) for checkpoint in checkpoints] + _given(inputs, labelled)
        for attempt in range(_ATTEMPTS):
            with _reached(self._http):
                response = self._http.post("/classify/batch", data=_fields(options), files=files)
            pause = _pause(response, attempt)
            if pause is None:
                return [BatchResult.model_validate(result) for result in _checked(response).json()["results"]]
            time.sleep(pause)
        raise AssertionError


class AsyncClient:
    """The same without blocking; use as an async context manager."""

    def __init__(self, url: str, api_key: str | None = None, timeout_seconds: float = 120.0) -> None:
        self._http = httpx.AsyncClient(base_url=url, timeout=timeout_seconds, headers=_headers(api_key))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def health(self) -> dict[str, Any]:
        """What the service says of itself. Raises `ServiceProblem`, `NoService`."""
        with _reached(self._http):
            return dict(_checked(await self._http.get("/health")).json())

    async def classify(
        self,
        checkpoint: FilePath,
        options: Options = Options(),
        progress: Progress | None = None,
        *,
        inputs: FilePath | None = None,
        labelled: FilePath | None = None,
    ) -> Diagnosis:
        """As `Client.classify`."""
        upload = await asyncio.to_thread(_upload, checkpoint, options, progress, inputs, labelled)
        for attempt in range(_ATTEMPTS):
            with _reached(self._http):
                async with self._http.stream("POST", "/classify", **upload) as response:
                    pause = _pause(response, attempt)
                    if pause is None:
                        if progress is None or response.is_error:
                            await response.aread()
                            return Diagnosis.model_validate_json(_checked(response).content)
                        return await _Events(progress).async_last(response.aiter_lines())
            await asyncio.sleep(pause)
        raise AssertionError


class _Events:
    """Reads an event stream line by line; its last event is a diagnosis or a problem."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._event = ""
        self._diagnosis: Diagnosis | None = None

    def last(self, lines: Iterable[str]) -> Diagnosis:
        for line in lines:
            self._take(line)
        return self._whole()

    async def async_last(self, lines: AsyncIterable[str]) -> Diagnosis:
        async for line in lines:
            self._take(line)
        return self._whole()

    def _take(self, line: str) -> None:
        name, _, value = line.partition(": ")
        if name == "event":
            self._event = value
        elif name == "data" and self._event == "progress":
            stage = json.loads(value)
            self._progress(stage["stage"], stage["detail"])
        elif name == "data" and self._event == "problem":
            problem = json.loads(value)
            raise ServiceProblem(problem, problem["status"])
        elif name == "data":
            self._diagnosis = Diagnosis.model_validate_json(value)

    def _whole(self) -> Diagnosis:
        if self._diagnosis is None:
            raise ServiceProblem({"detail": "the event stream ended before the result"}, httpx.codes.BAD_GATEWAY)
        return self._diagnosis


def _headers(api_key: str | None) -> dict[bytes, bytes]:
    return {} if api_key is None else {b"authorization": f"Bearer {api_key.strip()}".encode()}


def _fields(options: Options) -> dict[str, str]:
    return {name: str(value).lower() for name, value in options.model_dump().items()}


def _part(name: str, file: FilePath) -> tuple[str, tuple[str, bytes]]:
    path = Path(file)
    return name, (path.name, path.read_bytes())


def _given(inputs: FilePath | None, labelled: FilePath | None) -> list[tuple[str, tuple[str, bytes]]]:
    files = {"inputs": inputs, "labelled": labelled}
    return [_part(name, file) for name, file in files.items() if file is not None]


def _upload(
    checkpoint: FilePath,
    options: Options,
    progress: Progress | None,
    inputs: FilePath | None,
    labelled: FilePath | None,
) -> dict[str, Any]:
    """The request's form; in memory, because a retry sends it again."""
    accept = "application/json" if progress is None else "text/event-stream"
    files = [_part("checkpoint", checkpoint), *_given(inputs, labelled)]
    return {"data": _fields(options), "files": files, "headers": {"accept": accept}}


def _pause(response: httpx.Response, attempt: int) -> float | None:
    """Seconds to wait before the next attempt, or None where this answer stands."""
    if response.status_code not in _BUSY or attempt + 1 == _ATTEMPTS:
        return None
    return float(response.headers.get("retry-after", "1"))


def _checked(response: httpx.Response) -> httpx.Response:
    if response.is_error:
        is_problem = response.headers.get("content-type", "").startswith("application/problem+json")
        raise ServiceProblem(response.json() if is_problem else {"detail": response.text}, response.status_code)
    return response
