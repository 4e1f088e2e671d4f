"""A typed client of the service."""

import time
from pathlib import Path
from types import TracebackType

import httpx

from app.diagnosis import Diagnosis, Options

_RETRIES = 5


class ServiceProblem(RuntimeError):
    """The service answered with a problem document."""

    def __init__(self, response: httpx.Response) -> None:
        is_problem = response.headers.get("content-type", "").startswith("application/problem+json")
        self.problem: dict[str, object] = response.json() if is_problem else {"detail": response.text}
        self.status = response.status_code
        super().__init__(f"{response.status_code} {self.problem.get('type', '')}: {self.problem.get('detail', '')}")


class Client:
    """Talks to one service; use as a context manager."""

    def __init__(self, url: str, timeout_seconds: float = 120.0) -> None:
        self._http = httpx.Client(base_url=url, timeout=timeout_seconds)

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def health(self) -> dict[str, object]:
        """What the service says of itself. Raises `ServiceProblem`."""
        return dict(self._checked(self._http.get("/health")).json())

    def classify(self, checkpoint: Path, options: Options = Options()) -> Diagnosis:
        """Diagnose a checkpoint file, waiting where the queue is full. Raises `ServiceProblem`."""
        fields = {name: str(value).lower() for name, value in options.model_dump().items()}
        for _ in range(_RETRIES):
            with checkpoint.open("rb") as file:
                response = self._http.post("/classify", data=fields, files={"checkpoint": (checkpoint.name, file)})
            if response.status_code != httpx.codes.TOO_MANY_REQUESTS:
                break
            time.sleep(float(response.headers.get("Retry-After", "1")))
        return Diagnosis.model_validate(self._checked(response).json())

    @staticmethod
    def _checked(response: httpx.Response) -> httpx.Response:
        if response.is_error:
            raise ServiceProblem(response)
        return response
